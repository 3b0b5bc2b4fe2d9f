"""The Postgres engine without a middleman: what asyncpg does differently from SQLAlchemy's own way must not show."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from bot.core.values import RunId
from bot.ports import InboxRow, Unavailable, Writer
from bot.sql import tables
from bot.sql.engines import WrongStatementError, normalise, own_errors, postgres_engine
from bot.sql.store import PostgresStore
from bot.sql.writer import SqlWriter
from bot.sql.written import Written

MORE_THAN_THERE_ARE_CONNECTIONS = 40


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(normalise(postgres_url))
    yield opened
    await opened.close()


async def test_r15_a_transaction_in_which_a_statement_failed_is_never_taken_for_committed(store: PostgresStore) -> None:
    """Postgres answers its COMMIT with a rollback, and no error."""

    async def swallowing(writer: SqlWriter) -> str:
        await writer.set_freeze("all", "incident", "U1")
        with pytest.raises(WrongStatementError), own_errors():
            await writer.connection.execute(text("SELECT 1 / 0"))
        return "done"

    with pytest.raises(Unavailable):
        await store.write(swallowing)
    assert await store.read(lambda reader: reader.freezes()) == ()


async def test_r12_columns_that_a_newer_release_widens_meanwhile_disturb_nobody(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.write(lambda tx: tx.set_freeze("all", "incident", "U1"))
    assert len(await store.read(lambda reader: reader.freezes())) == 1
    elsewhere = postgres_engine(normalise(postgres_url))
    async with elsewhere.connect() as connection:
        await connection.exec_driver_sql("ALTER TABLE freezes ALTER COLUMN reason TYPE varchar(500)")
        await connection.commit()
    await elsewhere.dispose()
    assert len(await store.read(lambda reader: reader.freezes())) == 1
    assert len(await store.write(lambda tx: tx.freezes())) == 1


async def test_works_that_are_cancelled_give_their_connections_back(store: PostgresStore) -> None:
    async def slow(writer: SqlWriter) -> None:
        await writer.connection.execute(text("SELECT pg_sleep(30)"))

    works = [asyncio.create_task(store.write(slow)) for _ in range(MORE_THAN_THERE_ARE_CONNECTIONS)]
    await asyncio.sleep(0.5)
    for each in works:
        each.cancel()
    await asyncio.gather(*works, return_exceptions=True)
    reads = [store.read(lambda reader: reader.freezes()) for _ in range(MORE_THAN_THERE_ARE_CONNECTIONS)]
    async with asyncio.timeout(10):
        assert await asyncio.gather(*reads) == [()] * MORE_THAN_THERE_ARE_CONNECTIONS


async def test_a_work_that_raises_leaves_its_connection_in_no_transaction(store: PostgresStore) -> None:
    """asyncpg itself would only complain to the loop, and end it."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    async def raising(writer: Writer) -> None:
        await writer.set_freeze("all", "incident", "U1")
        raise LookupError("ours")

    for _ in range(MORE_THAN_THERE_ARE_CONNECTIONS):
        with pytest.raises(LookupError, match="ours"):
            await store.write(raising)
    assert await store.read(lambda reader: reader.freezes()) == () and complaints == []


async def test_lists_and_texts_that_postgres_cannot_hold_come_back_as_they_were(store: PostgresStore) -> None:
    key, payload = "a\x00b", "\ud800 lone"
    await store.write(lambda tx: tx.put_inbox(InboxRow(key, "T1", "event", payload, 0.0)))
    await store.write(lambda tx: tx.put_inbox(InboxRow("other", "T1", "event", "", 0.0)))
    found = await store.read(lambda reader: reader.open_inbox(9, without=["other"]))
    assert [(row.key, row.payload) for row in found] == [(key, payload)]
    assert [row.key for row in await store.read(lambda reader: reader.open_inbox(9, without=[key]))] == ["other"]
    assert len(await store.read(lambda reader: reader.open_inbox(9))) == 2


@pytest.mark.parametrize("name", ["statement_cache_size", "prepared_statement_cache_size"])
async def test_a_url_may_forbid_prepared_statements_as_poolers_want_it(postgres_url: str, name: str) -> None:
    url = normalise(postgres_url).update_query_dict({name: "0"})
    store = PostgresStore(url)
    await store.write(lambda tx: tx.set_freeze("all", "incident", "U1"))
    assert [freeze.by for freeze in await store.read(lambda reader: reader.freezes())] == ["U1"]
    await store.close()


async def test_what_a_value_of_the_wrong_kind_raises_does_not_tell_it(store: PostgresStore) -> None:
    async def wrong(writer: SqlWriter) -> None:
        query = select(tables.runs.c.run).where(tables.runs.c.asked_at == "the-sentence-that-alice-wrote")
        await writer.connection.execute(query)

    with pytest.raises(WrongStatementError) as refused:
        await store.write(wrong)
    assert "alice" not in str(refused.value)


async def test_a_store_that_was_closed_may_be_used_again(store: PostgresStore) -> None:
    assert await store.read(lambda reader: reader.line(RunId("none"))) is None
    await store.close()
    assert await store.read(lambda reader: reader.line(RunId("none"))) is None


async def test_what_is_asked_every_second_is_put_in_words_once_however_long_it_goes_on(store: PostgresStore) -> None:
    async def often(times: int) -> int:
        for _ in range(times):
            await store.notice()
            await store.read(lambda tx: tx.freezings(1, "bighub"))
        gc.collect()
        return sum(type(each) is Written for each in gc.get_objects())

    once = await often(1)
    assert await often(40) == once
