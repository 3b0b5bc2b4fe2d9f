"""R13: a database of any release is brought up, down and up again, and every run in it is worked to its end: nothing runs twice,
nothing without its vote, nothing is lost."""

import asyncio
import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, LargeBinary, MetaData

from bot.actions import Registry
from bot.core.call import CallState
from bot.core.inputs import Wrote
from bot.core.run import ENDS, Run, RunState
from bot.ports import Reader
from bot.slack.payloads import translate
from bot.sql.rebuild import verify_chain
from bot.sql.schema import config, head, migrate, step_down
from bot.sql.store import SqlStore, open_store
from tests.engine.world import ALICE, BOB, CAROL, World
from tests.sql.make_databases import ASK, FOLDER, PATIENT, POLICY, STATES
from tests.sql.sample_actions import DONE, HANGING, actions
from tests.sql.test_schema import DIE_IN_THE_MIDDLE, MIGRATE, differences, in_database, python

REVISIONS = sorted(path.stem for path in FOLDER.glob("*.json"))
RUNS_ONCE = [
    "grant allowed",
    "grant asking",
    "grant clicked",
    "grant proposed",
    "pay one vote",
    "refresh started rerun",
]
"""What the stored runs still do, each once; what had started before is asked about, or probed, and not done again."""


def sample(revision: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{revision}.json").read_text())
    return found


def load(revision: str, tables: dict[str, Any]) -> Any:
    """Make the schema of a revision and put its rows in."""

    def fill(connection: Connection) -> None:
        command.upgrade(config(connection), revision)
        found = MetaData()
        found.reflect(connection)
        for name, table in found.tables.items():
            raw = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
            rows = [row | {name: base64.b64decode(row[name]) for name in raw} for row in tables[name]]
            if rows and name != "alembic_version":
                connection.execute(table.insert(), rows)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('inbox', 'number'), max(number)) FROM inbox"
            )

    return fill


async def loaded(url: str, revision: str) -> float:
    """A database of that release; when it was made."""
    kept = sample(revision)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    await in_database(url, load(revision, kept["tables"]))
    return float(kept["made_at"])


async def as_of(url: str, made_at: float) -> SqlStore:
    """Its store, at the moment when it was made: nothing has expired."""
    store = open_store(url)
    store.clock_shift = made_at - await store.read(_now)
    return store


async def _now(tx: Reader) -> float:
    return tx.now


# --- the samples ------------------------------------------------------------------------------------------------------


