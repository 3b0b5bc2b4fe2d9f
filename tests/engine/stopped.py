"""A bot in a process of its own, to be stopped and continued: `python -m tests.engine.stopped URL FOLDER`.

It grants bob access without asking, writes a line to `deeds` when it begins to, and goes on once the file `go` is there.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from bot.core.values import Judgement, Verdict
from bot.sql.store import open_store
from tests.engine.world import LIMITS, World, saying, wishing

GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


class WaitsForFile:
    """Stands where the action waits for an event."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def wait(self) -> None:
        with (self.folder / "deeds").open("a") as file:
            file.write("began\n")
        while not (self.folder / "go").exists():
            await asyncio.sleep(0.02)


async def main(url: str, folder: Path) -> None:
    store = open_store(url)
    world = World(store, limits=replace(LIMITS, lease=2.0))
    world.guard.answers["grant_access"] = Judgement(Verdict.ALLOW, "fine", "BIGHUB", request_id="req_1")
    world.model.turns = [wishing(GRANT), saying("Done.")]
    world.deeds.hold = WaitsForFile(folder)
    async with world.engine.running(drain_seconds=0.2):
        await world.write("grant bob admins")
        while not (folder / "end").exists():
            await asyncio.sleep(0.05)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
