"""T3: three bots in processes of their own, killed, stopped, cut off from the database and lied to by Slack, while people work.

The storm itself, and what must hold after it, is `tests/replicas/storm.py`. The contract's "one every 2–10 s" makes 300 restarts in
half an hour, and its 500 are more; so here a replica ends every 1–5 s. A machine that is too busy for that gets longer (`LONGER`).
"""

import asyncio
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from tests.databases import Postgres, running_postgres
from tests.replicas.findings import Report
from tests.replicas.fleet import fleet
from tests.replicas.storm import Storm, Weather
from tests.soak.report import Line

SECONDS, LONGER = 1_800.0, 1.8
TRANSPORTS = ("socket", "http")
FLOOR = {"approvals": 1_000, "executed": 950, "restarts": 500, "database restarts": 40}
"""What half an hour must bring at least over both transports together, or nothing was proven."""
TOLD = ("mentions", "runs", "failed", "doubts", *FLOOR, "kills", "stops", "Slack faults", "lost leases")


def soak(seed: int, share: float) -> Iterator[Line]:
    least = floor(share)
    for number, transport in enumerate(TRANSPORTS):
        began, seconds = time.monotonic(), SECONDS / len(TRANSPORTS) * share
        wanted = {"approved": least["approvals"], "restarts": least["restarts"]}
        weather = Weather(seconds, people=12, replicas=(1.0, 5.0), least=wanted, longest=seconds * LONGER)
        with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
            report = asyncio.run(storm(server, Path(folder), transport, Random(seed + number), weather))
        done = report.done
        for violation in report.violations:
            print(f"T3 {transport}: {violation}")
        print("\n\n".join(report.stories), flush=True)
        yield Line(
            "T3",
            "R3 R7 R11 R15",
            f"3 replicas over {transport}: SIGKILL or SIGTERM every 1–5 s, Postgres restarted every 5–40 s, Slack's faults",
            ", ".join(f"{done[what]:,} {what}" for what in TOLD),
            len(report.violations),
            met(done, least),
            seed,
            time.monotonic() - began,
            f"click → start p99 {report.p99():.1f} s, {done['seconds of storm']} s of storm",
        )


def floor(share: float) -> dict[str, int]:
    """What one transport must bring at this share: never nothing."""
    return {what: max(1, math.ceil(least / len(TRANSPORTS) * share)) for what, least in FLOOR.items()}


def met(done: Mapping[str, int], least: Mapping[str, int]) -> bool:
    return all(done[what] >= number for what, number in least.items())


async def storm(server: Postgres, folder: Path, transport: str, random: Random, weather: Weather) -> Report:
    slack, url = {"time_scale": 0.02, "ack_seconds": 3.0}, server.create("migrated")
    heartbeat = {"SIGNOFF_HEARTBEAT_SECONDS": "4"}
    async with fleet(url, folder, transport=transport, slack=slack, **heartbeat) as several:
        await several.launch(3)
        return await Storm(several, server, random, weather).rage()
