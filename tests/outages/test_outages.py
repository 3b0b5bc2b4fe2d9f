"""R9, R10: an hour without Slack, BIGHUB or the model costs time and nothing else. All seven combinations are the soak's (T4)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.core.call import CallState
from bot.core.run import RunState
from bot.dict_store import DictStore
from tests.outages.away import BIGHUB, CHANNELS, LIMITS, MODEL, SLACK, Away, away
from tests.outages.story import MOST_ATTEMPTS, outage
from tests.servers.faults import Fault


@pytest.mark.parametrize("sides", [(SLACK,), (SLACK, BIGHUB), (BIGHUB, MODEL)], ids=" and ".join)
async def test_r9_an_hours_outage_loses_nothing_and_doubles_nothing(sides: tuple[str, ...]) -> None:
    came = await outage(DictStore(), 11, sides, runs=3)
    assert came.wrong == () and came.runs == 6 and came.messages >= 6
    assert came.most_attempts <= MOST_ATTEMPTS
    assert came.drained <= 1_800.0


async def test_a_model_that_stays_away_ends_the_run_in_words_with_retry() -> None:
    async with away(DictStore(), 1) as world:
        await world.go_away(MODEL)
        await world.ask("only talk")
        await world.pass_time(1_200.0)
        world.come_back()
        await world.rest()
        (run,) = await world.runs()
        assert run.state is RunState.FAILED and "did not answer for 15 minutes" in run.end_reason
        assert await world.wrong() == []


async def test_a_failed_run_tries_what_it_owes_no_more_often_than_before() -> None:
    """A run that ended used to forget how long BIGHUB had been away, and to ask it as often as at the first time."""
    async with away(DictStore(), 2) as world:
        await world.ask("grant bob admins")
        await world.pass_time(2.0, step=2.0)
        await world.go_away(BIGHUB, MODEL)
        await world.answer_cards(only="approve")
        await world.pass_time(3_600.0)
        (run,) = await world.runs()
        assert run.state is RunState.FAILED and run.calls[0].state is CallState.EXECUTED
        assert 15 <= await world.most_attempts() <= MOST_ATTEMPTS


async def test_r9_thirty_cards_in_one_channel_come_without_a_429_and_hold_up_neither_work_nor_the_other_channel() -> (
    None
):
    async with away(DictStore(), 3) as world:
        for _ in range(30):
            await world.ask("grant bob admins", CHANNELS[0])
        await world.ask("grant bob admins", CHANNELS[1])
        await world.quiet()
        runs = await world.runs()
        assert all(run.state is RunState.ACTING and run.calls[0].state is CallState.ASKING for run in runs)
        assert not world.engine._worker._held
        assert shown(world, CHANNELS[1]) == 1 and shown(world, CHANNELS[0]) < 30
        await world.pass_time(60.0, step=1.0)
        assert (shown(world, CHANNELS[0]), shown(world, CHANNELS[1])) == (30, 1)
        await world.rest()
        assert await world.wrong() == []
        assert refused(world) == []


def shown(world: Away, channel: str) -> int:
    return sum(call["args"]["channel"] == channel for call in world.workspace.traffic.calls("chat.postMessage"))


def refused(world: Away) -> list[str]:
    return [
        each["method"] for each in world.workspace.traffic.entries if each["kind"] == "api" and each["status"] == 429
    ]


async def test_r9_a_card_that_stood_already_when_its_process_died_is_not_posted_again() -> None:
    async with away(DictStore(), 8) as world:
        await world.workspace.fault(kind="api", method="chat.postMessage", when="after", do="hang")
        await world.ask("grant bob admins")
        await until(
            lambda: shown(world, CHANNELS[0]) and world.workspace.traffic.calls("chat.postMessage")[0]["answer"]
        )
        await world.kill()
        await world.start()
        await world.rest()
        assert await world.wrong() == []


async def test_r9_whoever_asks_for_patience_is_left_alone_for_as_long() -> None:
    async with away(DictStore(), 6) as world:
        await world.workspace.fault(kind="api", method="chat.postMessage", do="ratelimited", retry_after=120)
        world.bighub.fail("report", Fault(429, headers={"Retry-After": "120"}), times=1)
        await world.ask("have a look")
        await world.pass_time(110.0, step=5.0)
        assert world.bighub.calls["report"] == 1 and len(world.workspace.traffic.calls("chat.postMessage")) == 1
        await world.rest()
        assert world.bighub.calls["report"] == 2 and await world.wrong() == []


async def test_r10_an_update_that_slack_applies_late_does_not_stay() -> None:
    async with away(DictStore(), 4, timeout=3.2) as world:
        await world.ask("grant bob admins")
        await world.pass_time(2.0, step=2.0)
        await world.workspace.fault(kind="api", method="chat.update", do="slow", seconds=4.2)
        world.deeds.hold = asyncio.Event()
        await world.answer_cards(only="approve")
        (late,) = await until(lambda: world.workspace.traffic.calls("chat.update"))
        world.deeds.hold.set()
        await until(lambda: any(run.troubles for run in world.engine._door._folded.values()))
        await world.pass_time(2.0, step=2.0)
        await world.quiet()
        assert late["status"] == 0 and await world.wrong() == []
        await until(lambda: late["status"] == 200)
        assert await world.wrong() != []
        await world.rest()
        assert await world.wrong() == []


async def until(holds: Callable[[], Any]) -> Any:
    """What it is when it holds."""
    for _ in range(1_000):
        if found := holds():
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def test_r10_a_deleted_card_is_posted_once_more_and_shows_the_end() -> None:
    async with away(DictStore(), 5) as world:
        await world.ask("grant bob admins")
        await world.pass_time(2.0, step=2.0)
        (run,) = await world.runs()
        card = run.calls[0].card
        assert card is not None
        await world.answer_cards(only="approve")
        message = world.workspace.world.timeline.find(card.channel, card.message)
        assert message is not None
        world.workspace.world.delete(message)
        await world.lose_answers(times=2)
        await world.rest()
        (run,) = await world.runs()
        assert await world.wrong() == [] and run.calls[0].card != replace(card, shows="executed")


async def test_r9_a_run_that_was_parked_and_resumed_looks_first_for_what_its_dead_workers_had_posted() -> None:
    async with away(DictStore(), 8) as world:
        await world.workspace.fault(kind="api", method="chat.postMessage", when="after", do="hang")
        await world.ask("grant bob admins")
        posted = world.workspace.traffic.calls
        await until(lambda: shown(world, CHANNELS[0]) and posted("chat.postMessage")[0]["answer"])
        (run,) = await world.runs()
        await world.kill()  # the card stands, and nobody wrote it down
        for number in range(LIMITS.takeovers_before_parking):
            world._shift(LIMITS.lease + 1)
            assert await world.store.write(lambda tx, n=number: tx.take_lease(run.id, f"dead{n}", LIMITS.lease))
        world._shift(LIMITS.lease + 1)
        await world.start()
        for _ in range(500):
            if (line := await world.store.read(lambda tx: tx.line(run.id))) is None or line.parked is not None:
                break
            await asyncio.sleep(0.01)
        assert await world.store.write(lambda tx: tx.resume(run.id))
        await world.rest()
        assert await world.wrong() == []
