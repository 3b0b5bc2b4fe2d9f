"""S14: a model that proposes without end: people are asked about so much and no more, none of it runs unasked, reading asks nobody."""

from collections import Counter

from bot.core.call import CallState, Outcome
from bot.core.policy import Rule
from bot.core.run import Run, RunState
from bot.core.timing import Limit
from bot.core.values import Place
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_terms import world_of
from tests.engine.world import CAROL, LIMITS, TEAM, World, saying, wishing

THREADS, WISHES, STARTS = 6, 40, 3
CARDS = LIMITS.max_calls_per_turn
LOOK = ("look", {"what": "here"})
WAIT = 30.0


async def flood(world: World) -> list[Run]:
    """In each of many threads the model wishes for the same risky thing again and again, in one turn: the runs that wait."""
    world.guard.answers["grant_access"] = ASK
    for number in range(1, THREADS + 1):
        place = Place(TEAM, "C0OPS", f"{number}.000100")
        world.model.turns = [wishing(*[GRANT] * WISHES), saying("Told.")]
        await world.write("grant bob admins, please", message=place.thread, place=place)
        await world.until(lambda run, place=place: run.asked.place == place and all(card_stands(run)), WAIT)
    return await world.runs()


def card_stands(run: Run) -> list[bool]:
    asked = [call for call in run.calls if call.state is CallState.ASKING]
    return [call.card is not None for call in asked] if len(asked) == CARDS else [False]


async def test_s14_of_a_flood_people_are_asked_about_so_many_and_each_of_the_others_is_answered_and_never_run() -> None:
    world = world_of()
    async with running(world):
        runs = await flood(world)
    calls = [call for run in runs for call in run.calls]
    states = Counter((call.state, call.outcome) for call in calls)
    assert states == {
        (CallState.ASKING, None): THREADS * CARDS,
        (CallState.REFUSED, Outcome.INVALID): THREADS * (WISHES - CARDS),
    }
    refused = [call.reason for call in calls if call.state is CallState.REFUSED]
    assert set(refused) == {f"At most {CARDS} actions in one turn."} and world.deeds.done == []


async def test_s14_s25_whoever_approves_a_whole_flood_runs_what_the_limit_lets_run_and_no_more() -> None:
    """A tired approver who clicks on everything: the limit of the policy still counts what starts, over all threads."""
    world = world_of(Rule("not too often", limits=(Limit(STARTS, 3_600, False, True),)))
    async with running(world):
        for run in await flood(world):
            for call in run.calls:
                if call.approval is not None:
                    card = call.card.message if call.card else ""
                    await world.click("approve", call.approval.terms.approval, CAROL, card)
        runs: list[Run] = []
        await world.until(lambda run: len(world.model.asked) >= 2 * THREADS, WAIT)
        runs = await world.runs()
    outcomes = Counter(call.outcome for run in runs for call in run.calls if call.approval is not None)
    assert outcomes == {Outcome.EXECUTED: STARTS, Outcome.BLOCKED: THREADS * CARDS - STARTS}
    assert len(world.deeds.done) == STARTS
    assert all(
        call.approval.votes for run in runs for call in run.calls if call.approval and call.outcome is Outcome.EXECUTED
    )


async def test_s14_reading_asks_nobody_however_much_of_it_there_is() -> None:
    world = world_of()
    async with running(world):
        world.model.turns = [*(wishing(*[LOOK] * CARDS) for _ in range(3)), saying("Told.")]
        await world.write("look around")
        run = await world.until(lambda run: run.state is RunState.DONE, WAIT)
    assert len(world.deeds.done) == 3 * CARDS and world.chat.cards == {}
    assert all(call.outcome is Outcome.EXECUTED and call.approval is None for call in run.calls)
