"""Retry begins the same request anew, and it stays the request of whoever made it, whoever presses the button (S9)."""

import asyncio

import pytest

from bot.core.call import CallState
from bot.core.events import Asked
from bot.core.inputs import Profile
from bot.core.run import Run, RunState
from bot.core.values import Person
from bot.ports import Unavailable
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.world import ALICE, BOB, CAROL, GUS, TEAM, World, approval_of, saying, wishing


async def failed(world: World) -> Run:
    """What Carol asks for fails, because the model is away; then the model is there again and wants what she asked for."""
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [Unavailable("500")] * 100
    await world.write("grant bob admins", CAROL)
    run = await world.until(lambda run: run.state is RunState.FAILED and world.chat.words, 10.0)
    world.model.turns = [wishing(GRANT), saying("Done.")]
    return run


async def told(world: World) -> tuple[str, str]:
    for _ in range(500):
        if world.chat.whispers:
            break
        await asyncio.sleep(0.02)
    return world.chat.whispers[-1]


async def test_s9_a_request_that_a_colleague_retries_stays_the_requesters_who_cannot_approve_it() -> None:
    world = World()
    async with running(world):
        old = await failed(world)
        await world.click("retry", old.id, GUS)
        run = await world.until(lambda run: run.id != old.id and run.call("t1c1") and run.call("t1c1").card, 10.0)
        assert run.asked.person == CAROL and run.asked.text == old.asked.text
        await world.click("approve", approval_of(run), CAROL)
        user, text = await told(world)
        assert user == CAROL.user and "You asked for this yourself" in text
        assert world.deeds.done == [] and run.call("t1c1").state is CallState.ASKING
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["bob in admins"]


async def test_s9_what_is_retried_is_refused_where_its_requester_may_not_ask_any_more() -> None:
    world = World()
    async with running(world):
        old = await failed(world)
        world.chat.profiles[CAROL] = Profile(CAROL, "carol", TEAM, deactivated=True)
        await world.click("retry", old.id, GUS)
        user, text = await told(world)
    assert user == GUS.user and f"stays the request of <@{CAROL.user}>" in text
    assert "A deactivated account cannot ask me for anything." in text and len(await world.runs()) == 1


async def test_s9_who_may_not_ask_retries_nothing_of_others_either() -> None:
    world = World()
    async with running(world):
        old = await failed(world)
        world.chat.profiles[ALICE] = Profile(ALICE, "alice", TEAM, guest=True)
        await world.click("retry", old.id, ALICE)
        user, text = await told(world)
    assert user == ALICE.user and text.startswith("Guests cannot ask me") and len(await world.runs()) == 1


@pytest.mark.parametrize(("who", "says"), [(GUS, True), (CAROL, False)], ids=["a colleague", "the requester"])
async def test_r18_s9_the_journal_says_who_pressed_retry_and_the_thread_where_it_was_somebody_else(
    who: Person, says: bool
) -> None:
    world = World()
    async with running(world):
        old = await failed(world)
        await world.click("retry", old.id, who)
        run = await world.until(lambda run: run.id != old.id and run.call("t1c1") and run.call("t1c1").card, 10.0)
        told = f"<@{GUS.user}> pressed Retry. It stays the request of <@{CAROL.user}>."
        await world.until(lambda run: run.delivered("retried") is says, 10.0)
    first = (await world.store.read(lambda tx: tx.journal(run.id)))[0].event
    assert isinstance(first, Asked) and (first.person, first.retried_by) == (CAROL, who)
    assert (told in world.chat.words) is says
