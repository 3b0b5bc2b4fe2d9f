"""The Store port over SQLite and Postgres: transactions, group commit, running a work again. Queries are `reader.py`'s and
`writer.py`'s; connections are `engines.py`'s.

Rule 1: a work is committed whole or leaves nothing; its caller hears of it only after the commit.
Rule 2: a work that met a `Conflict` runs again, a bounded number of times, after a random pause.
Rule 3: on SQLite the witness (`witness.py`) hears of a commit that changed something, and only then the caller of the work.
Rule 4: SQLite has one writer connection. Whatever waits for it is committed together, each work behind its own savepoint.
Rule 5: nobody hears of a commit to a SQLite file that does not stand in its place any more.
"""

import asyncio
import random
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL

from bot.ports import Conflict, Epoch, Unavailable
from bot.sql import epochs
from bot.sql.direct import Snapshots
from bot.sql.engines import (
    OPENED,
    file_at,
    is_sqlite,
    normalise,
    own_errors,
    postgres_engine,
    sqlite_readers,
    sqlite_writer,
)
from bot.sql.heads import Heads
from bot.sql.inline import InlineConnection, InlineEngine
from bot.sql.leftover import refuse_foreign_log
from bot.sql.reader import NOW, SqlReader
from bot.sql.witness import Held, Witness
from bot.sql.writer import SqlWriter
from bot.threads import in_thread

T = TypeVar("T")

ATTEMPTS = 10
_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.5
_GROUP = 16


def open_store(url: str) -> "SqlStore":
    """The store behind a database URL. Nothing is connected yet. Raises `ConfigurationError` for a URL or a file that cannot be one."""
    parsed = normalise(url)
    if is_sqlite(parsed):
        refuse_foreign_log(Path(parsed.database or ""))
    return SqliteStore(parsed) if is_sqlite(parsed) else PostgresStore(parsed)


class SqlStore(ABC):
    """``clock_shift`` (seconds) moves the store's time in tests. Every method raises `Unavailable` while the database is away."""

    def __init__(self, readers: Snapshots | InlineEngine) -> None:
        self.clock_shift = 0.0
        self._readers = readers
        self._heads = Heads()

    async def write(self, work: Callable[[SqlWriter], Awaitable[T]]) -> T:
        return await _again(lambda: self._write_once(work))

    @abstractmethod
    async def _write_once(self, work: Callable[[SqlWriter], Awaitable[T]]) -> T: ...

    async def read(self, work: Callable[[SqlReader], Awaitable[T]]) -> T:
        return await _again(lambda: self._read_once(work))

    async def _read_once(self, work: Callable[[SqlReader], Awaitable[T]]) -> T:
        with own_errors():
            async with _opened(self._readers) as (connection, now):
                return await work(SqlReader(connection, now, self.clock_shift))

    @abstractmethod
    async def notice(self) -> Epoch: ...

    @abstractmethod
    async def data_version(self) -> int | None:
        """A number that changes when another process commits to the same SQLite file; None on Postgres."""

    async def close(self) -> None:
        await self._readers.dispose()


class PostgresStore(SqlStore):
    """Each work is a transaction of its own."""

    def __init__(self, url: URL) -> None:
        self._engine = postgres_engine(url, self._on_connect)
        self._cluster = ""
        self._cluster_name: str | None = None
        self._elsewhere = False
        super().__init__(Snapshots(self._engine))

    async def read(self, work: Callable[[SqlReader], Awaitable[T]]) -> T:
        if self._elsewhere:
            await self.notice()
        return await super().read(work)

    async def _write_once(self, work: Callable[[SqlWriter], Awaitable[T]]) -> T:
        if self._elsewhere:
            await self.notice()
        return await self._write_now(work)

    async def _write_now(self, work: Callable[[SqlWriter], Awaitable[T]], *, anywhere: bool = False) -> T:
        with own_errors():
            async with _opened(self._engine) as (connection, now):
                if self._elsewhere and not anywhere:
                    raise Conflict("the server was replaced, or recovered to an earlier moment")
                writer = SqlWriter(connection, now, self.clock_shift, self._heads)
                result = await work(writer)
                await connection.commit()
                self._heads.keep(writer.heads)
                return result

    async def notice(self) -> Epoch:
        """Whoever comes first names the new epoch; the others find it."""
        with own_errors():
            if not self._cluster:
                parts = [await epochs.askable(self._engine, part) for part in epochs.CLUSTER]
                self._cluster = epochs.cluster_sql(*parts)
            async with self._engine.connect() as connection:
                here, stored = await epochs.name_of(connection, self._cluster), await epochs.row(connection)
        if not stored.identity or epochs.why_postgres_was_restored(here, stored):
            stored = await self._write_now(lambda tx: epochs.named(tx.connection, tx.now, here), anywhere=True)
        self._cluster_name, self._elsewhere = epochs.cluster_in(here), False
        return stored.epoch

    async def _on_connect(self, connection: Any) -> None:
        """A server that was replaced, or recovered to an earlier moment, has dropped its connections: the next one tells."""
        if self._cluster_name is not None:
            name = await connection.fetchval(f"SELECT {self._cluster}")
            self._elsewhere = self._elsewhere or name != self._cluster_name

    async def data_version(self) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Callable[[SqlWriter], Awaitable[Any]]
    answer: asyncio.Future[Any]


