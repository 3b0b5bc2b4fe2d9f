"""R3, R15, R19: a SQLite file that is moved away, replaced or deleted under a living bot takes no more of what people write."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.ports import InboxRow, Unavailable
from bot.sql.store import open_store
from bot.sql.writer import SqlWriter
from tests.engine.world import World
from tests.restore.backups import SIDE_FILES, beside, path_of


def replaced(path: Path) -> None:
    backup = beside(path, ".backup")
    with contextlib.closing(sqlite3.connect(path)) as live, contextlib.closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    for ending in SIDE_FILES:
        beside(path, ending).unlink(missing_ok=True)
    backup.replace(path)


def deleted(path: Path) -> None:
    for ending in ("", *SIDE_FILES):
        beside(path, ending).unlink(missing_ok=True)


def moved(path: Path) -> None:
    path.rename(beside(path, ".moved"))


ACCIDENTS: list[Callable[[Path], None]] = [replaced, deleted, moved]


@pytest.fixture(params=ACCIDENTS, ids=lambda accident: accident.__name__)
def accident(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    chosen: Callable[[Path], None] = request.param
    return chosen


@asynccontextmanager
async def living(url: str) -> AsyncIterator[World]:
    store = open_store(url)
    world = World(store)
    await world.engine.settle_restore()
    yield world
    await store.close()


async def test_r3_r15_a_bot_whose_file_is_not_there_any_more_is_not_ready_and_acknowledges_nothing(
    sqlite_url: str, accident: Callable[[Path], None]
) -> None:
    async with living(sqlite_url) as world:
        assert await world.engine.receive(InboxRow("before", "T1", "event", "{}"))
        accident(path_of(sqlite_url))
        with pytest.raises(Unavailable, match="was replaced or removed"):
            await world.engine.receive(InboxRow("after", "T1", "event", "{}"))
        assert "was replaced or removed" in str(await world.engine.fault())


async def test_r15_nobody_hears_of_a_commit_to_a_file_that_was_taken_away_meanwhile(sqlite_url: str) -> None:
    """While the transaction was open, after the bot had looked."""
    store = open_store(sqlite_url)
    await store.notice()

    async def work(tx: SqlWriter) -> None:
        await tx.set_freeze("all", "a test", "U1")
        moved(path_of(sqlite_url))

    with pytest.raises(Unavailable, match="was replaced or removed"):
        await store.write(work)
    await store.close()


async def test_r19_a_bot_that_lost_its_file_says_nothing_to_the_witness_of_the_one_in_its_place(
    sqlite_url: str,
) -> None:
    path, store = path_of(sqlite_url), open_store(sqlite_url)
    await store.notice()
    replaced(path)
    said = beside(path, ".witness").read_bytes()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await store.write(lambda tx: tx.set_freeze("all", "a test", "U1"))
    assert beside(path, ".witness").read_bytes() == said
    await store.close()


async def test_the_same_file_under_another_mode_or_time_is_still_the_same(sqlite_url: str) -> None:
    path, store = path_of(sqlite_url), open_store(sqlite_url)
    await store.notice()
    path.touch()
    path.chmod(0o640)
    path.rename(beside(path, ".away"))
    beside(path, ".away").rename(path)
    await store.write(lambda tx: tx.set_freeze("all", "a test", "U1"))
    await store.close()
