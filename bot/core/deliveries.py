"""Events of `events.py`, whose rules are theirs, too: what was shown and told outside, and what has to be tried again."""

from dataclasses import dataclass

from bot.core.values import ApprovalId, CallId, Summons


@dataclass(frozen=True, slots=True)
class CardShown:
    """The card of a call stands in Slack; ``shows`` is the phase that it was rendered from, "" where somebody found it out of date.
    ``older``: another message that somebody took for the card."""

    call: CallId
    channel: str
    message: str
    shows: str
    older: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """An effect that leaves nothing else in the journal is done; ``ref`` is what it left outside (a ``ts``, an id)."""

    key: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An effect failed after ``took`` seconds and is tried again at ``not_before`` (epoch seconds). ``inside``: of a fault of our
    own. ``waits``: it was not tried, its turn comes at ``not_before``."""

    key: str
    error: str
    not_before: float
    took: float = 0.0
    inside: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Reminded:
    """The thread was told (``ref``: its ``ts``; ``key``: the effect's) that an approval waits or calls others in, and ``summons``, too."""

    approval: ApprovalId
    key: str
    ref: str = ""
    summons: tuple[Summons, ...] = ()
