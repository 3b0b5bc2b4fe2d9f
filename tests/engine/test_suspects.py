"""R17: a run that takes its process along each time is parked with its reason, and the others go on."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.run import RunState
from bot.ports import RunLine
from bot.sql.store import SqlStore, open_store
from tests.engine.deadly import ELSEWHERE
from tests.engine.world import LIMITS, PLACE, World, saying

PATIENT = 60.0


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def lines(store: SqlStore) -> dict[str, RunLine]:
    """The newest run of each thread."""
    return {line.thread: line for line in reversed(await store.read(lambda tx: tx.runs(100)))}


async def test_r17_a_run_that_kills_its_process_each_time_is_parked_and_one_beside_it_goes_on(
    sql: SqlStore, database_url: str
) -> None:
    bots = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engine.deadly", database_url, stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    printed, _ = await asyncio.wait_for(bots.communicate(), 120.0)
    ends = json.loads(printed.decode().splitlines()[-1])
    assert ends == [-signal.SIGKILL] * LIMITS.takeovers_before_parking + [0]
    found = await lines(sql)
    deadly, beside = found[PLACE.thread], found[ELSEWHERE.thread]
    assert beside.state == RunState.DONE and beside.parked is None
    assert "died 5 times in a row" in deadly.parked and "It was doing this: model." in deadly.parked


async def asked_again(world: World, times: int) -> None:
    """The model has been asked so often."""
    for _ in range(2000):
        if len(world.model.asked) >= times:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody asks the model")


async def died_over_it(world: World) -> None:
    """The process dies while it asks the model, and another one begins."""
    async with world.engine.running(drain_seconds=0.0):
        await asked_again(world, len(world.model.asked) + 1)
        for task in list(world.dispatch.tasks):
            task.cancel()
        await asyncio.gather(*world.dispatch.tasks, return_exceptions=True)
    world.engine = world.new_engine()


async def asked_slowly(world: World) -> None:
    """Somebody asks, and the model takes long; the process that worked on it dies."""
    world.model.delay = PATIENT
    await world.write("how is checkout?")
    await died_over_it(world)


async def parked(world: World) -> RunLine:
    for _ in range(500):
        (found,) = await world.store.read(lambda tx: tx.runs(1))
        if found.parked is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it was not parked")


async def test_r17_a_resumed_run_is_given_as_many_processes_again() -> None:
    world = World(limits=replace(LIMITS, takeovers_before_parking=2))
    await asked_slowly(world)
    await died_over_it(world)
    async with world.engine.running(drain_seconds=0.2):
        found = await parked(world)
        while not any("parked" in words for words in world.chat.words):
            await asyncio.sleep(0.01)
    assert await world.store.write(lambda tx: tx.resume(found.run))
    world.engine = world.new_engine()
    await died_over_it(world)
    world.model.delay = 0.0
    world.model.turns = [saying("Fine.")]
    async with world.engine.running(drain_seconds=0.2):
        await world.until(lambda run: run.state is RunState.DONE, seconds=PATIENT)
    assert world.chat.words[-1] == "Fine."


async def test_r11_r17_who_stops_as_told_has_not_died_however_often_that_is() -> None:
    """A rolling restart hands over what is under way."""
    world = World(limits=replace(LIMITS, takeovers_before_parking=1))
    world.model.delay = PATIENT
    await world.write("how is checkout?")
    for asked in range(1, 4):
        async with world.engine.running(drain_seconds=0.0):
            await asked_again(world, asked)
        world.engine = world.new_engine()
    world.model.delay = 0.0
    async with world.engine.running(drain_seconds=0.2):
        await world.until(lambda run: run.state is RunState.DONE, seconds=PATIENT)
