"""R19: what a door remembers beyond what it happens to read is no restore: somebody appended while it read."""

import asyncio

from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.sql.store import open_store
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
