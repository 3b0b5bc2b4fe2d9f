"""An approval that is older than `recheck_after` is judged once more before the start (R7, R8, R9)."""

import pytest

from bot.core.call import CallState, Outcome
from bot.core.policy import Rule
from bot.core.values import Judgement, Verdict
from bot.ports import Unavailable
from tests.engine.test_faults import ASK, running
from tests.engine.test_reminding import after
from tests.engine.test_terms import asked, ended, world_of
from tests.engine.world import CAROL, World, approval_of

OLD = Rule("old", verdict=Verdict.ASK, recheck_after=600)


def says(verdict: Verdict, risk: float | None = 0.8) -> Judgement:
    return Judgement(verdict, "now", "BIGHUB", risk, request_id="req_2", decision='{"now": true}')


async def approved_late(world: World, answer: Judgement | Exception) -> str:
    """People are asked; much later, when the guard thinks ``answer``, Carol approves."""
    approval = await asked(world, ASK)
    world.guard.answers["grant_access"] = answer
    await after(world, 601)
    await world.click("approve", approval, CAROL)
    return approval


@pytest.mark.parametrize("answer", [says(Verdict.ASK), says(Verdict.ALLOW, 0.1)], ids=["the same", "milder"])
async def test_an_old_approval_starts_where_the_guard_says_the_same_or_milder(answer: Judgement) -> None:
    world = world_of(OLD)
    async with running(world):
        await approved_late(world, answer)
        await ended(world)
    first, second = world.guard.questions
    assert len(world.deeds.done) == 1 and first.key != second.key, "the same key would fetch the old answer"


async def test_r7_an_old_approval_does_not_start_what_the_guard_denies_now() -> None:
    world = world_of(OLD)
    async with running(world):
        await approved_late(world, says(Verdict.DENY))
        run = await ended(world)
    assert run.calls[0].outcome is Outcome.BLOCKED and run.calls[0].reason == "now" and world.deeds.done == []


async def test_what_the_guard_finds_riskier_now_is_asked_about_anew() -> None:
    world = world_of(OLD)
    async with running(world):
        approval = await approved_late(world, says(Verdict.ASK, 0.95))
        run = await world.until(lambda run: approval_of(run) != approval, 10.0)
    assert run.calls[0].state is CallState.ASKING and world.deeds.done == []
    assert "riskier now" in run.calls[0].judgement.ours and run.calls[0].approval.votes == ()


async def test_a_young_approval_is_not_judged_again() -> None:
    world = world_of(OLD)
    async with running(world):
        await world.click("approve", await asked(world, ASK), CAROL)
        await ended(world)
    assert len(world.guard.questions) == 1 and len(world.deeds.done) == 1


async def test_r8_an_old_approval_waits_while_the_guard_does_not_answer() -> None:
    world = world_of(OLD)
    async with running(world):
        await approved_late(world, Unavailable("BIGHUB is away"))
        await world.until(lambda run: run.trouble("act:t1c1"), 10.0)
        assert world.deeds.done == []
        world.guard.answers["grant_access"] = says(Verdict.ASK)
        await ended(world)
    assert len(world.deeds.done) == 1
