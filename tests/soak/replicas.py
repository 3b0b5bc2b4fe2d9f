"""T3: three bots in processes of their own, killed, stopped, cut off from the database and lied to by Slack, while people work.

The storm itself, and what must hold after it, is `tests/replicas/storm.py`.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.databases import Postgres, running_postgres
from tests.replicas.findings import Report
from tests.replicas.fleet import fleet
from tests.replicas.storm import Storm, Weather
from tests.soak.report import Line

SECONDS = 600.0
FLOOR = {"approvals": 300, "restarts": 40, "database restarts": 12}
"""What ten minutes must bring at least, or nothing was proven."""


def soak(seed: int, share: float) -> Iterator[Line]:
    for number, transport in enumerate(("socket", "http")):
        began = time.monotonic()
        with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
            report = asyncio.run(
                storm(server, Path(folder), transport, Random(seed + number), Weather(SECONDS / 2 * share))
            )
        done = report.done
        done["restarts"] = done["kills"] + done["stops"]
        for violation in report.violations:
            print(f"T3 {transport}: {violation}")
        print("\n\n".join(report.stories), flush=True)
        yield Line(
            "T3",
            "R3 R7 R11 R15",
            f"3 replicas over {transport}: SIGKILL or SIGTERM every 2–10 s, Postgres restarted every 5–40 s, Slack's faults",
            ", ".join(
                f"{done[what]:,} {what}"
                for what in ("mentions", "runs", "failed", "doubts", *FLOOR, "Slack faults", "lost leases")
            ),
            len(report.violations),
            all(done[what] >= int(least / 2 * share) for what, least in FLOOR.items()),
            seed,
            time.monotonic() - began,
            f"click → start p99 {report.p99():.1f} s",
        )


async def storm(server: Postgres, folder: Path, transport: str, random: Random, weather: Weather) -> Report:
    slack, url = {"time_scale": 0.02, "ack_seconds": 3.0}, server.create("migrated")
    heartbeat = {"SIGNOFF_HEARTBEAT_SECONDS": "4"}
    async with fleet(url, folder, transport=transport, slack=slack, **heartbeat) as several:
        await several.launch(3)
        return await Storm(several, server, random, weather).rage()
