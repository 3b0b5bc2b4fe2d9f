"""How many runs one process completes: `python -m benchmarks.runs [runs]`, on SQLite and on Postgres.

CPU is this process's: the engine with its clients and its share of the database's (all of SQLite's). Model, BIGHUB and Slack
answer at once from another process. Commits are the store's transactions that wrote; journal transactions are those of them
that appended events. The targets are of one process on two cores.
"""

import asyncio
import contextlib
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import text

from benchmarks.servers import Addresses, postgres, servers
from benchmarks.stage import Bench, bench

CONCURRENCY = (1, 16, 64)
WARM_UP = 20


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def many(stage: Bench, runs: int, at_once: int) -> None:
    left = iter(range(runs))

    async def some() -> None:
        for _ in left:
            await stage.one_run()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())


async def measured(stage: Bench, runs: int, at_once: int) -> str:
    await many(stage, WARM_UP, at_once)
    stage.click_to_text.clear()
    transactions, began, spent = await journal_transactions(stage), time.perf_counter(), cpu()
    await many(stage, runs, at_once)
    seconds, spent = time.perf_counter() - began, cpu() - spent
    transactions = await journal_transactions(stage) - transactions
    cuts = statistics.quantiles(stage.click_to_text, n=100)
    return (
        f"| {at_once:3} | {runs / seconds:6.1f} | {1000 * spent / runs:5.1f} | {1000 * cuts[49]:7.1f} | {1000 * cuts[98]:7.1f}"
        f" | {transactions / runs:5.2f} |"
    )


async def journal_transactions(stage: Bench) -> int:
    """Events of one transaction have its time in common."""
    async with stage.store._readers.connect() as connection:
        count = "SELECT count(*) FROM (SELECT DISTINCT run, at FROM events) AS found"
        return int((await connection.execute(text(count))).scalar_one())


@contextlib.asynccontextmanager
async def database(name: str) -> AsyncIterator[str]:
    if name == "Postgres":
        async with postgres() as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'signoff.db'}"


async def compare(addresses: Addresses, runs: int, databases: list[str], deliveries: list[bool]) -> None:
    print("| runs at once | runs/s | CPU ms a run | click to text p50 ms | p99 ms | journal transactions a run |")
    for name in databases:
        for delivery in deliveries:
            print(f"{name}, Slack delivery {'on' if delivery else 'off'}:")
            async with database(name) as url, bench(url, addresses, delivery=delivery) as stage:
                for at_once in CONCURRENCY:
                    print(await measured(stage, max(60, runs // 3) if at_once == 1 else runs, at_once), flush=True)


def main(arguments: list[str]) -> None:
    runs = int(next((each for each in arguments if each.isdigit()), "600"))
    databases = [name for name in ("SQLite", "Postgres") if name in arguments] or ["SQLite", "Postgres"]
    deliveries = [each == "on" for each in ("off", "on") if each in arguments] or [False, True]
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {runs} runs")
    with servers() as addresses:
        asyncio.run(compare(addresses, runs, databases, deliveries))


if __name__ == "__main__":
    main(sys.argv[1:])
