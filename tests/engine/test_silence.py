"""Whoever does not answer holds up nobody: while it is silent, one delivery at a time waits for it (R9)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.core.inputs import Wrote
from bot.core.run import Run, RunState
from bot.core.values import Place
from bot.ports import Posted, Unavailable
from tests.engine.world import ALICE, LIMITS, TEAM, ChatInMemory, World


@dataclass
class SilentChat(ChatInMemory):
    """While it is silent, each post waits for an answer that does not come. ``most``: how many waited at once."""

    silent: bool = False
    waiting: int = 0
    most: int = 0

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            if self.silent:
                await asyncio.sleep(0.15)
                raise Unavailable("Slack does not answer in time.")
            return await super().post_reply(run, key, text, again=again)
        finally:
            self.waiting -= 1


async def test_r9_while_slack_is_silent_one_delivery_at_a_time_waits_for_it() -> None:
    world = World(limits=replace(LIMITS, silent_after=0.05))
    chat = SilentChat(silent=True)
    world.chat = chat
    world.engine = world.new_engine()
    async with world.engine.running(drain_seconds=0.2):
        for number in range(12):
            place = Place(TEAM, "C0OPS", f"{number}.0")
            await world.receive(f"m{number}", Wrote(ALICE, place, place.thread, "hello", True))
        await until_all(world, lambda run: run.state is RunState.REPLYING and run.trouble("reply:1"))
        chat.most = chat.waiting
        await asyncio.sleep(0.6)
        assert chat.most == 1
        chat.silent = False
        await until_all(world, lambda run: run.state is RunState.DONE)
    assert len(chat.words) == 12


async def until_all(world: World, holds: Callable[[Run], object]) -> None:
    """Wait until each of the twelve runs is as ``holds`` says."""
    for _ in range(1_000):
        runs = await world.runs()
        if len(runs) == 12 and all(holds(run) for run in runs):
            return
        await asyncio.sleep(0.01)
    raise AssertionError([(run.id, run.state) for run in await world.runs()])
