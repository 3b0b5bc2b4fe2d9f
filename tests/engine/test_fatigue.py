"""S14: a model that proposes without end, and a person who asks without end: people are asked about so much and no more, none of it
runs unasked, all of it is answered, reading asks nobody."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from bot.core.approval import Resolution
from bot.core.call import Call, CallState, Outcome
from bot.core.policy import Policy, Rule
from bot.core.run import Run, RunState
from bot.core.timing import Limit
from bot.core.values import Person, Place, Verdict
from bot.engine.words import ENOUGH_WAITS
from bot.ports import Prompt, Reply, Store
from bot.sql.store import open_store
from tests.engine.test_editing import changed, edit
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_terms import DEFAULTS, asked, ended, world_of
from tests.engine.world import (
    ALICE,
    BOB,
    CAROL,
    LIMITS,
    PLACE,
    TEAM,
    ModelInMemory,
    World,
    approval_of,
    saying,
    wishing,
)

THREADS, WISHES, STARTS = 3, 40, 3
MANY, MOST = 13, Policy().open_per_person
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


# --- a person who approves without reading -----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 500.0])
async def test_s14_for_how_long_a_question_was_there_stands_with_the_vote_also_where_it_is_worked_late(
    seconds: float,
) -> None:
    """The click counts from when it came in: a database or a worker that was away makes nobody a careful reader."""
    world = world_of()
    async with running(world):
        approval = await asked(world)
        world.store.clock_shift += seconds
        world.chat.absent = True  # nobody can say who Carol is
        await world.click("approve", approval)
        world.store.clock_shift += 1_000.0
        world.chat.absent = False
        run = await ended(world)
    (vote,) = run.calls[0].approval.votes
    assert seconds <= vote.waited < seconds + 100.0


@pytest.mark.parametrize(("via", "measured"), [("shell", True), ("program", False)])
async def test_s14_a_vote_without_a_card_counts_from_the_question_and_a_programs_is_not_measured(
    via: str, measured: bool
) -> None:
    world = World(policy=Policy(DEFAULTS, shell_may_decide=True))
    async with running(world):
        approval = await asked(world)
        run = await world.engine._inbox.vote_by_name(approval, "U0CAROL", "approve", "", via=via)
    assert isinstance(run, Run)
    (vote,) = run.calls[0].approval.votes
    assert vote.via == via and (vote.waited is not None) is measured


# --- a person who asks without end ------------------------------------------------------------------------------------


class Insatiable(ModelInMemory):
    """It wishes for the same thing again and again in every thread, until it is told what became of that."""

    async def reply(self, prompt: Prompt) -> Reply:
        told = any("function_call_output" in str(item) for item in prompt.items)
        self.asked.append(list(prompt.items))
        return saying("Told.") if told else wishing(*[GRANT] * (CARDS + 2))


def insatiable(world: World) -> World:
    world.model, world.guard.answers["grant_access"] = Insatiable(), ASK
    world.engine = world.new_engine()
    return world


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def ask_in(world: World, thread: int, who: Person = ALICE) -> None:
    place = Place(TEAM, "C0OPS", f"{thread}.000100")
    await world.write("grant bob admins, please", who, message=place.thread, place=place)


async def settled(world: World, runs: int, holds: Callable[[Run], object] = bool) -> list[Call]:
    """All calls, once there are so many runs, and each waits for people or has ended."""

    def waits(run: Run) -> bool:
        asked = [call for call in run.calls if call.state is CallState.ASKING]
        return run.state is RunState.DONE or (bool(asked) and all(call.card for call in asked))

    for _ in range(3_000):
        found = await world.runs()
        if len(found) == runs and all(waits(run) and holds(run) for run in found):
            return [call for run in found for call in run.calls]
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to rest")


async def test_s14_of_whoever_floods_so_much_waits_at_once_and_all_the_rest_is_answered(store: Store) -> None:
    """More than a hundred risky things at once, in many threads, on a real database: nobody had to configure anything."""
    world = insatiable(World(store))
    async with running(world):
        await asyncio.gather(*(ask_in(world, thread) for thread in range(1, MANY + 1)))
        calls = await settled(world, MANY)
        assert Counter((call.state, call.outcome) for call in calls) == {
            (CallState.ASKING, None): MOST,
            (CallState.REFUSED, Outcome.BLOCKED): MANY * CARDS - MOST,
            (CallState.REFUSED, Outcome.INVALID): MANY * 2,
        }
        assert len(await store.read(lambda tx: tx.open_approvals())) == MOST and world.deeds.done == []
        why = ENOUGH_WAITS.format(MOST, MOST)
        assert {call.reason for call in calls if call.outcome is Outcome.BLOCKED} == {why}
        assert any(why in str(items) for items in world.model.asked)
        await ask_in(world, MANY + 1, BOB)
        assert sum(call.state is CallState.ASKING for call in await settled(world, MANY + 1)) == MOST + CARDS


async def test_s14_once_something_is_decided_there_is_room_for_as_much_again() -> None:
    world = insatiable(World(policy=Policy(DEFAULTS, open_per_person=2)))
    async with running(world):
        await ask_in(world, 1)
        asked = [call for call in await settled(world, 1) if call.state is CallState.ASKING]
        assert [call.proposal.call for call in asked] == ["t1c1", "t1c2"]
        assert asked[0].approval is not None
        await world.click("deny", asked[0].approval.terms.approval, CAROL)
        await settled(world, 1, lambda run: run.calls[0].outcome is Outcome.DENIED)
        await ask_in(world, 2)
        calls = await settled(world, 2)
    assert sum(call.state is CallState.ASKING for call in calls) == 2


async def test_s14_what_takes_the_place_of_a_question_is_asked_also_where_no_more_may_wait() -> None:
    world = World(policy=Policy(DEFAULTS, open_per_person=CARDS))
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.model.turns = [wishing(GRANT, GRANT)]
        await world.write("grant bob admins")
        run = await world.until(lambda run: len(run.calls) == 2 and all(call.card for call in run.calls))
    world.policy = Policy(DEFAULTS, open_per_person=1)
    world.engine = world.new_engine()
    async with running(world):
        await edit(world, approval_of(run))
        assert await changed(world)
        run = await world.until(lambda run: run.calls[0].approval.resolution is Resolution.SUPERSEDED)
    assert run.call("t1c1e").state is CallState.ASKING


async def test_s14_where_a_limit_asks_people_it_asks_about_no_more_than_may_wait() -> None:
    limit = Rule("not too often", limits=(Limit(1, 3_600, False, True, Verdict.ASK),))
    world = World(policy=Policy(DEFAULTS, (limit,), open_per_person=2))
    async with running(world):
        world.model.turns = [wishing(*[LOOK] * CARDS)]
        await world.write("look around", place=PLACE)
        calls = await settled(world, 1, lambda run: all(call.state is not CallState.ALLOWED for call in run.calls))
    assert Counter((call.state, call.outcome) for call in calls) == {
        (CallState.EXECUTED, Outcome.EXECUTED): 1,
        (CallState.ASKING, None): 2,
        (CallState.REFUSED, Outcome.BLOCKED): CARDS - 3,
    }
    assert {call.reason for call in calls if call.state is CallState.REFUSED} == {ENOUGH_WAITS.format(2, 2)}
    assert len(world.deeds.done) == 1
