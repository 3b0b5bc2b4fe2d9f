"""R5: processes that all decide one approval at once, again and again, on both databases. The race is `tests/replicas/races.py`."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bot.sql.schema import migrate
from tests.databases import running_postgres
from tests.replicas.races import race
from tests.soak.report import Line

APPROVALS = 300
FIELDS = ((8, 0.5), (16, 0.3), (32, 0.2))
"""How many processes, and for what part of the approvals."""


def soak(seed: int, share: float) -> Iterator[Line]:
    for kind in ("SQLite", "Postgres"):
        for racers, part in FIELDS:
            began, rounds = time.monotonic(), max(3, round(APPROVALS * part * share))
            with ExitStack() as stack:
                if kind == "Postgres":
                    url = stack.enter_context(running_postgres()).create("migrated")
                else:
                    url = f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'signoff.db'}"
                    asyncio.run(migrate(url))
                result = race(url, rounds=rounds, racers=racers, seed=seed)
            for violation in result.violations:
                print(f"R5 {kind} {racers}: {violation}")
            yield Line(
                "R5",
                "R5 R7",
                f"{racers} processes on one approval: approve, deny, stop, edit, expire, work; {kind}",
                f"{result.approvals} approvals, {result.decided} decided once, {result.executed} executed",
                len(result.violations),
                result.decided >= 0.8 * rounds and result.executed > 0,
                seed,
                time.monotonic() - began,
                f"a move p99 {result.p99() * 1000:.0f} ms",
            )
