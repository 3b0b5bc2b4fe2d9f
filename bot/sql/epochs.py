"""Noticing that a database was restored from an older backup: the one row of `epochs`, and what it is compared with. What
follows from it is the engine's (`engine/restoring.py`).

Rule 1: SQLite counts in the row each commit that changed something; the witness beside the file (`witness.py`) must know the
same database, and never more commits than it. So a backup after which nothing happened is none: it is as good as the original.
Whoever writes compares first: otherwise as many commits as were lost, by anybody, would hide that they were.
Rule 2: Postgres names itself in the row: cluster, timeline, database and journal table. A dump that is played back makes another
database or table, a recovery to a point in time (and a failover, which may lose commits too) another timeline.
Rule 3: a part of the name that this role may not ask for is left out. A row that nobody has looked at yet takes what it finds.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Text, and_, func, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError

from bot.ports import Epoch
from bot.sql.direct import PostgresConnection, PostgresEngine
from bot.sql.inline import InlineConnection
from bot.sql.tables import epochs
from bot.sql.witness import Witness, Witnessed
from bot.threads import in_thread

AnyConnection = PostgresConnection | InlineConnection
_THE_ROW = epochs.c.one == 1
_HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())::text || ':' || 'events'::regclass::oid::text"
CLUSTER = (
    "(SELECT system_identifier::text FROM pg_control_system())",
    "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
)
_MAY_NOT_ASK = frozenset({"42501", "42883", "0A000", "55000"})
UNKNOWN = "''"
_COUNTED = "SELECT commits, identity FROM epochs"
_COUNT = "UPDATE epochs SET commits = commits + 1 RETURNING identity, commits"


@dataclass(frozen=True, slots=True)
class Row:
    """The row of `epochs`. ``identity`` is "" where nobody has looked yet."""

    epoch: Epoch
    commits: int
    identity: str


def _present(*named: ColumnElement[bool]) -> Executable:
    settled = and_(or_(epochs.c.number == 0, epochs.c.settled_at.is_not(None)), *named)
    return select(epochs.c.number, epochs.c.since, settled)


_IS_HERE: ColumnElement[str] = literal_column(f"({_HERE})", Text)
_NAMED = or_(epochs.c.identity == "", func.right(epochs.c.identity, func.length(_IS_HERE)) == _IS_HERE)
_PRESENT = {"sqlite": _present(), "postgresql": _present(_NAMED)}
# Each statement that is asked again and again is made once: what it is in Postgres's words is kept as long as it is.
_ROW = select(epochs.c.number, epochs.c.since, epochs.c.settled_at, epochs.c.commits, epochs.c.identity)
_HELD_ROW = _ROW.with_for_update()


async def present(connection: AnyConnection) -> Epoch:
    """The present epoch. On Postgres not settled also where the tables are not those that the row names."""
    found: Any = (await connection.execute(_PRESENT[connection.dialect.name])).first()
    return Epoch() if found is None else Epoch(found[0], found[1], bool(found[2]))


async def row(connection: AnyConnection, *, hold: bool = False) -> Row:
    """``hold``: nobody else changes it before the commit."""
    if hold:
        await _there(connection)
    found = (await connection.execute(_HELD_ROW if hold else _ROW)).first()
    if found is None:
        return Row(Epoch(), 0, "")
    settled = found.number == 0 or found.settled_at is not None
    return Row(Epoch(found.number, found.since, settled), found.commits, found.identity)


async def begin(connection: AnyConnection, now: float, reason: str, **also: str | int) -> Epoch:
    """``also``: the row's ``identity`` or ``commits``, where they are other than before."""
    number = (await row(connection, hold=True)).epoch.number + 1
    values = {"number": number, "since": now, "reason": reason, "settled_at": None, **also}
    await connection.execute(update(epochs).where(_THE_ROW).values(values))
    return Epoch(number, now, settled=False)


async def settle(connection: AnyConnection, number: int, now: float) -> None:
    unsettled = and_(_THE_ROW, epochs.c.number == number, epochs.c.settled_at.is_(None))
    await connection.execute(update(epochs).where(unsettled).values(settled_at=now))


async def _adopt(connection: AnyConnection, identity: str) -> None:
    """Nobody had looked yet: this is the database that the row means."""
    await connection.execute(update(epochs).where(_THE_ROW).values(identity=identity))


