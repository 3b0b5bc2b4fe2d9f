"""The heartbeat and the drain that are set are those that are kept (R11): each beside a bot with others, as the control."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

from bot.app import limits_of
from bot.engine import Limits
from bot.ports import LONGEST_LEASE
from bot.settings import read_settings
from tests.journey.stage import Stage, staged, until
from tests.servers.faults import Hang

LEASES = "SELECT lease_until - extract(epoch FROM clock_timestamp()) FROM runs"
BEATS = "SELECT extract(epoch FROM heartbeat)::float8 FROM pgqueuer.pgqueuer WHERE status = 'picked'"


async def at_work(stage: Stage) -> None:
    """The bot holds a run whose model never answers."""
    stage.model.say(Hang())
    await stage.start()
    await stage.mention("how is checkout?")
    await until(lambda: stage.model.requests, 20)


async def test_r11_with_a_short_heartbeat_a_lease_and_a_job_of_the_queue_are_soon_anothers(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = {"SIGNOFF_HEARTBEAT_SECONDS": "2", "SIGNOFF_DRAIN_SECONDS": "0"}
    async with staged(postgres_url, tmp_path, **settings) as stage:
        await at_work(stage)
        left, beats = await watched(postgres_url, 30.0, beats=4)
    assert left <= 1.5
    assert min(later - earlier for earlier, later in pairwise(beats)) < 3.0


async def test_r11_with_a_long_heartbeat_they_are_not(postgres_url: str, tmp_path: Path) -> None:
    settings = {"SIGNOFF_HEARTBEAT_SECONDS": "60", "SIGNOFF_DRAIN_SECONDS": "0"}
    async with staged(postgres_url, tmp_path, **settings) as stage:
        await at_work(stage)
        left, beats = await watched(postgres_url, 6.5, beats=2)
    assert 20.0 < left <= 45.0 and len(beats) == 1


async def watched(url: str, seconds: float, *, beats: int) -> tuple[float, list[float]]:
    """How long the lease lasts yet, and when the job of the queue was said to be alive: so many times, or for so long."""
    seen: list[float] = []
    connection = await asyncpg.connect(url)
    try:
        left = float(await connection.fetchval(LEASES))
        until = time.monotonic() + seconds
        while len(seen) < beats and time.monotonic() < until:
            beat = await connection.fetchval(BEATS)
            seen += [beat] if beat is not None and beat not in seen else []
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    return left, seen


def test_r2_no_heartbeat_makes_a_lease_longer_than_any_can_be() -> None:
    longest = read_settings(SIGNOFF_HEARTBEAT_SECONDS="120")
    assert limits_of(longest).lease <= LONGEST_LEASE and Limits().lease <= LONGEST_LEASE


async def test_r11_a_bot_waits_for_what_is_under_way_as_long_as_the_drain_says(sqlite_url: str, tmp_path: Path) -> None:
    async def took(drain: str) -> float:
        async with staged(sqlite_url, tmp_path, SIGNOFF_DRAIN_SECONDS=drain) as stage:
            await at_work(stage)
            began = time.monotonic()
            await stage.stop()
            return time.monotonic() - began

    short, long = await took("0"), await took("5.5")
    assert long >= 4.0 and long - short > 2.0
