"""A card stands where the policy says, and its buttons count only there (S12, S13)."""

import json
from dataclasses import replace

import pytest

from bot.core.call import CallState, Outcome
from bot.core.glass import BreakGlass
from bot.core.inputs import Clicked
from bot.core.placing import UNSEEN
from bot.core.policy import Policy, Rule
from bot.core.run import Run, RunState
from bot.core.values import Place, Verdict
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_reminding import said
from tests.engine.test_terms import DEFAULTS, SRE, asked, ended, shown, told, world_of
from tests.engine.world import ALICE, CAROL, GUS, PLACE, TEAM, World, approval_of, saying, wishing

THERE = "C0APPROVALS"
DIRECT = Place(TEAM, "D0ALICE", "2.000100")


def elsewhere() -> World:
    return world_of(Rule("there", verdict=Verdict.ASK, post_to=THERE))


async def test_s13_a_card_stands_in_the_channel_that_the_policy_names_and_counts_only_there() -> None:
    world = elsewhere()
    async with running(world):
        approval = await asked(world)
        assert (await shown(world)).calls[0].card.channel == THERE
        assert "people are asked about grant_access in another channel: <#C0APPROVALS>." in await said(
            world, "another channel"
        )
        await world.receive("here", Clicked(CAROL, "approve", approval, PLACE.channel, "card-t1c1"))
        assert "belongs to nothing that I know" in await told(world)
        assert world.deeds.done == []
        await world.receive("there", Clicked(CAROL, "approve", approval, THERE, "card-t1c1"))
        await ended(world)
    assert len(world.deeds.done) == 1


@pytest.mark.parametrize("place", [PLACE, DIRECT], ids=["thread", "direct"])
@pytest.mark.parametrize("action", ["approve", "approve_reviewed", "deny", "edit", "ask", "withdraw"])
async def test_r9_whoever_is_refused_on_a_card_elsewhere_is_told_there_and_nobody_hears_of_it_where_it_was_asked_for(
    action: str, place: Place
) -> None:
    """Who clicks need not be in the channel of the request; a direct message with whoever asked is nobody else's. A button as a form."""
    world = elsewhere()
    async with running(world):
        world.guard.answers["grant_access"] = ASK
        world.model.turns = [wishing(GRANT), saying("Told.")]
        await world.write("grant bob admins", ALICE, message=place.thread, place=place)
        approval = approval_of(await shown(world))
        clicked = Clicked(GUS, action, approval, THERE, "card-t1c1", "why?", '{"group":"admins","user_id":"eve"}')
        await world.receive("refused", clicked)
        await told(world)
    assert [user for user, _ in world.chat.whispers] == ["U0GUS"]
    assert world.chat.whispered_in == [(THERE, "card-t1c1")]


async def test_r9_whoever_is_refused_where_it_was_asked_for_is_told_in_the_thread() -> None:
    world = world_of()
    async with running(world):
        await world.click("approve", await asked(world), GUS)
        await told(world)
    assert world.chat.whispered_in == [(PLACE.channel, PLACE.thread)]


async def in_direct_message(world: World) -> Run:
    """Alice asks for it in her direct messages with Signoff, and that ended or is asked about."""
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("grant bob admins", ALICE, message=DIRECT.thread, place=DIRECT)
        return await world.until(lambda run: run.state is RunState.DONE or (run.calls and run.calls[0].card), 10.0)


ALICE_TOO = replace(DEFAULTS, approvers=("user:U0ALICE", "user:U0CAROL"), requester_may_approve=True)
GLASS = BreakGlass(("user:U0CAROL",))
UNSEEN_BY = {
    "not the requester": Policy(DEFAULTS),
    "not the requester's to break": Policy(DEFAULTS, break_glass=GLASS),
    "two": Policy(replace(ALICE_TOO, quorum=2)),
    "others only": Policy(replace(DEFAULTS, requester_may_approve=True)),
}
SEEN_BY = {
    "the requester": Policy(ALICE_TOO),
    "perhaps the requester": Policy(replace(DEFAULTS, approvers=(SRE,), requester_may_approve=True)),
    "those of another channel": Policy(replace(DEFAULTS, post_to=THERE)),
    "a shell": Policy(DEFAULTS, shell_may_decide=True),
    "who breaks the glass": Policy(DEFAULTS, break_glass=BreakGlass(("user:U0ALICE",))),
    "who may perhaps break the glass": Policy(DEFAULTS, break_glass=BreakGlass((SRE,))),
    "nobody at all": Policy(replace(DEFAULTS, approvers=())),
}


@pytest.mark.parametrize("who", UNSEEN_BY)
async def test_s9_what_others_must_decide_is_not_asked_about_in_a_direct_message_that_they_cannot_see(who: str) -> None:
    world = World(policy=UNSEEN_BY[who])
    run = await in_direct_message(world)
    assert run.calls[0].outcome is Outcome.BLOCKED and run.calls[0].approval is None and world.chat.cards == {}
    assert world.chat.words[0] == f"<@U0ALICE> grant_access did not run (blocked): {UNSEEN}"
    assert UNSEEN in json.dumps(world.model.asked[-1]) and world.deeds.done == []


@pytest.mark.parametrize("who", SEEN_BY)
async def test_what_somebody_can_decide_is_asked_about_though_it_was_asked_for_in_a_direct_message(who: str) -> None:
    run = await in_direct_message(World(policy=SEEN_BY[who]))
    assert run.calls[0].state is CallState.ASKING
    assert run.calls[0].card.channel == (THERE if who == "those of another channel" else DIRECT.channel)
