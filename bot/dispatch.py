"""Waking the workers: PgQueuer on Postgres, PgQueuer's in-memory mode beside SQLite. The only room that knows PgQueuer.

Rule 1: a job says "advance run X" and nothing else; a lost or doubled one is harmless, because the sweep finds what is due.
Rule 2: no dedupe key (it covers running jobs too, so a click would be dropped) and no failure policy: `advance` never fails a job.
Rule 3: a database that does not answer is `Unavailable` where the queue is opened, and a warning wherever it goes on by itself.
Rule 4: when the database failed PgQueuer, it begins anew with a driver and a manager of its own, while the runs that it began go
on: a driver keeps the connection on which it listens, also a dead one.
Rule 5: tables of PgQueuer that are gone are made anew, and a queue that stands still for long says so: acked work would lie there.
It stands still while it is not answered what there is to work, whether PgQueuer fails or hangs, as behind a table's lock.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, InMemoryDriver, InMemoryQueries, Job, Queries, QueueManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver, NotifyCallback

from bot.core.values import RunId
from bot.logger import log
from bot.ports import Unavailable

ENTRYPOINT = "advance"
SCHEMA = "pgqueuer"
DEQUEUE_TIMEOUT = timedelta(seconds=1)
PRUNE_SECONDS, PRUNE_MEMORY_SECONDS = 3600.0, 60.0
CONNECT_SECONDS = 10.0
LEAVE_SECONDS, WAKE_SECONDS = 2.0, 2.0
STILL_SECONDS = 5.0
_CANCEL_AGAIN_SECONDS = 0.25
_ABSENT = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
Advance = Callable[[RunId], Awaitable[None]]
AnyQueries = Queries | InMemoryQueries


class Queue:
    """The Dispatch port, and the loop that works its jobs."""

    def __init__(
        self,
        fresh: Callable[[Callable[[], None]], AnyQueries],
        channel: str,
        pool: "asyncpg.Pool | None" = None,
        *,
        install: Callable[[], Awaitable[None]] | None = None,
        prune_every: float = PRUNE_SECONDS,
        still_after: float = STILL_SECONDS,
    ) -> None:
        """``fresh(lost)``: the queries of one life of PgQueuer; it calls ``lost`` when its connection is gone. ``install``: makes its
        tables. ``prune_every``: seconds between two prunings of PgQueuer's log, which remembers each job. ``still_after``: how long
        (seconds, more than `DEQUEUE_TIMEOUT`) the queue may go without an answer to its polls before that is a fault."""
        self._fresh, self._channel, self._pool, self._prune_every = fresh, Channel(channel), pool, prune_every
        self._install, self._still_after = install, still_after
        self._answered_at = float("inf")
        self._queries = fresh(lambda: None)
        self._stopping = False
        self._life: QueueManager | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def wake(self, run: RunId) -> None:
        """Never raises for an absent database, nor waits long for it: whoever wakes has committed already, and the sweep finds
        the run (rule 1)."""
        try:
            async with asyncio.timeout(WAKE_SECONDS):
                await self._queries.enqueue(ENTRYPOINT, run.encode())
        except _ABSENT as absent:
            log.warning("a wake-up was lost; the sweep finds the run", run=run, why=_said(absent))

    def fault(self) -> str | None:
        """Why nothing that is woken is worked, or None."""
        still = not self._stopping and time.monotonic() - self._answered_at > self._still_after
        return "The queue stands still" if still else None

    def _answered(self) -> None:
        self._answered_at = time.monotonic()

    @asynccontextmanager
    async def running(self, advance: Advance, *, runs_at_once: int, heartbeat: float) -> AsyncIterator[None]:
        """Work jobs until the end of the block; what then still runs is cancelled, and left after `LEAVE_SECONDS`.
        ``heartbeat`` (seconds): after so long a dead worker's job is taken over."""
        self._stopping = False
        self._answered()
        self._kept(self._supervised(advance, runs_at_once, heartbeat))
        self._kept(self._prune())
        try:
            yield
        finally:
            self.stop_taking()
            await _ended(self._tasks)

    def stop_taking(self) -> None:
        """No further job is taken: what is queued is for the other replicas. The jobs that run go on."""
        self._stopping = True
        if self._life is not None:
            self._life.shutdown.set()

    def _kept(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _supervised(self, advance: Advance, runs_at_once: int, heartbeat: float) -> None:
        """PgQueuer ends when its connection does: begin again until we are told to stop."""
        while not self._stopping:
            try:
                await self._live(advance, runs_at_once, heartbeat)
            except (*_ABSENT, Unavailable) as absent:
                log.warning("the queue stopped; it starts again", why=_said(absent))
            except Exception:  # whatever the error, the queue must come back
                log.exception("the queue stopped; it starts again")
            await asyncio.sleep(DEQUEUE_TIMEOUT.total_seconds())

    async def _live(self, advance: Advance, runs_at_once: int, heartbeat: float) -> None:
        """One life of PgQueuer, until we stop or the database fails it. It would not end before its jobs do; but they are ours,
        so that one which takes long does not keep the next life from beginning (rule 4)."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue = self._life = _Polling(self._fresh(lambda: _settle(over)), self._channel, self._answered)
        await self._complete(queue)

        @queue.entrypoint(ENTRYPOINT, accepts_context=False)
        async def _advance(job: Job) -> None:
            work = self._kept(_advanced(advance, RunId((job.payload or b"").decode())))
            await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)

        life = self._kept(
            queue.run(
                dequeue_timeout=DEQUEUE_TIMEOUT,
                batch_size=max(1, runs_at_once // 2),
                max_concurrent_tasks=runs_at_once,
                heartbeat_timeout=timedelta(seconds=heartbeat),
            )
        )
        await asyncio.wait({life, over}, return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            life.cancel()
        _settle(over)
        await asyncio.wait({life}, timeout=LEAVE_SECONDS)
        if life.done() and not life.cancelled():
            life.result()

    async def _complete(self, queue: QueueManager) -> None:
        """The tables may have been lost since the start, with a restore that left them out."""
        try:
            await queue.verify_structure()
        except RuntimeError as lacking:
            if self._install is None:
                raise
            log.warning("the queue's tables are made anew", why=_said(lacking))
            await self._install()

    async def _prune(self) -> None:
        """PgQueuer's log is never pruned otherwise."""
        while True:
            await asyncio.sleep(self._prune_every)
            try:
                await self._queries.clear_queue_log()
            except Exception as error:  # a loop that must not die: the next round does what this one left
                log.warning("the queue's log could not be pruned", why=_said(error))

    async def close(self) -> None:
        """Close the connections; those that are still in use after `LEAVE_SECONDS` are cut."""
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), LEAVE_SECONDS)
        except (*_ABSENT, asyncio.CancelledError):
            self._pool.terminate()


