"""How often Slack is called: the turns of the posts to a channel and of a method's calls, and the pauses that Slack asks for.

Rule 1: nobody waits here. Whose turn has not come is told when it comes (`NotYet`; `Unavailable` in a pause) and finds it kept
then: until that time it waits in the journal, and holds no worker.
Rule 2: each lane gives turns of its own, in the order of asking: a full channel delays no other.
Rule 3: a 429 pauses its lane for everyone in this process, as long as Slack says; what waits comes one by one after it.
Rule 4: what a person waits for takes no turn, but counts, and keeps to the pauses.
The unit is the process. Replicas share Slack's limits without knowing of each other, so that some of them will hear a 429.
Libraries that limit rates let their callers wait, or refuse them without a place in the line; so the twenty lines are here.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.ports import NotYet, Unavailable, still_ours
from bot.slack import limits
from bot.slack.calls import Declined, called

POST_BURST: Final = 5
"""Slack tolerates "short bursts" and gives no number."""
KEPT_SECONDS: Final = 60.0
"""Whoever does not come for so long after the turn has lost it."""
MOST_LANES: Final = 1_000
_TIERS: Final = {
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.replies": 3,
    "conversations.open": 3,
    "usergroups.users.list": 2,
    "users.info": 4,
}


@dataclass(frozen=True, slots=True)
class Lane:
    """What Slack counts together. One call every ``interval`` seconds; after a silence, ``burst`` at once."""

    name: tuple[str, ...]
    interval: float
    burst: int


def posts(team: str, channel: str) -> Lane:
    """The messages to one channel."""
    return Lane(("posts", team, channel), 1.0 / limits.POSTS_PER_SECOND_AND_CHANNEL, POST_BURST)


def method(team: str, name: str) -> Lane:
    """The calls of one method in a workspace; one without a tier is only ever paused."""
    a_minute = limits.TIER_CALLS_PER_MINUTE.get(_TIERS.get(name, 0), 0)
    return Lane((name, team), 60.0 / a_minute if a_minute else 0.0, a_minute // 2)


@dataclass(slots=True)
class _Turns:
    """The turns of one lane. ``free``: when the next one would be if nobody had saved any; ``kept``: who has which turn."""

    lane: Lane
    free: float = -math.inf
    paused_until: float = -math.inf
    kept: dict[str, float] = field(default_factory=dict)

    def of(self, who: str, now: float) -> float:
        """When ``who``'s turn is; it is kept."""
        self.kept = {name: at for name, at in self.kept.items() if at > now - KEPT_SECONDS}
        if who not in self.kept:
            self.kept[who] = self.next(now)
        return self.kept[who]

    def next(self, now: float) -> float:
        saved = max(0, self.lane.burst - 1) * self.lane.interval
        turn = max(self.free, self.paused_until, now - saved)
        self.free = turn + self.lane.interval
        return max(turn, now)

    def pause(self, now: float, seconds: float, who: str) -> None:
        """Everyone's turn moves behind the pause, in the same order; ``who`` was refused, and comes first."""
        self.paused_until = max(self.paused_until, now + seconds)
        if who:
            self.kept[who] = -math.inf
        waiting = sorted(self.kept, key=lambda who: self.kept[who])
        self.free = max(self.free, self.paused_until + len(waiting) * self.lane.interval)
        for place, who in enumerate(waiting):
            self.kept[who] = max(self.kept[who], self.paused_until + place * self.lane.interval)


class Pacer:
    """``clock`` counts seconds, from anywhere. Without ``spaces`` the calls are not spaced, and only Slack's pauses hold."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, spaces: bool = True) -> None:
        self._clock, self._spaces = clock, spaces
        self._lanes: dict[tuple[str, ...], _Turns] = {}

    def expect_turn(self, who: str, lane: Lane) -> None:
        """Raises `NotYet`, or `Unavailable` in a pause, until ``who``'s turn has come; from then on it is kept for the call."""
        now, turns = self._clock(), self._of(lane)
        at = turns.of(who, now) if who and self._spaces else turns.paused_until
        if at > now:
            if turns.paused_until > now:
                raise Unavailable("Slack has asked for patience; this one waits for its turn.", at - now)
            raise NotYet("Slack takes only so many calls; this one waits for its turn.", at - now)

    async def called(
        self, who: str, lane: Lane, work: Callable[[], Awaitable[AsyncSlackResponse]]
    ) -> Mapping[str, Any]:
        """The answer of ``work``, called once it is ``who``'s turn ("": somebody waits for it now). Raises what `calls.called`
        raises and what `expect_turn` does, and `NotOurs`."""
        self.expect_turn(who, lane)
        turns = self._of(lane)
        if turns.kept.pop(who, None) is None:
            turns.next(self._clock())
        try:
            await still_ours()
            return await called(work())
        except Unavailable as absent:
            if absent.retry_after > 0:
                turns.pause(self._clock(), absent.retry_after, who)
            raise
        except Declined:  # nothing was posted: whoever posts it elsewhere has waited already
            if who:
                turns.kept[who] = self._clock()
            raise

    def _of(self, lane: Lane) -> _Turns:
        if lane.name not in self._lanes and len(self._lanes) >= MOST_LANES:
            now = self._clock()
            self._lanes = {name: turns for name, turns in self._lanes.items() if turns.kept or turns.free > now}
        return self._lanes.setdefault(lane.name, _Turns(lane))
