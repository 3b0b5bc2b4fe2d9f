"""What the door remembers of a run, and what it may conclude from it (contract R11, R19)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest

from bot.core.run import Run
from bot.core.values import RunId
from bot.engine.door import Door
from bot.ports import Reader, Store
from bot.sql.store import SqlStore, open_store
from tests.sql.samples import asked, judged_ask, proposed, said

T = TypeVar("T")
R = RunId("run")


class SlowReads:
    """A store in which something else happens between the beginning of a read, which fixes what it sees, and the read itself."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        async def late(tx: Reader) -> T:
            await tx.runs(1)
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await asyncio.create_task(meanwhile())  # type: ignore[arg-type]
            return await work(tx)

        return await self._store.read(late)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SlowReads]:
    opened = open_store(database_url)
    yield SlowReads(opened)
    await opened.close()


async def read_while_it_grows(store: SlowReads, read: Callable[[Door], Awaitable[object]]) -> tuple[object, Run, Store]:
    door = Door(store)
    await door.record(R, asked(), proposed("c1"), judged_ask("c1", "approval-1", None))
    store.meanwhile = lambda: door.record(R, said(1))
    return await read(door), door.known(R), store


@pytest.mark.parametrize(
    "read",
    [lambda door: door.load(R), lambda door: door.find("approval-1")],
    ids=["load", "find"],
)
async def test_r19_a_run_that_grows_while_it_is_read_was_not_restored_from_a_backup(
    store: SlowReads, read: Callable[[Door], Awaitable[object]]
) -> None:
    """What was committed after a read had begun is remembered, and not seen by it: that is no older database."""
    found, known, _ = await read_while_it_grows(store, read)
    assert found is not None and known is not None and known.length == 4
    epoch = await store.read(lambda tx: tx.epoch())
    assert epoch.settled and epoch.number == 0