def in_memory_queue(*, prune_every: float = PRUNE_MEMORY_SECONDS) -> Queue:
    """For one process, beside SQLite. Its log is in memory as well, about 1 kB a job."""
    kept = InMemoryQueries(InMemoryDriver())
    return Queue(lambda lost: kept, _settings().channel, prune_every=prune_every)


async def postgres_queue(
    dsn: str, size: int, *, prune_every: float = PRUNE_SECONDS, still_after: float = STILL_SECONDS
) -> Queue:
    """For any number of replicas; ``dsn`` is a plain ``postgresql://`` address. The tables are `install_queue`'s.
    A statement is given up after twice ``still_after``. Raises `Unavailable`."""
    with _unavailable():
        bounds = {"timeout": CONNECT_SECONDS, "command_timeout": 2 * still_after}
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=size, **bounds)
    return Queue(
        lambda lost: _queries(_Listening(pool, lost)),
        _settings().channel,
        pool,
        install=lambda: install_queue(dsn),
        prune_every=prune_every,
        still_after=still_after,
    )


async def install_queue(dsn: str) -> None:
    """Install or upgrade PgQueuer's tables in their own schema; safe for several processes at once. Raises `Unavailable`."""
    with _unavailable():
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
        try:
            queries = _queries(AsyncpgDriver(connection))
            async with queries.schema_lock():
                if await queries.schema_is_installed():
                    await queries.apply_upgrade()
                else:
                    await queries.install()
        finally:
            await connection.close()


class _Polling(QueueManager):
    """Tells when it asked what there is to work, and was answered. Other answers prove nothing: a catalog is read past any lock."""

    def __init__(self, queries: AnyQueries, channel: Channel, answered: Callable[[], None]) -> None:
        super().__init__(queries, channel)
        self._answered = answered

    async def fetch_jobs(self, *limits: Any) -> AsyncGenerator[Job, None]:
        async for job in super().fetch_jobs(*limits):
            self._answered()
            yield job
        self._answered()


class _Listening(AsyncpgPoolDriver):
    """Tells when a query failed or the connection on which it listens is gone: without that one, wake-ups come late."""

    def __init__(self, pool: "asyncpg.Pool", lost: Callable[[], None]) -> None:
        super().__init__(pool)
        self._lost = lost

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        try:
            return await super().fetch(query, *args)
        except _ABSENT:
            self._lost()
            raise

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        if self._listener_connection is not None:
            self._listener_connection.add_termination_listener(lambda _: self._lost())


async def _advanced(advance: Advance, run: RunId) -> None:
    try:
        await advance(run)
    except Exception:  # the outermost edge of a job: the sweep will wake the run again
        log.exception("a run could not be advanced", run=run)


def _settle(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except _ABSENT as absent:
        raise Unavailable(f"The database does not answer: {_said(absent)}") from absent


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel, and wait at most `LEAVE_SECONDS`. PgQueuer meets a first cancellation by waiting for its jobs, and only a
    further one by cancelling them."""
    deadline = asyncio.get_running_loop().time() + LEAVE_SECONDS
    left = set(tasks)
    while left and asyncio.get_running_loop().time() < deadline:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
    if left:
        log.warning("the queue was left while jobs of it still ran")


def _settings() -> DBSettings:
    return DBSettings(db_schema=SCHEMA)


def _queries(driver: Driver) -> Queries:
    settings = _settings()
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )
