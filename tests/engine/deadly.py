"""Bots that a run kills, one after the other, all of them forks of this process: `python -m tests.engine.deadly URL`.

Whoever asks the model about DEADLY dies at once of SIGKILL; about SLOW it answers, after a while that is longer than that. One bot
follows the other until nothing is left to do. It prints how each ended: its signal, negative, or 0.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, replace

from bot.core.run import ENDS
from bot.core.values import Place
from bot.ports import Prompt, Reply
from bot.sql.store import open_store
from tests.engine.world import LIMITS, TEAM, ModelInMemory, World, saying

DEADLY, SLOW = "take me along", "how is checkout?"
ELSEWHERE = Place(TEAM, "C0OPS", "2.000200")
MOST = 20
DIES_AFTER, THINKS_FOR = 0.2, 0.8


@dataclass
class DeadlyModel(ModelInMemory):
    async def reply(self, prompt: Prompt) -> Reply:
        if DEADLY in json.dumps(prompt.items):
            await asyncio.sleep(DIES_AFTER)
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(THINKS_FOR)
        return saying("Fine.")


async def bot(url: str, number: int) -> None:
    store = open_store(url)
    world = World(store, limits=replace(LIMITS, lease=0.5))
    world.model = DeadlyModel()
    world.engine = world.new_engine()
    async with world.engine.running(drain_seconds=0.2):
        if number == 0:
            await world.write(DEADLY)
            await world.write(SLOW, message="2.0", place=ELSEWHERE)
        while True:
            lines = await store.read(lambda tx: tx.runs(10))
            if len(lines) == 2 and all(line.state in ENDS or line.parked for line in lines):
                break
            await asyncio.sleep(0.05)
    await store.close()


def main(url: str) -> None:
    ends: list[int] = []
    while len(ends) < MOST and 0 not in ends:
        child = os.fork()
        if not child:
            asyncio.run(bot(url, len(ends)))
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(ends))


if __name__ == "__main__":
    main(sys.argv[1])
