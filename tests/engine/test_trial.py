"""A rule on trial has no effect, and each case of it is told in the thread."""

from bot.core.call import Outcome
from bot.core.policy import Rule
from bot.core.run import RunState
from bot.core.values import Judgement, Verdict
from tests.engine.test_faults import ASK, running
from tests.engine.test_terms import asked, world_of
from tests.engine.world import World, saying, wishing

LOOK = ("look", {"what": "here"})


async def looked(world: World) -> None:
    async with running(world):
        world.model.turns = [wishing(LOOK), saying("Told.")]
        await world.write("look")
        run = await world.until(lambda run: run.state is RunState.DONE and run.delivered("shadow:t1c1"), 10.0)
    assert run.calls[0].outcome is Outcome.EXECUTED and world.deeds.done == ["looked at here"]


async def test_a_rule_on_trial_stops_nothing_and_the_thread_hears_what_it_would_have_done() -> None:
    world = world_of(Rule("asks", verdict=Verdict.ASK, shadow=True), Rule("denies", verdict=Verdict.DENY, shadow=True))
    await looked(world)
    (words,) = [words for words in world.chat.words if "On trial" in words]
    assert words == (
        'On trial, without any effect on look: the rules "asks" would have asked and "denies" would have denied it.'
    )


async def test_a_case_that_a_rule_on_trial_would_not_have_made_stricter_is_not_told() -> None:
    world = world_of(Rule("asks", verdict=Verdict.ASK, shadow=True))
    async with running(world):
        await asked(world, ASK)
        run = await world.run()
    assert run is not None and run.calls[0].judgement.shadow == ()
    assert not any("On trial" in words for words in world.chat.words)


async def test_a_rule_on_trial_is_told_of_where_people_are_asked_anyway() -> None:
    world = world_of(Rule("denies", verdict=Verdict.DENY, shadow=True))
    async with running(world):
        await asked(world, Judgement(Verdict.ASK, "broad", "BIGHUB"))
        await world.until(lambda run: run.delivered("shadow:t1c1"), 10.0)
    assert 'the rule "denies" would have denied it' in world.chat.words[0]


async def test_a_rule_on_trial_that_would_want_more_approvals_is_told_of() -> None:
    world = world_of(Rule("two", verdict=Verdict.ASK, quorum=2, shadow=True))
    async with running(world):
        await asked(world, ASK)
        run = await world.until(lambda run: run.delivered("shadow:t1c1"), 10.0)
    assert run.calls[0].approval.terms.quorum == 1
    assert 'the rule "two" would have been stricter' in world.chat.words[0]
