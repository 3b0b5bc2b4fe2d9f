"""One bot on one SQLite file: the second is refused in a sentence, and a dead one holds nothing."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.core.values import Person, Place, RunId
from bot.errors import ConfigurationError
from bot.ports import Lease
from bot.sql.lock import end_leases, only_bot
from bot.sql.store import open_store
from tests.restore.backups import path_of
from tests.sql.samples import asked, record

HOLD = """
import sys, time
from pathlib import Path
from bot.sql.lock import only_bot
with only_bot(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_bot_on_the_same_file_is_refused_and_may_work_once_the_first_has_ended(tmp_path: Path) -> None:
    database = tmp_path / "signoff.db"
    with only_bot(database):
        with pytest.raises(ConfigurationError, match="Another bot works on") as refused, only_bot(database):
            pass
        assert "DATABASE_URL" in refused.value.tell
    with only_bot(database):
        pass


def test_another_name_of_the_same_file_is_the_same_lock_and_another_file_is_not(tmp_path: Path) -> None:
    database, alias = tmp_path / "signoff.db", tmp_path / "alias.db"
    database.touch()
    alias.symlink_to(database)
    with only_bot(database), only_bot(tmp_path / "other.db"), pytest.raises(ConfigurationError), only_bot(alias):
        pass


def test_r11_whoever_deletes_the_lock_file_lets_no_second_bot_in(tmp_path: Path) -> None:
    database = tmp_path / "signoff.db"
    with only_bot(database):
        (tmp_path / "signoff.db.lock").unlink()
        with pytest.raises(ConfigurationError, match="Another bot works on"), only_bot(database):
            pass
    with only_bot(database):
        pass


def test_r11_a_hard_link_to_the_file_lets_no_second_bot_in(tmp_path: Path) -> None:
    database, alias = tmp_path / "signoff.db", tmp_path / "alias.db"
    database.touch()
    os.link(database, alias)
    with only_bot(database), pytest.raises(ConfigurationError, match="Another bot works on"), only_bot(alias):
        pass


def test_r11_another_file_in_its_place_lets_no_second_bot_in(tmp_path: Path) -> None:
    database = tmp_path / "signoff.db"
    database.touch()
    with only_bot(database):
        database.unlink()
        with pytest.raises(ConfigurationError, match="Another bot works on"), only_bot(database):
            pass


async def test_r11_the_bots_lock_on_its_file_keeps_no_shell_from_it(sqlite_url: str) -> None:
    """SQLite's own locks are elsewhere in the file, the exclusive one as well."""
    store = open_store(sqlite_url)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path_of(sqlite_url))], stdout=subprocess.PIPE) as bot:
        assert bot.stdout is not None and bot.stdout.readline() == b"held\n"
        await record(store, RunId("run"), asked())
        await store.close()
        with contextlib.closing(sqlite3.connect(path_of(sqlite_url))) as shell:
            shell.execute("PRAGMA locking_mode=EXCLUSIVE")
            assert shell.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        bot.kill()


def test_a_killed_bot_leaves_the_lock_behind_for_the_next(tmp_path: Path) -> None:
    database = tmp_path / "signoff.db"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError), only_bot(database):
            pass
        os.kill(first.pid, signal.SIGKILL)
    with only_bot(database):
        pass


def test_a_lock_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be made"), only_bot(tmp_path / "none" / "signoff.db"):
        pass


async def test_r11_whoever_has_the_lock_takes_over_the_runs_of_the_dead_at_once_and_no_programs(
    sqlite_url: str,
) -> None:
    store, ours, programs = open_store(sqlite_url), RunId("ours"), RunId("programs")
    await record(store, ours, asked())
    await record(store, programs, asked(place=Place("program", "", "run"), person=Person("program", "program")))
    for run in (ours, programs):
        assert await store.write(lambda tx, run=run: tx.take_lease(run, "dead", 1000.0))
    assert await store.write(lambda tx: tx.take_lease(ours, "new", 10.0)) is None
    await store.write(end_leases)
    assert await store.write(lambda tx: tx.take_lease(ours, "new", 10.0)) == Lease(1, taken_over=True, takeovers=1)
    assert await store.write(lambda tx: tx.take_lease(programs, "new", 10.0)) is None
    await store.close()


def test_r11_a_bot_that_ends_with_its_process_keeps_the_file_until_then(tmp_path: Path) -> None:
    with only_bot(tmp_path / "signoff.db", for_good=True):
        pass
    with pytest.raises(ConfigurationError), only_bot(tmp_path / "signoff.db"):
        pass
