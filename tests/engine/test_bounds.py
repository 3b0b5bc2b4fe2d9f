"""A run is bounded in every direction, says so in words, and takes nothing from the others (R17)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.core.call import CallState, Outcome
from bot.core.events import RunFailed
from bot.core.inputs import Wrote
from bot.core.run import Run, RunState
from bot.core.values import Judgement, Place, RunId, Verdict
from bot.engine import Limits
from bot.ports import InboxRow, Store
from bot.sql.store import open_store
from tests.engine.world import ALICE, BOB, LIMITS, PLACE, TEAM, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
ELSEWHERE = Place(TEAM, "C0OPS", "2.000200")
BIG = "x" * 10_000_000


@pytest.fixture(params=["dict", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store | None]:
    if request.param == "dict":
        yield None
        return
    opened = open_store(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with world.engine.running(drain_seconds=0.2):
        yield world


async def elsewhere(world: World, text: str = "how is checkout?") -> Run:
    """Another run, from its message to its end."""
    place = replace(ELSEWHERE, thread=f"2.{time.monotonic_ns()}")
    await world.write(text, place=place, message=place.thread)
    return await world.until(lambda run: run.asked.place == place and run.state is RunState.DONE, seconds=30.0)


async def test_r17_a_run_that_used_its_tokens_fails_in_words_before_the_model_is_asked_again(
    store: Store | None,
) -> None:
    world = World(store, limits=replace(LIMITS, max_tokens=1_000))
    async with running(world):
        world.model.turns = [replace(wishing(("look", {"what": "a"})), tokens=999)]
        world.model.turns += [replace(wishing(("look", {"what": "b"})), tokens=2)]
        await world.write("look")
        run = await world.until(lambda run: run.state is RunState.FAILED and world.chat.words, seconds=20.0)
    assert len(world.model.asked) == 2 and world.deeds.done == ["looked at a", "looked at b"]
    assert "used 1,001 of its tokens" in run.end_reason and "may use 1,000" in world.chat.words[0]


async def test_r17_the_answer_that_passes_the_bound_is_still_given() -> None:
    world = World(limits=replace(LIMITS, max_tokens=1_000))
    async with running(world):
        world.model.turns = [replace(saying("Here you are."), tokens=5_000)]
        await world.write("how is checkout?")
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.chat.words == ["Here you are."]


async def test_r17_a_run_that_worked_too_long_fails_in_words_and_retry_begins_anew() -> None:
    world = World(limits=replace(LIMITS, max_run_seconds=0.05))
    async with running(world):
        world.deeds.hold = asyncio.Event()
        world.model.turns = [wishing(("sync", {}))]
        await world.write("sync")
        await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED)
        await asyncio.sleep(0.1)
        world.deeds.hold.set()
        failed = await world.until(lambda run: run.state is RunState.FAILED and world.chat.words)
        assert "worked for" in failed.end_reason and len(world.model.asked) == 1
        await world.click("retry", failed.id, ALICE)
        await world.until(lambda run: run.id != failed.id and run.state is RunState.DONE)


async def test_r17_days_of_waiting_for_a_click_do_not_count_as_work() -> None:
    world = World(limits=replace(LIMITS, max_run_seconds=60.0))
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
        world.store.clock_shift = 3 * 3600.0
        await world.click("approve", approval_of(run))
        run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.worked < 60.0 and world.deeds.done == ["bob in admins"]


async def test_r17_a_model_that_proposes_endlessly_is_stopped_and_others_go_on(store: Store | None) -> None:
    world = World(store)
    async with running(world):
        world.model.turns = [wishing(("look", {"what": str(n)})) for n in range(20)]
        await world.write("look")
        failed = await world.until(lambda run: run.state is RunState.FAILED, seconds=20.0)
        assert "8 rounds" in failed.end_reason
        world.model.turns = []
        await elsewhere(world)


async def test_r17_a_thousand_calls_in_one_turn_are_answered_and_eight_are_worked() -> None:
    world = World()
    async with running(world):
        world.model.turns = [wishing(*[("look", {"what": str(n)}) for n in range(1_000)]), saying("That was a lot.")]
        await world.write("look everywhere")
        run = await world.until(lambda run: run.state is RunState.DONE, seconds=20.0)
    outputs = [item for item in world.model.asked[1] if item.get("type") == "function_call_output"]
    assert len(world.deeds.done) == 8 and len(outputs) == len({each["call_id"] for each in outputs}) == 1_000
    assert [call.outcome for call in run.calls].count(Outcome.INVALID) == 992 and run.length < 100


async def test_r17_an_answer_of_ten_megabytes_ends_its_run_in_words_and_is_not_kept(store: Store | None) -> None:
    world = World(store)
    async with running(world):
        world.model.turns = [saying(BIG)]
        await world.write("tell me everything")
        failed = await world.until(lambda run: run.state is RunState.FAILED and world.chat.words, seconds=20.0)
        assert "10,000,000" not in failed.end_reason and "I take at most 1,000,000" in failed.end_reason
        assert sum(map(len, world.chat.words)) < 1_000 and failed.replies == ()
        await elsewhere(world)


async def test_r17_an_output_of_ten_megabytes_reaches_neither_the_journal_nor_the_model_whole(
    store: Store | None,
) -> None:
    world = World(store)
    async with running(world):
        world.model.turns = [wishing(("look", {"what": "everything"})), saying("It is much.")]
        world.deeds.returns = BIG
        await world.write("look at everything")
        run = await world.until(lambda run: run.state is RunState.DONE, seconds=20.0)
        assert len(run.calls[0].output) <= 65_536 and "10,000,0" in run.calls[0].output
        assert sum(len(str(item)) for item in world.model.asked[1]) < 100_000
        await elsewhere(world)


async def test_r17_ten_thousand_messages_into_a_waiting_run_bound_it_and_hold_up_nobody(store: Store | None) -> None:
    world = World(store, limits=replace(LIMITS, lease=30.0))
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.write("grant bob admins")
        waiting = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=20.0)
        count = 10_000 if store is None else 250
        quiet = time.monotonic()
        await elsewhere(world)
        quiet = time.monotonic() - quiet
        flood = asyncio.create_task(flooded(world, count))
        while not flood.done():
            began = time.monotonic()
            await elsewhere(world)
            assert time.monotonic() - began < 5.0 + 10 * quiet, "another run waited for the flood"
            await asyncio.sleep(0.1)
        await flood
        await world.click("approve", approval_of(waiting))
        run = await ended(world, waiting.id)
    assert len(run.said) == world.limits.max_messages and run.length < world.limits.max_messages + 50
    assert world.deeds.done == ["bob in admins"]
    told = [text for _, text in world.chat.whispers if "last message" in text]
    assert len(told) == 1, "the requester is told once"


async def flooded(world: World, count: int) -> None:
    for number in range(count):
        await world.receive(f"flood {number}", Wrote(ALICE, PLACE, f"9.{number:06}", f"and this {number}", False))
        await asyncio.sleep(0)  # as requests of a web server come in
    while await world.store.read(lambda tx: tx.open_inbox(1)):
        await asyncio.sleep(0.05)


async def ended(world: World, run_id: RunId) -> Run:
    for _ in range(400):
        run = await world.engine.run(run_id)
        if run is not None and run.state is RunState.DONE:
            return run
        await asyncio.sleep(0.05)
    raise AssertionError("it did not end")


async def test_r17_whoever_is_worked_slowly_holds_up_nobody_who_came_later() -> None:
    world = World()
    world.chat.stuck[ALICE] = asyncio.Event()
    async with running(world):
        for number in range(150):
            place = Place(TEAM, "C0OPS", f"{number}.0")
            await world.write("hello?", place=place, message=place.thread)
        await world.write("how is checkout?", BOB, place=ELSEWHERE, message="2.0")
        await world.until(lambda run: run.asked.person == BOB and run.state is RunState.DONE, seconds=20.0)
        world.chat.stuck[ALICE].set()
        for _ in range(400):
            if len(await world.runs()) == 100:  # as many as are listed
                break
            await asyncio.sleep(0.05)
        assert await world.store.read(lambda tx: tx.open_inbox(1)) == ()


async def test_r17_a_backlog_of_rows_is_worked_without_a_pause_between_its_parts() -> None:
    world = World(limits=replace(LIMITS, sweep_every=30.0))
    for number in range(350):
        place = Place(TEAM, "C0OPS", f"{number}.0")
        world.inputs[f"row {number}"] = Wrote(ALICE, place, f"{number}.0", "", True)
        await world.engine.receive(InboxRow(f"row {number}", TEAM, "event", "{}"))
    began = time.monotonic()
    async with running(world):
        while await world.store.read(lambda tx: tx.open_inbox(1)):
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < 25.0


def test_r17_the_bounds_of_a_run_are_settings_with_defaults() -> None:
    from bot.app import limits_of
    from bot.settings import read_settings

    assert (Limits().max_tokens, Limits().max_run_seconds) == (1_000_000, 14_400.0)
    assert limits_of(read_settings(SIGNOFF_MAX_TAKEOVERS="3")).takeovers_before_parking == 3
    chosen = limits_of(read_settings(SIGNOFF_MAX_TOKENS="5", SIGNOFF_MAX_RUN_SECONDS="7.5"))
    assert (chosen.max_tokens, chosen.max_run_seconds) == (5, 7.5)


async def test_r17_a_bound_is_an_event_of_the_journal_and_offers_retry() -> None:
    world = World(limits=replace(LIMITS, max_tokens=1))
    async with running(world):
        world.model.turns = [replace(wishing(("look", {"what": "a"})), tokens=2)]
        await world.write("look")
        failed = await world.until(lambda run: run.state is RunState.FAILED and run.delivered("end:1"))
        journal = await world.store.read(lambda tx: tx.journal(failed.id))
    assert any(isinstance(recorded.event, RunFailed) for recorded in journal) and world.chat.retries == [failed.id]
