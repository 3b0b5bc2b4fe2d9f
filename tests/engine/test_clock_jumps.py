"""R7: the clock jumps, forwards and back: what has expired stays so, and what was approved in time runs within it, once.
R2, R3: what a process that died held before the clock went back is taken up all the same."""

import asyncio
import time
from dataclasses import replace

import pytest

from bot.core.call import Outcome
from bot.core.inputs import Input
from bot.core.run import RunState
from bot.ports import LONGEST_LEASE, InboxRow, Unavailable
from tests.engine.test_faults import running
from tests.engine.test_rotation import clicked_unseen
from tests.engine.test_terms import asked, ended, told, world_of
from tests.engine.world import CAROL, LIMITS, World, approval_of, saying

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


async def test_r2_the_run_of_a_worker_that_died_before_the_clock_went_back_goes_on() -> None:
    world, _ = await approved_and_not_started()
    world.store.clock_shift = DAY
    (line,) = await world.store.read(lambda tx: tx.runs(2))
    assert await world.store.write(lambda tx: tx.take_lease(line.run, "dead", world.limits.lease))
    world.store.clock_shift = 0.0
    world.engine = world.new_engine()
    async with running(world):
        while await world.store.read(lambda tx: tx.due_runs(1)):
            await asyncio.sleep(0.01)
        world.store.clock_shift = LONGEST_LEASE + 1.0
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.EXECUTED and world.deeds.done == ["bob in admins"]


async def test_r3_what_a_process_received_that_died_before_the_clock_went_back_is_worked() -> None:
    """And not at once: whoever received it may live, and works it."""
    world = World()
    world.model.turns = [saying("Fine.")]
    world.store.clock_shift = DAY
    await world.write("how is checkout?")
    world.store.clock_shift = 0.0
    world.engine, began = world.new_engine(), time.monotonic()
    async with running(world):
        await world.until(lambda run: run.state is RunState.DONE)
    assert time.monotonic() - began > world.limits.lease


async def test_r3_what_waits_to_be_worked_again_waits_no_longer_for_a_clock_that_goes_back() -> None:
    tries: list[str] = []

    def translated(row: InboxRow) -> Input:
        tries.append(row.key)
        if len(tries) == 1:
            raise Unavailable("not now")
        return world.inputs[row.key]

    world = World(limits=replace(LIMITS, first_backoff=0.4, longest_backoff=0.4), translate=translated)
    world.model.turns = [saying("Fine.")]
    world.store.clock_shift = DAY
    async with running(world):
        await world.write("how is checkout?")
        while not tries:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        world.store.clock_shift = 0.0
        await world.until(lambda run: run.state is RunState.DONE)
