"""A card stands in another channel: whoever asked has Withdraw and Stop in the thread, and nothing else counts from there (S12, S30)."""

from typing import Any

import pytest

from bot.core.call import CallState, Outcome
from bot.core.inputs import Clicked
from bot.core.policy import Rule
from bot.core.run import Run, RunState
from bot.core.values import Person, Verdict
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_terms import world_of
from tests.engine.world import ALICE, BOB, CAROL, PLACE, World, approval_of, saying, wishing

THERE = "C0APPROVALS"


async def placed(world: World) -> Run:
    """People are asked in another channel, and the thread was told so."""
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    await world.write("grant bob admins")
    return await world.until(lambda run: run.calls and run.calls[0].card and run.delivered("placed:t1c1"), 10.0)


def elsewhere() -> World:
    return world_of(Rule("elsewhere", verdict=Verdict.ASK, post_to=THERE))


async def press(
    world: World, run: Run, button: str, who: Person, message: str = "", channel: str = PLACE.channel
) -> None:
    """``message``: where; without it, the line in the thread that says where the card stands."""
    line = next(each.ref for each in run.receipts if each.key == "placed:t1c1")
    clicked = Clicked(who, button, approval_of(run), channel, message or line)
    await world.receive(f"{button}{who.user}{message}", clicked)


@pytest.mark.parametrize(
    ("button", "outcome", "state"),
    [("withdraw", Outcome.WITHDRAWN, RunState.DONE), ("stop", Outcome.CANCELLED, RunState.CANCELLED)],
)
async def test_s30_whoever_asked_takes_it_back_or_stops_it_from_the_thread_though_its_card_stands_elsewhere(
    button: str, outcome: Outcome, state: RunState
) -> None:
    world = elsewhere()
    async with running(world):
        run = await placed(world)
        assert run.calls[0].card and run.calls[0].card.channel == THERE and world.chat.ends == [approval_of(run)]
        await press(world, run, button, ALICE)
        run = await world.until(lambda run: run.state is state, 10.0)
    assert run.calls[0].outcome is outcome and world.deeds.done == []


async def refused(world: World, *press_: Any) -> str:
    """What whoever pressed is told."""
    async with running(world):
        run = await placed(world)
        told = len(world.chat.whispers)
        await press(world, run, *press_)
        await world.until(lambda _: world.chat.whispers[told:], 10.0)
        now = await world.until(lambda run: run.calls, 10.0)
        assert now.calls[0].state is CallState.ASKING and world.deeds.done == []
    return world.chat.whispers[-1][1]


@pytest.mark.parametrize("button", ["approve", "deny", "ask"])
async def test_s12_no_other_button_counts_from_the_thread(button: str) -> None:
    assert "belongs to nothing" in await refused(elsewhere(), button, CAROL)


async def test_s12_no_other_message_of_the_thread_has_these_buttons() -> None:
    assert "belongs to nothing" in await refused(elsewhere(), "withdraw", ALICE, "1.000999")


async def test_s12_the_line_counts_in_its_own_channel_only() -> None:
    assert "belongs to nothing" in await refused(elsewhere(), "stop", ALICE, "", "C0OTHER")


async def test_s30_nobody_else_takes_it_back() -> None:
    assert "ALICE" in await refused(elsewhere(), "withdraw", BOB)
