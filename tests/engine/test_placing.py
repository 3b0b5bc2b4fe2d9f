"""A card stands where the policy says, and its buttons count only there (S12, S13)."""

from bot.core.inputs import Clicked
from bot.core.policy import Rule
from bot.core.values import Verdict
from tests.engine.test_faults import running
from tests.engine.test_reminding import said
from tests.engine.test_terms import asked, ended, shown, told, world_of
from tests.engine.world import CAROL, PLACE


async def test_s13_a_card_stands_in_the_channel_that_the_policy_names_and_counts_only_there() -> None:
    world = world_of(Rule("there", verdict=Verdict.ASK, post_to="C0APPROVALS"))
    async with running(world):
        approval = await asked(world)
        assert (await shown(world)).calls[0].card.channel == "C0APPROVALS"
        assert "people are asked about grant_access in another channel: <#C0APPROVALS>." in await said(
            world, "another channel"
        )
        await world.receive("here", Clicked(CAROL, "approve", approval, PLACE.channel, "card-t1c1"))
        assert "belongs to nothing that I know" in await told(world)
        assert world.deeds.done == []
        await world.receive("there", Clicked(CAROL, "approve", approval, "C0APPROVALS", "card-t1c1"))
        await ended(world)
    assert len(world.deeds.done) == 1
