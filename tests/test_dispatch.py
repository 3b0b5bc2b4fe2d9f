"""The queue in memory and on Postgres: it wakes, it bears a failing run, it holds back, and it can always be left."""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url

from bot.core.values import RunId
from bot.dispatch import Queue, in_memory_queue, install_queue, postgres_queue
from bot.ports import Unavailable
from tests.databases import Postgres
from tests.journey.stage import until

LONG = 60.0


@pytest.fixture(params=["memory", "postgres"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[Queue]:
    if request.param == "memory":
        opened = in_memory_queue()
    else:
        dsn = request.getfixturevalue("postgres_url")
        await install_queue(dsn)
        opened = await postgres_queue(dsn, 4)
    yield opened
    await opened.close()


def working(
    queue: Queue, advance: Callable[[RunId], Awaitable[None]], runs_at_once: int = 4
) -> contextlib.AbstractAsyncContextManager[None]:
    return queue.running(advance, runs_at_once=runs_at_once, heartbeat=LONG)


async def test_each_wake_up_advances_its_run_once(queue: Queue) -> None:
    advanced: Counter[str] = Counter()

    async def advance(run: RunId) -> None:
        advanced[run] += 1

    async with working(queue, advance):
        for name in ("one", "two", "two"):
            await queue.wake(RunId(name))
        await until(lambda: advanced.total() >= 3)
        await asyncio.sleep(0.3)
    assert advanced == {"one": 1, "two": 2}


async def test_a_run_that_raises_stops_neither_the_queue_nor_the_other_runs(queue: Queue) -> None:
    advanced: list[str] = []

    async def advance(run: RunId) -> None:
        advanced.append(run)
        if run == "broken":
            raise RuntimeError("broken")

    async with working(queue, advance):
        await queue.wake(RunId("broken"))
        await until(lambda: advanced == ["broken"])
        await queue.wake(RunId("sound"))
        await until(lambda: "sound" in advanced)


async def test_no_more_runs_than_runs_at_once_are_advanced_and_the_others_come_after_them(queue: Queue) -> None:
    begun: list[str] = []
    gate = asyncio.Event()

    async def advance(run: RunId) -> None:
        begun.append(run)
        await gate.wait()

    async with working(queue, advance, runs_at_once=2):
        for number in range(5):
            await queue.wake(RunId(f"run {number}"))
        await until(lambda: len(begun) == 2)
        await asyncio.sleep(0.4)
        assert len(begun) == 2
        gate.set()
        await until(lambda: len(begun) == 5)


async def test_a_queue_is_left_in_time_while_a_long_job_runs_and_the_job_is_cancelled(queue: Queue) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def advance(run: RunId) -> None:
        begun.set()
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with working(queue, advance):
        await queue.wake(RunId("long"))
        await begun.wait()
        left = time.monotonic()
    await queue.close()
    assert time.monotonic() - left < 4 and cancelled.is_set()


async def test_a_queue_is_left_in_time_even_while_a_job_will_not_be_cancelled(queue: Queue) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def advance(run: RunId) -> None:
        begun.set()
        while not over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await over.wait()

    async with working(queue, advance):
        await queue.wake(RunId("stubborn"))
        await begun.wait()
        left = time.monotonic()
    took = time.monotonic() - left
    over.set()
    assert took < 4


async def test_pruning_goes_on_after_it_failed(postgres_url: str) -> None:
    await install_queue(postgres_url)
    connection = await asyncpg.connect(postgres_url)
    queue = await postgres_queue(postgres_url, 4, prune_every=0.1)

    async def advance(run: RunId) -> None: ...

    async def logged() -> int:
        return int(await connection.fetchval("SELECT count(*) FROM pgqueuer.pgqueuer_log"))

    try:
        await queue.wake(RunId("one"))
        assert await logged() > 0
        await connection.execute("CREATE TABLE keeps (log bigint REFERENCES pgqueuer.pgqueuer_log)")
        async with queue.running(advance, runs_at_once=2, heartbeat=LONG):
            await asyncio.sleep(0.35)
            await connection.execute("DROP TABLE keeps")
            for _ in range(100):
                if not await logged():
                    break
                await asyncio.sleep(0.05)
            assert await logged() == 0
    finally:
        await queue.close()
        await connection.close()


async def test_r15_a_queue_works_again_after_the_database_was_away_while_a_long_job_goes_on(
    postgres: Postgres, postgres_url: str
) -> None:
    """And soon: what is woken once the database is back waits no longer than for the next poll."""
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 4)
    begun: dict[str, float] = {}
    gate = asyncio.Event()

    async def advance(run: RunId) -> None:
        begun[run] = time.monotonic()
        if run == "long":
            await gate.wait()
            begun["ended"] = time.monotonic()

    async with working(queue, advance):
        await queue.wake(RunId("long"))
        await until(lambda: "long" in begun)
        await asyncio.to_thread(postgres.stop)
        await asyncio.sleep(2.5)  # the queue tries in vain meanwhile
        await asyncio.to_thread(postgres.start)
        back = time.monotonic()
        await queue.wake(RunId("after"))
        await until(lambda: "after" in begun)
        assert "ended" not in begun
        gate.set()
        await until(lambda: "ended" in begun)
    await queue.close()
    assert begun["after"] - back < 5


async def test_r15_a_queue_hears_again_at_once_after_only_the_connection_on_which_it_listens_was_cut(
    postgres: Postgres, postgres_url: str
) -> None:
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 4)
    begun: dict[str, float] = {}

    async def advance(run: RunId) -> None:
        begun[run] = time.monotonic()

    async with working(queue, advance):
        await queue.wake(RunId("first"))
        await until(lambda: "first" in begun)
        listening = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ILIKE 'LISTEN%'"
        await asyncio.to_thread(postgres.execute, listening)
        await asyncio.sleep(2.5)
        late = 0.0
        for number in range(5):
            woken = time.monotonic()
            await queue.wake(RunId(f"{number}"))
            await until(lambda number=number: f"{number}" in begun)
            late = max(late, begun[f"{number}"] - woken)
            await asyncio.sleep(0.1)
    await queue.close()
    assert late < 0.5, "a poll would take up to a second"


