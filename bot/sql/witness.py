"""The witness of a SQLite database: a file beside it that knows how many commits there were. What it tells is judged in `epochs.py`.

Rule 1: it is written after each commit that changed something, and before anybody hears of that commit, so nothing runs that it
does not know of, and it is never ahead of its own database.
Rule 2: each writing makes a new file, which names itself (inode and generation). A copy, however it is made, names another one.
Moving it, or changing its owner or mode, makes no copy. Where the file system has no generations the time of change tells: a
copy changes later than it says that it was written, and so does whatever else is done to it from outside.
Rule 3: whoever writes it holds a lock of its own beside it, which nobody else has a reason to hold, for as long as that takes. Somebody
who is halted in the middle of it is waited for, for a while.
Rule 4: it is not synced to disk: it outlives the process, not a power cut, after which it may be as if it was damaged.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.ports import Unavailable

_GET_GENERATION = 0x80087601
_LATER_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.005


class Held(Unavailable):
    """Somebody else is just writing it."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the file says. ``original``: it is the very file that was written, readable and no copy."""

    identity: str
    commits: int
    original: bool


DAMAGED = Witnessed("", 0, original=False)


class Witness:
    def __init__(self, database: Path) -> None:
        file = database.resolve()
        self._database, self._path = file, file.with_name(file.name + ".witness")
        self._lock = file.with_name(file.name + ".witness-lock")
        self._last: tuple[_Stamp, Witnessed] | None = None

    def read(self) -> Witnessed | None:
        """None where there is no file. One that nobody has touched since it was last seen is not opened. Raises `Unavailable`, as
        `write`."""
        with _unavailable():
            try:
                stamp = _stamp(self._path.stat())
            except FileNotFoundError:
                return None
            return self._last[1] if self._last is not None and self._last[0] == stamp else self._read()

    def _read(self) -> Witnessed | None:
        try:
            file = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            witnessed = _said_by(file)
            self._last = _stamp(os.fstat(file)), witnessed
            return witnessed
        finally:
            os.close(file)

    def forget(self) -> None:
        """The database has no identity any more. Raises `Unavailable`."""
        with _unavailable(), _only_writer(self._lock, PATIENCE_SECONDS):
            self._path.unlink(missing_ok=True)

    def write(self, identity: str, commits: int, patience: float = PATIENCE_SECONDS) -> None:
        """Say that there were ``commits``. Another process that has seen more by now is not contradicted. Raises `Held` where somebody
        else is at it for longer than ``patience`` (seconds, in which the thread stands still)."""
        with _unavailable(), _only_writer(self._lock, patience) as lock:
            _give_to(self._database, lock)
            known = self._read()
            if known is not None and known.original and known.identity == identity and known.commits >= commits:
                return
            new = self._path.with_name(self._path.name + ".new")
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                said = {"identity": identity, "commits": commits, "written": time.time(), **_name_of(file)}
                os.write(file, json.dumps(said).encode())
                _give_to(self._database, file)
            finally:
                os.close(file)
            new.replace(self._path)
            self._last = _stamp(self._path.stat()), Witnessed(identity, commits, original=True)


_Stamp = tuple[int, ...]


def _stamp(status: os.stat_result) -> _Stamp:
    """Another one after whatever is done to a file, or with another file in its place."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _give_to(database: Path, file: int) -> None:
    """What root's shell writes belongs to whoever owns the database: the bot could not write it any more."""
    if os.geteuid() == 0:
        with suppress(FileNotFoundError):
            owner = database.stat()
            os.fchown(file, owner.st_uid, owner.st_gid)


def _said_by(file: int) -> Witnessed:
    try:
        said = json.loads(os.read(file, 4096))
        return Witnessed(str(said["identity"]), int(said["commits"]), _is_original(file, said))
    except (ValueError, KeyError, TypeError):
        return DAMAGED


def _is_original(file: int, said: dict[str, object]) -> bool:
    name = _name_of(file)
    if any(said[key] != value for key, value in name.items()):
        return False
    return name["generation"] is not None or os.fstat(file).st_ctime - float(str(said["written"])) <= _LATER_SECONDS


def _name_of(file: int) -> dict[str, int | None]:
    """What no copy has in common with this file. An inode's number alone is given out again."""
    try:
        generation = int.from_bytes(fcntl.ioctl(file, _GET_GENERATION, bytes(8))[:4], "little")
    except OSError:
        return {"inode": os.fstat(file).st_ino, "generation": None}
    return {"inode": os.fstat(file).st_ino, "generation": generation}


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as broken:
        raise Unavailable(f"The witness beside the database cannot be used: {broken.strerror}") from broken


@contextmanager
def _only_writer(lock: Path, patience: float) -> Iterator[int]:
    """The database itself must not be opened for this: closing it would drop SQLite's own locks."""
    handle, until = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), time.monotonic() + patience
    try:
        while not _taken(handle):
            if time.monotonic() >= until:
                raise Held("Another process is writing the witness beside the database, and does not come to an end.")
            time.sleep(_LOOK_AGAIN_SECONDS)
        yield handle
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
