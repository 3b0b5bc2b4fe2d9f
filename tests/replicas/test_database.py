"""A database that stops under a bot (R15): nothing is acknowledged, nothing happens, and the bot says so; then it goes on by itself."""

import asyncio
import time
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

from tests.databases import Postgres
from tests.journey.stage import DAN
from tests.replicas.fleet import fleet


async def test_r15_without_its_database_a_bot_is_not_ready_and_acknowledges_nothing_and_goes_on_when_it_is_back(
    postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with fleet(
        postgres_url, tmp_path, transport="http", slack={"time_scale": 0.02, "ack_seconds": 3.0}
    ) as several:
        (bot,) = await several.launch()
        thread = await several.stage.mention("restart checkout")
        card = await several.stage.card(thread, "checkout", seconds=30)
        await asyncio.to_thread(postgres.stop)
        try:
            async with asyncio.timeout(30.0):
                while await bot.is_ready():  # it looks once a second
                    await asyncio.sleep(0.05)
            assert await several.stage.click(card, "approve", who=DAN) == "no_ack"
            missed = await several.stage.mention("restart search")
        finally:
            await asyncio.to_thread(postgres.start)
        assert several.lines == []
        await several.stage.card(missed, "search", seconds=30)  # Slack sent it again
        await several.stage.click(card, "approve", who=DAN, force=True)
        await several.stage.see(thread, "checkout: executed", seconds=30)
        assert await bot.is_ready()
        assert several.lines == ["began checkout", "ended checkout"]


async def test_r11_what_is_acknowledged_after_the_queues_tables_were_lost_is_worked_without_a_restart(
    postgres_url: str, tmp_path: Path
) -> None:
    async with fleet(postgres_url, tmp_path, transport="http") as several:
        (bot,) = await several.launch()
        thread = await several.stage.mention("restart checkout")
        await several.stage.card(thread, "checkout", seconds=30)
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("DROP SCHEMA pgqueuer CASCADE")
        await connection.close()
        lost = time.monotonic()
        thread = await several.stage.mention("restart search")
        await several.stage.card(thread, "search", seconds=30)
        assert time.monotonic() - lost < 20 and await bot.is_ready()
