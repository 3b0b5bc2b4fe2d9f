"""What the policy demands, held by the engine: at the click, and once more before the start (R7, R20, S9)."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.approval import NOT_YET
from bot.core.call import CallState, Outcome
from bot.core.events import CallRefused
from bot.core.inputs import Clicked
from bot.core.policy import Defaults, Denials, OnExpiry, Policy, Rule
from bot.core.run import Run, RunState
from bot.core.timing import Dated
from bot.core.values import Ground, Judgement, Person, Share, Verdict
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.world import BOB, CAROL, GUS, PLACE, TEAM, World, approval_of, saying, wishing

SRE, SEC = "group:SSRE", "group:SSEC"
ONE_OF_EACH = Rule("two groups", verdict=Verdict.ASK, shares=(Share(SRE, 1), Share(SEC, 1)))
DEFAULTS = Defaults(approvers=("user:U0CAROL", "user:U0BOB"))
ALWAYS = Dated("1970-01-01T00:00", "2999-01-01T00:00", "UTC", "from 1970-01-01 to 2999-01-01")


def world_of(*rules: Rule, defaults: Defaults = DEFAULTS) -> World:
    world = World(policy=Policy(defaults, rules))
    world.chat.groups = {"SSRE": frozenset({"U0BOB", "U0CAROL"}), "SSEC": frozenset({"U0CAROL", "U0GUS"})}
    return world


async def asked(world: World, judgement: Judgement = ASK) -> str:
    """The model wants to grant access, and people are asked: the approval's id."""
    world.guard.answers["grant_access"] = judgement
    world.model.turns = [wishing(GRANT), saying("Told.")]
    await world.write("grant bob admins")
    return approval_of(await shown(world))


async def shown(world: World) -> Run:
    return await world.until(lambda run: run.calls and run.calls[0].card is not None, 10.0)


async def ended(world: World) -> Run:
    return await world.until(lambda run: run.state is RunState.DONE, 10.0)


async def told(world: World, count: int = 1) -> str:
    await world.until(lambda run: len(world.chat.whispers) >= count, 10.0)
    return world.chat.whispers[-1][1]


async def test_r20_one_of_each_of_two_groups_takes_one_of_each() -> None:
    world = world_of(ONE_OF_EACH)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
        assert run.calls[0].approval.votes[0].counts_as == (SRE, SEC)
        await world.click("approve", approval, GUS)
        await ended(world)
    assert len(world.deeds.done) == 1


async def test_r20_who_votes_again_is_told_that_one_person_is_one_vote_and_a_double_click_is_left_alone() -> None:
    world = world_of(ONE_OF_EACH)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await vote_again(world, approval, "double")
        assert world.chat.whispers == []
        world.store.clock_shift = 4.0
        await vote_again(world, approval, "later")
        assert await told(world) == "You have already voted on this. Deny takes your approval back."
        run = await world.run()
    assert run is not None and len(run.calls[0].approval.votes) == 1 and world.deeds.done == []


async def test_r20_r7_who_approved_by_mistake_denies_it_on_the_same_card_and_nothing_runs() -> None:
    world = world_of(ONE_OF_EACH)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        await world.click("deny", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].answered, 10.0)
        assert (run.calls[0].outcome, run.calls[0].approval.deciding_vote.person) == (Outcome.DENIED, CAROL)
        await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == []


