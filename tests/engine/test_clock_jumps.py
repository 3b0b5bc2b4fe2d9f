"""R7: the clock jumps, forwards and back: what has expired stays so, and what was approved in time runs within it, once."""

import asyncio

import pytest

from bot.core.call import Outcome
from tests.engine.test_faults import running
from tests.engine.test_rotation import clicked_unseen
from tests.engine.test_terms import asked, ended, told, world_of
from tests.engine.world import CAROL, World, approval_of

HOUR, DAY = 3_600.0, 86_400.0


async def approved_and_not_started() -> tuple[World, str]:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        while world.dispatch.tasks:
            await asyncio.sleep(0.01)
    await clicked_unseen(world, approval)
    return world, approval


@pytest.mark.parametrize("back", [0.0, -HOUR, -DAY])
async def test_r7_what_expired_while_the_clock_was_ahead_stays_expired_when_it_goes_back(back: float) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        world.store.clock_shift = DAY
        await world.click("approve", approval, CAROL)
        assert "expired" in await told(world)
        await ended(world)
        world.store.clock_shift = back
        await world.click("approve_reviewed", approval, CAROL)
        assert "This is expired" in await told(world, 2)
        run = await world.run()
    assert run is not None and run.calls[0].outcome is Outcome.EXPIRED and world.deeds.done == []


@pytest.mark.parametrize("jump", [5 * HOUR, DAY])
async def test_r7_what_was_approved_and_whose_time_is_over_when_it_would_start_asks_anew_and_does_not_run(
    jump: float,
) -> None:
    world, approval = await approved_and_not_started()
    world.store.clock_shift = jump
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: approval_of(run) != approval, 10.0)
    assert world.deeds.done == []


@pytest.mark.parametrize("jump", [-DAY, -HOUR, HOUR])
async def test_r7_what_was_approved_in_time_runs_once_however_the_clock_jumps_within_it(jump: float) -> None:
    world, _ = await approved_and_not_started()
    world.store.clock_shift = jump
    world.engine = world.new_engine()
    async with running(world):
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.EXECUTED and world.deeds.done == ["bob in admins"]
