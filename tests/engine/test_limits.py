"""How often something may start is held where it starts, over all runs and replicas (S14, S25)."""

import asyncio

from bot.core.call import CallState, Outcome
from bot.core.policy import Rule
from bot.core.run import Run, RunState
from bot.core.timing import Limit
from bot.core.values import Place, Verdict
from tests.engine.test_faults import running
from tests.engine.test_terms import world_of
from tests.engine.world import ALICE, BOB, CAROL, TEAM, World, approval_of, saying, wishing

HOUR = 3_600
LOOK = ("look", {"what": "here"})


def limited_to(count: int, verdict: Verdict = Verdict.DENY, *, per_person: bool = False) -> World:
    return world_of(Rule("not too often", limits=(Limit(count, HOUR, not per_person, per_person, verdict),)))


async def looked(world: World, thread: int, who: object = ALICE) -> Run:
    """Somebody has the model look, in a thread of its own: the run at its end."""
    world.model.turns = [wishing(LOOK), saying("Told.")]
    place = Place(TEAM, "C0OPS", f"{thread}.000100")
    await world.write("look", who, message=place.thread, place=place)
    return await world.until(lambda run: run.asked.place == place and run.state is RunState.DONE, 10.0)


async def test_s25_beyond_a_limit_nothing_starts_and_the_sentence_says_which() -> None:
    world = limited_to(2)
    async with running(world):
        for thread in (1, 2):
            assert (await looked(world, thread)).calls[0].outcome is Outcome.EXECUTED
        run = await looked(world, 3)
        assert run.calls[0].outcome is Outcome.BLOCKED and len(world.deeds.done) == 2
        assert run.calls[0].reason == (
            'At most 2 starts per action within 1 h, and that is reached: rule "not too often" of policy.yml.'
        )
        world.store.clock_shift = HOUR + 1.0
        assert (await looked(world, 4)).calls[0].outcome is Outcome.EXECUTED


async def test_s25_a_limit_for_each_person_leaves_the_others_alone() -> None:
    world = limited_to(1, per_person=True)
    async with running(world):
        outcomes = [(await looked(world, n, who)).calls[0].outcome for n, who in enumerate((ALICE, BOB, ALICE), 1)]
    assert outcomes == [Outcome.EXECUTED, Outcome.EXECUTED, Outcome.BLOCKED]


async def test_s25_beyond_a_limit_that_says_so_a_person_is_asked_and_their_approval_is_enough() -> None:
    world = limited_to(1, Verdict.ASK)
    async with running(world):
        await looked(world, 1)
        world.model.turns = [wishing(LOOK), saying("Told.")]
        await world.write("look", message="2.000100", place=Place(TEAM, "C0OPS", "2.000100"))
        run = await world.until(lambda run: run.calls and run.calls[0].card is not None, 10.0)
        assert run.calls[0].state is CallState.ASKING and "At most 1 start per action" in run.calls[0].judgement.ours
        await world.click("approve", approval_of(run), CAROL)
        run = await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert run.calls[0].outcome is Outcome.EXECUTED and len(world.deeds.done) == 2


async def test_s25_of_two_runs_that_start_at_once_one_starts_what_is_allowed_once() -> None:
    world = limited_to(1)
    world.model.turns = [wishing(LOOK), wishing(LOOK)]
    async with running(world):
        places = [Place(TEAM, "C0OPS", f"{n}.000100") for n in (1, 2)]
        await asyncio.gather(*(world.write("look", message=place.thread, place=place) for place in places))
        for _ in range(1_000):
            runs = await world.runs()
            if len(runs) == 2 and all(run.state is RunState.DONE for run in runs):
                break
            await asyncio.sleep(0.01)
    assert sorted(str(run.calls[0].outcome) for run in runs) == [Outcome.BLOCKED, Outcome.EXECUTED]
