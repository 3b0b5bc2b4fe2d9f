"""A process of its own that appends: `python -m tests.sql.appender URL RUN FIRST COUNT`, one message per transaction."""

import asyncio
import sys

from bot.sql.store import open_store
from tests.sql.samples import record, said


async def main(url: str, run: str, first: int, count: int) -> None:
    store = open_store(url)
    for number in range(first, first + count):
        await record(store, run, said(number))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
