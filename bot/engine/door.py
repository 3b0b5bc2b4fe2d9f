"""The one door: every change of every run is recorded here, and nowhere else.

Load the journal, apply, append, in one transaction; where somebody else was first, load again and apply again. An event that
is no longer legal comes back as `Refused`, an answer for the person. What happens next is `worker.py`'s.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from bot.core.events import Event, Recorded
from bot.core.journal import applied_or_refused, fold
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import RunId
from bot.ports import Conflict, Decide, Reader, Store, Writer

FOLDED_RUNS = 1024


class Door:
    """Records events. It keeps folded runs in memory; the journal's length tells when one is behind."""

    def __init__(self, store: Store, watch: Callable[[Run], None] | None = None) -> None:
        """``watch`` is called with a run after each change of it by this process."""
        self._store, self._watch = store, watch
        self._folded: OrderedDict[RunId, Run] = OrderedDict()

    async def load(self, run_id: RunId) -> tuple[Run | None, float]:
        """The run as its journal tells it, and the store's clock (epoch seconds)."""

        async def work(tx: Reader) -> tuple[Run | None, float]:
            return await self._current(tx, run_id), tx.now

        run, now = await self._store.read(work)
        self._remember(run)
        return run, now

    async def record(self, run_id: RunId, *events: Event) -> Run | Refused:
        """Append ``events``; all of them, or none with the reason."""

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            return events

        return await self.decide(run_id, decide)

    async def decide(
        self, run_id: RunId, decide: Decide, also: Callable[[Writer], Awaitable[None]] | None = None
    ) -> Run | Refused:
        """Let ``decide(run, tx)`` choose the events from the present state, within the transaction that appends them.
        ``also`` writes beside them where they are appended. ``decide`` may run again after a conflict."""

        async def work(tx: Writer) -> Run | Refused:
            outcome = await self._decide(tx, run_id, decide)
            if also is not None and isinstance(outcome, Run):
                await also(tx)
            return outcome

        try:
            outcome = await self._store.write(work)
        except Conflict:
            self._folded.pop(run_id, None)  # what is remembered is not what is stored: an older database was restored
            outcome = await self._store.write(work)
        if isinstance(outcome, Run):
            self._remember(outcome)
            if self._watch is not None:
                self._watch(outcome)
        return outcome

    async def _decide(self, tx: Writer, run_id: RunId, decide: Decide) -> Run | Refused:
        before = await self._current(tx, run_id)
        events = await decide(before, tx)
        if isinstance(events, Refused):
            return events
        if not events and before is not None:
            return before
        after = applied(run_id, before, events, tx.now)
        if isinstance(after, Refused):
            return after
        length = before.length if before else 0
        await tx.append(before, after, [Recorded(length + n, tx.now, event) for n, event in enumerate(events, 1)])
        return after

    async def _current(self, tx: Reader, run_id: RunId) -> Run | None:
        known = self._folded.get(run_id)
        return fold(run_id, await tx.journal(run_id, known.length if known else 0), known)

    def _remember(self, run: Run | None) -> None:
        if run is None:
            return
        self._folded[run.id] = run
        self._folded.move_to_end(run.id)
        while len(self._folded) > FOLDED_RUNS:
            self._folded.popitem(last=False)


def applied(run_id: RunId, run: Run | None, events: Sequence[Event], at: float) -> Run | Refused:
    """``run`` after all of ``events``, the first of which begins it where there is none yet."""
    for event in events:
        after = applied_or_refused(run_id, run, event, at)
        if isinstance(after, Refused):
            return after
        run = after
    return run if run is not None else Refused("There is no such run.")
