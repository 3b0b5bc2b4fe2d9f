"""Runs over which workers died: worked one at a time, and parked when too many did. Who holds a run is `worker.py`'s.

A run that takes its process along (it needs too much memory, or something in it ends the process) records nothing, so no bound of
its own stops it, and whoever takes it over dies too, with everything else that was under way there.

Rule 1: the store counts who died, in a row and without anything having come of it; who stopped as told has not died.
Rule 2: the runs that were under way beside it are counted as well, and nobody knows which one it was. So a run over which more
than one worker died is not worked beside another such run: one that did no harm gets somewhere by itself, and counts no more.
Rule 3: the runs of programs are left alone: a program works its own, and dies itself.
"""

from collections.abc import Awaitable, Callable

from bot.core.owed import pending
from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.engine.parking import Parking
from bot.engine.words import DIED
from bot.logger import log
from bot.ports import Lease, Store

SUSPECT_FROM = 2


class Suspects:
    """Of one worker, ``name``."""

    def __init__(self, name: str, store: Store, door: Door, parking: Parking, limits: Limits) -> None:
        self._name, self._store, self._door, self._parking, self._limits = name, store, door, parking, limits
        self._at_work: dict[RunId, int] = {}

    async def worked(self, run: Run, now: float, lease: Lease, work: Callable[[], Awaitable[None]]) -> None:
        """Work a run that was just taken, as far as that is wise; ``now``: the store's clock."""
        if lease.takeovers:
            log.warning("workers died over a run", run=run.id, times=lease.takeovers)
        if self._limits.programs or lease.takeovers < min(SUSPECT_FROM, self._limits.takeovers_before_parking):
            return await work()
        if lease.takeovers >= self._limits.takeovers_before_parking:
            doing = sorted({owed.key.partition(":")[0] for owed in pending(run) if owed.not_before <= now})
            await self._parking.park(run.id, DIED.format(lease.takeovers, ", ".join(doing) or "nothing yet"))
        elif self._another():
            await self._store.write(lambda tx: tx.hand_over(run.id, self._name, 0.0))
        else:
            self._at_work[run.id] = run.length
            try:
                await work()
            finally:
                del self._at_work[run.id]
        return None

    def _another(self) -> bool:
        """Whether one of them is at work here and has not got anywhere yet."""
        known = ((self._door.known(run), length) for run, length in self._at_work.items())
        return any(run is None or run.length == length for run, length in known)
