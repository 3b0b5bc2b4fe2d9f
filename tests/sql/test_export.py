"""R18: every change is one row of the journal, in its own transaction; and what was exported shows whatever was taken away since."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest
from sqlalchemy import func, select

from bot.core.events import Finished
from bot.core.journal import fold
from bot.core.run import RunState
from bot.core.values import CallId, Judgement, RunId, Verdict
from bot.errors import SignoffError
from bot.ports import Reader, Writer
from bot.sql import tables
from bot.sql.chain import Fault
from bot.sql.export import exported, heads_in, held_against
from bot.sql.reader import SqlReader
from bot.sql.rebuild import rebuild, verify_chain
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.engine.world import World, approval_of, saying, wishing
from tests.sql.samples import approved, asked, record, said, story

T = TypeVar("T")
FINISHED = Finished(CallId("a-2"), "attempt", True, "{}", 1.0)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


class Watched:
    """The store, and after each commit a look at what is there."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.commits, self.faults = store, 0, list[str]()
        self.read, self.data_version, self.close = store.read, store.data_version, store.close

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        done = await self._store.write(work)
        await self._store.read(self._look)
        return done

    async def _look(self, reader: SqlReader) -> None:
        events, runs = tables.events.c, tables.runs.c
        counted = select(events.run, func.count(), func.max(events.seq)).group_by(events.run)
        written = {run: (count, last) for run, count, last in await reader.connection.execute(counted)}
        for run, length, state in await reader.connection.execute(select(runs.run, runs.length, runs.state)):
            told = fold(RunId(run), await reader.journal(RunId(run)))
            if written.pop(run, None) != (length, length) or told is None or told.state != state:
                self.faults.append(f"{run} at {length}, {state}: {told}")
        self.faults += [f"{run} has events and no row" for run in written]
        self.faults += [fault.reason for fault in [(await verify_chain(reader)).fault] if fault]
        self.commits += 1


async def test_r18_each_change_of_a_run_has_its_row_of_the_journal_in_the_same_transaction(store: SqlStore) -> None:
    watched = Watched(store)
    world = World(watched)
    world.guard.answers["grant_access"] = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
    async with world.engine.running(drain_seconds=0.5):
        world.model.turns = [wishing(("grant_access", {"user_id": "bob", "group": "admins"})), saying("Done.")]
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=20.0)
        await world.click("approve", approval_of(run))
        run = await world.until(lambda run: run.state is RunState.DONE and len(run.receipts) == 3, seconds=20.0)
    assert watched.faults == [] and watched.commits > 6 and run.length > 10


# --- an export ------------------------------------------------------------------------------------------------------


async def an_export(store: SqlStore) -> list[str]:
    async def work(reader: SqlReader) -> list[str]:
        return [json.dumps(line) async for line in exported(reader)]

    return await store.read(work)


async def told(store: SqlStore) -> list[str]:
    """Two stories, and the export of them."""
    await record(store, "run", *story())
    await record(store, "other", asked(), said(1))
    return await an_export(store)


async def fault(store: SqlStore, export: list[str]) -> Fault | None:
    heads = heads_in(export, "export")

    async def work(reader: SqlReader) -> Fault | None:
        return (await verify_chain(reader)).fault or await held_against(reader, heads)

    return await store.read(work)


async def sql(store: SqlStore, *statements: str) -> None:
    async def work(writer: SqlWriter) -> None:
        for statement in statements:
            await writer.connection.exec_driver_sql(statement)

    await store.write(work)


async def test_r18_what_goes_on_after_an_export_holds_against_it(store: SqlStore) -> None:
    export = await told(store)
    assert await fault(store, export) is None
    await record(store, "run", approved(), FINISHED)
    await record(store, "new", asked())
    assert await fault(store, export) is None
    end = json.loads(export[-1])
    assert (end["runs"], end["events"]) == (2, 9) and len(export) == 10
    assert end["heads"] != json.loads((await an_export(store))[-1])["heads"]
    assert (await store.read(verify_chain)).heads == json.loads((await an_export(store))[-1])["heads"]


async def test_r18_a_tail_that_was_cut_with_its_head_shows_only_against_an_export(store: SqlStore) -> None:
    export = await told(store)
    await sql(store, "DELETE FROM events WHERE run = 'run' AND seq > 5")
    assert await store.read(verified_fault) is not None
    await rebuild(store)
    assert await store.read(verified_fault) is None
    found = await fault(store, export)
    assert found == Fault("run", 7, "event 7 was exported and is not there any more")


async def test_r18_a_run_that_was_taken_away_whole_shows_only_against_an_export(store: SqlStore) -> None:
    export = await told(store)
    await sql(store, "DELETE FROM events WHERE run = 'other'", "DELETE FROM runs WHERE run = 'other'")
    assert await store.read(verified_fault) is None
    assert await fault(store, export) == Fault("other", 2, "event 2 was exported and is not there any more")


async def test_r18_a_journal_that_went_back_and_then_elsewhere_shows_only_against_an_export(store: SqlStore) -> None:
    """The fork of a restore: every row is genuine and the chain holds."""
    export = await told(store)
    await sql(store, "DELETE FROM events WHERE run = 'other' AND seq = 2")
    await rebuild(store)
    await record(store, "other", said(2), said(3))
    assert await store.read(verified_fault) is None
    assert await fault(store, export) == Fault("other", 2, "event 2 is not the one that was exported")


async def verified_fault(reader: Reader) -> Fault | None:
    assert isinstance(reader, SqlReader)
    return (await verify_chain(reader)).fault


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "cut at its end": lambda lines: lines[:-1],
    "without one line": lambda lines: [*lines[:3], *lines[4:]],
    "without a run's last line": lambda lines: [line for line in lines if '"seq": 7' not in line],
    "without a run": lambda lines: [line for line in lines if '"run": "other"' not in line],
    "with another time": lambda lines: [lines[0].replace('"at": ', '"at": 1'), *lines[1:]],
    "with more behind its end": lambda lines: [*lines, lines[0]],
    "no JSON": lambda lines: ["run  1  2", *lines],
    "another JSON": lambda lines: ["[]", *lines],
    "empty": lambda lines: [],
}


@pytest.mark.parametrize("how", CHANGES)
async def test_r18_an_export_that_was_changed_itself_is_refused(store: SqlStore, how: str) -> None:
    export = await told(store)
    with pytest.raises(SignoffError, match="no whole export"):
        heads_in(CHANGES[how](export), "export.jsonl")
