"""The schema: the steps lead to the tables, up and down, whoever else migrates or dies meanwhile (contract R13)."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from bot.sql.engines import is_sqlite, normalise, plain_postgres, sqlite_writer
from bot.sql.schema import head, migrate, step_down
from bot.sql.store import open_store
from bot.sql.tables import RISKIEST_FIRST, approvals, metadata
from tests.sql.samples import journal, record, story

ROOT = Path(__file__).parents[2]
MIGRATE = "import asyncio, sys; from bot.sql.schema import migrate; print(asyncio.run(migrate(sys.argv[1])))"
DIE_IN_THE_MIDDLE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "after_cursor_execute")
def die(connection, cursor, statement, *rest):
    if "CREATE TABLE approvals" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

"""


async def python(code: str, *arguments: str) -> tuple[int, str]:
    """Run code in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode().strip()


async def in_database(url: str, look: Callable[[Connection], object]) -> object:
    parsed = normalise(url)
    engine: Any = sqlite_writer(parsed) if is_sqlite(parsed) else plain_postgres(parsed)
    async with engine.connect() as connection:
        found: object = await connection.run_sync(look)
        await connection.commit()
    await engine.dispose()
    return found


def differences(connection: Connection) -> object:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


def table_names(connection: Connection) -> object:
    return set(inspect(connection).get_table_names())


async def test_the_steps_lead_to_the_tables(empty_url: str) -> None:
    assert await migrate(empty_url) == head()
    assert await in_database(empty_url, differences) == []
    assert await in_database(empty_url, table_names) == {*metadata.tables, "alembic_version"}


async def test_a_missing_index_would_be_seen(database_url: str) -> None:
    await in_database(database_url, lambda connection: connection.execute(text("DROP INDEX runs_due")))
    assert await in_database(database_url, differences) != []


async def test_the_riskiest_approvals_of_a_workspace_are_read_in_their_order_and_not_sorted(database_url: str) -> None:
    """No comparison of schemas sees an index of an expression on SQLite, and neither database says that it does not use one."""
    first = select(approvals.c.approval).where(approvals.c.team == "T0").order_by(*RISKIEST_FIRST).limit(20)

    def plan(connection: Connection) -> object:
        asked = first.compile(connection, compile_kwargs={"literal_binds": True})
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # else a table of no rows is simply read
        explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        return "\n".join(str(row) for row in connection.execute(text(f"{explain} {asked}")))

    found = str(await in_database(database_url, plan))
    assert "approvals_by_risk" in found, found
    assert not re.search("sort|b-tree for order", found, re.IGNORECASE), found


async def test_up_and_down_and_up(empty_url: str) -> None:
    await migrate(empty_url)
    assert await step_down(empty_url, "base") == ""
    assert await in_database(empty_url, table_names) == {"alembic_version"}
    assert await migrate(empty_url) == head()
    assert await in_database(empty_url, differences) == []


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    store = open_store(database_url)
    await record(store, "run", *story())
    assert await migrate(database_url) == head()
    assert len(await journal(store, "run")) == 7
    await store.close()


async def test_a_database_with_runs_does_not_go_below_the_first_revision(database_url: str) -> None:
    store = open_store(database_url)
    await record(store, "run", *story())
    with pytest.raises(RuntimeError, match="this database holds runs"):
        await step_down(database_url, "base")
    assert len(await journal(store, "run")) == 7
    await store.close()


async def test_two_processes_migrate_at_once(empty_url: str) -> None:
    processes = [python(MIGRATE, empty_url) for _ in range(2)]
    ends = await asyncio.wait_for(asyncio.gather(*processes, migrate(empty_url), migrate(empty_url)), 60)
    assert list(ends) == [(0, head()), (0, head()), head(), head()]
    assert await in_database(empty_url, differences) == []


async def test_a_process_that_dies_in_the_middle_leaves_the_schema_as_it_was(empty_url: str) -> None:
    code, _ = await python(DIE_IN_THE_MIDDLE + MIGRATE, empty_url)
    assert code == -9
    assert await in_database(empty_url, table_names) == set()
    assert await migrate(empty_url) == head()
    assert await in_database(empty_url, differences) == []


async def test_a_schema_that_a_newer_release_has_grown_is_left_alone(database_url: str) -> None:
    """R12: an older release starts beside a newer one."""

    def grow(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE runs ADD COLUMN mood TEXT"))

    await in_database(database_url, grow)
    assert await migrate(database_url) == "9999"
    store = open_store(database_url)
    await record(store, "run", *story())
    assert len(await journal(store, "run")) == 7
    await store.close()


async def test_a_new_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "signoff.db"
    await migrate(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("way", ["up", "down"])
async def test_r12_r13_a_step_waits_for_a_replica_that_reads_and_then_writes_and_the_replica_for_nobody(
    postgres_url: str, way: str
) -> None:
    if way == "up":
        await step_down(postgres_url, "0008")
    url = normalise(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    replica, looking = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with replica.transaction():
            await replica.fetch("SELECT * FROM approvals")
            step = asyncio.create_task(migrate(postgres_url) if way == "up" else step_down(postgres_url, "0008"))
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'approvals'::regclass"
            while not await looking.fetchval(waits):
                await asyncio.sleep(0.02)
            await replica.execute("DELETE FROM approvals WHERE approval = 'none'")
        assert await asyncio.wait_for(step, 30) == (head() if way == "up" else "0008")
    finally:
        await replica.close()
        await looking.close()
