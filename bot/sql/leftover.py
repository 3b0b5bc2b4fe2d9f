"""The log that a killed process left beside a SQLite file (`-wal`): whether it is that very file's.

SQLite plays a log back over whatever file lies beside it. An older file that was put in place would so be mixed with pages of a later
one, and the row of `epochs`, which every commit writes, would tell that nothing is missing.

Rule 1: SQLite begins a log anew only when all that was committed before is in the file. So the first commit that a log counts is the
next of those that its file alone knows of, or an earlier one. If it is a later one, the file is an older one than the log's; if it is
one of another name (`epochs.py`), it must be the very next, by which a restore was noticed.
Rule 2: this is looked at before SQLite opens the file, for then it is too late. The log is read first: what the file knows only grows,
so a bot that works it meanwhile makes no false alarm.
Rule 3: what cannot be read tells nothing. The file is read by SQLite itself: closing a handle of ours would drop SQLite's locks.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigurationError

_HEADER, _FRAME_HEADER = 32, 24
_LARGEST_PAGE = 65536
_ONE_ROW = b"\x00\x01"
_TABLE_LEAF = 0x0D
_COLUMNS = 7
_ALONE = "SELECT number, commits, identity FROM epochs"


@dataclass(frozen=True, slots=True)
class _Row:
    """What it needs of the row of `epochs`."""

    number: int
    commits: int
    identity: str


def refuse_foreign_log(database: Path) -> None:
    """Raises `ConfigurationError` where the log beside the file was left by another, later file."""
    log = database.with_name(database.name + "-wal")
    first = _first_row(log)
    alone = _row_alone(database) if first is not None else None
    if first is None or alone is None or _follows(first, alone):
        return
    raise ConfigurationError(
        f"{database.name} is older than {log.name}, which another {database.name} left behind, and the two must not be mixed. If you put "
        f"a backup in place, move {log.name} and {database.name}-shm away and start again; otherwise put the former {database.name} back."
    )


def _follows(first: _Row, alone: _Row) -> bool:
    """Whether the log goes on with the file: by its next commit or an earlier one, or by noticing that it was restored."""
    noticed = first.number > alone.number and first.commits == alone.commits + 1
    return noticed or (alone.identity in ("", first.identity) and first.commits <= alone.commits + 1)


def _row_alone(database: Path) -> _Row | None:
    """The row as the file has it without its log."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as alone:
            found = alone.execute(_ALONE).fetchone()
    except sqlite3.Error:
        return None
    match found:
        case (int(number), int(commits), str(identity)):
            return _Row(number, commits, identity)
        case _:
            return None


# --- SQLite's formats -------------------------------------------------------------------------------------------------


def _first_row(log: Path) -> _Row | None:
    """The row of `epochs` as the log has it first; frames whose salt is another than the log's are of an earlier log."""
    try:
        with log.open("rb") as file:
            header = file.read(_HEADER)
            page_size = int.from_bytes(header[8:12], "big")
            size = _FRAME_HEADER + min(page_size, _LARGEST_PAGE)
            while len(frame := file.read(size)) == size and frame[8:16] == header[16:24]:
                if row := _row_in(frame[_FRAME_HEADER:]):
                    return row
    except OSError:
        pass
    return None


def _row_in(page: bytes) -> _Row | None:
    """The row, if the page is a table of that one row."""
    if page[:1] != bytes([_TABLE_LEAF]) or page[3:5] != _ONE_ROW:
        return None
    try:
        values = _values(page, int.from_bytes(page[8:10], "big"))
    except (IndexError, ValueError):
        return None
    match values:
        case (
            None,
            int(number),
            int() | float(),
            str(),
            None | int() | float(),
            int(commits),
            str(identity),
        ):
            return _Row(number, commits, identity)
        case _:
            return None


def _values(page: bytes, at: int) -> list[object]:
    """The values of the row's record; a number that is no whole one is told as 0.0."""
    _, at = _varint(page, at)
    _, at = _varint(page, at)
    length, types_at = _varint(page, at)
    at, types, values = at + length, list[int](), list[object]()
    while types_at < at and len(types) <= _COLUMNS:
        kind, types_at = _varint(page, types_at)
        types.append(kind)
    for kind in types:
        size = (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]
        if at + size > len(page):
            raise ValueError("the record goes on elsewhere")
        values.append(_value(kind, page[at : at + size]))
        at += size
    return values


def _value(kind: int, stored: bytes) -> object:
    match kind:
        case 0:
            return None
        case 7:
            return 0.0
        case 8 | 9:
            return kind - 8
        case _ if kind >= 12:
            return stored.decode() if kind % 2 else stored
        case _:
            return int.from_bytes(stored, "big", signed=True)


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    number = 0
    for count in range(8):
        number = number << 7 | page[at + count] & 0x7F
        if page[at + count] < 0x80:
            return number, at + count + 1
    return number << 8 | page[at + 8], at + 9