async def vote_again(world: World, approval: str, key: str) -> None:
    """Carol's second click, worked to its end."""
    await world.receive(key, Clicked(CAROL, "approve", approval, PLACE.channel, "card-t1c1", ""))
    for _ in range(1_000):
        if not await world.store.read(lambda tx: tx.open_inbox(9)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the click was not worked")


async def test_r20_two_of_one_group_are_not_one_of_each() -> None:
    world = world_of(ONE_OF_EACH)
    world.chat.groups["SSEC"] = frozenset({"U0GUS"})
    async with running(world):
        approval = await asked(world)
        for person in (BOB, CAROL):
            await world.click("approve", approval, person)
        run = await world.until(lambda run: len(run.calls[0].approval.votes) == 2, 10.0)
        assert run.calls[0].state is CallState.ASKING and world.deeds.done == []


async def test_r20_who_left_the_group_for_which_the_vote_counted_has_not_approved() -> None:
    """Still somebody who may decide, but not any more for what the vote was needed for."""
    world = world_of(ONE_OF_EACH)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        world.chat.groups["SSEC"] = frozenset({"U0GUS"})
        await world.click("approve", approval, GUS)
        await world.until(lambda run: approval_of(run) != approval, 10.0)
    assert world.deeds.done == []


async def test_an_approval_without_the_comment_that_the_policy_wants_does_not_count_and_a_denial_does() -> None:
    world = world_of(Rule("why", verdict=Verdict.ASK, comment_required=True))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        assert "needs a comment" in await told(world)
        await world.click("deny", approval, BOB)
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.DENIED and len(run.calls[0].approval.votes) == 1


async def test_an_approval_with_the_comment_that_the_policy_wants_counts() -> None:
    world = world_of(Rule("why", verdict=Verdict.ASK, comment_required=True))
    async with running(world):
        await world.click("approve", await asked(world), CAROL, comment="incident 7")
        await ended(world)
    assert len(world.deeds.done) == 1


STRICTER = {
    "a comment": Rule("now", comment_required=True),
    "a shorter time": Rule("now", expires_in=60),
}


@pytest.mark.parametrize("what", STRICTER)
async def test_a_policy_that_became_stricter_applies_when_the_click_is_worked(what: str) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
    world.policy = Policy(DEFAULTS, (STRICTER[what],))
    world.engine = world.new_engine()
    world.store.clock_shift = 120.0
    async with running(world):
        await world.click("approve", approval, CAROL)
        await told(world)
    run = await world.run()
    assert run is not None and run.calls[0].approval.votes == () and world.deeds.done == []


async def test_a_policy_that_became_milder_changes_nothing_for_what_waits() -> None:
    world = world_of(Rule("why", verdict=Verdict.ASK, comment_required=True))
    async with running(world):
        approval = await asked(world)
    world.policy = Policy(DEFAULTS)
    world.engine = world.new_engine()
    async with running(world):
        await world.click("approve", approval, CAROL)
        assert "needs a comment" in await told(world)


async def test_r7_in_a_freeze_window_nothing_that_changes_something_is_asked_about_or_starts() -> None:
    world = world_of(Rule("calm", windows=(ALWAYS,)))
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.BLOCKED and "Nothing changes from 1970-01-01" in run.calls[0].reason
    assert world.deeds.done == []


async def asked_before_a_window(world: World) -> str:
    """The card was posted before the window began; a worker of afterwards works the clicks."""
    async with running(world):
        approval = await asked(world)
    world.policy = Policy(DEFAULTS, (Rule("calm", windows=(ALWAYS,)),))
    world.engine = world.new_engine()
    return approval


async def test_r7_within_a_freeze_window_an_approval_does_not_count_and_the_card_stays_open() -> None:
    world = world_of()
    approval = await asked_before_a_window(world)
    async with running(world):
        await world.click("approve", approval, CAROL)
        said = await told(world)
        assert "That ends Tue 2999-01-01 00:00 (UTC), in " in said and "it was not counted" in said
        run = await world.run()
        assert run is not None and run.calls[0].state is CallState.ASKING and run.calls[0].approval.votes == ()
    world.policy = Policy(DEFAULTS)
    world.engine = world.new_engine()
    async with running(world):
        await world.click("approve_reviewed", approval, CAROL)
        await ended(world)
    assert world.deeds.done == ["bob in admins"]


async def test_r7_within_a_freeze_window_a_denial_counts() -> None:
    world = world_of()
    approval = await asked_before_a_window(world)
    async with running(world):
        await world.click("deny", approval, CAROL)
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.DENIED and world.chat.whispers == []


async def test_whose_denial_was_not_enough_is_not_told_of_as_who_denied_what_bighub_did() -> None:
    world = world_of(Rule("many", verdict=Verdict.ASK, quorum=3, approvers=(SRE, SEC), denials=Denials.MAJORITY))
    async with running(world):
        approval = await asked(world)
        await world.click("deny", approval, CAROL, comment="hm")
        run = await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING
        there = CallRefused(
            run.calls[0].proposal.call, Ground.DENIED, "Denied on BIGHUB's dashboard. Not in a freeze week."
        )
        await world.engine._door.record(run.id, there)
        await world.engine.advance(run.id)
        run = await ended(world)
    words = " ".join(str(text) for text in world.chat.words)
    assert run.calls[0].approval.deciding_vote is None
    assert "grant_access did not run (denied): Denied on BIGHUB's dashboard." in words and "by <@U0CAROL>" not in words


async def test_the_terms_and_the_rules_on_trial_are_stored_with_the_approval() -> None:
    trial = Rule("trial", verdict=Verdict.DENY, shadow=True)
    world = world_of(replace(ONE_OF_EACH, execute_within=60, recheck_after=120), trial)
    async with running(world):
        await asked(world)
        run = await shown(world)
    call = run.calls[0]
    assert call.judgement.shadow == ("trial",) and call.state is CallState.ASKING
    assert (call.approval.terms.rules, call.approval.terms.execute_within) == (("two groups",), 60.0)


async def test_an_escalation_group_may_decide_from_its_time_on() -> None:
    leads = Rule(
        "answered",
        verdict=Verdict.ASK,
        approvers=("user:U0CAROL",),
        expires_in=600,
        on_expiry=OnExpiry.ESCALATE,
        escalate_to=("user:U0GUS",),
    )
    world = world_of(leads)
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, GUS)
        assert await told(world) == NOT_YET
        world.store.clock_shift = 601.0
        await world.click("approve_reviewed", approval, GUS)
        await ended(world)
    assert len(world.deeds.done) == 1


async def test_s9_the_requester_who_is_in_a_group_of_the_quorum_does_not_count() -> None:
    world = world_of(ONE_OF_EACH)
    world.chat.groups["SSEC"] = frozenset({"U0ALICE"})
    async with running(world):
        await world.click("approve", await asked(world), Person(TEAM, "U0ALICE"))
        assert "You asked for this yourself" in await told(world)
