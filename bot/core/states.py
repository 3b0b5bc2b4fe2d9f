"""What a run and a call can be, and the small values that a run keeps. The moves between them are `run.py`'s and `call.py`'s tables.

Rule: `STATUSES` is the one table from a call's state and outcome to the founding README's status.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.events import AttemptFailed

SILENT_SECONDS = 3.0


class RunState(StrEnum):
    THINKING = "thinking"
    ACTING = "acting"
    WAITING_FOR_REQUESTER = "waiting_for_requester"
    REPLYING = "replying"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class CallState(StrEnum):
    PROPOSED = "proposed"
    ASKING = "asking"
    ALLOWED = "allowed"
    STARTED = "started"
    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"


class Outcome(StrEnum):
    """What became of a call; the model and the card use these words."""

    EXECUTED = "executed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    BLOCKED = "blocked"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    FROZEN = "frozen"
    INVALID = "invalid"
    NEEDS_CONTEXT = "needs_context"
    CANCELLED = "cancelled"


_S = CallState
STATUSES: dict[tuple[CallState, Outcome | None], str] = {
    (_S.PROPOSED, None): "approval_required",
    (_S.ASKING, None): "approval_required",
    (_S.ALLOWED, None): "approval_required",
    (_S.STARTED, None): "approval_required",
    (_S.EXECUTED, Outcome.EXECUTED): "executed",
    (_S.FAILED, Outcome.FAILED): "tool_error",
    (_S.IN_DOUBT, Outcome.IN_DOUBT): "tool_error",
    **{
        (_S.REFUSED, outcome): "blocked"
        for outcome in Outcome
        if outcome not in (Outcome.EXECUTED, Outcome.FAILED, Outcome.IN_DOUBT)
    },
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One model response: its output items as JSON, its words, how many messages it had been shown, OpenAI's id of it. ``shown``: the
    place in the journal up to which it had surely been shown everything; ``read``: as in `ModelReplied`."""

    items: str
    text: str
    heard: int
    response: str = ""
    shown: int = 0
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """An effect that is done."""

    key: str
    ref: str


@dataclass(frozen=True, slots=True)
class Card:
    """Where a call's card stands, and the phase that it shows. ``again_at`` (epoch seconds): when it is shown once more, because
    an earlier update whose answer never came may have arrived after the last; 0 for never. ``older``: a message that was clicked in
    its place, to be retired when this one is shown."""

    channel: str
    message: str
    shows: str
    again_at: float = 0.0
    older: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An effect that fails or waits for its turn: since when (it first failed, if it has), how often it failed, what was said last, when it
    is tried again; ``breaks``: how often in a row it was a fault of Signoff's own; ``silent``: at least once the answer was waited for
    in vain, so that what was sent may arrive yet. Times in epoch seconds."""

    key: str
    since: float
    count: int
    error: str
    not_before: float
    breaks: int = 0
    silent: bool = False

    @staticmethod
    def after(old: "Trouble | None", event: AttemptFailed, at: float) -> "Trouble":
        failed = old.count if old else 0
        since = old.since if old and (failed or event.waits) else at - event.took
        count = failed + (not event.waits)
        silent = event.took >= SILENT_SECONDS or (old is not None and old.silent)
        before = old.breaks if old else 0
        breaks = before + 1 if event.inside else before if event.waits else 0
        return Trouble(event.key, since, count, event.error, event.not_before, breaks, silent)
