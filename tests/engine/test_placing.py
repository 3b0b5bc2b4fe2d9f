"""A card stands where the policy says, and its buttons count only there (S12, S13)."""

import pytest

from bot.core.inputs import Clicked
from bot.core.policy import Rule
from bot.core.values import Place, Verdict
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_reminding import said
from tests.engine.test_terms import asked, ended, shown, told, world_of
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
