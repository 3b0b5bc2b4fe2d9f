"""Whom a question only escalates to does nothing with it before: no vote, and nothing else that takes the right to decide (R7, S9)."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.approval import NOT_YET
from bot.core.call import Call, CallState, Outcome
from bot.core.inputs import Clicked
from bot.core.policy import Rule
from bot.core.run import Run, RunState
from bot.core.values import Person, Verdict
from tests.engine.test_doubt import in_doubt, killed_while
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_terms import asked, told, world_of
from tests.engine.world import ALICE, CAROL, GUS, PLACE, World

HOUR = 3_600
LEADS = Rule(
    "answered",
    verdict=Verdict.ASK,
    approvers=("user:U0CAROL",),
    expires_in=4 * HOUR,
    escalate_to=("group:SLEADS",),
    escalate_after=HOUR,
)
SAFER = replace(ASK, better_action="Grant read access only")
LESS = json.dumps({"group": "admins", "user_id": "eve"})
Holds = Callable[[Run, Call], object]

DOES: dict[str, Holds] = {
    "approve": lambda run, call: call.outcome is Outcome.EXECUTED,
    "approve_reviewed": lambda run, call: call.outcome is Outcome.EXECUTED,
    "deny": lambda run, call: call.outcome is Outcome.DENIED,
    "ask": lambda run, call: call.inquiries,
    "edit": lambda run, call: call.outcome is Outcome.SUPERSEDED,
    "safer": lambda run, call: call.outcome is Outcome.SUPERSEDED,
    "stop": lambda run, call: run.state is RunState.CANCELLED,
}
OWN = {
    **{action: DOES[action] for action in ("edit", "safer", "stop")},
    "withdraw": lambda run, call: call.outcome is Outcome.WITHDRAWN,
}


def escalating() -> World:
    world = world_of(LEADS)
    world.chat.groups["SLEADS"] = frozenset({"U0GUS"})
    return world


async def click(world: World, approval: str, action: str, who: Person) -> None:
    """A button of the card, or what was submitted in its modal."""
    clicked = Clicked(who, action, approval, PLACE.channel, "card-t1c1", "Which incident is it for?", LESS)
    await world.receive(f"{action}{who.user}{len(world.inputs)}", clicked)


@pytest.mark.parametrize("action", DOES)
async def test_s9_whom_it_escalates_to_does_nothing_with_a_card_before_that_is_due_and_everything_from_then_on(
    action: str,
) -> None:
    world = escalating()
    async with running(world):
        approval = await asked(world, SAFER)
        await click(world, approval, action, GUS)
        assert await told(world) == NOT_YET
        run = await world.run()
        assert run is not None and run.calls[0].state is CallState.ASKING
        assert not run.calls[0].inquiries and not run.calls[0].approval.votes and world.deeds.done == []
        world.store.clock_shift = HOUR + 1
        await click(world, approval, action, GUS)
        await world.until(lambda run: DOES[action](run, run.calls[0]), 10.0)


@pytest.mark.parametrize("action", OWN)
async def test_whoever_asked_need_not_wait_for_an_escalation_to_take_it_back_or_change_it(action: str) -> None:
    world = escalating()
    world.chat.groups["SLEADS"] = frozenset({"U0ALICE"})
    async with running(world):
        await click(world, await asked(world, SAFER), action, ALICE)
        await world.until(lambda run: OWN[action](run, run.calls[0]), 10.0)
    assert world.chat.whispers == []


@pytest.mark.parametrize("may", ["may_decide", "may_edit"])
async def test_s9_no_form_opens_for_whom_it_escalates_to_before_that_is_due(may: str) -> None:
    world = escalating()
    async with running(world):
        approval = await asked(world, SAFER)
        opens = getattr(world.engine, may)
        assert await opens(CAROL, approval) is None
        assert (await opens(GUS, approval)).reason == NOT_YET
        world.store.clock_shift = HOUR + 1
        assert await opens(GUS, approval) is None


async def test_r2_whom_it_escalates_to_does_not_say_before_that_is_due_what_became_of_an_action_in_doubt() -> None:
    world = escalating()
    world.guard.answers["grant_access"] = ASK
    await killed_while(world, GRANT, approved=True)
    async with running(world):
        question = (await world.until(in_doubt(), 10.0)).calls[0].question
        await click(world, question, "did_run", GUS)
        assert await told(world) == NOT_YET
        world.store.clock_shift = HOUR + 1
        await click(world, question, "did_run", GUS)
        run = await world.until(lambda run: run.calls[0].settled, 10.0)
    assert run.calls[0].settled.person == GUS


@pytest.mark.parametrize("name", ["user:U0GUS", "group:SLEADS"])
async def test_r2_whom_the_policy_names_only_since_the_approval_says_what_became_of_an_action_in_doubt(
    name: str,
) -> None:
    world = world_of(Rule("one", verdict=Verdict.ASK, approvers=("user:U0CAROL",)))
    world.chat.groups["SLEADS"] = frozenset({"U0GUS"})
    world.guard.answers["grant_access"] = ASK
    await killed_while(world, GRANT, approved=True)
    both = Rule("both", verdict=Verdict.ASK, approvers=("user:U0CAROL", name))
    world.policy = replace(world.policy, rules=(both,))
    world.engine = world.new_engine()
    async with running(world):
        question = (await world.until(in_doubt(), 10.0)).calls[0].question
        await click(world, question, "did_run", GUS)
        run = await world.until(lambda run: run.calls[0].settled or world.chat.whispers, 10.0)
    assert run.calls[0].settled and run.calls[0].settled.person == GUS
