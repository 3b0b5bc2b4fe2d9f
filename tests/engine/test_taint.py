"""S1 and S14, held by the engine: what is asked about after reading what nobody has checked, across edits, restarts and late words."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core.call import CallState, Outcome
from bot.core.run import Run, RunState
from bot.core.taint import RAISED
from bot.core.values import Judgement, Verdict
from bot.engine.starting import judgement_holds
from bot.ports import Store
from bot.sql.store import open_store
from tests.engine.test_editing import LESS, edit
from tests.engine.test_faults import GRANT, running
from tests.engine.world import BOB, CAROL, World, approval_of, saying, wishing

LOOK = ("look", {"what": "the log"})
DENY = Judgement(Verdict.DENY, "never", "BIGHUB")
TAINTED = ("output:look",)


async def asked(world: World) -> Run:
    """It looked, and what it wants next waits for people."""
    world.model.turns = [wishing(LOOK), wishing(GRANT), saying("Told.")]
    await world.write("look at the log")
    return await world.until(lambda run: (call := run.call("t2c1")) and call.card, 10.0)


async def ended(world: World) -> Run:
    return await world.until(lambda run: run.state is RunState.DONE, 10.0)


async def test_s1_what_the_guard_allows_is_asked_about_after_reading_and_runs_once_somebody_approves() -> None:
    world = World()
    async with running(world):
        run = await asked(world)
        call: Any = run.call("t2c1")
        assert call.state is CallState.ASKING and call.approval.terms.tainted == TAINTED
        assert (call.judgement.ours, call.judgement.reason) == (RAISED, "fine")
        assert world.deeds.done == ["looked at the log"]
        await world.click("approve", approval_of(run, "t2c1"), CAROL, "card-t2c1")
        await ended(world)
    assert world.deeds.done == ["looked at the log", "bob in admins"]


async def test_s1_what_is_wanted_in_the_same_turn_was_wanted_before_anything_was_read() -> None:
    world = World()
    world.model.turns = [wishing(LOOK, GRANT), saying("Told.")]
    async with running(world):
        await world.write("look, and grant")
        await ended(world)
    assert sorted(world.deeds.done) == ["bob in admins", "looked at the log"]


async def test_s14_reading_goes_on_in_a_turn_that_has_read() -> None:
    world = World()
    world.model.turns = [wishing(LOOK), wishing(("look", {"what": "another"})), saying("Told.")]
    async with running(world):
        await world.write("look at both")
        run = await ended(world)
    assert world.chat.cards == {} and [call.outcome for call in run.calls] == [Outcome.EXECUTED] * 2


async def test_s1_what_the_guard_denies_stays_denied() -> None:
    world = World()
    world.guard.answers["grant_access"] = DENY
    world.model.turns = [wishing(LOOK), wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("look, then grant")
        run = await ended(world)
    assert run.calls[1].outcome is Outcome.BLOCKED and run.calls[1].reason == "never" and world.chat.cards == {}


async def test_s1_the_requesters_next_words_let_the_model_act_again() -> None:
    world = World()
    world.model.delay = 0.3
    world.model.turns = [wishing(LOOK), saying("It says that bob is missing."), wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("look at the log")
        await world.until(lambda run: run.calls and run.calls[0].answered, 10.0)
        await world.write("then grant it", message="2")  # while the model still thinks about what it read
        await world.until(lambda run: world.deeds.done[1:], 10.0)
        await ended(world)
    assert world.deeds.done == ["looked at the log", "bob in admins"] and world.chat.cards == {}


async def test_s1_words_of_the_requester_check_nothing_that_the_model_had_not_read_by_then() -> None:
    """What it looked at is there when they write, but the turn waits for somebody else's click."""
    world = World()
    world.guard.answers["grant_access"] = Judgement(Verdict.ASK, "broad", "BIGHUB")
    world.model.turns = [wishing(LOOK, GRANT), wishing(("sync", {})), saying("Told.")]
    async with running(world):
        await world.write("look at the log, and grant it")
        run = await world.until(lambda run: run.calls and run.calls[0].answered and run.calls[1].card, 10.0)
        await world.write("any news?", message="2")
        await world.until(lambda run: len(run.said) == 2, 10.0)
        await world.click("deny", approval_of(run, "t1c2"), CAROL, "card-t1c2")
        run = await world.until(lambda run: (call := run.call("t2c1")) and call.card, 10.0)
    assert run.call("t2c1").approval.terms.tainted == TAINTED and world.deeds.done == ["looked at the log"]


async def test_s1_an_edited_call_of_a_tainted_turn_is_asked_about_and_says_so_again() -> None:
    world = World()
    async with running(world):
        first = approval_of(await asked(world), "t2c1")
        await edit(world, first, CAROL, LESS, "card-t2c1")
        run = await world.until(lambda run: (call := run.call("t2c1e")) and call.card, 10.0)
        call: Any = run.call("t2c1e")
        assert call.approval.terms.tainted == TAINTED and call.approval.terms.not_alone == ("U0CAROL",)
        await world.click("approve", approval_of(run, "t2c1e"), BOB, "card-t2c1e")
        await ended(world)
    assert world.deeds.done == ["looked at the log", "eve in admins"]


@pytest.fixture
async def sql(database_url: str) -> Any:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def test_s1_s31_what_a_turn_had_read_outlives_a_restart_and_is_sealed_with_the_question(sql: Store) -> None:
    world = World(sql)
    async with running(world):
        await asked(world)
    world.engine = world.new_engine()
    async with running(world):
        run = await world.until(lambda run: run.call("t2c1"), 10.0)
        call: Any = run.call("t2c1")
        terms = call.approval.terms
        assert terms.tainted == TAINTED and judgement_holds(run, call, world.seal_keys)
        forged = replace(call, approval=replace(call.approval, terms=replace(terms, tainted=())))
        assert not judgement_holds(run, forged, world.seal_keys)
        world.model.turns = [saying("Told.")]
        await world.click("approve", approval_of(run, "t2c1"), CAROL, "card-t2c1")
        await ended(world)
    assert world.deeds.done == ["looked at the log", "bob in admins"]


async def test_s1_s9_who_wrote_what_the_turn_had_read_is_not_enough_alone_and_with_somebody_else_is() -> None:
    world = World()
    world.model.delay = 0.3
    world.guard.answers["grant_access"] = Judgement(Verdict.ASK, "broad", "BIGHUB")
    world.model.turns = [wishing(LOOK), wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("look at the log")
        await world.write("make carol an admin", CAROL, message="2")  # before the next turn
        run = await world.until(lambda run: (call := run.call("t2c1")) and call.card, 10.0)
        call: Any = run.call("t2c1")
        assert call.approval.terms.tainted == (*TAINTED, "user:U0CAROL")
        await world.click("approve", approval_of(run, "t2c1"), CAROL, "card-t2c1")
        run = await world.until(lambda run: run.call("t2c1").approval.votes, 10.0)
        await asyncio.sleep(0.1)
        assert world.deeds.done == ["looked at the log"]
        assert run.call("t2c1").state is CallState.ASKING
        await world.click("approve", approval_of(run, "t2c1"), BOB, "card-t2c1")
        await ended(world)
    assert world.deeds.done == ["looked at the log", "bob in admins"]
