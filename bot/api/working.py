"""Runs at work on one event loop, for whoever calls. What a caller sees of them is `feeds.py`'s, what comes of them `machine.py`'s.

Rules
1. A run is worked in a task of its own, one for all who call, until it rests and everything about it is reported.
2. A caller waits for the rest alone; reports go on beside it, and are waited for once, at the caller's end.
3. The last caller to go away stops a run that does not rest yet, and interrupts no tool that started; where another process
   works it, it goes on.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.api.alone import THE_PROGRAM
from bot.core.moments import rests
from bot.core.run import ENDS, Run, RunState
from bot.core.values import RunId
from bot.engine import Engine
from bot.errors import ProviderResponseError
from bot.logger import log
from bot.ports import Unavailable

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5
T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Work:
    """``resting``: whether the run rested when it was last seen."""

    task: "asyncio.Task[None]"
    resting: bool


class Working:
    """``looked_at`` is told of each state of a run that is polled for, whoever has changed it."""

    def __init__(self, engine: Engine, looked_at: Callable[[Run], None]) -> None:
        self._engine, self._looked_at = engine, looked_at
        self._callers: Counter[RunId] = Counter()
        self._works: dict[RunId, Work] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

    @contextlib.contextmanager
    def calling(self, run_id: RunId) -> Iterator[None]:
        """Somebody works this run, or is about to."""
        self._callers[run_id] += 1
        try:
            yield
        finally:
            self._callers[run_id] -= 1
            if not self._callers[run_id]:
                del self._callers[run_id]
                self._leave(run_id)

    def begin(self, run_id: RunId, *, resting: bool) -> "asyncio.Task[None]":
        """Work the run, or go on with it; the task ends when it rests and is reported. ``resting``: whether it rests now."""
        work = self._works.get(run_id)
        if work is None or work.task.done():
            work = self._works[run_id] = Work(self._task(self._worked(run_id)), resting)
            work.task.add_done_callback(lambda task: self._ended(run_id, task))
        else:
            self._task(self._nudge(run_id))
        return work.task

    def saw(self, run: Run) -> None:
        if run.id in self._works:
            self._works[run.id].resting = at_rest(run)

    async def reported(self, run_id: RunId, seconds: float | None) -> None:
        """Wait until nothing of a run at rest is under way here any more, at most ``seconds``."""
        work = self._works.get(run_id)
        if work is not None and work.resting:
            await asyncio.wait({work.task}, timeout=seconds)

    async def _worked(self, run_id: RunId) -> None:
        """Advance the run until it rests, also where another process holds it or something is tried again later."""
        wait = SHORTEST_WAIT
        while True:
            await self._engine.advance(run_id)
            run = await self._engine.run(run_id)
            if run is None:
                raise ProviderResponseError("The run is not in the store any more.")
            self._looked_at(run)
            if at_rest(run):
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    def _ended(self, run_id: RunId, task: "asyncio.Task[None]") -> None:
        work = self._works.get(run_id)
        if work is not None and work.task is task:
            del self._works[run_id]
        if not task.cancelled() and (fault := task.exception()) and not self._callers[run_id]:
            log.warning("a run that nobody waits for any more could not be worked", run=run_id, why=str(fault))

    def _leave(self, run_id: RunId) -> None:
        work = self._works.get(run_id)
        if work is None or work.task.done() or work.resting:
            return
        if self._engine.holds(run_id):
            self._task(self._stop(run_id))
        else:  # another process works it, or nobody does: this one only looked on
            self._works.pop(run_id).task.cancel()

    async def _nudge(self, run_id: RunId) -> None:
        with contextlib.suppress(Unavailable):
            await self._engine.advance(run_id)  # returns at once where the run is held here already

    async def _stop(self, run_id: RunId) -> None:
        with contextlib.suppress(Unavailable):
            await self._engine.programs.stop(run_id, THE_PROGRAM, "The program went away.")

    def _task(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


def at_rest(run: Run) -> bool:
    """Whether it has ended, or only people can move it."""
    return run.state in ENDS or (run.state is RunState.ACTING and rests(run))