async def test_r11_a_queue_whose_tables_are_lost_makes_them_anew_and_works_on(
    postgres: Postgres, postgres_url: str
) -> None:
    """And while it cannot make them, it says that it stands still."""
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 4, still_after=2.5)
    begun: list[str] = []
    read_only = f"ALTER DATABASE {make_url(postgres_url).database} SET default_transaction_read_only = "

    async def advance(run: RunId) -> None:
        begun.append(run)

    async def woken_again(run: str) -> None:
        while run not in begun:  # as the sweep does
            await queue.wake(RunId(run))
            await asyncio.sleep(0.2)

    connection = await asyncpg.connect(postgres_url)
    async with working(queue, advance):
        await asyncio.wait_for(woken_again("first"), 10)
        assert queue.fault() is None
        await connection.execute(read_only + "on")
        await connection.execute("DROP SCHEMA pgqueuer CASCADE")
        await until(queue.fault)
        await connection.execute(read_only + "off")
        await asyncio.wait_for(woken_again("after"), 10)
        await until(lambda: queue.fault() is None)
    await connection.close()
    await queue.close()


async def test_r15_a_queue_that_hangs_behind_a_lock_says_so_until_it_works_again(postgres_url: str) -> None:
    """As while an operator's VACUUM FULL runs. An idle queue has no fault, and nothing waits long for the one that hangs."""
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 4, still_after=2.5)
    begun: list[str] = []

    async def advance(run: RunId) -> None:
        begun.append(run)

    async def seen(seconds: float) -> set[str | None]:
        faults = set[str | None]()
        for _ in range(int(seconds / 0.1)):
            faults.add(queue.fault())
            await asyncio.sleep(0.1)
        return faults

    operator = await asyncpg.connect(postgres_url)
    async with working(queue, advance):
        assert await seen(3.0) == {None}
        async with operator.transaction():
            await operator.execute("LOCK TABLE pgqueuer.pgqueuer")
            await until(queue.fault, 6)
            assert await seen(5.5) == {"The queue stands still"}, (
                "also when PgQueuer begins again and looks at its tables"
            )
            waiting = "SELECT max(clock_timestamp() - query_start) < '6 s' FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            assert await operator.fetchval(waiting) is not False, "a statement is given up"
        await until(lambda: queue.fault() is None)
        await queue.wake(RunId("after"))
        await until(lambda: "after" in begun)
    await operator.close()
    await queue.close()


async def test_r15_whoever_wakes_a_run_does_not_wait_for_a_queue_that_hangs(postgres_url: str) -> None:
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 4)
    operator = await asyncpg.connect(postgres_url)
    async with operator.transaction():
        await operator.execute("LOCK TABLE pgqueuer.pgqueuer")
        async with asyncio.timeout(5):
            await asyncio.gather(*(queue.wake(RunId(f"{number}")) for number in range(12)))
    await operator.close()
    await queue.close()


async def test_r11_a_queue_that_stops_taking_leaves_what_is_new_to_others_and_finishes_what_it_has(
    queue: Queue,
) -> None:
    begun: list[str] = []
    gate, ended = asyncio.Event(), asyncio.Event()

    async def advance(run: RunId) -> None:
        begun.append(run)
        await gate.wait()
        ended.set()

    async with working(queue, advance):
        await queue.wake(RunId("under way"))
        await until(lambda: begun)
        queue.stop_taking()
        await queue.wake(RunId("new"))
        await asyncio.sleep(1.5)
        assert begun == ["under way"]
        gate.set()
        await asyncio.wait_for(ended.wait(), 5)
    async with working(queue, advance):
        await until(lambda: "new" in begun)


async def test_a_wake_up_that_the_database_cannot_take_is_lost_without_an_error(postgres_url: str) -> None:
    await install_queue(postgres_url)
    queue = await postgres_queue(postgres_url, 2)
    await queue.close()
    await queue.wake(RunId("one"))


async def test_a_postgres_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    dsn = f"postgresql://signoff:secret@127.0.0.1:{port}/signoff"
    for opening in (install_queue(dsn), postgres_queue(dsn, 2)):
        with pytest.raises(Unavailable, match="does not answer") as absent:
            await opening
        assert "secret" not in str(absent.value)


async def test_a_database_that_the_server_does_not_have_is_unavailable(postgres_url: str) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        await postgres_queue(f"{postgres_url.partition('?')[0]}".replace("test_", "none_") + tail(postgres_url), 2)


def tail(url: str) -> str:
    _, mark, query = url.partition("?")
    return mark + query


async def test_r17_the_queue_in_memory_forgets_what_it_has_done() -> None:
    """PgQueuer remembers each job in its log, about 1 kB of memory."""
    queue, done = in_memory_queue(prune_every=0.2), list[RunId]()

    async def advance(run: RunId) -> None:
        done.append(run)

    async with queue.running(advance, runs_at_once=16, heartbeat=LONG):
        for number in range(100):
            await queue.wake(RunId(f"run-{number}"))
        for _ in range(200):
            if len(done) == 100 and not await queue._queries.queue_log():
                break
            await asyncio.sleep(0.05)
        assert len(done) == 100 and not await queue._queries.queue_log()
