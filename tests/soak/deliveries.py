"""R3 and R4: what Slack delivers and we acknowledge is never lost, and never counts twice.

R3 is a storm (`tests/replicas/storm.py`) of deliveries over bots that are killed and a database that is stopped; R4 plays seeded
histories of duplicates, delays and other orders (`tests/replicas/deliveries.py`).
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.databases import running_postgres
from tests.replicas.deliveries import Tally, sequence
from tests.replicas.storm import Weather
from tests.soak.replicas import storm
from tests.soak.report import Line

SEQUENCES, STEPS = 10_000, 50
FLOOR = {"deliveries": 20_000, "runs": 500, "executed": 40, "restarts": 40, "database restarts": 12}
SECONDS = 480.0


def soak(seed: int, share: float) -> Iterator[Line]:
    yield _r4(seed, share)
    yield _r3(seed, share)


def _r3(seed: int, share: float) -> Line:
    began = time.monotonic()
    weather = Weather(
        SECONDS * share, people=4, noise=45.0, replicas=(3.0, 8.0), database=(10.0, 30.0), slack=(2.0, 6.0)
    )
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(storm(server, Path(folder), "socket", Random(seed), weather))
    done = report.done
    for violation in report.violations:
        print(f"R3: {violation}")
    print("\n\n".join(report.stories), flush=True)
    return Line(
        "R3",
        "R3 R15",
        "deliveries at 45/s with Slack's own retries; bots killed every 3–8 s, the database stopped every 10–30 s",
        f"{done['deliveries']:,} deliveries, acked {done['acked']:,}, lost {sum('lost' in each for each in report.violations)}, "
        f"{done['redelivered']:,} delivered again, {done['runs']:,} runs, {done['executed']:,} actions executed, "
        f"{done['kills'] + done['stops']} restarts, "
        f"{done['database restarts']} database restarts",
        len(report.violations),
        all(done[what] >= least * share for what, least in FLOOR.items()),
        seed,
        time.monotonic() - began,
    )


def _r4(seed: int, share: float) -> Line:
    began, tally = time.monotonic(), asyncio.run(_played(seed, max(1, round(SEQUENCES * share))))
    for wrong in tally.wrong:
        print(f"R4: {wrong}")
    return Line(
        "R3",
        "R4 R7",
        f"histories of {STEPS} steps: duplicates up to a day late, any order, a bot that dies in between",
        f"{tally.sequences:,} sequences, {tally.deliveries:,} deliveries, {tally.duplicates:,} duplicates, {tally.runs:,} runs, "
        f"{tally.deeds:,} effects",
        len(tally.wrong),
        min(tally.duplicates, tally.runs, tally.deeds) >= 0.5 * tally.sequences,
        seed,
        time.monotonic() - began,
    )


async def _played(seed: int, sequences: int) -> Tally:
    tally, random = Tally(), Random(seed)
    for _ in range(sequences):
        tally.add(await sequence(random.randrange(2**31), STEPS))
    return tally
