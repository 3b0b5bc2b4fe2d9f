"""The engine's promises, told in a small world: what is asked, clicked, killed and lost, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.call import CallState, Outcome
from bot.core.inputs import Nothing, Profile
from bot.core.run import RunState
from bot.core.values import Judgement, Person, Verdict
from bot.ports import InboxRow, Rejected, Unavailable
from tests.engine.world import ALICE, BOB, CAROL, GUS, LIMITS, TEAM, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.guard.answers["grant_access"] = ASK
    async with made.engine.running(drain_seconds=0.2):
        yield made


async def asked_for_approval(world: World, *more: object) -> str:
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
    return approval_of(run)


async def test_an_approved_action_runs_once_and_everybody_is_told(world: World) -> None:
    approval = await asked_for_approval(world)
    assert world.deeds.done == []
    await world.click("approve", approval)
    run = await world.until(lambda run: run.state is RunState.DONE and len(world.guard.outcomes) == 1)
    assert world.deeds.done == ["bob in admins"] and world.chat.words == ["Done."]
    assert world.guard.resolutions == ["grant_access approved"] and world.guard.outcomes == ["grant_access executed"]
    await world.until(lambda run: world.chat.cards["t1c1"][-1] == "executed")
    assert run.call("t1c1").approval.votes[0].person == CAROL


async def test_the_same_click_delivered_twice_counts_once(world: World) -> None:
    approval = await asked_for_approval(world)
    await asyncio.gather(*(world.click("approve", approval) for _ in range(8)))
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"] and world.chat.whispers == []


async def test_the_requester_may_not_approve_and_is_told_so_privately(world: World) -> None:
    approval = await asked_for_approval(world)
    await world.click("approve", approval, ALICE)
    await world.until(lambda run: world.chat.whispers)
    assert world.chat.whispers[0][0] == "U0ALICE" and world.deeds.done == []


async def test_the_second_of_two_clicks_is_told_who_was_first(world: World) -> None:
    approval = await asked_for_approval(world)
    await asyncio.gather(world.click("approve", approval, CAROL), world.click("deny", approval, BOB))
    run = await world.until(lambda run: run.state is RunState.DONE and world.chat.whispers)
    winner = run.call("t1c1").approval.votes[0].person.user
    ((loser, text),) = world.chat.whispers
    assert loser != winner and winner in text


async def test_a_click_from_another_channel_or_on_an_unknown_id_changes_nothing(world: World) -> None:
    approval = await asked_for_approval(world)
    await world.click("approve", "0" * 32)
    await world.until(lambda run: len(world.chat.whispers) == 1)
    await world.click("approve", approval, message="another message")
    await world.until(lambda run: len(world.chat.whispers) == 2)
    assert world.deeds.done == []


async def test_a_message_in_the_thread_joins_the_run_and_a_later_one_begins_a_new_run_that_knows_the_old(
    world: World,
) -> None:
    await world.write("how is checkout?")
    first = await world.until(lambda run: run.state is RunState.DONE)
    await world.write("and now?", message="2.0", mentioned=False)
    second = await world.until(lambda run: run.id != first.id and run.state is RunState.DONE)
    assert second.asked.previous == first.id
    assert "how is checkout?" in str(world.model.asked[-1])


async def test_somebody_elses_chatter_in_a_finished_thread_is_left_alone(world: World) -> None:
    await world.write("how is checkout?")
    await world.until(lambda run: run.state is RunState.DONE)
    await world.write("nice", BOB, message="2.0", mentioned=False)
    await asyncio.sleep(0.1)
    assert len(await world.runs()) == 1


async def test_guests_and_outsiders_cannot_ask_and_are_told_so(world: World) -> None:
    world.chat.profiles[GUS] = Profile(GUS, "gus", TEAM, guest=True)
    outsider = Person("T2", "U0XENA")
    world.chat.profiles[outsider] = Profile(outsider, "xena", "T2")
    await world.write("drop the database", GUS)
    await world.write("drop the database", outsider, message="3.0")
    for _ in range(100):
        await asyncio.sleep(0.01)
        if len(world.chat.whispers) == 2:
            break
    assert {user for user, _ in world.chat.whispers} == {"U0GUS", "U0XENA"} and await world.runs() == []


async def test_an_empty_mention_is_answered_with_what_to_write(world: World) -> None:
    await world.write("  ")
    await world.until(lambda run: run.state is RunState.DONE)
    assert "For example" in world.chat.words[0] and world.model.asked == []


async def test_unknown_actions_and_wrong_arguments_are_answered_and_the_run_goes_on(world: World) -> None:
    odd = ("no_such_action", {}), ("grant_access", '{"user_id": "a", "user_id": "b"}'), ("grant_access", "not json")
    world.model.turns = [wishing(*odd, ("look", {"what": 7})), saying("I could not.")]
    await world.write("do something odd")
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert {call.outcome for call in run.calls} == {Outcome.INVALID} and all(call.reason for call in run.calls)
    assert world.deeds.done == [] and world.guard.questions == []


async def test_more_actions_than_a_turn_may_have_are_answered_and_not_run(world: World) -> None:
    world.model.turns = [wishing(*[("look", {"what": str(n)}) for n in range(12)])]
    await world.write("look everywhere")
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert len(world.deeds.done) == 8 and len(run.calls) == 12


async def test_a_model_that_loops_is_stopped_in_words(world: World) -> None:
    world.model.turns = [wishing(("look", {"what": str(n)})) for n in range(20)]
    await world.write("look")
    await world.until(lambda run: run.state is RunState.FAILED and world.chat.words)
    assert "8 rounds" in world.chat.words[0] and len(world.deeds.done) == 8


async def test_a_model_that_is_away_is_tried_again_and_given_up_in_words_and_retry_begins_anew(world: World) -> None:
    world.model.turns = [Unavailable("500")] * 100
    await world.write("how is checkout?")
    failed = await world.until(lambda run: run.state is RunState.FAILED and world.chat.words)
    assert len(world.model.asked) > 2 and "did not answer" in world.chat.words[-1]
    world.model.turns = []
    await world.click("retry", failed.id, ALICE)
    again = await world.until(lambda run: run.id != failed.id and run.state is RunState.DONE)
    assert again.asked.text == failed.asked.text and again.asked.previous == failed.id


async def test_a_model_that_refuses_for_good_ends_the_run_in_its_words(world: World) -> None:
    world.model.turns = [Rejected("OpenAI refused the key (401): check OPENAI_API_KEY.")]
    await world.write("how is checkout?")
    await world.until(lambda run: run.state is RunState.FAILED and world.chat.words)
    assert "OPENAI_API_KEY" in world.chat.words[0] and len(world.model.asked) == 1


async def test_a_guard_that_is_away_never_lets_anything_run(world: World) -> None:
    world.guard.answers["grant_access"] = Unavailable("BIGHUB 503")
    world.model.turns = [wishing(GRANT)]
    await world.write("grant bob admins")
    run = await world.until(lambda run: run.state is RunState.FAILED)
    assert world.deeds.done == [] and run.call("t1c1").outcome is Outcome.CANCELLED


async def test_slack_and_bighub_away_lose_nothing_and_hold_up_nothing_else(world: World) -> None:
    world.chat.absent = world.guard.absent = True
    world.model.turns = [wishing(("look", {"what": "checkout"})), saying("fine")]
    world.chat.absent = False
    await world.write("look at checkout")
    await world.until(lambda run: run.call("t1c1"))
    world.chat.absent = True
    await world.until(lambda run: run.state in (RunState.REPLYING, RunState.DONE))
    assert world.deeds.done == ["looked at checkout"]
    world.chat.absent = world.guard.absent = False
    await world.until(lambda run: run.state is RunState.DONE and world.guard.outcomes == ["look executed"])
    assert world.chat.words == ["fine"]


async def test_nobody_knows_who_is_clicking_so_the_click_waits_and_then_counts(world: World) -> None:
    approval = await asked_for_approval(world)
    world.chat.absent = True
    await world.click("approve", approval)
    await asyncio.sleep(0.1)
    assert world.deeds.done == []
    world.chat.absent = False
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


async def test_an_action_that_raises_is_told_to_the_model(world: World) -> None:
    world.deeds.fail = True
    approval = await asked_for_approval(world)
    await world.click("approve", approval)
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").state is CallState.FAILED and "no such group" in str(world.model.asked[-1])


async def test_a_frozen_system_refuses_even_what_was_approved(world: World) -> None:
    approval = await asked_for_approval(world)
    await asyncio.sleep(0.1)
    world.dispatch.lossy = True
    await world.click("approve", approval)
    await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
    await world.store.write(lambda tx: tx.set_freeze("system:okta", "incident 7", "U0ERIN"))
    world.dispatch.lossy = False
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert (
        run.call("t1c1").outcome is Outcome.FROZEN
        and "incident 7" in run.call("t1c1").reason
        and world.deeds.done == []
    )


async def test_an_approver_who_lost_the_right_since_the_click_has_not_approved(world: World) -> None:
    approval = await asked_for_approval(world)
    await asyncio.sleep(0.1)
    world.dispatch.lossy = True
    await world.click("approve", approval)
    await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
    world.chat.profiles[CAROL] = Profile(CAROL, "carol", TEAM, deactivated=True)
    world.dispatch.lossy = False
    run = await world.until(lambda run: run.call("t1c1").approval.terms.approval != approval)
    assert run.call("t1c1").state is CallState.ASKING and not run.call("t1c1").approval.votes and world.deeds.done == []
    assert "may not do so any more" in run.call("t1c1").judgement.ours


async def test_a_broken_row_of_the_inbox_does_not_hold_up_the_others(world: World) -> None:
    await world.engine.receive(InboxRow("unknown to the translation", TEAM, "event", "{}"))
    await world.write("how is checkout?")
    await world.until(lambda run: run.state is RunState.DONE)


async def test_the_thread_hears_of_a_model_that_does_not_answer() -> None:
    world = World(limits=replace(LIMITS, give_up_after=900.0, first_backoff=3.0, longest_backoff=3.0))
    async with world.engine.running(drain_seconds=0.2):
        world.model.turns = [Unavailable("500")]
        await world.write("how is checkout?")
        await world.until(lambda run: run.trouble("model:1"))
        world.store.clock_shift = 11.0
        await world.until(lambda run: world.chat.words and run.state is RunState.DONE)
    assert "not answer at the moment" in world.chat.words[0] and world.chat.words[-1] == "OK."


async def test_a_lost_wake_up_is_found_by_the_sweep(world: World) -> None:
    world.dispatch.lossy = True
    await world.write("how is checkout?")
    await asyncio.sleep(0.05)
    assert world.model.asked == []
    world.dispatch.lossy = False
    await world.until(lambda run: run.state is RunState.DONE)


async def test_an_expired_approval_is_refused_and_the_model_goes_on(world: World) -> None:
    approval = await asked_for_approval(world)
    world.store.clock_shift = 5 * 3600.0
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").outcome is Outcome.EXPIRED
    await world.click("approve", approval)
    await world.until(lambda run: world.chat.whispers)
    assert world.deeds.done == [] and "expired" in world.chat.whispers[0][1]


async def test_nothing_for_us_is_closed_and_leaves_no_run(world: World) -> None:
    await world.receive("x", Nothing("not ours"))
    await asyncio.sleep(0.1)
    assert await world.runs() == [] and await world.store.read(lambda tx: tx.open_inbox(10)) == ()


async def test_a_worker_that_died_in_the_middle_of_an_action_leaves_a_question_and_nothing_runs_again() -> None:
    world = World()
    world.guard.answers["grant_access"] = replace(ASK, verdict=Verdict.ALLOW)
    world.model.turns = [wishing(GRANT), saying("I do not know.")]
    world.deeds.hold = asyncio.Event()
    async with world.engine.running(drain_seconds=0.0):
        await world.write("grant bob admins")
        await world.until(lambda run: run.call("t1c1") and run.call("t1c1").state is CallState.STARTED)
        for task in list(world.dispatch.tasks):
            task.cancel()
    world.deeds.hold.set()
    world.engine = world.new_engine()
    async with world.engine.running(drain_seconds=0.2):
        run = await world.until(lambda run: run.call("t1c1").state is CallState.IN_DOUBT and run.call("t1c1").card)
        assert world.chat.cards["t1c1"][-1] == "in_doubt"
        await world.click("did_run", run.call("t1c1").question, BOB)
        run = await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == [] and run.call("t1c1").state is CallState.EXECUTED
