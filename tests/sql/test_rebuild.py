"""Every projection can be made anew from the journal (DESIGN §4)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from bot.core.events import CardShown
from bot.core.values import CallId, RunId
from bot.sql import tables
from bot.sql.rebuild import rebuild, verify_chain
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.sql.samples import approved, asked, judged_ask, proposed, record, said, story

PROJECTIONS = (tables.runs, tables.approvals, tables.buttons)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def projections(store: SqlStore) -> list[set[Any]]:
    async def work(reader: Any) -> list[set[Any]]:
        return [{tuple(row) for row in await reader.connection.execute(select(table))} for table in PROJECTIONS]

    return await store.read(work)


async def tell_stories(store: SqlStore) -> None:
    """Step by step, so that the rows were updated many times before they are compared."""
    for prefix in ("a", "b"):
        for event in story(prefix):
            await record(store, f"run-{prefix}", event)
    await record(store, "run-b", approved("b"))
    await record(store, "short", asked(), said(1))
    await record(store, "asking", asked(), proposed("c"), judged_ask("c", "approval-c", None))
    await record(store, "asking", CardShown(CallId("c"), "C1", "5.5", "asking:0"))
    await store.write(lambda writer: writer.take_lease(RunId("run-a"), "worker", 30.0))


async def test_a_rebuild_of_honest_projections_changes_nothing(store: SqlStore) -> None:
    await tell_stories(store)
    before = await projections(store)
    assert [len(rows) for rows in before] == [4, 2, 5]
    assert await rebuild(store) == 4
    assert await projections(store) == before


async def test_garbled_and_missing_projections_are_made_anew(store: SqlStore) -> None:
    await tell_stories(store)
    before = await projections(store)

    async def garble(writer: SqlWriter) -> None:
        runs, execute = tables.runs, writer.connection.execute
        await execute(update(runs).values(state="done", due_at=None, head_hash="x", length=1, channel="C9"))
        await execute(delete(runs).where(runs.c.run == "short"))
        await execute(runs.insert().values({**(await a_run(writer)), "run": "invented"}))
        await execute(update(tables.approvals).values(approvers="[]", risk=0.0))
        await execute(delete(tables.approvals).where(tables.approvals.c.run == "asking"))
        await execute(delete(tables.buttons))
        await execute(tables.buttons.insert().values(opaque="invented", run="run-a"))

    await store.write(garble)
    assert await projections(store) != before
    await rebuild(store)
    assert await projections(store) == before
    assert (await store.read(verify_chain)).fault is None


async def a_run(writer: SqlWriter) -> dict[str, Any]:
    row = (await writer.connection.execute(select(tables.runs).limit(1))).mappings().one()
    return dict(row)
