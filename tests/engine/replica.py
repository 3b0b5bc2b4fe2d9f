"""A replica in a process of its own: `python -m tests.engine.replica URL ask|finish`. Which release it is depends on where Python
finds `bot`. ``ask``: take up Alice's request until its card is shown. ``finish``: work what there is until every run has ended.
It prints what its actions did."""

import asyncio
import json
import sys

from bot.core.inputs import Clicked
from bot.core.run import ENDS
from bot.core.values import Judgement, Verdict
from bot.sql.store import open_store
from tests.engine.world import CAROL, PLACE, World, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


async def main(url: str, part: str) -> None:
    world = World(open_store(url))
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT)] if part == "ask" else [saying("Done.")]
    for line in await world.store.read(lambda tx: tx.open_approvals()):
        world.inputs["click"] = Clicked(CAROL, "approve", line.approval, PLACE.channel, "card-t1c1")
    async with world.engine.running(drain_seconds=0.2):
        if part == "ask":
            await world.write("grant bob admins")
            await world.until(lambda run: run.calls and run.calls[0].card, seconds=30.0)
        else:
            async with asyncio.timeout(30.0):
                while not all(run.state in ENDS for run in await world.runs()):
                    await asyncio.sleep(0.02)
    await world.store.close()
    print(json.dumps(world.deeds.done))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
