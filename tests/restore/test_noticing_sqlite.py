"""R19 on SQLite: a file that was restored from a backup is noticed, however it was copied; what is no restore is not taken for one."""

import asyncio
import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.events import Delivered, Finished, Started
from bot.core.values import CallId, RunId
from bot.ports import InboxRow, Unavailable
from bot.sql.schema import migrate, step_down
from bot.sql.store import open_store
from bot.sql.witness import Witness
from bot.sql.writer import SqlWriter
from tests.engine.world import World
from tests.restore.backups import WITNESS, back_up_sqlite, beside, move, path_of, play_back_sqlite
from tests.sql.samples import asked, judged_allow, proposed, record

OVER = [("cp",), ("cp", "-p"), ("cp", "-a"), ("install", "-m", "600", "-p"), ("mv", "-f")]


async def noticed(path: Path) -> int:
    """Start a bot's store, look, and stop: the number of the epoch."""
    store = open_store(f"sqlite:///{path}")
    epoch = await store.notice()
    await store.close()
    return epoch.number


async def start_an_action(path: Path, run: str) -> None:
    store = open_store(f"sqlite:///{path}")
    attempt = f"attempt of {run}"
    await record(store, run, asked(), proposed("c"), judged_allow("c"), Started(CallId("c"), attempt, "worker"))
    await record(store, run, Finished(CallId("c"), attempt, True, "{}", 0.1))
    await store.close()


@pytest.fixture
async def path(sqlite_url: str, tmp_path: Path) -> Path:
    """A database in a folder of its own that a bot has worked; one action was started."""
    folder = tmp_path / "live"
    folder.mkdir()
    path = folder / "signoff.db"
    path_of(sqlite_url).rename(path)
    assert await noticed(path) == 0
    await start_an_action(path, "first")
    return path


@pytest.fixture
async def backup(path: Path, tmp_path: Path) -> Path:
    """A backup of it, after which another action was started."""
    kept = tmp_path / "backup"
    back_up_sqlite(path, kept)
    await start_an_action(path, "second")
    return kept


async def test_r19_whatever_happened_after_the_backup_is_noticed_as_lost(path: Path, tmp_path: Path) -> None:
    """Also a run that was only stopped, or a freeze: the backup would go on with what people have forbidden since."""
    for number, work in enumerate(
        (
            lambda store: record(store, "first", Delivered("note")),
            lambda store: store.write(lambda tx: tx.set_freeze("all", "stop", "U1")),
            lambda store: store.write(lambda tx: tx.put_inbox(InboxRow("k", "T1", "event", "{}"))),
        ),
        1,
    ):
        kept = tmp_path / f"backup {number}"
        back_up_sqlite(path, kept)
        store = open_store(f"sqlite:///{path}")
        await work(store)  # type: ignore[no-untyped-call]
        await store.close()
        play_back_sqlite(kept, path, copy=("cp", "-p"), witness=False)
        assert await noticed(path) == number


async def test_r19_a_backup_after_which_nothing_happened_is_as_good_as_the_original(path: Path, tmp_path: Path) -> None:
    back_up_sqlite(path, tmp_path / "backup")
    play_back_sqlite(tmp_path / "backup", path, copy=("cp", "-p"), witness=False)
    assert await noticed(path) == 0


async def test_r19_asking_whether_the_bot_is_ready_makes_no_older_file_a_restore(path: Path, tmp_path: Path) -> None:
    back_up_sqlite(path, tmp_path / "backup")
    store = open_store(f"sqlite:///{path}")
    for _ in range(3):
        assert await World(store).engine.fault() is None
    await store.close()
    play_back_sqlite(tmp_path / "backup", path, copy=("cp", "-p"), witness=False)
    assert await noticed(path) == 0


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
async def test_r13_r19_a_schema_that_went_down_and_up_again_is_no_restore(path: Path, revision: str) -> None:
    url = f"sqlite:///{path}"
    await step_down(url, revision)
    await migrate(url)
    assert [await noticed(path) for _ in range(2)] == [0, 0]
    await start_an_action(path, "second")
    assert await noticed(path) == 0


# --- it is noticed ----------------------------------------------------------------------------------------------------


