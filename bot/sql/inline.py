"""A SQLite engine for an event loop: its statements run on the loop itself, in microseconds; only what may wait for a lock or
for the disk goes to a thread. It looks like as much of SQLAlchemy's asynchronous engine as this room uses.

Measured against aiosqlite, which hands every call to a thread and back: about a fifth of the CPU for the same run.

Rule 1: a transaction begins when its connection is opened, and ends with it; nothing is committed but by `commit`.
Rule 2: a connection is used by one task at a time. There are as many as the pool holds, and further tasks wait for one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, ScalarResult

T = TypeVar("T")


class InlineConnection:
    """One open transaction; `AsyncConnection`'s methods of the same names."""

    def __init__(self, connection: Connection, engine: "InlineEngine") -> None:
        self._connection, self._engine = connection, engine

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    @property
    def driver_connection(self) -> Any:
        """The `sqlite3.Connection`."""
        return self._connection.connection.driver_connection

    @property
    def about(self) -> Mapping[Any, Any]:
        """What was noted when it was made."""
        return self._connection.info

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        return self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        return self._connection.scalar(statement, parameters)

    async def scalars(self, statement: Executable, parameters: Any = None) -> ScalarResult[Any]:
        return self._connection.scalars(statement, parameters)

    async def exec_driver_sql(self, statement: str) -> CursorResult[Any]:
        return self._connection.exec_driver_sql(statement)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """Do something long, in a thread."""
        return await self._engine.in_thread(lambda: work(self._connection))

    async def commit(self) -> None:
        await self._engine.in_thread(self._connection.commit)


class InlineEngine:
    """``connections``: how many there are at most. ``waits``: whether a transaction's beginning may wait for a lock."""

    def __init__(self, engine: Engine, *, connections: int, waits: bool) -> None:
        self._engine, self._waits = engine, waits
        self._free = asyncio.Semaphore(connections)
        self._threads = ThreadPoolExecutor(connections, "signoff-sqlite")

    @property
    def dialect(self) -> Dialect:
        return self._engine.dialect

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[InlineConnection]:
        """A connection in a new transaction."""
        async with self._free:
            connection = await self.in_thread(self._begun, Connection.close) if self._waits else self._begun()
            try:
                yield InlineConnection(connection, self)
            finally:
                connection.close()

    @asynccontextmanager
    async def idle(self) -> AsyncIterator[Any]:
        """The driver's connection, in no transaction."""
        async with self._free:
            raw = await self.in_thread(self._engine.raw_connection, lambda raw: raw.close())
            try:
                yield raw.driver_connection
            finally:
                raw.close()

    async def in_thread(self, work: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """Do what may wait; whoever is cancelled meanwhile leaves only after it, for nobody else may use the connection yet.
        ``undo``: what is to be done then with what nobody gets any more."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait({doing})
            if undo is not None and not doing.cancelled() and doing.exception() is None:
                undo(doing.result())
            raise

    def _begun(self) -> Connection:
        connection = self._engine.connect()
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    async def dispose(self) -> None:
        self._engine.dispose()
        self._threads.shutdown(wait=False)
