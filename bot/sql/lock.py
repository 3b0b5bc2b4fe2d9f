"""The locks of a SQLite file: one bot works it at a time. Postgres needs none: there any number of bots work together.

One is on a file beside it, and keeps out who finds another database in its place. One is on the file itself, and keeps out who
comes by another name of it, or after the lock file was deleted; it covers a byte that SQLite never locks.

Whoever has them knows that no other bot lives, and ends the leases that a dead one left. Only the bot takes them.
Shells read and write beside it, through SQLite's own locks.
"""

import errno
import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import update

from bot.errors import ConfigurationError
from bot.sql.tables import runs
from bot.sql.writer import SqlWriter

_FAR_BYTE = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 2**62, 1, 0)

# A program's run stands in no channel; its process may live beside the bot.
_END = update(runs).where(runs.c.lease_owner.is_not(None), runs.c.channel != "").values(lease_until=0.0)


@contextmanager
def only_bot(database: Path, *, for_good: bool = False) -> Iterator[None]:
    """Hold `<file>.lock` and the file until the end of the block; ``for_good``: of the process, since an action that hangs may go on
    until then. The operating system drops both with the process, however that ends, so the file that stays behind means nothing.
    The block closes its own connections to the database: closing any handle of a file drops SQLite's locks on it. Raises
    `ConfigurationError` while another bot holds one of them."""
    file = database.resolve()
    with ExitStack() as taking:
        for path, lock in ((file.with_name(file.name + ".lock"), _lock_whole), (file, _lock_far_byte)):
            handle = _opened(path)
            taking.callback(os.close, handle)
            try:
                lock(handle)
            except OSError as held:
                raise ConfigurationError(
                    f"Another bot works on {database} already. Stop it first, or name another file in DATABASE_URL."
                ) from held
        taken = taking.pop_all()
    try:
        yield
    finally:
        if not for_good:
            taken.close()


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as broken:
        raise ConfigurationError(f"The lock of the database, {path}, cannot be made: {broken.strerror}.") from broken


def _lock_whole(handle: int) -> None:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_far_byte(handle: int) -> None:
    """Where the system or the file system has no such locks, the one beside the file must do."""
    if sys.platform == "linux":
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, _FAR_BYTE)
        except OSError as refused:
            if refused.errno in (errno.EAGAIN, errno.EACCES):
                raise


async def end_leases(tx: SqlWriter) -> None:
    """Whoever held a run of people's is dead. Nothing is given back: what they were doing may be half done."""
    await tx.connection.execute(_END)
