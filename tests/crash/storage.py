"""What a bot does whose SQLite file cannot be written (contract R15). Run as `python -m tests.crash.storage full|locked FOLDER`, since the
limit on the size of files holds for the whole process: it tells one flow, takes the disk away while a card asks, and says what it saw.
"""

import asyncio
import contextlib
import json
import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.engine.engine import LOOK_AGAIN_SECONDS
from bot.sql.schema import migrate
from tests.crash.life import Life, Story, tellings
from tests.crash.people import Telling
from tests.crash.verdict import faults

WAITED_SECONDS, LONGEST_SECONDS = 2.5, 60.0


@contextmanager
def full(file: Path) -> Iterator[None]:
    """No file of this process may grow beyond what SQLite's log is now: the next write is an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.with_name(f"{file.name}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Somebody else has begun to write, and takes their time."""
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.rollback()


async def told(taken: Callable[[Path], Any], folder: Path) -> dict[str, Any]:
    file = folder / "signoff.db"
    await migrate(f"sqlite:///{file}")
    story = Story(f"sqlite:///{file}", folder / "outside.jsonl", tellings(["approved"]))
    life, seen = Life(story, 0), dict[str, Any]()
    life.outside.tell("begun")
    async with life.engine.running(drain_seconds=2.0), asyncio.timeout(LONGEST_SECONDS):
        await _until_a_card_asks(life, story.tellings[0])
        seen["ready before"] = await life.engine.fault()
        key, click = list(story.tellings[0].inputs(life.runs.values(), life.outside))[-1]
        with taken(file):
            await asyncio.sleep(1.5 * LOOK_AGAIN_SECONDS)
            seen["ready"] = await life.engine.fault()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAITED_SECONDS):
                    await life.deliver(key, click)
            seen["acked"] = bool(life.outside.told("acked", key=key))
            seen["effects"] = len(life.outside.lines["effect"])
        await life.people()
        await asyncio.sleep(1.5 * LOOK_AGAIN_SECONDS)
        seen["ready after"] = await life.engine.fault()
    seen["effects after"] = len(life.outside.lines["effect"])
    seen["faults"] = await faults(life.sql, life.outside, story.tellings)
    await life.sql.close()
    return seen


async def _until_a_card_asks(life: Life, telling: Telling) -> None:
    """Everybody does what they would, but for the click."""
    asked, what = next(telling.inputs(life.runs.values(), life.outside))
    await life.deliver(asked, what)
    while len(list(telling.inputs(life.runs.values(), life.outside))) < 2:
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(told({"full": full, "locked": locked}[sys.argv[1]], Path(sys.argv[2])))))
