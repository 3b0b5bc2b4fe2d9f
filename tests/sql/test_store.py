"""What only databases promise: several processes, group commit, lost connections (contract R3, R5, R15)."""

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from bot.core.values import RunId
from bot.ports import Unavailable, Writer
from bot.sql.inline import InlineConnection
from bot.sql.reader import SqlReader
from bot.sql.rebuild import verify_chain
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.restore.backups import is_open_here, path_of, psql
from tests.sql.samples import asked, journal, record, said

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(postgres_url)
    yield opened
    await opened.close()


async def append_elsewhere(url: str, first: int, count: int) -> int:
    """In a process of its own."""
    arguments = ("-m", "tests.sql.appender", url, "run", str(first), str(count))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    return await process.wait()


async def test_two_processes_on_one_run_lose_nothing(store: SqlStore, database_url: str) -> None:
    """R5; and the chain that both of them wrote is whole."""
    await record(store, "run", asked())
    ends = await asyncio.gather(append_elsewhere(database_url, 100, 40), append_elsewhere(database_url, 200, 40))
    assert list(ends) == [0, 0]
    read = await journal(store, "run")
    assert [recorded.seq for recorded in read] == list(range(1, 82))
    numbers = {said(number) for first in (100, 200) for number in range(first, first + 40)}
    assert {recorded.event for recorded in read[1:]} == numbers
    assert (await store.read(verify_chain)).fault is None


# --- SQLite ---------------------------------------------------------------------------------------------------------


async def test_works_that_wait_together_are_committed_together(sqlite_store: SqlStore) -> None:
    """A transaction reads the clock once: works with the same time were in one."""

    async def work(writer: Writer) -> float:
        await asyncio.sleep(0.002)
        return writer.now

    times = await asyncio.gather(*(sqlite_store.write(work) for _ in range(16)))
    assert len(set(times)) <= 2


async def test_a_caller_who_gives_up_takes_nobody_with_them(sqlite_store: SqlStore) -> None:
    await record(sqlite_store, "run", asked())
    writes = [asyncio.create_task(record(sqlite_store, "run", said(number))) for number in range(10)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(end, asyncio.CancelledError) for end in ends] == [True, False] * 5
    found = {recorded.event for recorded in await journal(sqlite_store, "run")}
    assert found >= {said(number) for number in range(1, 10, 2)}


async def test_a_commit_is_on_disk_and_readers_do_not_wait(sqlite_store: SqlStore) -> None:
    async def settings(reader: SqlWriter) -> list[object]:
        names = ("synchronous", "journal_mode", "foreign_keys", "query_only")
        assert isinstance(reader.connection, InlineConnection)
        driver = reader.connection.driver_connection
        found = [(await reader.connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in names]
        return [*found, driver.isolation_level]

    assert await sqlite_store.write(settings) == [2, "wal", 1, 0, None]
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(writer: Writer) -> None:
        entered.set()
        await leave.wait()

    writing = asyncio.create_task(sqlite_store.write(slow))
    await entered.wait()
    assert await journal(sqlite_store, "run") == ()
    leave.set()
    await writing


async def test_a_reader_cannot_write(store: SqlStore) -> None:
    async def work(reader: SqlReader) -> None:
        await reader.connection.execute(text("DELETE FROM events"))

    with pytest.raises((DBAPIError, Unavailable), match=r"readonly|read-only"):
        await store.read(work)


async def test_a_writer_waits_for_another_processs_lock(sqlite_store: SqlStore, sqlite_url: str) -> None:
    other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ("COMMIT",)).start()
    started = time.monotonic()
    await record(sqlite_store, "run", asked())
    assert time.monotonic() - started > 0.15
    assert len(await journal(sqlite_store, "run")) == 1
    other.close()


