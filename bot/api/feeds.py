"""What the callers see of the runs of one machine, each for itself, however many are at the same run. Working it is `machine.py`'s.

Rules
1. A caller sees each execution event once, in the order in which it was recorded, and keeps what it has seen.
2. An event's number is its moment's place in the journal, so that every caller has the same, and BIGHUB's memory too.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.api.shapes import Json
from bot.core.moments import Moment
from bot.core.run import Run
from bot.core.values import RunId
from bot.execution_events import in_order


@dataclass(slots=True, eq=False)
class Feed:
    """What one caller sees of one run. ``events``: what has happened, by moment; ``queue``: what the caller has not looked at yet,
    and None wherever the run may have come to rest; ``fault``: what the model's client raised, where the run failed of it."""

    events: dict[str, Json] = field(default_factory=dict)
    queue: "asyncio.Queue[Json | None]" = field(default_factory=asyncio.Queue)
    fault: BaseException | None = None

    def events_of(self, run: Run) -> list[Json]:
        """All events of the run, which this feed was told of."""
        return [self.events[moment.id] for moment in in_order(run)]


class Feeds:
    """``event_of`` makes the event of a moment and its number."""

    def __init__(self, event_of: Callable[[Run, Moment, int], Json]) -> None:
        self._event_of = event_of
        self._feeds: dict[RunId, list[Feed]] = {}

    @contextlib.contextmanager
    def open(self, run_id: RunId, so_far: Run | None) -> Iterator[Feed]:
        """A feed of what comes after ``so_far``, whose events it has already."""
        feed = Feed()
        if so_far is not None:
            self._tell(so_far, feed)
        self._feeds.setdefault(run_id, []).append(feed)
        try:
            yield feed
        finally:
            self._feeds[run_id].remove(feed)
            if not self._feeds[run_id]:
                del self._feeds[run_id]

    def tell(self, run: Run, *, rests: bool) -> None:
        """The run has changed: what is new about its calls becomes events."""
        for feed in self._feeds.get(run.id, ()):
            for event in self._tell(run, feed):
                feed.queue.put_nowait({"type": "execution_event", "event": event})
            if rests:
                feed.queue.put_nowait(None)

    def blame(self, run_id: RunId, fault: BaseException | None) -> None:
        for feed in self._feeds.get(run_id, ()):
            feed.fault = fault

    def _tell(self, run: Run, feed: Feed) -> list[Json]:
        new = [(seq, moment) for seq, moment in enumerate(in_order(run)) if moment.id not in feed.events]
        told = {moment.id: self._event_of(run, moment, seq) for seq, moment in new}
        feed.events |= told
        return list(told.values())
