"""R19: what a door remembers beyond what it happens to read is no restore: somebody appended while it read."""

import asyncio

from bot.core.events import RunFailed
from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.engine.restoring import Restoring
from bot.sql.store import open_store
from tests.engine.world import LIMITS
from tests.restore.test_runs import cut
from tests.sql.samples import asked, judged_ask, proposed, said

RUN = RunId("run")
MESSAGES = 100


async def test_r19_reading_a_run_that_grows_meanwhile_is_no_restore(database_url: str) -> None:
    store = open_store(database_url)
    door, done = Door(store), asyncio.Event()
    await store.notice()
    await door.record(RUN, asked(), proposed("c"), judged_ask("c", "ap"))

    highest = 0

    async def read_on() -> None:
        while not done.is_set():
            for read in (door.find("ap"), door.load(RUN)):
                found = await read
                run = found[0] if isinstance(found, tuple) else found
                assert run is not None and run.length >= highest
            await asyncio.sleep(0)  # SQLite reads without a pause

    readers = [asyncio.create_task(read_on()) for _ in range(4)]
    for number in range(MESSAGES):
        run = await door.record(RUN, said(number))
        assert isinstance(run, Run)
        highest = run.length
    done.set()
    await asyncio.gather(*readers)
    epoch = await store.read(lambda tx: tx.epoch())
    await store.close()
    assert epoch.number == 0


async def test_r19_a_door_that_remembers_more_than_there_is_reads_what_there_is(database_url: str) -> None:
    store = open_store(database_url)
    door = Door(store)
    await door.record(RUN, asked(), said(1), said(2))
    await cut(store, RUN, 2)
    run, _ = await door.load(RUN)
    epoch = await store.read(lambda tx: tx.epoch())
    await store.close()
    assert run is not None and run.length == 2 and epoch.number == 1


async def test_r19_what_is_remembered_of_an_ended_run_is_not_told_after_a_restore(database_url: str) -> None:
    """The database holds another end of the same length: nothing else would ever tell that."""
    store = open_store(database_url)
    door = Door(store)
    restoring = Restoring(store, door, LIMITS)
    await restoring.settle()
    await door.record(RUN, asked(), RunFailed("before"))
    await cut(store, RUN, 1)
    await Door(store).record(RUN, RunFailed("after"))
    await store.write(lambda tx: tx.begin_epoch("a test"))
    await restoring.settle()
    run, _ = await door.load(RUN)
    await store.close()
    assert run is not None and run.end_reason == "after"
