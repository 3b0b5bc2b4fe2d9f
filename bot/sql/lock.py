"""The lock beside a SQLite file: one bot works it at a time. Postgres needs none: there any number of bots work together.

Whoever has it knows that no other bot lives, and ends the leases that a dead one left. Only the bot takes it.
Shells read and write beside it, through SQLite's own locks.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import update

from bot.errors import ConfigurationError
from bot.sql.tables import runs
from bot.sql.writer import SqlWriter

# A program's run stands in no channel; its process may live beside the bot.
_END = update(runs).where(runs.c.lease_owner.is_not(None), runs.c.channel != "").values(lease_until=0.0)


@contextmanager
def only_bot(database: Path, *, for_good: bool = False) -> Iterator[None]:
    """Hold `<file>.lock` until the end of the block; ``for_good``: of the process, since an action that hangs may go on until then.
    The operating system drops it with the process, however that ends, so the file that stays behind means nothing. Raises
    `ConfigurationError` while another bot holds it."""
    file = database.resolve()
    path = file.with_name(file.name + ".lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as broken:
        raise ConfigurationError(f"The lock of the database, {path}, cannot be made: {broken.strerror}.") from broken
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        os.close(handle)
        raise ConfigurationError(
            f"Another bot works on {database} already. Stop it first, or name another file in DATABASE_URL."
        ) from held
    try:
        yield
    finally:
        if not for_good:
            os.close(handle)


async def end_leases(tx: SqlWriter) -> None:
    """Whoever held a run of people's is dead. Nothing is given back: what they were doing may be half done."""
    await tx.connection.execute(_END)
