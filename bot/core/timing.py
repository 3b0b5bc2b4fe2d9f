"""When a start has to wait: change-freeze windows and limits. Pure: what a clock on the wall shows comes in as a `LocalTime`.

Rules
1. A window holds from its beginning up to, and not including, its end, by the clocks of its own zone: where they are put forward or
   back, the window moves with them.
2. Windows stop what changes something; reading goes on, as under a freeze. Limits count whatever starts.
3. A limit counts what really started within the last ``seconds``: of the same action, by the same requester, or both. What started
   after the moment of who counts did so, too: replicas read their clocks before they wait for each other, and a clock may be put back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.core.values import Verdict

DAY, WEEK = 1_440, 10_080
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment by the clocks of a zone: ``minute`` counts from Monday 00:00, ``stamp`` is ``2026-12-24T10:00``."""

    minute: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Recurring:
    """Every day (``every`` = DAY) or week (WEEK), in minutes from midnight or from Monday 00:00; ``written`` is how people say it."""

    begins: int
    ends: int
    every: int
    zone: str
    written: str

    def holds(self, now: LocalTime) -> bool:
        place = now.minute % self.every
        if self.begins < self.ends:
            return self.begins <= place < self.ends
        return place >= self.begins or place < self.ends


@dataclass(frozen=True, slots=True)
class Dated:
    """Once, from ``begins`` to ``ends`` (stamps)."""

    begins: str
    ends: str
    zone: str
    written: str

    def holds(self, now: LocalTime) -> bool:
        return self.begins <= now.stamp < self.ends


@dataclass(frozen=True, slots=True)
class Quiet:
    """Every day from ``begins`` to ``ends`` (minutes from midnight), by a person's own clocks."""

    begins: int
    ends: int

    def holds(self, now: LocalTime) -> bool:
        return Recurring(self.begins, self.ends, DAY, "", "").holds(now)


Window = Recurring | Dated
Clocks = Callable[[str], LocalTime]
"""What the clocks of a zone show at the moment that is asked about."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` starts in ``seconds``, of one action and by one requester as far as ``per`` says; beyond that ``verdict``."""

    count: int
    seconds: int
    per_action: bool
    per_person: bool
    verdict: Verdict = Verdict.DENY


@dataclass(frozen=True, slots=True)
class PastStart:
    """Something that started. ``at`` in epoch seconds."""

    action: str
    requester: str
    at: float


def reached(limit: Limit, action: str, requester: str, starts: Iterable[PastStart], now: float) -> bool:
    """Whether one more start would be one too many."""
    counted = (
        start.at > now - limit.seconds
        and (not limit.per_action or start.action == action)
        and (not limit.per_person or start.requester == requester)
        for start in starts
    )
    return sum(counted) >= limit.count


def time_said(seconds: float) -> str:
    """The two largest units: `1 d 4 h`."""
    whole, parts = max(0, int(seconds)), []
    for size, unit in _UNITS:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a minute"
