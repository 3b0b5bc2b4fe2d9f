"""Before the start it is asked again whether those may decide by whom it was approved, however they voted; and nobody else (S10)."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.call import CallState
from bot.core.glass import BY_GLASS, BreakGlass
from bot.core.inputs import Profile
from bot.core.policy import Defaults, Denials, Policy
from bot.core.run import Run, RunState
from bot.core.values import Person
from bot.engine.starting import deciding
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_starting import KEY, approved
from tests.engine.world import BOB, CAROL, GUS, TEAM, World, approval_of, saying, wishing

THREE = ("user:U0CAROL", "user:U0BOB", "user:U0GUS")
TWO_OF_THREE = Policy(Defaults(approvers=THREE, quorum=2), shell_may_decide=True)


async def asked(world: World) -> str:
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    return approval_of(await world.until(lambda run: run.calls and run.calls[0].card is not None, 10.0))


async def by_shell(world: World, approval: str, who: Person = BOB) -> None:
    assert isinstance(await world.engine._inbox.vote_by_name(approval, who.user, "approve", "", via="shell"), Run)


def leaves(world: World, who: Person) -> None:
    world.chat.profiles[who] = Profile(who, who.user, TEAM, deactivated=True)


async def anew(world: World, approval: str) -> Run:
    run = await world.until(lambda run: approval_of(run) != approval, 10.0)
    assert "may not do so any more" in run.calls[0].judgement.ours
    return run


async def test_s10_who_voted_by_shell_and_left_before_the_start_has_not_approved() -> None:
    world = World(policy=TWO_OF_THREE)
    async with running(world):
        approval = await asked(world)
        await by_shell(world, approval)
        leaves(world, BOB)
        await world.click("approve", approval, CAROL)
        run = await anew(world, approval)
    assert world.deeds.done == [] and run.calls[0].state is CallState.ASKING


@pytest.mark.parametrize("approver", ["user:U0BOB", "group:SSRE"])
async def test_s9_a_shells_vote_is_none_at_the_start_where_the_policy_does_not_let_shells_decide_any_more(
    approver: str,
) -> None:
    policy = replace(TWO_OF_THREE, defaults=Defaults(approvers=(approver, *THREE[:1]), quorum=2))
    world = World(policy=policy)
    world.chat.groups = {"SSRE": frozenset({"U0BOB"})}
    async with running(world):
        approval = await asked(world)
        await by_shell(world, approval)
        world.engine._people.policy = replace(policy, shell_may_decide=False)
        await world.click("approve", approval, CAROL)
        await anew(world, approval)
    assert world.deeds.done == []


async def test_r8_while_slack_is_away_a_shell_of_somebody_who_is_named_starts_it_and_of_a_group_waits() -> None:
    for approvers, runs in (("user:U0BOB",), True), (("group:SSRE",), False):
        world = World(policy=Policy(Defaults(approvers=approvers), shell_may_decide=True))
        world.chat.groups = {"SSRE": frozenset({"U0BOB"})}
        async with running(world):
            approval = await asked(world)
            await asyncio.sleep(0.1)
            world.dispatch.lossy = True
            await by_shell(world, approval)
            world.chat.absent = True
            world.dispatch.lossy = False
            await world.until(lambda run: world.deeds.done if runs else run.trouble("act:t1c1"), 10.0)  # noqa: B023
            assert bool(world.deeds.done) is runs and approval_of(await world.run()) == approval
            world.chat.absent = False
            await world.until(lambda run: run.state is RunState.DONE, 10.0)
        assert len(world.deeds.done) == 1


async def test_r20_who_denied_in_vain_and_left_then_undoes_nothing() -> None:
    majority = replace(TWO_OF_THREE, defaults=replace(TWO_OF_THREE.defaults, denials=Denials.MAJORITY))
    world = World(policy=majority)
    async with running(world):
        approval = await asked(world)
        await world.click("deny", approval, GUS)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        leaves(world, GUS)
        await world.click("approve", approval, CAROL)
        await world.click("approve", approval, BOB)
        run = await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["bob in admins"] and approval_of(run) == approval


async def test_s22_once_the_glass_is_broken_who_approved_before_and_left_undoes_nothing() -> None:
    world = World(policy=replace(TWO_OF_THREE, break_glass=BreakGlass(("user:U0XENA",))))
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        leaves(world, CAROL)
        await world.click("break_glass", approval, Person(TEAM, "U0XENA"), comment="site is down")
        run = await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["bob in admins"] and approval_of(run) == approval


def test_s31_a_vote_that_nobody_sealed_takes_nobodys_place_when_it_is_asked_again() -> None:
    _, run, call = approved()
    (vote,) = call.approval.votes
    forged = replace(vote, person=BOB, via=BY_GLASS)
    assert deciding(run, replace(call.approval, votes=(vote, forged)), (KEY,)) == (vote,)