def count_commit(driver: sqlite3.Connection) -> tuple[str, int]:
    """SQLite only: one row that every commit writes would hold up the replicas of Postgres. The identity, and the commits with
    this one."""
    identity, commits = driver.execute(_COUNT).fetchone()
    return identity, commits


def _counted(driver: sqlite3.Connection) -> Row:
    """SQLite only, asked at each commit: the row without its epoch."""
    found = driver.execute(_COUNTED).fetchone()
    return Row(Epoch(), *found) if found is not None else Row(Epoch(), 0, "")


async def _there(connection: AnyConnection) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite_dialect.insert
    first = {"one": 1, "number": 0, "since": 0.0, "reason": "", "commits": 0, "identity": ""}
    await connection.execute(insert(epochs).values(first).on_conflict_do_nothing())


def new_identity() -> str:
    return secrets.token_hex(16)


async def agree(connection: InlineConnection, now: float, witness: Witness) -> None:
    """SQLite, under its write lock and before anything is written: make the row and the witness agree, and begin an epoch where they
    did not. The witness is written before the commit: what a lost commit leaves in it is taken for what was there before."""
    stored, seen = _counted(connection.driver_connection), witness.read()
    why = why_sqlite_was_restored(seen, stored)
    if stored.identity and not why:
        return
    identity = seen.identity if seen and not why else new_identity()
    commits = max(stored.commits, seen.commits if seen and not why else 0)
    await in_thread(lambda: witness.write(identity, commits), "signoff-witness")
    if why:
        await begin(connection, now, why, identity=identity, commits=commits)
    else:
        await _there(connection)
        await _adopt(connection, identity)


async def named(connection: AnyConnection, now: float, here: str) -> Row:
    """Postgres: begin an epoch where the row names another database; ``here`` is what it calls itself."""
    stored = await row(connection, hold=True)
    if why := why_postgres_was_restored(here, stored):
        await begin(connection, now, why, identity=here)
    elif not stored.identity:
        await _adopt(connection, here)
    return await row(connection)


# --- what tells -------------------------------------------------------------------------------------------------------


def why_sqlite_was_restored(seen: Witnessed | None, stored: Row) -> str:
    """What shows that the file is a backup, "" for nothing. ``seen`` was read before ``stored``."""
    if seen is None:
        return "the witness beside the database is missing" if stored.identity else ""
    if not seen.original:
        return "the witness beside the database is a copy, or damaged"
    if not stored.identity:
        return "the witness beside the database knows of commits that it does not" if seen.commits else ""
    if seen.identity != stored.identity:
        return "the witness beside the database is another database's"
    if seen.commits > stored.commits:
        return f"there were {seen.commits} commits, and the database knows of {stored.commits}"
    return ""


def why_postgres_was_restored(here: str, stored: Row) -> str:
    """``here``: the name that the database gives itself now."""
    parts = zip(
        ("server", "timeline", "database", "journal"), stored.identity.split(":"), here.split(":"), strict=False
    )
    other = [what for what, before, now in parts if before and now and before != now]
    return f"the {' and the '.join(other)} are not those of before" if stored.identity and other else ""


async def askable(engine: PostgresEngine, part: str) -> str:
    """``part`` of `CLUSTER` if this role may ask for it here, else what leaves it out."""
    try:
        async with engine.connect() as connection:
            await connection.execute(select(literal_column(part)))
    except DBAPIError as refused:
        if getattr(refused.orig, "sqlstate", None) not in _MAY_NOT_ASK:
            raise
        return UNKNOWN
    return part


async def name_of(connection: AnyConnection, cluster: str) -> str:
    """What a Postgres database calls itself; ``cluster`` is made by `cluster_sql`."""
    name: str = (await connection.execute(_name(cluster))).scalar_one()
    return name


@cache
def _name(cluster: str) -> Executable:
    return select(literal_column(f"{cluster} || ':' || {_HERE}"))


def cluster_in(name: str) -> str:
    """The part of a name that is the same for all databases of a server."""
    return ":".join(name.split(":")[:2])


def cluster_sql(server: str, timeline: str) -> str:
    return f"{server} || ':' || {timeline}"
