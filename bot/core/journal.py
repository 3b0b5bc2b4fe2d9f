"""A journal, read: its events, applied one after the other, are the run. Pure; what an event does is `run.py`'s.

Rule: whoever lets something happen that was refused before (a transition more, a condition less) raises `RULES`. The store keeps
with each run the newest rules that it was written by. A journal that is broken by older rules may be sound by those: it is left
to a release that knows them (R12). An older release cannot tell where the same events mean something else: that needs a new event.
"""

from collections.abc import Iterable
from typing import Final

from bot.core.events import Asked, AttemptFailed, Event, Recorded
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.run import Run, apply, begin
from bot.core.values import RunId

RULES: Final = 4


def fold(run_id: RunId, journal: Iterable[Recorded], run: Run | None = None) -> Run | None:
    """The run that a journal tells (None for an empty one), continuing from ``run`` where it is given. Raises `BrokenJournal`."""
    for recorded in journal:
        event = recorded.event
        if run is None:
            if not isinstance(event, Asked):
                raise BrokenJournal(f"run {run_id} begins with {type(event).__name__}")
            run = begin(run_id, event, recorded.at)
            continue
        after = apply(run, event, recorded.at)
        if isinstance(after, Refused) or recorded.seq != run.length + 1:
            raise BrokenJournal(f"run {run_id}, event {recorded.seq} ({type(event).__name__}): {after}")
        run = after
    return run


def applied_or_refused(run_id: RunId, run: Run | None, event: Event, at: float) -> Run | Refused:
    """`apply`, also for the event that begins a run."""
    if run is not None:
        return apply(run, event, at)
    return begin(run_id, event, at) if isinstance(event, Asked) else Refused("There is no such run.")


def is_progress(events: Iterable[Recorded]) -> bool:
    """Whether something came of whoever recorded this: more than failures."""
    return any(not isinstance(recorded.event, AttemptFailed) for recorded in events)
