"""What runs that wait for people cost in memory: `python -m benchmarks.memory [runs] [SQLite|Postgres]`.

The resident memory of a real `signoff run`: after it has completed some runs and none waits; of the same process after it has made
so many real runs wait, each from its mention to its card; and of a fresh process on that database, which has completed the same runs.
"""

import asyncio
import sys

from benchmarks.databases import chosen, database
from benchmarks.report import columns, heading, row
from benchmarks.servers import Addresses, servers
from benchmarks.wire import running

WARM_UP = 300
SETTLE_SECONDS = 3.0
TARGET = "Target: 10,000 waiting runs cost less than 20 MB."


async def measured(addresses: Addresses, name: str, runs: int) -> tuple[str, ...]:
    async with database(name) as base:
        async with running(base, addresses) as door:
            await door.completed(WARM_UP)
            await asyncio.sleep(SETTLE_SECONDS)
            without = door.resident()
            await door.asked(runs)
            await asyncio.sleep(SETTLE_SECONDS)
            made = door.resident()
        async with running(base, addresses) as door:
            await door.completed(WARM_UP)
            await asyncio.sleep(SETTLE_SECONDS)
            fresh = door.resident()
    figures = (without, made, made - without, fresh, fresh - without)
    return (name, *(f"{each:.1f}" for each in figures))


async def compare(addresses: Addresses, runs: int, names: list[str]) -> None:
    for name in names:
        print(row(await measured(addresses, name, runs)), flush=True)


def main(arguments: list[str]) -> None:
    runs = int(next((each for each in arguments if each.isdigit()), "10000"))
    print(heading(f"Resident memory of `signoff run` with {runs:,} runs that wait"))
    print(
        columns(
            (
                "database",
                "none wait, MB",
                "the process that made them, MB",
                "cost, MB",
                "a fresh process, MB",
                "cost, MB",
            )
        )
    )
    with servers() as addresses:
        asyncio.run(compare(addresses, runs, chosen(arguments)))
    print(f"\n{TARGET}")


if __name__ == "__main__":
    main(sys.argv[1:])