async def test_the_data_version_tells_of_other_processes_only(sqlite_store: SqlStore, sqlite_url: str) -> None:
    other = open_store(sqlite_url)
    first = await sqlite_store.data_version()
    await record(sqlite_store, "run", asked())
    assert await sqlite_store.data_version() == first
    await record(other, "run", said(1))
    second = await sqlite_store.data_version()
    assert second != first
    assert await sqlite_store.data_version() == second
    await other.close()


async def test_a_full_disk_loses_the_work_and_says_so(sqlite_store: SqlStore) -> None:
    """R15: no caller hears of a success that was none."""
    await record(sqlite_store, "run", asked())

    async def limit(writer: SqlWriter) -> None:
        pages = (await writer.connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await writer.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await sqlite_store.write(limit)
    with pytest.raises(Unavailable, match="full"):
        await record(sqlite_store, "run", said(1, "x" * 100_000))
    assert len(await journal(sqlite_store, "run")) == 1


async def test_whoever_is_cancelled_while_a_connection_is_made_leaves_none_open(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    looking = asyncio.create_task(store.data_version())
    await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()
    assert await store.data_version() is not None
    await store.close()
    assert not is_open_here(path_of(sqlite_url))


# --- Postgres -------------------------------------------------------------------------------------------------------

KILL_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def kill_connections(url: str) -> None:
    killer = open_store(url)

    async def work(writer: SqlWriter) -> None:
        await writer.connection.execute(text(KILL_ALL))

    await killer.write(work)
    await killer.close()


async def test_dropped_connections_are_replaced(postgres_store: SqlStore, postgres_url: str) -> None:
    await asyncio.gather(*(record(postgres_store, f"run-{number}", asked()) for number in range(8)))
    await kill_connections(postgres_url)
    await asyncio.gather(*(record(postgres_store, f"run-{number}", said(1)) for number in range(8)))
    await kill_connections(postgres_url)
    lines = await postgres_store.read(lambda reader: reader.runs(9))
    assert {line.length for line in lines} == {2}


async def test_many_dropped_connections_that_nobody_has_noticed_yet_are_all_replaced(
    postgres_store: SqlStore, postgres_url: str
) -> None:
    """The next one of the pool is dead as well."""
    await asyncio.gather(*(postgres_store.read(lambda tx: tx.runs(1)) for _ in range(16)))
    psql(postgres_url, KILL_ALL)  # meanwhile our loop hears nothing
    assert await postgres_store.read(lambda tx: tx.runs(1)) == ()


async def test_a_connection_lost_in_a_work_leaves_nothing(postgres_store: SqlStore, postgres_url: str) -> None:
    """R15: an effect whose event was not committed does not happen: the caller gets an error."""
    await record(postgres_store, "run", asked())

    async def interrupted(writer: Writer) -> None:
        await writer.set_freeze("all", "incident", "U1")
        await kill_connections(postgres_url)
        await writer.lift_freeze("nothing")

    with pytest.raises(Unavailable):
        await postgres_store.write(interrupted)
    assert await postgres_store.read(lambda reader: reader.freezes()) == ()


async def test_a_deadlock_ends_with_both_works_done(postgres_store: SqlStore) -> None:
    for run in ("one", "two"):
        await record(postgres_store, run, asked())
    both = asyncio.Barrier(2)
    first_time = {"one": True, "two": True}

    async def touch(first: str, second: str) -> None:
        async def work(writer: Writer) -> None:
            await writer.take_lease(RunId(first), first, 10)
            if first_time[first]:
                first_time[first] = False
                await both.wait()
            await writer.take_lease(RunId(second), first, 10)

        await postgres_store.write(work)

    await asyncio.wait_for(asyncio.gather(touch("one", "two"), touch("two", "one")), 20)


async def test_a_database_that_is_away_is_unavailable() -> None:
    away = open_store("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable, match="The database does not answer"):
        await record(away, "run", asked())
    with pytest.raises(Unavailable, match="The database does not answer"):
        await journal(away, "run")
    assert await away.data_version() is None
    await away.close()
