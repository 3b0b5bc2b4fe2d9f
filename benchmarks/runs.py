"""How many runs one process completes, and what each costs: `python -m benchmarks.runs [runs] [SQLite|Postgres] [by-hand|off|on]`.

A run is two model calls, one evaluation, one resolution and one outcome report, with an approval in between; with delivery a person
asks and clicks, and Slack is told; without it a program does. CPU is this process's: the engine with its clients and its share of the
database's (all of SQLite's). Model, BIGHUB and Slack answer at once from another process.
What a run asks of them is counted there. Without delivery no queue and no sweep wakes a run: its program works it to its end itself.
"by-hand" is the same work on the plain SDKs (`by_hand.py`), before and after: how quick the machine was in those minutes.
Journal transactions appended events. Commits are all of the store's: beside those the inbox's and the leases'; on SQLite several
transactions share one. PgQueuer's are its own: beside SQLite it lives in memory.
"""

import asyncio
import resource
import sys
import time
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from benchmarks.by_hand import by_hand
from benchmarks.databases import JOURNAL_TRANSACTIONS, Database, chosen, database
from benchmarks.report import columns, heading, percentile, row
from benchmarks.servers import REQUESTS, Addresses, servers
from benchmarks.stage import bench, prepared

BY_HAND = "by-hand"
WAYS = (BY_HAND, "off", "on", BY_HAND)
CONCURRENCY = (1, 16, 64)
COMPARED = 16
WARM_UP = 20
LEAST = 60
COLUMNS = (
    "database", "Slack delivery", "runs at once", "runs/s", "CPU ms a run", "click to end p50 ms", "p99 ms",
    "journal transactions a run", "commits a run", "PgQueuer's commits a run",
    f"requests a run ({' / '.join(REQUESTS.values())})",
)  # fmt: skip
TARGETS = (
    "Targets: at 16 at once 60 runs/s without delivery and 40 with it; at most 16 ms of CPU a run; at most 6 journal transactions a run"
    " without delivery."
)


class Stage(Protocol):
    """``click_to_text``: of each run so far, the seconds from its approval to its end."""

    click_to_text: list[float]

    async def one_run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Work:
    seconds: float
    cpu: float
    click_to_end: list[float]


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def many(stage: Stage, runs: int, at_once: int) -> None:
    left = iter(range(runs))

    async def some() -> None:
        for _ in left:
            await stage.one_run()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())


async def worked(stage: Stage, runs: int, at_once: int) -> Work:
    await many(stage, WARM_UP, at_once)
    stage.click_to_text.clear()
    began, spent = time.perf_counter(), cpu()
    await many(stage, runs, at_once)
    return Work(time.perf_counter() - began, cpu() - spent, stage.click_to_text)


async def counts(base: Database) -> tuple[int, int, int]:
    return await base.number(JOURNAL_TRANSACTIONS), *await base.commits()


async def measured(base: Database, addresses: Addresses, way: str, *, runs: int, at_once: int) -> tuple[str, ...]:
    before, asked = await counts(base), await requests(addresses)
    signoff = bench(base, addresses, delivery=way == "on")
    async with by_hand(base, addresses) if way == BY_HAND else signoff as stage:
        work = await worked(stage, runs, at_once)
    after, asked_after = await counts(base), await requests(addresses)
    each = [f"{(b - a) / (runs + WARM_UP):.2f}" for a, b in zip(before, after, strict=True)]
    if base.queue is None:
        each[-1] = "0 (in memory)"
    text = [f"{1000 * percentile(work.click_to_end, percent):.0f}" for percent in (50, 99)]
    made = " / ".join(f"{(asked_after[kind] - asked[kind]) / (runs + WARM_UP):.2f}" for kind in REQUESTS.values())
    return (str(at_once), f"{runs / work.seconds:.1f}", f"{1000 * work.cpu / runs:.1f}", *text, *each, made)


async def requests(addresses: Addresses) -> dict[str, int]:
    """How many of each kind the servers have had."""
    async with aiohttp.ClientSession() as session, session.get(addresses.requests) as answer:
        found: dict[str, int] = await answer.json()
        return found


async def compare(addresses: Addresses, runs: int, names: list[str], ways: list[str]) -> None:
    for name in names:
        async with database(name) as base:
            await prepared(base)
            for way in ways:
                for at_once in (COMPARED,) if way == BY_HAND else CONCURRENCY:
                    some = max(LEAST, runs // 3) if at_once == 1 else runs
                    figures = await measured(base, addresses, way, runs=some, at_once=at_once)
                    print(row((name, way, *figures)), flush=True)


def main(arguments: list[str]) -> None:
    runs = int(next((each for each in arguments if each.isdigit()), "600"))
    ways = [each for each in WAYS if each in arguments] or list(WAYS)
    print(heading(f"Runs per second ({runs} runs, {max(LEAST, runs // 3)} one at a time)"))
    print(columns(COLUMNS))
    with servers() as addresses:
        asyncio.run(compare(addresses, runs, chosen(arguments), ways))
    print(f"\n{TARGETS}")


if __name__ == "__main__":
    main(sys.argv[1:])
