"""A worker: holds a run by its lease and does everything that the run owes, effect by effect, until it rests.

Rule 1: one worker holds a run at a time; whoever holds it may conclude that an older `Started` has no worker any more.
Rule 2: the lease is given back only if the journal is as long as last seen; otherwise the worker goes on with what is new.
Rule 3: a wake-up for a run that this worker holds is a nudge, never lost.
Rule 4: the run of a program is worked by no bot, and a person's by no program, although they may share a store.
Rule 5: a started action is never interrupted by our own trouble: neither by an absent database nor by a lost lease.
Rule 6: a run that is held is read again only where somebody else may have changed it: after a nudge, and once a sweep.
Rule 7: what is being told when the lease is lost is told and recorded: were it cut off in the middle, a card might stand there that
nobody knows of, and stay.
Rule 8: whoever stops ends every lease at once, so that others go on. Only where an action was cut off, which may go on in a
thread until this process has ended, the lease ends `CUT_OFF_SECONDS` later: before that nobody may ask what became of it.
Rule 9: what is owed of a run that another worker had may be half done: until it is done, the lease ends and is not given back.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.core.effects import Effect
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.owed import due, in_order
from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.doing import Doer
from bot.engine.door import RECEIPTS_SECONDS, Door
from bot.engine.limits import Limits
from bot.engine.parking import Parking
from bot.engine.suspects import Suspects
from bot.logger import log
from bot.ports import Store, Unavailable, fenced

ACTION = "act:"
THINKING = ("model:", "judge:")
HAND_OVER_SECONDS = 0.5
CUT_OFF_SECONDS = 2.0


@dataclass(slots=True)
class Holding:
    """A run that this worker holds, or, before ``taken``, tries to. ``tried``: the journal's length when an effect was last begun, so
    that one which left nothing there is not done again before the journal has grown; ``lapses``: how often our lease had ended and
    somebody else worked or wrote meanwhile; ``lost``: the lease is somebody else's now; ``left``: we stop, and what is under way is
    for somebody else to do again; ``taken_over``: another worker had it, so that what it owes may be half done; ``stale``: somebody
    else may have changed it; ``quiet``: nothing happened for a while, so its receipts wait no longer; ``ahead``: the store's clock
    less our own (seconds); ``until``: when our lease surely ends (our own clock)."""

    run: RunId
    taken: bool = False
    taken_over: bool = False
    stale: bool = False
    quiet: bool = False
    ahead: float = 0.0
    until: float = 0.0
    nudge: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: dict[str, asyncio.Task[bool]] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    lapses: int = 0
    lost: bool = False
    left: bool = False

    def due(self, run: Run) -> tuple[Effect, ...]:
        return due(run, time.monotonic() + self.ahead)


class Worker:
    """Advances runs. ``name`` is unique per process start: a restarted process is another worker. ``newer``: the runs that a newer
    release has continued, which are its replicas' until it restarts."""

    def __init__(self, *, name: str, store: Store, door: Door, doer: Doer, parking: Parking, limits: Limits) -> None:
        self.name = name
        self._store, self._door, self._doer, self._parking, self._limits = store, door, doer, parking, limits
        self._suspects = Suspects(name, store, door, parking, limits)
        self._held: dict[RunId, Holding] = {}
        self._breaks: Counter[RunId] = Counter()
        self.newer: set[RunId] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def advance(self, run_id: RunId) -> None:
        """Do what the run owes now; return at once where somebody else holds it."""
        if run_id in self._held:
            self._held[run_id].nudge.set()
            return
        if self._stopping or run_id in self.newer:
            return
        began, holding = time.monotonic(), Holding(run_id)
        self._held[run_id] = holding
        self._idle.clear()
        try:
            taken = await self._door.take(run_id, self.name, self._limits.lease, programs=self._limits.programs)
            if taken is not None:
                run, now, lease = taken
                holding.taken, holding.taken_over = True, lease.taken_over
                holding.ahead, holding.until = now - time.monotonic(), began + self._limits.lease
                await self._suspects.worked(run, now, lease, lambda: self._hold(holding))
                self._breaks.pop(run_id, None)
        except NewerJournal:
            self.newer.add(run_id)
            await self._parking.leave(run_id)
        except BrokenJournal as broken:
            await self._parking.park(run_id, f"Its journal cannot be read: {broken}.")
        except Unavailable:
            raise
        except Exception as broken:  # the outermost edge: a fault of ours ends this hold, and not what others do
            if self._limits.programs:
                raise  # a program works its own run, and hears of it by itself
            log.exception("a run could not be worked", run=run_id)
            await self._broke(run_id, broken)
        finally:
            del self._held[run_id]
            if not self._held:
                self._idle.set()

    async def _broke(self, run_id: RunId, fault: Exception) -> None:
        """The lease is left to end by itself, and whoever takes the run then looks first; after a few times people must look at it."""
        self._breaks[run_id] += 1
        if self._breaks[run_id] >= self._limits.breaks_before_parking:
            why = f"Something broke inside Signoff ({type(fault).__name__}); {self._breaks[run_id]} attempts ended so."
            if await self._parking.park(run_id, why):
                del self._breaks[run_id]

    def holds(self, run_id: RunId) -> bool:
        return run_id in self._held and self._held[run_id].taken

    def nudge_all(self) -> None:
        """Something was written by another process: look again at every run that is held."""
        for holding in self._held.values():
            holding.nudge.set()

    def stop(self) -> None:
        """Take no new run and start nothing new."""
        self._stopping = True
        self.nudge_all()

    async def drain(self, seconds: float) -> tuple[RunId, ...]:
        """Stop, wait for what is under way, at most ``seconds``, and hand the rest over: the runs that others may take up now."""
        self.stop()
        if await self._idles(seconds):
            return ()
        handed = tuple(self._held.values())
        for holding in handed:
            holding.left = True
        self.nudge_all()
        await self._idles(HAND_OVER_SECONDS)
        return tuple(holding.run for holding in handed if holding.run not in self._held)

    async def _idles(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        return self._idle.is_set()

    async def _hold(self, holding: Holding) -> None:
        heartbeat = asyncio.create_task(self._heartbeat(holding))
        try:
            while await self._step(holding):
                pass
            for key, task in holding.tasks.items():
                if holding.left or key.startswith(THINKING):
                    task.cancel()
            # An action may not let itself be cancelled: the lease must end later than this process all the same (rule 8).
            patience = HAND_OVER_SECONDS / 2 if holding.left else None
            if holding.tasks:
                await asyncio.wait(holding.tasks.values(), timeout=patience)
            if holding.lost or holding.left:
                await self._leave(holding)
        except BrokenJournal:
            actions = [task for key, task in holding.tasks.items() if key.startswith(ACTION)]
            await asyncio.gather(*actions, return_exceptions=True)
            raise
        finally:
            everything: list[asyncio.Task[Any]] = [heartbeat, *holding.tasks.values()]
            for each in everything:
                each.cancel()
            await asyncio.gather(*everything, return_exceptions=True)

    async def _leave(self, holding: Holding) -> None:
        """Record what was told. A lease that is still ours ends, and is not given back: whoever takes it over learns from that that
        something may be half done."""
        seconds = CUT_OFF_SECONDS if any(key.startswith(ACTION) for key in holding.tasks) else 0.0
        with contextlib.suppress(Unavailable):  # then the lease ends by itself
            await self._door.record(holding.run)
            if holding.left:
                await self._store.write(lambda tx: tx.hand_over(holding.run, self.name, seconds))

    async def _step(self, holding: Holding) -> bool:
        """Begin what is due, wait for something to end or to be new; False once the run rests and the lease is back, or lost."""
        holding.stale |= holding.nudge.is_set()
        holding.nudge.clear()
        ours = self._ours(holding)
        try:
            if holding.quiet:
                await self._door.record(holding.run)
            run = await self._present(holding)
            if run is None:
                return False
            if not self._stopping and await ours():
                self._begin_due(holding, run)
            if not holding.tasks:
                return not await self._rests(holding, run)
        except Unavailable as absent:
            log.warning("the store does not answer", run=holding.run, why=str(absent))
            await asyncio.sleep(self._limits.sweep_every)
        await self._wait(holding)
        return not (holding.lost or holding.left)

    async def _present(self, holding: Holding) -> Run | None:
        run = None if holding.stale else self._door.known(holding.run)
        if run is None:
            run, now = await self._door.load(holding.run)
            holding.stale, holding.ahead = False, now - time.monotonic()
        return run

    def _begin_due(self, holding: Holding, run: Run) -> None:
        effects = holding.due(run)
        if self._limits.one_call_at_a_time:
            effects = in_order(run, effects, holding.tasks)
        for effect in effects:
            if effect.key not in holding.tasks and holding.tried.get(effect.key) != run.length:
                again = holding.taken_over or effect.key in holding.tried or run.trouble(effect.key) is not None
                holding.tried[effect.key] = run.length
                holding.tasks[effect.key] = asyncio.create_task(self._do(self._ours(holding), run, effect, again))

    def _ours(self, holding: Holding) -> Callable[[], Awaitable[bool]]:
        """Asks whether the run is ours, and has been since this moment."""
        lapses = holding.lapses

        async def ours() -> bool:
            return await self._still_holds(holding) and holding.lapses == lapses

        return ours

    async def _do(self, ours: Callable[[], Awaitable[bool]], run: Run, effect: Effect, again: bool) -> bool:
        with fenced(ours):
            return await self._doer.do(run, effect, again=again)

    async def _rests(self, holding: Holding, run: Run) -> bool:
        """Whether the lease is given back or ends (rule 9), or was not ours any more; False where the journal has grown."""
        holding.stale = True
        holding.left |= holding.taken_over and bool(holding.due(run))
        if holding.left or await self._door.give_back(run, self.name):
            return True
        await self._renew(holding)
        return holding.lost

    async def _wait(self, holding: Holding) -> None:
        """Until a task ends, something is new, or another effect may have come due; receipts wait for a moment only."""
        new = asyncio.create_task(holding.nudge.wait())
        tasks = {new, *holding.tasks.values()}
        patience = RECEIPTS_SECONDS if self._door.has_receipts(holding.run) else self._limits.sweep_every
        done, _ = await asyncio.wait(tasks, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        new.cancel()
        holding.quiet = not done and self._door.has_receipts(holding.run)
        holding.stale |= not done and not holding.quiet
        for key in [key for key, task in holding.tasks.items() if task.done()]:
            task = holding.tasks.pop(key)
            fault = task.exception()
            if fault is None:
                holding.lost |= task.result()  # it is parked
            else:
                log.warning("an effect's end could not be recorded", run=holding.run, effect=key, why=str(fault))
                holding.stale = True
                holding.tried[key] = -1  # to be done again, and not for the first time

    async def _heartbeat(self, holding: Holding) -> None:
        """Renew the lease; ends when it was lost, and with it the right to begin anything of this run."""
        while not holding.lost:
            await asyncio.sleep(self._limits.lease / 3)
            try:
                await self._renew(holding)
            except Unavailable as absent:
                log.warning("the lease could not be renewed", run=holding.run, why=str(absent))
            except Exception:  # whatever the fault, a heartbeat goes on
                log.exception("the lease could not be renewed", run=holding.run)
        log.warning("the lease was lost", run=holding.run)
        holding.nudge.set()

    async def _still_holds(self, holding: Holding) -> bool:
        """By our own clock: a process that was halted for longer than its lease asks before it goes on."""
        if time.monotonic() > holding.until:
            await self._renew(holding)
        return not holding.lost

    async def _renew(self, holding: Holding) -> None:
        began = time.monotonic()
        lease = await self._store.write(lambda tx: tx.take_lease(holding.run, self.name, self._limits.lease))
        holding.lost |= lease is None
        late = time.monotonic() > holding.until
        if lease is not None and (lease.taken_over or (late and lease.length != self._door.length(holding.run))):
            holding.lapses += 1
            holding.stale = holding.taken_over = True
        holding.until = began + self._limits.lease
