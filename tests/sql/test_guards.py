"""What the store guards in a moment that no other story passes: a place that is taken, a commit that fails, an older database."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.ports import Conflict
from bot.sql import tables
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.sql.samples import applied, asked, journal, record, said

R = RunId("run")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def test_r5_an_event_takes_no_place_that_is_taken(store: SqlStore) -> None:
    """Also where the run's own row was wound back, so that its length does not tell: (run, seq) is the journal's key."""
    old = await record(store, R, asked())
    await record(store, R, said(1))
    before = await journal(store, R)

    async def wound_back(writer: SqlWriter) -> None:
        await writer.connection.execute(update(tables.runs).values(length=1))
        after, recorded = applied(R, old, [said(2)], writer.now)
        await writer.append(old, after, recorded)

    with pytest.raises(Conflict):
        await store.write(wound_back)
    assert await journal(store, R) == before


async def test_r15_nobody_hears_of_a_work_before_its_commit(sqlite_url: str) -> None:
    """A commit that fails is a failure for all whom it was to carry."""
    store = open_store(sqlite_url)
    await record(store, R, asked())

    async def that_cannot_be_committed(writer: SqlWriter) -> None:
        for statement in (
            "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
            "CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)",
            "INSERT INTO child VALUES (7)",
        ):
            await writer.connection.exec_driver_sql(statement)

    works = [record(store, R, said(1)), store.write(that_cannot_be_committed), record(store, "other", asked())]
    ends = await asyncio.gather(*works, return_exceptions=True)
    assert all(isinstance(end, Exception) for end in ends), ends
    assert len(await journal(store, R)) == 1 and await journal(store, "other") == ()
    await store.close()


async def test_r19_a_door_whose_memory_is_ahead_of_a_restored_database_loads_it_again(sqlite_url: str) -> None:
    before = open_store(sqlite_url)
    await record(before, R, asked())
    await before.close()
    database = Path(make_url(sqlite_url).database or "")
    shutil.copy(database, saved := database.with_name("saved.db"))
    newer, older = open_store(sqlite_url), open_store(f"sqlite:///{saved}")
    door = Door(newer)
    await door.record(R, said(1), said(2))
    door._store = older
    after = await door.record(R, said(3))
    assert isinstance(after, Run) and after.length == 2
    assert [recorded.event for recorded in await journal(older, R)] == [asked(), said(3)]
    await newer.close()
    await older.close()
