"""R19 on SQLite: an older file that was put in place beside the log (`-wal`) that a killed bot left behind is refused before the two are
mixed; a log that is its file's own is none of that, whenever its bot was killed."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.events import Delivered
from bot.errors import ConfigurationError
from bot.sql.leftover import refuse_foreign_log
from bot.sql.schema import migrate, step_down
from bot.sql.store import open_store
from tests.restore.backups import SIDE_FILES, WITNESS, back_up_sqlite, beside
from tests.restore.test_noticing_sqlite import noticed, path, signoff
from tests.sql.samples import asked, record
from tests.sql.test_schema import ROOT

__all__ = ["path"]

WORK = """
import asyncio, os, signal, sys
from bot.ports import InboxRow
from bot.sql.store import open_store


async def main(url, rows, size):
    store = open_store(url)
    for number in range(rows):
        key = f"{os.getpid()} {number}"
        await store.write(lambda tx: tx.put_inbox(InboxRow(key, "T1", "event", "x" * size)))
        if number == 0:
            print("at work", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""
MUCH = 200_000
"""Characters of a row, of which some dozens fill a log so that it is begun anew."""


def working(path: Path, rows: int, size: int) -> subprocess.Popen[str]:
    """A bot's store in a process of its own that writes rows and is then killed."""
    command = [sys.executable, "-c", WORK, f"sqlite:///{path}", str(rows), str(size)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed(path: Path, *, rows: int, size: int = 10) -> None:
    assert working(path, rows, size).wait() == -signal.SIGKILL
    assert beside(path, "-wal").stat().st_size > 0


def put_in_place(backup: Path, path: Path) -> None:
    """As somebody does it who knows of one file."""
    shutil.copyfile(backup / path.name, path)


@pytest.fixture
async def replaced(path: Path, tmp_path: Path) -> Path:
    """A backup of a run that was unfinished; it went on, much else happened, the bot was killed, and the backup was put in place."""
    await record(store := open_store(f"sqlite:///{path}"), "X", asked())
    back_up_sqlite(path, tmp_path / "backup")
    await record(store, "X", Delivered("note"))
    await store.close()
    killed(path, rows=40, size=MUCH)
    put_in_place(tmp_path / "backup", path)
    return path


async def test_r19_sqlite_itself_notices_nothing_of_a_foreign_log(replaced: Path) -> None:
    """What this is about: the row of `epochs` comes from the log, and the run's events from the backup."""
    with closing(sqlite3.connect(f"{replaced.as_uri()}?mode=ro", uri=True)) as mixed:
        assert mixed.execute("SELECT commits FROM epochs").fetchone()[0] > 40
        assert mixed.execute("SELECT count(*) FROM events WHERE run = 'X'").fetchone()[0] == 1


async def test_r19_an_older_file_beside_the_log_of_a_killed_bot_is_refused_and_then_noticed(
    replaced: Path, tmp_path: Path
) -> None:
    kept = replaced.read_bytes(), beside(replaced, "-wal").read_bytes()
    for opening in (noticed(replaced), migrate(f"sqlite:///{replaced}")):
        with pytest.raises(ConfigurationError, match=r"move signoff\.db-wal and signoff\.db-shm away"):
            await opening
    with pytest.raises(subprocess.CalledProcessError):
        signoff(replaced, tmp_path, "pending")
    assert kept == (replaced.read_bytes(), beside(replaced, "-wal").read_bytes()), "nothing was mixed"
    for ending in SIDE_FILES:
        beside(replaced, ending).unlink(missing_ok=True)
    assert [await noticed(replaced), await noticed(replaced)] == [1, 1]


@pytest.mark.parametrize("more", [0, 100_000])
async def test_r19_a_backup_from_before_a_restore_is_refused_beside_a_later_log(
    path: Path, tmp_path: Path, more: int
) -> None:
    """Also where what was lost by the restore was ``more`` than what has happened since."""
    back_up_sqlite(path, tmp_path / "backup")
    with closing(sqlite3.connect(tmp_path / "backup" / path.name, isolation_level=None)) as lost:
        lost.execute("UPDATE epochs SET commits = commits + ?", (more,))
    beside(path, WITNESS).unlink()
    assert await noticed(path) == 1
    store = open_store(f"sqlite:///{path}")
    await store.write(lambda tx: tx.settle_epoch(1))
    await store.close()
    killed(path, rows=40, size=MUCH)
    put_in_place(tmp_path / "backup", path)
    with pytest.raises(ConfigurationError, match="another signoff"):
        await noticed(path)


async def test_r19_a_backup_beside_the_first_log_of_a_new_database_is_refused(path: Path, tmp_path: Path) -> None:
    """Somebody starts a bot on a new machine, it is killed, and then the backup is put in its place."""
    await record(store := open_store(f"sqlite:///{path}"), "X", asked())
    await store.close()
    back_up_sqlite(path, tmp_path / "backup")
    for ending in ("", WITNESS):
        beside(path, ending).unlink()
    await migrate(f"sqlite:///{path}")
    killed(path, rows=3)
    put_in_place(tmp_path / "backup", path)
    with pytest.raises(ConfigurationError, match="another signoff"):
        await noticed(path)


async def test_r19_an_older_backup_beside_the_first_log_after_a_restore_is_refused(path: Path, tmp_path: Path) -> None:
    await record(store := open_store(f"sqlite:///{path}"), "X", asked())
    await store.close()
    back_up_sqlite(path, tmp_path / "older")
    await record(store := open_store(f"sqlite:///{path}"), "X", Delivered("note"))
    await store.close()
    beside(path, WITNESS).unlink()
    with closing(sqlite3.connect(path)) as open_beside:
        open_beside.execute("SELECT 1 FROM sqlite_master").fetchone()
        killed(path, rows=3)
        log = beside(path, "-wal").read_bytes()
    for ending in SIDE_FILES:
        beside(path, ending).unlink(missing_ok=True)
    beside(path, "-wal").write_bytes(log)
    put_in_place(tmp_path / "older", path)
    with pytest.raises(ConfigurationError, match="another signoff"):
        await noticed(path)


async def test_r19_a_file_of_the_very_time_of_the_log_is_completed_by_it(path: Path, tmp_path: Path) -> None:
    """All that happened since the copy is in the log, and so nothing is lost."""
    writing = working(path, 2, 10)
    assert writing.wait() == -signal.SIGKILL
    shutil.copyfile(path, tmp_path / "copy.db")
    with closing(sqlite3.connect(path)):
        killed(path, rows=3)
    shutil.copyfile(tmp_path / "copy.db", path)
    assert await noticed(path) == 0
    with closing(sqlite3.connect(path)) as whole:
        assert whole.execute("SELECT count(*) FROM inbox").fetchone()[0] == 5


# --- it is the file's own ---------------------------------------------------------------------------------------------


async def test_r19_at_whatever_moment_a_bot_dies_its_log_is_its_own(path: Path) -> None:
    """A process that is halted leaves what one leaves that is killed then. Its logs begin anew every few commits, and others write
    beside it."""
    choose, logs, moments = random.Random(19), set[bytes](), 0
    bot, store = working(path, 100_000, MUCH), open_store(f"sqlite:///{path}")
    try:
        assert bot.stdout is not None and bot.stdout.readline() == "at work\n"
        while len(logs) < 5 or moments < 100:
            await asyncio.sleep(choose.uniform(0.0, 0.03))
            if moments % 10 == 0:
                await store.write(lambda tx, moment=moments: tx.set_freeze(f"system:{moment}", "a test", "U1"))
            bot.send_signal(signal.SIGSTOP)
            os.waitpid(bot.pid, os.WUNTRACED)
            refuse_foreign_log(path)
            with beside(path, "-wal").open("rb") as log:
                logs.add(log.read(24)[16:])
            moments += 1
            bot.send_signal(signal.SIGCONT)
    finally:
        bot.kill()
        bot.wait()
        await store.close()
    assert await noticed(path) == 0


async def test_r19_opening_a_file_that_another_process_works_is_never_refused(path: Path) -> None:
    bot = working(path, 100_000, MUCH)
    try:
        assert bot.stdout is not None and bot.stdout.readline() == "at work\n"
        for _ in range(30):
            store = open_store(f"sqlite:///{path}")
            await store.read(lambda tx: tx.epoch())
            await store.close()
    finally:
        bot.kill()
        bot.wait()


@pytest.mark.parametrize("before", ["nothing", "a restore", "the word of an operator", "a vacuum", "an older schema"])
async def test_r19_what_a_log_may_begin_with_is_no_foreign_log(path: Path, before: str) -> None:
    """The file is in no log when it happens, so the killed bot's log begins with it."""
    match before:
        case "a restore":
            beside(path, WITNESS).unlink()
        case "an older schema":
            await step_down(f"sqlite:///{path}", "0003")
            await migrate(f"sqlite:///{path}")
    expected = int(before == "a restore")
    with closing(sqlite3.connect(path)) as open_beside:  # so that no log is taken into the file and deleted
        if before == "a vacuum":
            open_beside.execute("VACUUM")
        if before == "the word of an operator":
            store, expected = open_store(f"sqlite:///{path}"), 1
            await store.write(lambda tx: tx.begin_epoch("a volume was rolled back"))
            await store.close()
        killed(path, rows=3)
        assert await noticed(path) == expected


async def test_r19_a_migration_that_stands_in_the_log_alone_is_no_foreign_log(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    await migrate(f"sqlite:///{path}")
    await step_down(f"sqlite:///{path}", "base")
    with closing(sqlite3.connect(path)) as open_beside:
        open_beside.execute("SELECT 1 FROM sqlite_master").fetchone()
        await migrate(f"sqlite:///{path}")
        killed(path, rows=3)
        assert await noticed(path) == 0
