"""A worker: holds a run by its lease and does everything that the run owes, effect by effect, until it rests.

Rule 1: one worker holds a run at a time; whoever holds it may conclude that an older `Started` has no worker any more.
Rule 2: the lease is given back only if the journal is as long as last seen; otherwise the worker goes on with what is new.
Rule 3: a wake-up for a run that this worker holds is a nudge, never lost.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bot.core.effects import Effect
from bot.core.events import RunId
from bot.core.owed import pending
from bot.core.run import Run
from bot.engine.doing import Doer
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.ports import Store

log = structlog.get_logger()
Tasks = dict[str, asyncio.Task[None]]


class Worker:
    """Advances runs. ``name`` is unique per process start: a restarted process is another worker."""

    def __init__(self, *, name: str, store: Store, door: Door, doer: Doer, limits: Limits) -> None:
        self.name = name
        self._store, self._door, self._doer, self._limits = store, door, doer, limits
        self._held: dict[RunId, asyncio.Event] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def advance(self, run_id: RunId) -> None:
        """Do what the run owes now; return at once where somebody else holds it."""
        if run_id in self._held:
            self._held[run_id].set()
            return
        if self._stopping:
            return
        nudge = self._held[run_id] = asyncio.Event()
        self._idle.clear()
        try:
            if await self._take_lease(run_id):
                await self._hold(run_id, nudge)
        finally:
            del self._held[run_id]
            if not self._held:
                self._idle.set()

    def nudge_all(self) -> None:
        """Something was written by another process: look again at every run that is held."""
        for nudge in self._held.values():
            nudge.set()

    async def drain(self, seconds: float) -> None:
        """Take no new run, start nothing new, and wait for what is under way, at most ``seconds``."""
        self._stopping = True
        self.nudge_all()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def _hold(self, run_id: RunId, nudge: asyncio.Event) -> None:
        tasks: Tasks = {}
        tried: dict[str, int] = {}
        heartbeat = asyncio.create_task(self._heartbeat(run_id))
        try:
            while await self._step(run_id, tasks, tried, nudge, heartbeat):
                pass
        finally:
            heartbeat.cancel()
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(heartbeat, *tasks.values(), return_exceptions=True)

    async def _step(
        self, run_id: RunId, tasks: Tasks, tried: dict[str, int], nudge: asyncio.Event, heartbeat: asyncio.Task[None]
    ) -> bool:
        """Start what is due, wait for something to end or to be new; False once the run rests and the lease is back.
        ``tried``: an effect that left nothing in the journal is not done again before the journal has grown or the sweep comes."""
        nudge.clear()
        run, now = await self._door.load(run_id)
        if run is None:
            return False
        if not self._stopping:
            for effect in due(run, now):
                if effect.key not in tasks and tried.get(effect.key) != run.length:
                    tried[effect.key] = run.length
                    tasks[effect.key] = asyncio.create_task(self._doer.do(run, effect))
        if not tasks:
            return not await self._give_back(run)
        await self._wait(tasks, nudge, heartbeat)
        return not heartbeat.done()

    async def _wait(self, tasks: Tasks, nudge: asyncio.Event, heartbeat: asyncio.Task[None]) -> None:
        new = asyncio.create_task(nudge.wait())
        timeout = (
            self._limits.sweep_every
        )  # another effect of this run may come due, or another process may have written
        await asyncio.wait({*tasks.values(), new, heartbeat}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        new.cancel()
        for key in [key for key, task in tasks.items() if task.done()]:
            tasks.pop(key).result()

    async def _heartbeat(self, run_id: RunId) -> None:
        """Renew the lease; ends when it was lost, and with it the right to start anything of this run."""
        while True:
            await asyncio.sleep(self._limits.lease / 3)
            try:
                if not await self._take_lease(run_id):
                    log.warning("the lease was lost", run=run_id)
                    return
            except Exception:  # the store is away: the lease runs on, and the next beat tries again
                log.exception("the lease could not be renewed", run=run_id)

    async def _take_lease(self, run_id: RunId) -> bool:
        return await self._store.write(lambda tx: tx.take_lease(run_id, self.name, self._limits.lease))

    async def _give_back(self, run: Run) -> bool:
        return await self._store.write(lambda tx: tx.give_back(run.id, self.name, run.length))


def due(run: Run, now: float) -> tuple[Effect, ...]:
    return tuple(effect for effect in pending(run) if effect.not_before <= now)


async def forever(what: str, every: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` again and again, whatever happens to it; between two, ``every`` seconds."""
    while True:
        try:
            await work()
        except Exception:  # the outermost edge of a loop that must not die
            log.exception("a loop stumbled", loop=what)
        await asyncio.sleep(every)
