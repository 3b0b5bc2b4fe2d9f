"""Waking the workers: PgQueuer on Postgres, PgQueuer's in-memory mode beside SQLite. The only room that knows PgQueuer.

Rule 1: a job says "advance run X" and nothing else; a lost or doubled one is harmless, because the sweep finds what is due.
Rule 2: no dedupe key (it covers running jobs too, so a click would be dropped) and no failure policy: `advance` never fails a job.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg  # type: ignore[import-untyped]
import structlog
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, InMemoryDriver, InMemoryQueries, Job, Queries, QueueManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from bot.core.events import RunId

log = structlog.get_logger()
ENTRYPOINT = "advance"
SCHEMA = "pgqueuer"
DEQUEUE_TIMEOUT = timedelta(seconds=1)
PRUNE_SECONDS = 3600.0
Advance = Callable[[RunId], Awaitable[None]]


class Queue:
    """The Dispatch port, and the loop that works its jobs."""

    def __init__(self, queries: Queries | InMemoryQueries, channel: str, pool: "asyncpg.Pool | None" = None) -> None:
        self._queries, self._channel, self._pool = queries, Channel(channel), pool

    async def wake(self, run: RunId) -> None:
        await self._queries.enqueue(ENTRYPOINT, run.encode())

    @asynccontextmanager
    async def running(self, advance: Advance, *, runs_at_once: int, heartbeat: float) -> AsyncIterator[None]:
        """Work jobs until the end of the block. ``heartbeat`` (seconds): after so long a dead worker's job is taken over."""
        queue = self._working(advance)
        work = asyncio.create_task(self._supervised(queue, runs_at_once, heartbeat))
        prune = asyncio.create_task(self._prune())
        try:
            yield
        finally:
            queue.shutdown.set()
            for task in (work, prune):
                task.cancel()
            await asyncio.gather(work, prune, return_exceptions=True)

    def _working(self, advance: Advance) -> QueueManager:
        queue = QueueManager(self._queries, self._channel)

        @queue.entrypoint(ENTRYPOINT, accepts_context=False)
        async def _advance(job: Job) -> None:
            run = RunId((job.payload or b"").decode())
            try:
                await advance(run)
            except Exception:  # the outermost edge of a job: the sweep will wake the run again
                log.exception("a run could not be advanced", run=run)

        return queue

    async def _supervised(self, queue: QueueManager, runs_at_once: int, heartbeat: float) -> None:
        """PgQueuer ends when its connection does: begin again until we are told to stop."""
        while not queue.shutdown.is_set():
            try:
                await queue.run(
                    dequeue_timeout=DEQUEUE_TIMEOUT,
                    batch_size=max(1, runs_at_once // 2),
                    max_concurrent_tasks=runs_at_once,
                    heartbeat_timeout=timedelta(seconds=heartbeat),
                )
            except Exception:  # the database went away: whatever the error, the queue must come back with it
                log.exception("the queue stopped; it starts again")
                await asyncio.sleep(DEQUEUE_TIMEOUT.total_seconds())

    async def _prune(self) -> None:
        """PgQueuer's log is never pruned otherwise."""
        while True:
            await asyncio.sleep(PRUNE_SECONDS)
            await self._queries.clear_queue_log()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


def in_memory_queue() -> Queue:
    """For one process, beside SQLite."""
    return Queue(InMemoryQueries(InMemoryDriver()), _settings().channel)


async def postgres_queue(dsn: str, size: int) -> Queue:
    """For any number of replicas; ``dsn`` is a plain ``postgresql://`` address. The tables are `install_queue`'s."""
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=size)
    return Queue(_queries(AsyncpgPoolDriver(pool)), _settings().channel, pool)


async def install_queue(dsn: str) -> None:
    """Install or upgrade PgQueuer's tables in their own schema; safe for several processes at once."""
    connection = await asyncpg.connect(dsn)
    try:
        queries = _queries(AsyncpgDriver(connection))
        async with queries.schema_lock():
            if await queries.schema_is_installed():
                await queries.apply_upgrade()
            else:
                await queries.install()
    finally:
        await connection.close()


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
