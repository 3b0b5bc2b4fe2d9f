"""`python -m tests.crash FLOW DATABASE POINT [SEED]` tells one story again and says what does not hold in it.

FLOW: a name of `flows.py`, or "random" (then POINT is the seed of the story); DATABASE: "sqlite", "postgres" or a Postgres URL.
`python -m tests.crash --lives DATABASE` lives single lives of the release of the product that Python finds: each line of its input is
one, each line that it prints is how it ended (`tests/upgrades/rolling.py`).
`python -m tests.crash --campaign JSON` is how the tests and the soak start many stories in a process that can be forked.
"""

import asyncio
import contextlib
import json
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.sql.schema import migrate
from tests.crash import campaigns
from tests.crash.campaigns import one_point, one_story
from tests.crash.flows import FLOWS
from tests.crash.life import Fault, Story
from tests.crash.people import Telling
from tests.crash.zygote import Scene, Told, one_life, settle
from tests.databases import running_postgres

MEMORY = Path("/dev/shm")
"""Where files are in memory they are as good: a killed process leaves what it wrote to the system either way."""


@contextmanager
def scene_on(database: str) -> Iterator[Scene]:
    """Where stories are told on this kind of database, until the end of the block."""
    with contextlib.ExitStack() as stack:
        where = MEMORY if MEMORY.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signoff-crash-", dir=where)))
        if database == "postgres":
            database = stack.enter_context(running_postgres()).create("migrated")
        if database != "sqlite":
            scene = Scene(database, folder, None)
        else:
            template = folder / "template.db"
            asyncio.run(migrate(f"sqlite:///{template}"))
            scene = Scene(f"sqlite:///{folder / 'signoff.db'}", folder, template)
        settle(scene)
        yield scene


def one(flow: str, database: str, point: str, seed: str = "0") -> int:
    with scene_on(database) as scene:
        by_chance = flow == "random"
        told = one_story(scene, int(point)) if by_chance else one_point(scene, flow, point, int(seed))
        show(told)
    return 1 if told.faults else 0


def show(told: Told) -> None:
    for line in told.outside.lines["death"]:
        print(f"life {line['life']} died at: {line['name']} ({line['works']} works in the open commit)")
    print(f"lives: {', '.join(told.ended)}")
    for line in told.faults:
        print(f"does not hold: {line}")
    print("all of it holds" if not told.faults else f"{len(told.faults)} things do not hold")


def many(database: str, jobs: list[tuple[str, dict[str, Any]]]) -> int:
    """One campaign of `campaigns.py` after the other in this process; their tallies go to stdout as JSON."""
    tallies: list[dict[str, Any]] = []
    with scene_on(database) as scene:
        for what, job in jobs:
            before = cpu()
            tally = getattr(campaigns, what)(scene, **job)
            tallies.append({**tally.as_dict(), "cpu": cpu() - before})
    print(json.dumps(tallies))
    return 0


def lives(database: str) -> int:
    with scene_on(database):
        print("ready", flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            told = tuple(Telling(FLOWS[name], number) for name, number in order["tellings"])
            story = Story(order["url"], Path(order["outside"]), told)
            print(one_life(story, order["number"], Fault(fatal=order["fatal"]), order["kill_after"]), flush=True)
    return 0


def cpu() -> float:
    """Seconds that this process and its children have used."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--campaign"]:
        sys.exit(many(**json.loads(sys.argv[2])))
    if sys.argv[1:2] == ["--lives"]:
        sys.exit(lives(sys.argv[2]))
    sys.exit(one(*sys.argv[1:]))
