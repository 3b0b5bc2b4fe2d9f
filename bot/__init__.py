"""Signoff: an ops agent for Slack that asks before it acts. The public names live here; the machinery does not."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.actions import action

__all__ = ["action"]


def __getattr__(name: str) -> object:
    """The public names, imported on first use: `signoff --help` must not pay for them."""
    if name == "action":
        from bot.actions import action

        return action
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
