"""Many bots on one Postgres (R11): real processes, which share the work, take over from each other and leave without losing any."""

import asyncio
import time
from pathlib import Path

from bot.core.call import CallState
from bot.core.events import Started
from bot.core.run import RunState
from bot.engine.worker import CUT_OFF_SECONDS
from bot.leaving import LEAVE_SECONDS
from tests.journey.stage import DAN, until
from tests.replicas.fleet import Fleet, fleet
from tests.servers.faults import Hang

DRAIN, HEARTBEAT = 2.0, 2.0
BUSY_SECONDS = 12.0
"""What a machine that does much else may add to any of these figures; what they guard against would take a minute."""


async def asked_and_approved(several: Fleet, *names: str) -> list[str]:
    """The threads in which these were asked for; each card was approved as soon as it stood there."""

    async def one(name: str) -> str:
        thread = await several.stage.mention(f"restart {name}")
        card = await several.stage.card(thread, name, seconds=30)
        while await several.stage.click(card, "approve", who=DAN, force=True) != "ok":
            await asyncio.sleep(0.2)  # Slack says that it did not work, and people click again
        return thread

    return await asyncio.gather(*(one(name) for name in names))


async def told(several: Fleet, threads: list[str], names: list[str]) -> None:
    seen = [
        several.stage.see(thread, f"{name}: executed", seconds=30) for thread, name in zip(threads, names, strict=True)
    ]
    await asyncio.gather(*seen)


async def test_r11_three_replicas_share_the_work_and_a_rolling_restart_loses_none_of_it(
    postgres_url: str, tmp_path: Path
) -> None:
    names = [f"service-{number}" for number in range(18)]
    async with fleet(postgres_url, tmp_path) as several:
        first = await several.launch(3)
        threads = await asked_and_approved(several, *names[:9])
        await told(several, threads, names[:9])
        work = asyncio.create_task(asked_and_approved(several, *names[9:]))
        for replica in first[:2]:
            assert await replica.terminate() < DRAIN + BUSY_SECONDS
            await several.launch()
        await told(several, await work, names[9:])
        async with asyncio.timeout(20):  # what was told a moment ago may not be written down yet
            runs = await several.runs()
            while any(run.state is not RunState.DONE for run, _ in runs):
                await asyncio.sleep(0.1)
                runs = await several.runs()
    assert {run.state for run, _ in runs} == {RunState.DONE} and len(runs) == 18
    assert sorted(several.lines) == sorted([f"{did} {name}" for name in names for did in ("began", "ended")])
    starters = {
        recorded.event.worker for _, journal in runs for recorded in journal if isinstance(recorded.event, Started)
    }
    assert len(starters) >= 3


async def test_r11_a_killed_replicas_work_is_taken_over_within_its_heartbeat(postgres_url: str, tmp_path: Path) -> None:
    """Behind a load balancer, which goes on with those that listen."""
    async with fleet(postgres_url, tmp_path, transport="http", SIGNOFF_HEARTBEAT_SECONDS=str(HEARTBEAT)) as several:
        (first,) = await several.launch()
        several.stage.model.say(Hang())
        thread = await several.stage.mention("restart checkout")
        await until(lambda: several.stage.model.requests, 20)
        await several.launch()
        await asyncio.sleep(1.5)  # past the next heartbeat, whenever that was
        killed = time.monotonic()
        await first.kill()
        await until(lambda: len(several.stage.model.requests) == 2, 20)
        took = time.monotonic() - killed
        await several.stage.card(thread, "checkout")
    assert took < HEARTBEAT + BUSY_SECONDS


async def test_r11_a_replica_that_is_told_to_stop_hands_over_what_hangs_and_asks_about_what_it_cuts_off(
    postgres_url: str, tmp_path: Path
) -> None:
    """While the model hangs, an action takes longer than the drain, and people go on clicking."""
    async with fleet(
        postgres_url, tmp_path, SIGNOFF_HEARTBEAT_SECONDS="60", SIGNOFF_DRAIN_SECONDS=str(DRAIN)
    ) as several:
        stage = several.stage
        (first,) = await several.launch()
        (cut_off,) = await asked_and_approved(several, "slow-60-cut")
        await until(lambda: "began slow-60-cut" in several.lines, 20)
        waiting = [await stage.mention(f"restart waits-{number}") for number in range(3)]
        cards = [await stage.card(thread, "waits-", seconds=20) for thread in waiting]
        asked = len(stage.model.requests)
        stage.model.say(Hang())
        hanging = await stage.mention("restart hangs")
        await until(lambda: len(stage.model.requests) == asked + 1, 20)
        await several.launch()
        stopping = asyncio.create_task(first.terminate())
        acks = [await stage.click(card, "approve", who=DAN) for card in cards]
        took = await stopping
        left = time.monotonic()
        await stage.card(hanging, "hangs", seconds=20)
        assert time.monotonic() - left < BUSY_SECONDS, "the lease was given back: it would have lasted a minute"
        await stage.see(
            cut_off, "slow-60-cut", seconds=20, where=lambda message: "did_run" in str(message.get("blocks"))
        )
        for thread, ack in zip(waiting, acks, strict=True):
            if ack == "ok":
                await stage.see(thread, ": executed", seconds=20)
        runs = [run for run, _ in await several.runs()]
    assert took < DRAIN + BUSY_SECONDS
    assert [line for line in several.lines if "cut" in line] == ["began slow-60-cut"]
    assert sum(call.state is CallState.IN_DOUBT for run in runs for call in run.calls) == 1


async def test_r2_nobody_is_asked_about_an_action_that_takes_no_cancellation_before_its_process_has_ended(
    postgres_url: str, tmp_path: Path
) -> None:
    async with fleet(postgres_url, tmp_path, SIGNOFF_HEARTBEAT_SECONDS="2", SIGNOFF_DRAIN_SECONDS="1") as several:
        (first,) = await several.launch()
        (thread,) = await asked_and_approved(several, "stubborn-one")
        await until(lambda: "began stubborn-one" in several.lines, 20)
        await several.launch()
        ended = asyncio.create_task(first.terminate())
        await several.stage.see(
            thread, "stubborn-one", seconds=30, where=lambda message: "did_run" in str(message.get("blocks"))
        )
        assert not first.lives, "people were asked while it went on"
        assert await ended < LEAVE_SECONDS + BUSY_SECONDS
    assert several.lines == ["began stubborn-one"]


def test_r2_a_process_that_stops_has_ended_before_others_may_ask_what_became_of_what_it_cut_off() -> None:
    assert LEAVE_SECONDS < CUT_OFF_SECONDS