async def test_r19_an_older_file_beside_its_witness_is_noticed_once(path: Path, backup: Path) -> None:
    play_back_sqlite(backup, path, copy=("cp", "-p"), witness=False)
    assert [await noticed(path) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("copy", OVER, ids=" ".join)
async def test_r19_both_files_restored_over_the_old_ones_are_noticed(
    path: Path, backup: Path, copy: tuple[str, ...]
) -> None:
    play_back_sqlite(backup, path, copy=copy, witness=True)
    assert await noticed(path) == 1


@pytest.mark.parametrize("copy", OVER, ids=" ".join)
async def test_r19_both_files_restored_into_an_empty_folder_are_noticed(
    path: Path, backup: Path, copy: tuple[str, ...]
) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    play_back_sqlite(backup, path, copy=copy, witness=True)
    assert await noticed(path) == 1


async def test_r19_an_unpacked_archive_is_noticed(path: Path, backup: Path) -> None:
    subprocess.run(["tar", "-C", backup, "-cpf", backup.parent / "a.tar", "."], check=True)
    subprocess.run(["tar", "-C", path.parent, "-xpf", backup.parent / "a.tar"], check=True)
    assert await noticed(path) == 1


async def test_r19_a_database_without_its_witness_is_taken_for_restored(path: Path) -> None:
    beside(path, WITNESS).unlink()
    assert [await noticed(path), await noticed(path)] == [1, 1]


async def test_r19_a_vacuumed_copy_elsewhere_is_taken_for_restored(path: Path, tmp_path: Path) -> None:
    with sqlite3.connect(path) as live:
        live.execute("VACUUM INTO ?", (str(tmp_path / "elsewhere.db"),))
    live.close()
    assert await noticed(tmp_path / "elsewhere.db") == 1


@pytest.mark.parametrize("said", ["", "{", "[]", '{"identity": 1}'])
async def test_r19_a_damaged_witness_is_taken_for_a_restore(path: Path, said: str) -> None:
    beside(path, WITNESS).write_text(said)
    assert [await noticed(path), await noticed(path)] == [1, 1]


async def test_r19_the_witness_of_another_database_is_none(path: Path, tmp_path: Path, sqlite_template: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(sqlite_template.read_bytes())
    assert await noticed(other) == 0
    beside(other, WITNESS).replace(beside(path, WITNESS))
    assert await noticed(path) == 1


async def test_r19_an_older_release_s_backup_beside_a_witness_with_commits_is_noticed(
    path: Path, sqlite_template: Path
) -> None:
    for ending in ("-wal", "-shm"):
        beside(path, ending).unlink(missing_ok=True)
    path.write_bytes(sqlite_template.read_bytes())
    assert await noticed(path) == 1


async def test_r19_where_files_have_no_generation_a_later_change_tells(path: Path) -> None:
    """Here with the file that says of itself that it has none; a file system without generations is used where there is one."""
    witness = beside(path, WITNESS)
    said = json.loads(witness.read_text())
    memory = Path("/dev/shm")
    if said["generation"] is not None and not (memory.is_dir() and os.access(memory, os.W_OK)):
        pytest.skip("every file system here has generations")
    moved = memory / f"signoff-test-{os.getpid()}.db"
    try:
        moved.write_bytes(path.read_bytes())
        assert await noticed(moved) == 1
        assert await noticed(moved) == 1
        said = json.loads(beside(moved, WITNESS).read_text())
        if said["generation"] is not None:
            pytest.skip("this file system has generations as well")
        beside(moved, WITNESS).write_text(json.dumps(said | {"written": said["written"] - 60.0}))
        assert await noticed(moved) == 2
    finally:
        for ending in ("", "-wal", "-shm", WITNESS):
            beside(moved, ending).unlink(missing_ok=True)


@pytest.mark.parametrize("writes", [1, 2, 20])
@pytest.mark.parametrize("with_its_witness", [False, True])
async def test_r19_whatever_a_shell_writes_before_anybody_looks_hides_no_restore(
    path: Path, backup: Path, writes: int, with_its_witness: bool
) -> None:
    """As many commits as the backup lacks, and more."""
    play_back_sqlite(backup, path, copy=("cp", "-p"), witness=with_its_witness)
    await freeze_many(path, writes)
    assert [await noticed(path), await noticed(path)] == [1, 1]


async def test_r19_what_is_written_beside_no_witness_makes_none_for_a_database_that_came_without(path: Path) -> None:
    beside(path, WITNESS).unlink()
    await freeze_many(path, 1)
    assert await noticed(path) == 1


async def test_r19_a_backup_played_back_into_the_file_that_a_living_bot_writes_is_noticed_by_its_next_commit(
    path: Path, backup: Path
) -> None:
    """SQLite's own `.restore`: the bot's connections go on with what was put into the file."""
    store = open_store(f"sqlite:///{path}")
    await store.write(lambda tx: tx.set_freeze("system:last", "the last thing before", "U1"))
    with closing(sqlite3.connect(backup / path.name)) as old, closing(sqlite3.connect(path)) as live:
        old.backup(live)

    async def starts(tx: SqlWriter) -> bool:
        return (await tx.epoch()).settled

    assert not await store.write(starts), "whoever would start something in the very first transaction is told"
    await store.close()


async def freeze_many(path: Path, times: int) -> None:
    """As `signoff freeze` does, in a process that looks at nothing else."""
    store = open_store(f"sqlite:///{path}")
    for number in range(times):
        await store.write(lambda tx, number=number: tx.set_freeze(f"system:{number}", "after the restore", "U1"))
    await store.close()


async def test_r19_signoff_commands_before_the_bot_hide_no_restore(path: Path, backup: Path, tmp_path: Path) -> None:
    play_back_sqlite(backup, path, copy=("cp", "-p"), witness=False)
    lost = commits(path) - counted(path)
    assert 0 < lost <= 3
    for number in range(lost):
        signoff(path, tmp_path, "freeze", "a test", "--as", "U0CAROL", "--scope", f"system:{number}")
    assert await noticed(path) == 1


def counted(path: Path) -> int:
    with closing(sqlite3.connect(path)) as live:
        return int(live.execute("SELECT commits FROM epochs").fetchone()[0])


def signoff(path: Path, folder: Path, *command: str) -> None:
    """A command of somebody's shell."""
    slack = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_API_URL": "http://127.0.0.1:9/api/"}  # nobody answers there
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{path}", **slack}
    (folder / "policy.yml").write_text("defaults: {approvers: user:U0CAROL}\n")
    subprocess.run([sys.executable, "-m", "bot", *command], check=True, cwd=folder, env=environment)


# --- it is no restore -------------------------------------------------------------------------------------------------


async def test_r19_restarts_and_starts_are_no_restore(path: Path) -> None:
    for number in range(3):
        await start_an_action(path, f"more {number}")
        assert await noticed(path) == 0


async def test_r19_a_moved_folder_is_no_restore(path: Path, tmp_path: Path) -> None:
    assert await noticed(move(path, tmp_path / "moved")) == 0


async def test_r19_moved_files_new_owners_modes_and_links_are_no_restore(path: Path, tmp_path: Path) -> None:
    """Containers change the owner of a whole volume at each start."""
    for ending in ("", WITNESS):
        beside(path, ending).rename(beside(path.with_name("other.db"), ending))
    path = path.with_name("other.db")
    for file in path.parent.iterdir():
        os.chown(file, os.getuid(), os.getgid())
        file.chmod(0o640)
    os.link(beside(path, WITNESS), tmp_path / "link")
    assert await noticed(path) == 0


async def test_r19_a_vacuum_is_no_restore(path: Path) -> None:
    with sqlite3.connect(path) as live:
        live.execute("VACUUM")
    live.close()
    assert await noticed(path) == 0


async def test_r19_a_symbolic_link_leads_to_the_same_witness(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    await start_an_action(link, "by the link")
    assert await noticed(link) == await noticed(path) == 0


async def test_r19_a_signoff_command_beside_the_bot_is_no_restore(path: Path, tmp_path: Path) -> None:
    for command in (["pending"], ["freeze", "a test", "--as", "U0CAROL"], ["migrate"]):
        signoff(path, tmp_path, *command)
    assert await noticed(path) == 0


async def test_r19_a_death_between_the_commit_and_the_witness_is_no_restore(path: Path) -> None:
    """The database then knows of more commits than its witness; nobody has acted on those."""
    before, in_its_way = commits(path), beside(path, WITNESS + ".new")
    in_its_way.mkdir()
    with pytest.raises(Unavailable, match="witness"):
        await start_an_action(path, "second")
    in_its_way.rmdir()
    assert await noticed(path) == 0 and commits(path) == before
    await start_an_action(path, "third")
    assert commits(path) > before + 1


async def test_r19_a_slower_process_does_not_take_the_witness_back(path: Path) -> None:
    """It committed first, and comes to the witness last."""
    identity, before = str(json.loads(beside(path, WITNESS).read_text())["identity"]), commits(path)
    Witness(path).write(identity, before + 2)
    Witness(path).write(identity, before + 1)
    assert commits(path) == before + 2


async def test_r19_two_processes_never_let_the_witness_fall_behind(path: Path) -> None:
    stores = [open_store(f"sqlite:///{path}") for _ in range(2)]
    before = commits(path)
    for number in range(20):
        await record(stores[number % 2], f"run {number}", asked())
    assert commits(path) == before + 20
    for store in stores:
        await store.close()


# --- the file ---------------------------------------------------------------------------------------------------------


def commits(path: Path) -> int:
    said = json.loads(beside(path, WITNESS).read_text())
    return int(said["commits"])


async def test_r19_the_witness_is_for_its_owner_only_and_knows_of_a_commit_before_anybody_acts_on_it(
    path: Path,
) -> None:
    assert beside(path, WITNESS).stat().st_mode & 0o777 == 0o600
    store, before = open_store(f"sqlite:///{path}"), commits(path)
    await asyncio.gather(*(record(store, f"run {number}", asked()) for number in range(3)))
    after = commits(path)
    assert before < after
    await store.write(lambda tx: tx.set_freeze("all", "a test", "U1"))
    await store.write(lambda tx: tx.put_inbox(InboxRow("k", "T1", "event", "{}")))
    await store.write(lambda tx: tx.close_inbox("k"))
    await store.write(lambda tx: tx.lift_freeze("all"))
    assert commits(path) == after + 4
    await store.write(lambda tx: tx.take_lease(RunId("run 1"), "w", 10.0))
    assert commits(path) == after + 4  # a lease is nobody's loss
    await store.close()


async def test_r19_who_waits_for_another_to_write_the_witness_holds_up_nothing_else(path: Path) -> None:
    """A process that is halted in the middle of it (Ctrl-Z) keeps its lock."""
    store, longest = open_store(f"sqlite:///{path}"), 0.0
    await store.write(lambda tx: tx.put_inbox(InboxRow("one", "T1", "event", "{}")))
    with beside(path, ".witness-lock").open() as halted:
        fcntl.flock(halted, fcntl.LOCK_EX)
        writing = asyncio.create_task(store.write(lambda tx: tx.close_inbox("one")))
        for _ in range(50):
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        assert longest < 0.3 and not writing.done(), "nobody acts on what no witness knows of"
    await writing
    await store.close()


async def test_r19_a_commit_that_no_witness_can_be_told_of_is_acted_on_by_nobody(path: Path) -> None:
    """Whoever wrote `Started` hears that it failed, and does not run the action."""
    beside(path, WITNESS + ".new").mkdir()
    store = open_store(f"sqlite:///{path}")
    with pytest.raises(Unavailable, match="witness"):
        await record(store, "r", asked(), proposed("c"), judged_allow("c"), Started(CallId("c"), "a", "w"))
    await store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
async def test_r19_the_witness_that_roots_shell_writes_belongs_to_who_owns_the_database(path: Path) -> None:
    """Else the bot, which is not root, could not write it any more, and would stop."""
    for file in (path, beside(path, ".witness-lock")):
        os.chown(file, 4711, 4712)
    store = open_store(f"sqlite:///{path}")
    await store.write(lambda tx: tx.set_freeze("all", "incident", "U1"))
    await store.close()
    for file in (beside(path, WITNESS), beside(path, ".witness-lock")):
        assert (file.stat().st_uid, file.stat().st_gid) == (4711, 4712)
