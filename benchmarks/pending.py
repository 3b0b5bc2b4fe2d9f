"""How long `/pending` takes on a large database: `python -m benchmarks.pending [ended runs] [SQLite|Postgres]`.

A real `signoff run` on what `filling.py` makes, and the signed slash command over HTTP, one after the other: from the request to the
answer. `signoff pending` is a whole process that lists every approval with its arguments.
"""

import asyncio
import os
import sys
import time

from benchmarks.databases import chosen, database
from benchmarks.filling import ENDED, WAITING, filled
from benchmarks.report import columns, heading, percentile, row
from benchmarks.servers import Addresses, servers
from benchmarks.wire import Door, environment, running
from bot.slack.listeners.commands import ACK_SECONDS

TIMES = 200
MOST_SECONDS = 30.0
COLUMNS = (
    "database", "ended runs", "waiting runs", "`/pending` p50 ms", "p95 ms", "first ms", "`signoff pending` s", "filled in s"
)  # fmt: skip
TARGET = "Target: `/pending` p95 at most 20 ms at 1,000,000 ended runs."


async def measured(addresses: Addresses, name: str, ended: int, waiting: int, times: int) -> tuple[str, ...]:
    async with database(name) as base:
        async with running(base, addresses) as door:
            await door.completed(1)
            await door.asked(1)
        began = time.monotonic()
        await filled(base, ended, waiting - 1)
        took = time.monotonic() - began
        async with running(base, addresses) as door:
            first, *taken = await many(door, waiting, 1 + times)
            shell = await listed_in_shell(environment(base, addresses))
    figures = (percentile(taken, 50), percentile(taken, 95), first)
    return (
        name,
        f"{ended:,}",
        f"{waiting:,}",
        *(f"{1000 * each:.1f}" for each in figures),
        f"{shell:.1f}",
        f"{took:.0f}",
    )


async def many(door: Door, waiting: int, times: int) -> list[float]:
    """What each took, for as long as `MOST_SECONDS` go."""
    taken: list[float] = []
    while len(taken) < times and sum(taken) < MOST_SECONDS:
        taken.append(await listed(door, waiting))
    return taken


async def listed(door: Door, waiting: int) -> float:
    seconds, said = await door.pending()
    assert f"{waiting} actions wait" in said or seconds >= ACK_SECONDS, said[:200]  # else it comes later
    return seconds


async def listed_in_shell(settings: dict[str, str]) -> float:
    """The seconds that `signoff pending` takes."""
    began, nowhere = time.monotonic(), asyncio.subprocess.DEVNULL
    listing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "pending"), env=settings, stdout=nowhere
    )
    assert await listing.wait() == os.EX_OK
    return time.monotonic() - began


async def compare(addresses: Addresses, ended: int, names: list[str]) -> None:
    for name in names:
        print(row(await measured(addresses, name, ended, WAITING, TIMES)), flush=True)


def main(arguments: list[str]) -> None:
    ended = int(next((each for each in arguments if each.isdigit()), str(ENDED)))
    print(heading(f"`/pending` on a large database ({TIMES} times)"))
    print(columns(COLUMNS))
    with servers() as addresses:
        asyncio.run(compare(addresses, ended, chosen(arguments)))
    print(f"\n{TARGET}")


if __name__ == "__main__":
    main(sys.argv[1:])
