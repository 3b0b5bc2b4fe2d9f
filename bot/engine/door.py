"""The one door: every change of every run is recorded here, and nowhere else.

Apply to what is known of the run, and append, in one transaction. What is known may be old: the append says so, then the journal
is loaded again and the event applied again. An event that is no longer legal comes back as `Refused`, an answer for the person.

Rule 1: nobody is refused, and nothing is left undone, on what is merely remembered: that is read again first.
Rule 2: a receipt (`record_soon`) waits for the run's next append and shares its commit, for whoever holds the run; until then only
this process knows it, and if it dies the effect is done again, as after any crash between doing and recording.
Rule 3: a journal that is shorter than what is remembered of it shows that an older database was put in place: a new epoch begins
(`restoring.py`), and nothing is remembered any more.
What happens next is `worker.py`'s.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bot.core.events import CardShown, Delivered, Event, Recorded
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.journal import RULES, applied_or_refused, fold
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import RunId
from bot.ports import Conflict, Decide, Lease, Reader, Rewound, Store, Writer

FOLDED_RUNS = 1024
RECEIPTS_SECONDS = 0.05
"""For how long a receipt, or a turn, waits for the other, so that both share a commit."""
Receipt = CardShown | Delivered
T = TypeVar("T")


class Door:
    """Records events. It keeps folded runs in memory; the journal's length tells when one is behind."""

    def __init__(self, store: Store, watch: Callable[[Run], None] | None = None) -> None:
        """``watch`` is called with a run after each change of it by this process."""
        self._store, self._watch = store, watch
        self._folded: OrderedDict[RunId, Run] = OrderedDict()
        self._receipts: dict[RunId, tuple[Receipt, ...]] = {}

    # --- reading ----------------------------------------------------------------------------------------------------

    def known(self, run_id: RunId) -> Run | None:
        """The run as this process knows it, its receipts included."""
        run = self._folded.get(run_id)
        return None if run is None else self._with_receipts(run, run.last_at)[0]

    def length(self, run_id: RunId) -> int:
        """How long the journal is, as far as this process knows."""
        run = self._folded.get(run_id)
        return 0 if run is None else run.length

    async def load(self, run_id: RunId) -> tuple[Run | None, float]:
        """The run as its journal tells it, and the store's clock (epoch seconds)."""

        async def read() -> tuple[Run | None, float]:
            known = self._folded.get(run_id)  # before the snapshot, which may be older than what is remembered after it

            async def work(tx: Reader) -> tuple[Run | None, float]:
                return await self._since(tx, run_id, known), tx.now

            return await self._store.read(work)

        run, now = await self._through(read)
        newer = self._folded.get(run_id)
        if run is not None and newer is not None and newer.length > run.length:
            run = newer  # somebody here appended meanwhile; the receipts are of that state
        self._remember(run)
        return None if run is None else self._with_receipts(run, run.last_at)[0], now

    async def find(self, opaque: str) -> Run | None:
        """The run that owns an approval's or a question's id, or the guard's name of a request."""
        run_id = await self._store.read(lambda tx: tx.run_of(opaque))
        return None if run_id is None else (await self.load(run_id))[0]

    # --- recording --------------------------------------------------------------------------------------------------

    async def record(self, run_id: RunId, *events: Event) -> Run | Refused:
        """Append ``events`` (and the run's receipts); all of them, or none with the reason."""

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            return events

        return await self.decide(run_id, decide)

    def record_soon(self, run_id: RunId, receipt: Receipt) -> None:
        """Append ``receipt`` with whatever is recorded of the run next; `give_back` at the latest."""
        self._receipts[run_id] = (*self._receipts.get(run_id, ()), receipt)

    def has_receipts(self, run_id: RunId) -> bool:
        return run_id in self._receipts

    async def decide(
        self, run_id: RunId, decide: Decide, also: Callable[[Writer], Awaitable[None]] | None = None
    ) -> Run | Refused:
        """Let ``decide(run, tx)`` choose the events from the present state, within the transaction that appends them.
        ``also`` writes beside them where they are appended. ``decide`` may run again."""
        first, written = True, tuple[Receipt, ...]()

        async def work(tx: Writer) -> Run | Refused:
            nonlocal first, written
            if not first and (old := self._folded.pop(run_id, None)) is not None:
                await tx.journal(run_id, old.length)
            remembered, first = self._folded.get(run_id), False
            before = remembered or await self._current(tx, run_id)
            outcome, written = await self._decided(tx, run_id, before, decide)
            if remembered is not None and (outcome is remembered or isinstance(outcome, Refused)):
                present = await self._current(tx, run_id)
                if present is not remembered:
                    outcome, written = await self._decided(tx, run_id, present, decide)
            if also is not None and isinstance(outcome, Run):
                await also(tx)
            return outcome

        outcome = await self._through(lambda: self._store.write(work))
        if isinstance(outcome, Run):
            self._remember(outcome)
            self._drop_receipts(run_id, written)
            if self._watch is not None:
                self._watch(outcome)
        return outcome

    async def _decided(
        self, tx: Writer, run_id: RunId, before: Run | None, decide: Decide
    ) -> tuple[Run | Refused, tuple[Receipt, ...]]:
        """What becomes of the run, and the receipts that were appended; ``before`` itself where nothing was."""
        waiting = self._receipts.get(run_id, ())
        base, receipts = (None, ()) if before is None else self._with_receipts(before, tx.now)
        events = await decide(base, tx)
        if isinstance(events, Refused):
            return events, ()
        after = applied(run_id, base, events, tx.now)
        if isinstance(after, Refused) or after is before:
            return after, ()
        await self._append(tx, before, after, (*receipts, *events))
        return after, waiting

    async def _append(self, tx: Writer, before: Run | None, after: Run, events: Sequence[Event]) -> None:
        length = before.length if before else 0
        await tx.append(before, after, [Recorded(length + n, tx.now, event) for n, event in enumerate(events, 1)])

    # --- holding ----------------------------------------------------------------------------------------------------

    async def take(
        self, run_id: RunId, owner: str, seconds: float, *, programs: bool
    ) -> tuple[Run, float, Lease] | None:
        """Take the lease on a run, of a program or (``programs`` False) of a person: the run, the store's clock and what kind
        of lease it is; None where it is not ours to take."""

        async def work(tx: Writer) -> tuple[Run, float, Lease] | None:
            lease = await tx.take_lease(run_id, owner, seconds, afresh=True)
            if lease is None:
                return None
            known = self._folded.get(run_id)
            run = known if known is not None and known.length == lease.length else await self._current(tx, run_id)
            if run is None or run.of_program is not programs:
                if lease.taken_over:  # whose it is learns that it may be half done
                    await tx.hand_over(run_id, owner, 0.0)
                else:
                    await tx.give_back(run_id, owner, lease.length)
                return None
            return run, tx.now, lease

        taken = await self._through(lambda: self._store.write(work))
        if taken is not None:
            self._remember(taken[0])
        return taken

    async def give_back(self, run: Run, owner: str) -> bool:
        """Append what receipts there are and give the lease back; False where the run is not any more as ``run`` says."""

        async def work(tx: Writer) -> Run | None:
            before = self._folded.get(run.id)
            if before is None:
                return None
            after, receipts = self._with_receipts(before, tx.now)
            if after.length != run.length:
                return None
            if receipts:
                await self._append(tx, before, after, receipts)
            return after if await tx.give_back(run.id, owner, after.length) else None

        receipts = self._receipts.get(run.id, ())
        try:
            after = await self._store.write(work)
        except Conflict:
            return False
        if after is None:
            return False
        self._remember(after)
        self._drop_receipts(run.id, receipts)
        if receipts and self._watch is not None:
            self._watch(after)
        return True

    # --- remembering ------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """The database was restored: nothing that is remembered need be in it."""
        self._folded.clear()
        self._receipts.clear()

    async def _through(self, do: Callable[[], Awaitable[T]]) -> T:
        try:
            return await do()
        except Rewound as rewound:
            why = str(rewound)
        self.forget()
        await self._store.write(lambda tx: tx.begin_epoch(why))
        return await do()

    async def _current(self, tx: Reader, run_id: RunId) -> Run | None:
        return await self._since(tx, run_id, self._folded.get(run_id))

    async def _since(self, tx: Reader, run_id: RunId, known: Run | None) -> Run | None:
        journal = await tx.journal(run_id, known.length if known else 0)
        try:
            return fold(run_id, journal, known)
        except BrokenJournal as broken:
            line = await tx.line(run_id)
            if line is not None and line.rules > RULES:
                raise NewerJournal(f"{broken} It was written by newer rules ({line.rules}).") from broken
            raise

    def _with_receipts(self, run: Run, at: float) -> tuple[Run, tuple[Receipt, ...]]:
        """``run`` after its receipts, without those that say nothing new any more."""
        kept: list[Receipt] = []
        for receipt in self._receipts.get(run.id, ()):
            after = applied_or_refused(run.id, run, receipt, at)
            if isinstance(after, Run):
                run = after
                kept.append(receipt)
        return run, tuple(kept)

    def _drop_receipts(self, run_id: RunId, written: Sequence[Receipt]) -> None:
        left = tuple(each for each in self._receipts.get(run_id, ()) if all(each is not other for other in written))
        if left:
            self._receipts[run_id] = left
        else:
            self._receipts.pop(run_id, None)

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
