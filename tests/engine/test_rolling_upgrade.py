"""R12: an older replica beside a newer one leaves to it what it cannot read: it spoils, loses and blocks nothing.

The older release is this code. The newer one is made from it: the same, but that an event has a field more.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.core.call import Call, CallState
from bot.core.events import Asked
from bot.core.inputs import Clicked, Foreign
from bot.core.run import Run, RunState
from bot.core.values import RunId
from bot.engine.door import Door
from bot.engine.engine import SWEEP_BATCH
from bot.engine.listing import Listing
from bot.ports import InboxRow, Posted
from bot.sql.chain import link
from bot.sql.store import SqlStore, open_store
from bot.sql.tables import events, inbox, runs
from bot.sql.writer import SqlWriter
from tests.engine.replica import ASK, GRANT
from tests.engine.world import ALICE, CAROL, LIMITS, PLACE, TEAM, ChatInMemory, World, saying, wishing

ROOT = Path(__file__).parents[2]
OLD_FIELD = "    took: float = 0.0\n    read: tuple[str, ...] = ()\n"
LEFT = ""
"""Who holds a run whose lease was ended and not given back."""
NEW_FIELD = f'{OLD_FIELD}    mood: str = "new"\n'


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a `bot` in which `ModelReplied` has a field more."""
    folder = tmp_path_factory.mktemp("next")
    shutil.copytree(ROOT / "bot", folder / "bot", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "migrations", folder / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    written = folder / "bot" / "core" / "events.py"
    text = written.read_text()
    assert text.count(OLD_FIELD) == 1
    written.write_text(text.replace(OLD_FIELD, NEW_FIELD))
    return folder


async def newer_replica(release: Path, url: str, part: str) -> Any:
    """Let the newer release do its part; what its actions did."""
    environment = os.environ | {"PYTHONPATH": f"{release}{os.pathsep}{ROOT}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engine.replica", url, part, cwd=release, env=environment, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(printed.decode().splitlines()[-1])


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def rows_of(store: SqlStore, table: Any, *columns: Any) -> list[tuple[Any, ...]]:
    async def work(tx: Any) -> list[tuple[Any, ...]]:
        return [
            tuple(row)
            for row in await tx.connection.execute(select(*(columns or (table,))).order_by(*table.primary_key))
        ]

    return await store.read(work)


async def the_run(store: SqlStore) -> RunId:
    return RunId((await rows_of(store, runs, runs.c.run))[0][0])


async def lease_of(store: SqlStore, run: str) -> Any:
    """Who holds the run."""
    return dict(await rows_of(store, runs, runs.c.run, runs.c.lease_owner))[run]


async def test_r12_an_older_replica_leaves_a_newer_run_and_its_click_alone_and_the_newer_one_finishes_it(
    store: SqlStore, database_url: str, next_release: Path
) -> None:
    assert await newer_replica(next_release, database_url, "ask") == []
    before, run, held = await rows_of(store, events), await the_run(store), await lease_of(store, await the_run(store))
    await asyncio.sleep(LIMITS.lease)  # the newer one may have gone without giving its lease back
    older = World(store)
    (line,) = await store.read(lambda tx: tx.open_approvals())
    older.inputs["click"] = Clicked(CAROL, "approve", line.approval, PLACE.channel, "card-t1c1")
    async with older.engine.running(drain_seconds=0.2):
        await older.engine.receive(InboxRow("click", TEAM, "click", "{}"))
        await older.engine.advance(run)
        older.model.turns = [wishing(("look", {"what": "okta"})), saying("Looked.")]
        await older.receive("m9", written_elsewhere())
        await until_done(store, "9.000100")  # its own run is not held up
        assert await lease_of(store, run) == held  # it did not take it
        assert await older.engine.open_approvals(CAROL, TEAM, 20) == Listing((), (line,), mine=0, all=1)
    assert [row for row in await rows_of(store, events) if row[0] == run] == before
    waiting = await rows_of(store, inbox, inbox.c.key, inbox.c.payload, inbox.c.done_at)
    assert waiting[1] == ("click", "{}", None)
    assert older.deeds.done == ["looked at okta"] and older.chat.words == ["Looked."] and older.chat.whispers == []
    assert await newer_replica(next_release, database_url, "finish") == ["bob in admins"]
    assert (await rows_of(store, runs, runs.c.state)) == [("done",), ("done",)]
    assert await store.read(lambda tx: tx.open_inbox(10)) == ()


async def append_as_a_newer_release(store: SqlStore, run: RunId) -> None:
    """An event of a kind that this release does not know, in its place in the chain."""

    async def work(tx: SqlWriter) -> None:
        rows = await tx.event_rows(run)
        last = rows[-1]
        head = link(last.hash, last.seq + 1, tx.now, "Greeted", "{}")
        row = {"run": run, "seq": last.seq + 1, "at": tx.now, "kind": "Greeted", "body": "{}", "hash": head}
        await tx.connection.execute(insert(events).values(row))
        await tx.connection.execute(update(runs).where(runs.c.run == run).values(length=last.seq + 1, head_hash=head))

    await store.write(work)


async def test_r12_any_number_of_runs_of_a_newer_release_hold_up_no_sweep(store: SqlStore) -> None:
    """They are due, and never leave the front of the list."""
    for number in range(SWEEP_BATCH + 5):
        place = replace(PLACE, thread=f"{number + 10}.000100")
        newer = RunId(f"newer {number:03}")
        await Door(store).record(newer, Asked(ALICE, place, place.thread, "x"))
        await append_as_a_newer_release(store, newer)
    store.clock_shift = 1.0
    ours = RunId("ours")
    await Door(store).record(ours, Asked(ALICE, PLACE, PLACE.thread, "x"))
    older = World(store)
    async with older.engine.running(drain_seconds=0.2), asyncio.timeout(30):
        while (run := await older.engine.run(ours)) is None or run.state is not RunState.DONE:
            await asyncio.sleep(0.05)


@dataclass
class OvertakenChat(ChatInMemory):
    """While a card is posted, a newer release writes into its run."""

    meanwhile: Callable[[RunId], Awaitable[None]] | None = None

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        posted = await super().show_card(run, call, again=again)
        assert self.meanwhile is not None
        await self.meanwhile(run.id)
        return posted


async def test_r9_a_card_that_an_older_release_can_record_no_more_is_looked_for_by_whoever_goes_on(
    store: SqlStore,
) -> None:
    older = World(store)
    older.guard.answers["grant_access"], older.model.turns = ASK, [wishing(GRANT)]
    older.chat = OvertakenChat(meanwhile=lambda run: append_as_a_newer_release(store, run))
    older.engine = older.new_engine()
    async with older.engine.running(drain_seconds=0.2):
        await older.write("grant bob admins")
        for _ in range(1500):
            if older.engine._worker.newer:
                break
            await asyncio.sleep(0.02)
        while older.engine._worker._held:
            await asyncio.sleep(0.02)
        assert list(older.chat.cards) == ["t1c1"]
        run = await the_run(store)
        next_one = await store.write(lambda tx: tx.take_lease(run, "newer", 1.0, afresh=True))
    assert next_one is not None and next_one.taken_over


async def test_r12_an_action_that_runs_while_a_newer_release_writes_into_its_run_is_not_cut_off(
    store: SqlStore,
) -> None:
    """Its end cannot be recorded here; the lease ends at once, and whoever can read the run asks people."""
    older = World(store)
    older.deeds.hold = asyncio.Event()
    older.model.turns = [wishing(GRANT)]
    async with older.engine.running(drain_seconds=0.2):
        await older.write("grant bob admins")
        run = await older.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED)
        await append_as_a_newer_release(store, run.id)
        await asyncio.sleep(0.3)
        assert await lease_of(store, run.id) not in (None, LEFT) and older.deeds.done == []
        before = await rows_of(store, events)
        older.deeds.hold.set()
        for _ in range(1500):
            if await lease_of(store, run.id) == LEFT:
                break
            await asyncio.sleep(0.02)
        assert await lease_of(store, run.id) == LEFT
    assert older.deeds.done == ["bob in admins"] and await rows_of(store, events) == before


@pytest.mark.parametrize(
    "stored",
    [Foreign("a row of kind gesture"), Clicked(CAROL, "widen", "x", PLACE.channel, "1.5")],
    ids=["kind", "button"],
)
async def test_r12_a_row_that_only_a_newer_release_understands_stays_for_it(store: SqlStore, stored: Any) -> None:
    older = World(store)
    async with older.engine.running(drain_seconds=0.2):
        await older.receive("newer", stored)
        older.model.turns = [saying("Hello.")]
        await older.write("hello")
        await older.until(lambda run: run.state is RunState.DONE)
    assert [row.key for row in await store.read(lambda tx: tx.open_inbox(10))] == ["newer"]
    assert older.chat.whispers == []


def written_elsewhere() -> Any:
    from dataclasses import replace

    from bot.core.inputs import Wrote
    from tests.engine.world import ALICE

    place = replace(PLACE, thread="9.000100")
    return Wrote(ALICE, place, place.thread, "look", True)


async def until_done(store: SqlStore, thread: str) -> None:
    for _ in range(1500):
        if (thread, "done") in await rows_of(store, runs, runs.c.thread, runs.c.state):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the older replica's own run did not end")