def test_r13_every_revision_has_its_stored_database() -> None:
    revisions = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    assert revisions == set(REVISIONS), "run `python -m tests.sql.make_databases`"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_r13_a_stored_database_holds_every_state_of_a_run_and_of_a_call(revision: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sample.db"
    made_at = await loaded(url, revision)
    await migrate(url)
    store = await as_of(url, made_at)
    world = World(store)
    runs = await world.runs()
    await store.close()
    states = {run.state for run in runs} | {call.state for run in runs for call in run.calls}
    assert states | {CallState.REFUSED, CallState.EXECUTED, CallState.FAILED} == STATES
    assert any(
        call.approval and call.approval.votes and call.state is CallState.ASKING for run in runs for call in run.calls
    )


# --- every run to its end ---------------------------------------------------------------------------------------------


class Upgraded:
    """A bot of this release on the stored database, and the people that its runs wait for."""

    def __init__(self, store: SqlStore) -> None:
        DONE.clear()
        HANGING.clear()
        self.store, self.world = store, World(store, policy=POLICY, limits=replace(PATIENT, lease=0.6))
        self.world.registry = Registry(actions())
        self.world.guard.answers = {"grant": ASK}
        self.world.engine = self.world.new_engine()

    async def to_the_end(self) -> list[Run]:
        for row in await self.store.read(lambda tx: tx.open_inbox(100)):
            self.world.inputs[row.key] = translate(row)
        assert await self.world.engine.settle_restore() is None
        async with self.world.engine.running(drain_seconds=0.2):
            end = asyncio.get_running_loop().time() + 60.0
            while unended := [run for run in await self.of_people() if run.state not in ENDS or unsettled(run)]:
                assert asyncio.get_running_loop().time() < end, [(run.id, run.state, run.troubles) for run in unended]
                for run in unended:
                    await self.people_act(run)
                await asyncio.sleep(0.05)
            await self.nothing_open()
        return await self.of_people()

    async def of_people(self) -> list[Run]:
        return [run for run in await self.world.runs() if not run.of_program]

    async def nothing_open(self) -> None:
        while await self.store.read(lambda tx: tx.open_inbox(1)):
            await asyncio.sleep(0.02)

    async def people_act(self, run: Run) -> None:
        for call in run.calls:
            if call.state is CallState.ASKING and call.card is not None and call.approval is not None:
                for who in (CAROL, BOB):
                    await self.world.click("approve", call.approval.terms.approval, who, call.card.message)
            elif call.state is CallState.IN_DOUBT and call.settled is None and call.question is not None:
                await self.world.click("did_run", call.question)
        if run.state is RunState.WAITING_FOR_REQUESTER:
            await self.world.receive(
                f"more {run.id}", Wrote(ALICE, run.asked.place, "1800000000.000001", "admins", True)
            )


def unsettled(run: Run) -> bool:
    return any(c.state in (CallState.STARTED, CallState.IN_DOUBT) and c.settled is None for c in run.calls)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_r13_every_run_of_every_release_goes_on_to_its_end(empty_url: str, revision: str) -> None:
    made_at = await loaded(empty_url, revision)
    before = {row["run"] for row in sample(revision)["tables"]["runs"]}
    assert await migrate(empty_url) == head()
    assert await step_down(empty_url, REVISIONS[0]) == REVISIONS[0]
    assert await migrate(empty_url) == head()
    assert await in_database(empty_url, differences) == []
    store = await as_of(empty_url, made_at)
    upgraded = Upgraded(store)
    runs = await upgraded.to_the_end()
    assert before <= {run.id for run in await upgraded.world.runs()}
    assert sorted(DONE) == RUNS_ONCE
    assert {run.state for run in runs} == {RunState.DONE, RunState.CANCELLED, RunState.FAILED}
    assert sum(run.state is RunState.FAILED for run in runs) == 1
    for run in runs:
        for call in run.calls:
            if call.state is CallState.EXECUTED and call.approval is not None:
                assert len(call.approval.votes) >= call.approval.terms.quorum
    assert (await store.read(verify_chain)).fault is None
    (freeze,) = await store.read(lambda tx: tx.freezes())
    assert freeze.scope == "system:frozen"
    await store.close()


# --- with others, and cut off -----------------------------------------------------------------------------------------

DIE_IN_THE_LAST_STEP = DIE_IN_THE_MIDDLE.replace("CREATE TABLE approvals", "CREATE TABLE sealing")


def everything(connection: Connection) -> object:
    found = MetaData()
    found.reflect(connection)
    return {name: sorted(map(repr, connection.execute(table.select()))) for name, table in found.tables.items()}


async def test_r13_a_process_killed_in_the_middle_of_an_upgrade_leaves_every_row_and_the_next_one_upgrades(
    empty_url: str,
) -> None:
    await loaded(empty_url, REVISIONS[0])
    before = await in_database(empty_url, everything)
    code, _ = await python(DIE_IN_THE_LAST_STEP + MIGRATE, empty_url)
    assert code == -9
    assert await in_database(empty_url, everything) == before
    assert await migrate(empty_url) == head()
    assert await in_database(empty_url, differences) == []


async def test_r13_two_processes_upgrade_a_database_with_runs_at_once(empty_url: str) -> None:
    await loaded(empty_url, REVISIONS[0])
    ends = await asyncio.wait_for(asyncio.gather(*(python(MIGRATE, empty_url) for _ in range(2))), 60)
    assert ends == [(0, head())] * 2
    assert await in_database(empty_url, differences) == []
