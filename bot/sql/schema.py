"""Bringing a database's schema to where this release wants it, under a lock. The steps themselves are `migrations/`.

Rule 1: all steps of one call are one transaction: a process that dies in the middle leaves the schema as it was.
Rule 2: any number of processes may call this at once: the lock is Postgres's advisory lock or SQLite's own write lock.
Rule 3: a schema that a newer release has grown is left alone: the schema only grows, and the older release works in it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.pool import NullPool

import bot
from bot.errors import ConfigurationError
from bot.ports import Conflict, Unavailable
from bot.sql import tables
from bot.sql.engines import is_sqlite, normalise, own_errors, plain_postgres, sqlite_writer
from bot.sql.leftover import refuse_foreign_log
from bot.sql.witness import Witness

_ADVISORY_LOCK = 7_305_808_869_229_538_406
_LOCKED_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


async def migrate(url: str) -> str:
    """Bring the schema to this release's revision, or leave a newer one alone. Returns the revision that the database has now.
    Raises `ConfigurationError` and `Unavailable`."""
    return await _under_lock(normalise(url), _upgrade)


async def step_down(url: str, revision: str) -> str:
    """Take the schema back to an older revision ("base": none at all; refused while there are runs), for an older release. Returns
    it. Raises `ConfigurationError` for a revision that is none of ours, and as `migrate`."""
    parsed = normalise(url)

    def down(connection: Connection) -> None:
        try:
            command.downgrade(config(connection), revision)
        except CommandError as unknown:
            raise ConfigurationError(f"There is no way down to the revision {revision!r}: {unknown}.") from None
        if is_sqlite(parsed) and not inspect(connection).has_table(tables.epochs.name):
            # An older release counts no commits: the witness of today would take its database for a backup.
            Witness(Path(parsed.database or "")).forget()

    return await _under_lock(parsed, down)


def head() -> str:
    """The revision that this release wants."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def migrations() -> Path:
    """`migrations/`: inside the package in a wheel, beside it in a checkout."""
    package = Path(bot.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    made = Config()
    # Alembic reads "%" in its options as the start of a placeholder.
    made.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def _upgrade(connection: Connection) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    current = _revision(connection)
    if not current or current in known:
        command.upgrade(config(connection), "head")


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


async def _under_lock(url: URL, step: Callable[[Connection], None]) -> str:
    try:
        with own_errors():
            return await (_in_sqlite(url, step) if is_sqlite(url) else _in_postgres(url, step))
    except Conflict as lost:
        raise Unavailable(
            f"Others were using the tables meanwhile, so nothing was changed; try again. ({lost})"
        ) from lost


async def _in_postgres(url: URL, step: Callable[[Connection], None]) -> str:
    engine = plain_postgres(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
            return await connection.run_sync(_taken, step)
    finally:
        await engine.dispose()


async def _in_sqlite(url: URL, step: Callable[[Connection], None]) -> str:
    path = Path(url.database or "")
    refuse_foreign_log(path)
    _make_private(path)
    engine = sqlite_writer(url, busy=_LOCKED_SECONDS)
    try:
        await _write_ahead(url)
        async with engine.connect() as connection:
            revision = await connection.run_sync(lambda plain: _taken(plain, step))
            await connection.commit()
            return revision
    finally:
        await engine.dispose()


def _make_private(path: Path) -> None:
    """A new file is for its owner only: it holds what people wrote."""
    path.touch(mode=0o600)


def _taken(connection: Connection, step: Callable[[Connection], None]) -> str:
    step(connection)
    return _revision(connection)


async def _write_ahead(url: URL) -> None:
    """Switch the file to WAL, for good, on a connection of its own: one that has seen the switch may find the file locked later.
    SQLite does not wait for this lock by itself, whatever the busy timeout says."""

    def switch() -> None:
        with closing(sqlite3.connect(url.database or "")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")

    deadline = asyncio.get_running_loop().time() + _LOCKED_SECONDS
    while True:
        try:
            return await asyncio.to_thread(switch)
        except sqlite3.Error as error:
            if "locked" not in str(error) or asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
