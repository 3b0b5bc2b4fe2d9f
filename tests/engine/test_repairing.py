"""S13: who clicks on what is no longer so is told why, and the card is shown anew; nothing is shown anew for anybody else."""

from dataclasses import replace

from bot.core.approval import NOT_THE_CARD
from bot.core.call import CallState
from bot.core.events import CardShown
from bot.core.placing import channel_of
from bot.core.run import Run
from bot.engine.words import ASKED_ANEW
from tests.engine.test_faults import running
from tests.engine.test_terms import DEFAULTS, asked, ended, told, world_of
from tests.engine.world import BOB, CAROL, PLACE, TEAM, World, approval_of

STRANGER = replace(BOB, user="U0ERIN")


def is_up_to_date(run: Run) -> bool:
    call = run.calls[0]
    return call.card is not None and call.card.shows == call.phase and not call.card.older


async def found_out_of_date(world: World) -> list[CardShown]:
    run = await world.run()
    assert run is not None
    journal = await world.store.read(lambda tx: tx.journal(run.id))
    return [each.event for each in journal if isinstance(each.event, CardShown) and not each.event.shows]


async def test_s13_a_click_on_a_card_that_is_decided_says_by_whom_and_shows_it_anew() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await ended(world)
        await world.until(is_up_to_date, 10.0)
        before = world.chat.rendered
        await world.click("approve", approval, BOB)
        assert "<@U0CAROL> approved this already" in await told(world)
        await world.until(lambda run: world.chat.rendered > before and is_up_to_date(run), 10.0)
    assert world.chat.cards["t1c1"][-1] == "executed" and len(world.deeds.done) == 1


async def test_s13_a_click_on_another_message_than_the_card_has_that_one_retired() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.click("approve", approval, CAROL, message="older")
        assert await told(world) == NOT_THE_CARD
        await world.until(is_up_to_date, 10.0)
        assert [each.older for each in await found_out_of_date(world)] == ["older"]
        run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ASKING and world.deeds.done == []


async def test_s13_a_click_on_a_question_that_is_asked_anew_repairs_the_card_on_which_it_stands() -> None:
    world = world_of(defaults=replace(DEFAULTS, quorum=2))
    async with running(world):
        first = await asked(world)
        await world.click("approve", first, CAROL)
        await world.until(lambda run: run.calls[0].approval.votes, 10.0)
        world.chat.profiles[CAROL] = replace(await world.chat.profile(CAROL), deactivated=True)
        await world.click("approve", first, BOB)
        run = await world.until(lambda run: approval_of(run) != first, 10.0)
        await world.until(is_up_to_date, 10.0)
        assert run.calls[0].state is CallState.ASKING
        before = world.chat.rendered
        await world.click("deny", first, BOB)
        assert await told(world) == ASKED_ANEW
        await world.until(lambda run: world.chat.rendered > before and is_up_to_date(run), 10.0)
        assert len(await found_out_of_date(world)) == 1


async def test_a_refused_click_on_a_card_that_is_as_it_should_be_records_nothing() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        before = await world.run()
        await world.click("approve", approval, STRANGER)
        assert "not among them" in await told(world)
        after = await world.run()
    assert before is not None and after is not None and after.length == before.length


async def test_s12_a_click_from_another_channel_or_workspace_repairs_nothing() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        run = await world.run()
        assert run is not None and channel_of(run, run.calls[0]) == PLACE.channel
        for team, channel in ((TEAM, "C0OTHER"), ("T9", PLACE.channel)):
            assert not await world.engine.repair(team, channel, approval, "older")
        assert await found_out_of_date(world) == []
        await world.engine.repair(TEAM, PLACE.channel, approval, "older")
        assert len(await found_out_of_date(world)) == 1


async def test_s13_a_button_that_no_card_has_any_more_has_the_card_shown_anew() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.engine.repair(TEAM, PLACE.channel, approval, "card-t1c1")
        assert await found_out_of_date(world) == []
        await world.engine.repair(TEAM, PLACE.channel, approval, "card-t1c1", retired=True)
        assert len(await found_out_of_date(world)) == 1
        await world.until(is_up_to_date, 10.0)


async def test_what_is_owed_already_is_not_recorded_once_more() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        world.chat.absent = True
        for _ in range(3):
            await world.engine.repair(TEAM, PLACE.channel, approval, "older")
        assert len(await found_out_of_date(world)) == 1
