"""R11: the sweep finds what is owed, whatever else takes long meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from bot.core.events import Asked
from bot.core.run import RunState
from bot.core.values import RunId
from bot.dict_store import DictStore
from bot.engine.door import Door
from bot.ports import Reader
from tests.engine.world import ALICE, PLACE, WakingDispatch, World

T = TypeVar("T")


class MuteStore(DictStore):
    """Never says which cards are to tell of a freeze."""

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        if "tell_cards" in work.__qualname__:
            await asyncio.Event().wait()
        return await super().read(work)


class SlowDispatch(WakingDispatch):
    """``most``: how many were being woken at once."""

    most = waking = 0

    async def wake(self, run: RunId) -> None:
        self.waking += 1
        self.most = max(self.most, self.waking)
        await asyncio.sleep(0.1)
        self.waking -= 1


async def test_r11_while_cards_are_told_of_a_freeze_what_is_due_is_woken() -> None:
    world = World(MuteStore())
    world.dispatch.lossy = True
    async with world.engine.running(0.0):
        await world.write("hello")
        await world.until(lambda run: run)
        world.dispatch.lossy = False
        await world.until(lambda run: run.state is RunState.DONE)


async def test_r11_a_queue_that_takes_long_is_waited_for_once_and_not_for_each_run() -> None:
    world, slow = World(), SlowDispatch()
    for number in range(5):
        place = replace(PLACE, thread=f"{number + 10}.000100")
        await Door(world.store).record(RunId(f"run {number}"), Asked(ALICE, place, place.thread, "hello"))
    async with world._engine(slow, world.limits).running(0.0):
        await asyncio.sleep(0.5)
    assert slow.most == 5