class SqliteStore(SqlStore):
    """One writer connection with group commit, and a small read-only pool beside it."""

    def __init__(self, url: URL) -> None:
        super().__init__(sqlite_readers(url))
        self._writer = sqlite_writer(url)
        self._file = Path(url.database or "")
        self._witness = Witness(self._file)
        self._waiting: list[_Waiting] = []
        self._committing: asyncio.Task[None] | None = None

    async def _write_once(self, work: Callable[[SqlWriter], Awaitable[T]]) -> T:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(work, answer))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        return await answer

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
            # Whoever gave up waiting before the work began gets what they asked for: nothing happens.
            group = [waiting for waiting in group if not waiting.answer.done()]
            if not group:
                continue
            try:
                outcomes = await self._commit(group)
            except BaseException as error:  # the task's outermost edge: who waits must be told, or waits for ever
                if isinstance(error, Exception):
                    _tell(group, error)
                    continue
                group, self._waiting = [*group, *self._waiting], []
                _tell(group, error)
                raise
            for waiting, outcome in zip(group, outcomes, strict=True):
                _tell([waiting], outcome)

    async def _commit(self, group: list[_Waiting]) -> list["_Done | BaseException"]:
        with own_errors():
            async with _opened(self._writer) as (connection, now):
                self._stay_with(connection)
                await epochs.agree(connection, now + self.clock_shift, self._witness)
                writers = [SqlWriter(connection, now, self.clock_shift, self._heads) for _ in group]
                outcomes = [
                    await self._run_alone(connection.driver_connection, writer, waiting)
                    for writer, waiting in zip(writers, group, strict=True)
                ]
                done = [writer for writer, each in zip(writers, outcomes, strict=True) if isinstance(each, _Done)]
                changed = any(writer.changed for writer in done)
                count = epochs.count_commit(connection.driver_connection) if changed else None
                await connection.commit()
                self._stay_with(connection)
        for writer in done:
            self._heads.keep(writer.heads)
        absent = await self._unwitnessed(*count) if count is not None else None
        return outcomes if absent is None else [absent if isinstance(each, _Done) else each for each in outcomes]

    def _stay_with(self, connection: InlineConnection) -> None:
        """What is committed to a file that was moved away is lost to everybody else. Raises `Unavailable`."""
        if connection.about[OPENED] != file_at(self._file):
            raise Unavailable(
                "The database's file was replaced or removed while it was open: what has it open must end"
            )

    async def _unwitnessed(self, identity: str, commits: int) -> Unavailable | None:
        """A commit that no witness knows of could be lost unnoticed: nobody acts on it. Whoever else writes it just now is waited for
        in a thread."""
        try:
            try:
                self._witness.write(identity, commits, 0.0)
            except Held:
                await in_thread(lambda: self._witness.write(identity, commits), "signoff-witness")
        except Unavailable as absent:
            return absent
        return None

    async def _run_alone(
        self, driver: sqlite3.Connection, writer: SqlWriter, waiting: _Waiting
    ) -> "_Done | BaseException":
        driver.execute("SAVEPOINT work")
        try:
            with own_errors():
                done = _Done(await waiting.work(writer))
        except Exception as error:  # the work's outermost edge: its caller is told, the others go on
            try:
                driver.execute("ROLLBACK TO work")
            except sqlite3.OperationalError:
                # SQLite has ended the whole transaction by itself (the disk is full): nobody's work is there any more.
                raise error from None
            return error
        driver.execute("RELEASE work")
        return done

    async def notice(self) -> Epoch:
        seen = self._witness.read()  # before the row, which counts a commit before the witness does
        stored = await self.read(lambda tx: epochs.row(tx.connection))
        if not stored.identity or epochs.why_sqlite_was_restored(seen, stored):
            stored = await self.write(lambda tx: epochs.row(tx.connection))  # each write begins an epoch where it must
        return stored.epoch

    async def data_version(self) -> int | None:
        """Read on the writer's connection, whose own commits do not change it."""
        with own_errors():
            async with self._writer.idle() as driver:
                version: int = driver.execute("PRAGMA data_version").fetchone()[0]
                return version

    async def close(self) -> None:
        while self._committing is not None and not self._committing.done():
            await asyncio.wait([self._committing])
        await self._writer.dispose()
        await super().close()


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


async def _again(work: Callable[[], Awaitable[T]]) -> T:
    """Rule 2."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await work()
        except Conflict:
            longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
            await asyncio.sleep(random.uniform(0, longest))
    return await work()


def _tell(group: list[_Waiting], outcome: _Done | BaseException) -> None:
    for waiting in group:
        if waiting.answer.done():
            continue
        match outcome:
            case _Done(value):
                waiting.answer.set_result(value)
            case asyncio.CancelledError():
                waiting.answer.cancel()
            case _:
                waiting.answer.set_exception(outcome)


@asynccontextmanager
async def _opened(engine: Any) -> AsyncIterator[tuple[Any, float]]:
    """A transaction and its time."""
    async with engine.connect() as connection:
        yield connection, await connection.scalar(NOW[engine.dialect.name])
