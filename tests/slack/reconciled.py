"""Does Slack show what the journals say? For the end of a story: nothing lost, nothing twice, every card as its call is. No test
lives here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.core.owed import pending
from bot.core.run import Run
from bot.slack.blocks import Message
from bot.slack.cards import card
from bot.slack.posting import EVENT_TYPE
from bot.slack.replies import in_channel
from bot.workspace import RunningWorkspace
from bot.workspace.config import BOT_USER_ID

Json = dict[str, Any]
WORDS = ("reply:", "end:", "question:", "delay:")


def differences(workspace: RunningWorkspace, runs: Iterable[Run], source_note: str = "") -> list[str]:
    """Whatever is owed still, is not in Slack, is there twice, is nobody's, or shows something else than the journal; each in a
    sentence."""
    standing = posted(workspace)
    found = [f"{key} stands {len(messages)} times" for key, messages in standing.items() if len(messages) > 1]
    known: set[str] = set()
    for run in runs:
        found += [f"{run.id} still owes {effect.key}" for effect in pending(run) if not effect.not_before]
        found += _cards(run, standing, source_note)
        expected = set(_expected(run))
        found += [f"{key} is nowhere" for key in expected if key not in standing]
        known |= {key for key in standing if key.startswith(f"{run.id}:")}
    return found + [f"{key} belongs to no run" for key in standing if key not in known]


def posted(workspace: RunningWorkspace) -> dict[str, list[Json]]:
    """The bot's messages by the key in their metadata."""
    found: dict[str, list[Json]] = {}
    for message in workspace.world.timeline.everything():
        if message.author == BOT_USER_ID and message.ephemeral_to is None:
            metadata: Mapping[str, Any] = message.metadata or {}
            ours = metadata.get("event_type") == EVENT_TYPE
            key = str(metadata["event_payload"]["key"]) if ours else f"without a key: {message.ts}"
            found.setdefault(key, []).append(message.wire)
    return found


def _expected(run: Run) -> Iterator[str]:
    for call in run.calls:
        if call.phase is not None:
            yield f"{run.id}:card:{call.proposal.call}"
    for receipt in run.receipts:
        if receipt.key.startswith(WORDS) and not receipt.ref.startswith("refused:"):
            yield f"{run.id}:{receipt.key}:1"


def _cards(run: Run, standing: Mapping[str, list[Json]], source_note: str) -> Iterator[str]:
    for call in run.calls:
        for shown in standing.get(f"{run.id}:card:{call.proposal.call}", []):
            wanted = card(run, call, source_note=source_note)
            if shown.get("thread_ts") is None:
                wanted = in_channel(wanted, run.asked.person.user)
            if call.card is None or call.card.message != shown["ts"]:
                yield f"the card of {run.id} {call.proposal.call} stands at {shown['ts']}, not at {call.card}"
            if _plain(shown.get("blocks")) != _plain(_blocks(wanted)):
                yield f"the card of {run.id} {call.proposal.call} does not show {call.phase}"


def _blocks(message: Message) -> Any:
    return json.loads(json.dumps(message.blocks))


def _plain(blocks: Any) -> Any:
    """Without the ids, which are fresh at each update."""
    return [{name: value for name, value in block.items() if name != "block_id"} for block in blocks or ()]
