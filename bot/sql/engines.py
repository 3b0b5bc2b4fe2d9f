"""Engines: what a database URL means, how connections are set up, and what a database's own errors are called here.

Rule: no error that leaves here holds a value of a statement. What people wrote is in the parameters, and errors are logged.
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from bot.errors import ConfigurationError
from bot.ports import Conflict, Unavailable
from bot.sql.direct import PostgresEngine
from bot.sql.inline import InlineEngine

BUSY_SECONDS = 10.0
OPENED = "opened"
"""Of a connection to SQLite: which file it has open."""
_IDLE_MILLISECONDS = 10_000
_READERS = 4
_POSTGRES_CONNECTIONS = 16
_SOMEBODY_WAS_FIRST = frozenset({"40001", "40P01"})
_NO_SUCH_TABLE = "42P01"


def normalise(url: str) -> URL:
    """The URL with the driver that this room uses. Raises `ConfigurationError` for what is no database of ours."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(_WRONG_URL) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+aiosqlite" | "sqlite+pysqlite":
            return _sqlite_url(parsed)
        case "postgres" | "postgresql" | "postgresql+asyncpg":
            return _postgres_url(parsed)
        case _:
            raise ConfigurationError(_WRONG_URL)


_WRONG_URL = "DATABASE_URL is no database that Signoff knows. Use sqlite:///path/signoff.db or postgresql://user:password@host/database."


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def sqlite_file(url: str) -> Path | None:
    """The one file of a SQLite URL, however it is spelled: what else lies beside the database is named after it. None on Postgres."""
    parsed = normalise(url)
    return Path(parsed.database or "") if is_sqlite(parsed) else None


def _sqlite_url(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ConfigurationError("DATABASE_URL names no file. Use sqlite:///path/signoff.db.")
    if url.query or url.host:
        raise ConfigurationError("DATABASE_URL of SQLite takes a path and nothing else. Use sqlite:///path/signoff.db.")
    try:
        path = Path(url.database).resolve()
    except (OSError, RuntimeError, ValueError):
        raise ConfigurationError("DATABASE_URL names no file that there can be: its path leads nowhere.") from None
    if path.is_dir():
        raise ConfigurationError(f"DATABASE_URL names a directory, {path}. Name a file in it.")
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"The directory of the database, {path.parent}, does not exist. Make it or change DATABASE_URL."
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigurationError(f"The database, {path}, cannot be written. Change its permissions or DATABASE_URL.")
    return url.set(drivername="sqlite", database=str(path))


def _postgres_url(url: URL) -> URL:
    query = dict(url.query)
    # libpq's name for it, which hosting companies put into their URLs; asyncpg says "ssl".
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


class WrongStatementError(Exception):
    """A statement that no later attempt would make right: a fault of ours. Its text tells the statement, without values."""


def sqlite_writer(url: URL, busy: float = BUSY_SECONDS) -> InlineEngine:
    """One connection, which begins by taking SQLite's write lock: a deferred transaction would lose concurrent appends.
    It waits ``busy`` seconds for another process's."""
    return InlineEngine(_sqlite_engine(url, "BEGIN IMMEDIATE", 1, "OFF", busy), connections=1, waits=True)


def sqlite_readers(url: URL) -> InlineEngine:
    """Several connections that cannot write. Their transactions begin without waiting for anybody."""
    engine = _sqlite_engine(url, "BEGIN", _READERS, "ON", BUSY_SECONDS)
    return InlineEngine(engine, connections=_READERS, waits=False)


def _sqlite_engine(url: URL, begin: str, connections: int, query_only: str, busy: float) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": busy, "check_same_thread": False},
        hide_parameters=True,
    )

    def on_connect(connection: Any, entry: ConnectionPoolEntry) -> None:
        # Without this Python's driver would begin transactions by itself, later than we do.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("synchronous=FULL", "foreign_keys=ON", f"query_only={query_only}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        entry.info[OPENED] = file_at(Path(url.database or ""))

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def file_at(path: Path) -> tuple[int, int] | None:
    """Which file stands there, whatever it is called; None for none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def plain_postgres(url: URL, **options: Any) -> AsyncEngine:
    """An engine that says nothing of parameters in its errors."""
    return create_async_engine(url, hide_parameters=True, **options)


def postgres_engine(url: URL, on_connect: Callable[[Any], Awaitable[None]] | None = None) -> PostgresEngine:
    """``on_connect`` is awaited with each new connection of asyncpg."""
    settings = {
        "application_name": "signoff",
        # A process that is stopped in a transaction must not keep a run's row from whoever takes the run over.
        "idle_in_transaction_session_timeout": str(_IDLE_MILLISECONDS),
    }
    return PostgresEngine(url, connections=_POSTGRES_CONNECTIONS, settings=settings, on_connect=on_connect)


@contextmanager
def own_errors() -> Iterator[None]:
    """Raise a database's errors as ours: `Conflict` where somebody else was first, `Unavailable` where it does not answer."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None)
        if code in _SOMEBODY_WAS_FIRST:
            raise Conflict("the database chose another transaction") from error
        if code == _NO_SUCH_TABLE:
            raise Unavailable("The database has no tables of Signoff") from None
        if isinstance(error, DataError | IntegrityError | ProgrammingError | NotSupportedError):
            # Postgres tells the whole row in its error's detail, and asyncpg the value: neither may reach a log.
            raise WrongStatementError(f"{type(error).__name__} {code or ''} in {error.statement}") from None
        raise Unavailable(f"The database does not answer: {error.orig}") from error
    except (sqlite3.Error, PoolTimeoutError, OSError, TimeoutError) as error:
        raise Unavailable(f"The database does not answer: {error or type(error).__name__}") from error
