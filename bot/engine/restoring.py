"""After a restore: every run that the backup held ends, and what may have run since is in doubt. Noticing is the store's.

Rule 1: nothing starts before that is done: `doing.py` asks for the epoch in the transaction that appends `Started`.
Rule 2: it may be cut off anywhere and begun anew, by several workers at once: each run ends in one transaction, and once.
Rule 3: a run whose journal a newer release wrote is left to that release, which settles the epoch; one that nobody can read
starts nothing anyway.
"""

import asyncio
import math
import secrets
from collections.abc import Sequence

from bot.core.call import MAY_HAVE_RUN
from bot.core.events import Doubted, Event, Restored
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.inputs import Wrote
from bot.core.refusal import Refused
from bot.core.run import ENDS, Run
from bot.core.values import ApprovalId, RunId
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.engine.words import BEFORE_RESTORE, CLICKED_BEFORE_RESTORE
from bot.logger import log
from bot.ports import Epoch, InboxRow, Store, Writer

RUNS_AT_ONCE = 64
UNSETTLED = Refused("The database was restored from a backup; nothing starts before everything in it has ended.")
REASON = "The database was restored from a backup; what happened after it is not known here."


class Restoring:
    """Ends what a backup held."""

    def __init__(self, store: Store, door: Door, limits: Limits) -> None:
        self._store, self._door, self._limits = store, door, limits
        self._number: int | None = None
        self._left: frozenset[RunId] = frozenset()

    async def settle(self) -> int | None:
        """Look whether the database was restored, and end what it held: how many runs were ended here; None for no restore."""
        epoch = await self._store.notice()
        if epoch.number != self._number:
            if self._number is not None:
                self._door.forget()
            self._number = epoch.number
        return None if epoch.settled else await self._settle(epoch)

    async def _settle(self, epoch: Epoch) -> int:
        log.warning("the database was restored from a backup; its runs end", epoch=epoch.number)
        ended, last, left = 0, "", set[RunId]()
        while batch := await self._batch(last):
            last = batch[-1]
            outcomes = await asyncio.gather(*(self._end(run_id, epoch.number) for run_id in batch))
            ended += sum(outcome is True for outcome in outcomes)
            left |= {run_id for run_id, outcome in zip(batch, outcomes, strict=True) if outcome is None}
        if not left:
            await self._store.write(lambda tx: tx.settle_epoch(epoch.number))
        elif left != self._left:
            log.error("nothing starts: a newer release must end these runs", runs=sorted(left))
        self._left = frozenset(left)
        return ended

    async def _batch(self, after: str) -> tuple[RunId, ...]:
        return await self._store.read(lambda tx: tx.unended(RUNS_AT_ONCE, after))

    async def _end(self, run_id: RunId, number: int) -> bool | None:
        """Whether the run was ended here; None where only a newer release can do that."""
        changed = False

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            nonlocal changed
            epoch = await tx.epoch()
            going_on = run is not None and epoch.number == number and not epoch.settled
            events = lost(run, number, tx.now, self._limits) if run is not None and going_on else ()
            changed = bool(events)
            return events

        try:
            outcome = await self._door.decide(run_id, decide)
        except NewerJournal:
            return None
        except BrokenJournal as broken:
            log.error("a run cannot be ended: its journal cannot be read", run=run_id, why=str(broken))
            return False
        return changed and isinstance(outcome, Run)


def lost(run: Run, epoch: int, now: float, limits: Limits) -> tuple[Event, ...]:
    """What a restore does to a run. Who would ask people about a program's run is the program."""
    until = now + (0.0 if run.of_program else limits.doubt_asks)
    doubted = [
        Doubted(call.proposal.call, call.attempt, ApprovalId(secrets.token_hex(16)), until)
        for call in run.calls
        if call.state in MAY_HAVE_RUN
    ]
    return (*doubted, *(() if run.state in ENDS else (Restored(epoch, REASON),)))


def before_restore(epoch: Epoch, row: InboxRow, wrote: Wrote) -> tuple[Restored, ...]:
    """How a run ends at once that is begun by what was written before the restore; nothing for a younger message."""
    old = min(row.received_at, written_at(wrote)) < epoch.since
    return (Restored(epoch.number, BEFORE_RESTORE),) if old else ()


def written_at(wrote: Wrote) -> float:
    """When it was written, by Slack's clock (epoch seconds); what was never a message of its own is as old as its row."""
    try:
        return float(wrote.message)
    except ValueError:
        return math.inf


def clicked_before_restore(epoch: Epoch, row: InboxRow) -> Refused | None:
    """A click from before the restore was made on a card that may say something else by now."""
    return Refused(CLICKED_BEFORE_RESTORE) if row.received_at < epoch.since else None
