"""What Slack accepts as Block Kit. Pure: JSON in, problems out; no storage and no HTTP."""

from bot.workspace.blockkit.surfaces import check_message_blocks, check_view, interactive_elements, with_block_ids

__all__ = ["check_message_blocks", "check_view", "interactive_elements", "with_block_ids"]
