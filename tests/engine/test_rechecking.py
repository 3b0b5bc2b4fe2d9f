"""An approval that is older than `recheck_after` is judged once more before the start (R7, R8, R9)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.bighub_guard import BighubGuard
from bot.bighub_oversight import BighubOversight
from bot.core.call import Call, CallState, Outcome
from bot.core.events import Cancelled
from bot.core.owed import due_at
from bot.core.policy import Policy, Rule
from bot.core.run import RunState
from bot.core.values import ApprovalId, Judgement, Verdict
from bot.core.verdict import read_decision
from bot.engine.door import Door
from bot.engine.rechecking import ANSWER_HOLDS_SECONDS
from bot.engine.starting import asked_anew
from bot.ports import Question, Unavailable
from tests.engine.test_faults import ASK, GRANT, approved_but_not_started, running
from tests.engine.test_reminding import after
from tests.engine.test_terms import DEFAULTS, asked, ended, shown, world_of
from tests.engine.world import ALICE, BOB, CAROL, GuardInMemory, World, approval_of, saying, wishing
from tests.servers.bighub_decisions import blocked, review
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import Fault
from tests.slack.made import asked_run

LET_GO = asyncio.Event()
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


# --- what BIGHUB is told, over its real client ------------------------------------------------------------------------


@asynccontextmanager
async def judged_by_bighub(rule: Rule, open_per_person: int = 24) -> AsyncIterator[tuple[World, BighubServer]]:
    """A world whose guard is the real one, over a BIGHUB that wants a person for everything."""
    async with running_bighub(default=review()) as bighub:
        world = world_of(rule)
        world.policy = replace(world.policy, open_per_person=open_per_person)
        world.guard = guard = BighubGuard(API_KEY, bighub.url)  # type: ignore[assignment]
        world.oversight = oversight = BighubOversight(API_KEY, bighub.url)
        world.engine = world.new_engine()
        world.model.turns = [wishing(GRANT), saying("Told.")]
        async with running(world):
            await world.write("grant bob admins")
            yield world, bighub
        await guard.close()
        await oversight.close()


async def test_r9_what_bighub_was_asked_once_more_does_not_wait_there_for_ever() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        run = await world.until(
            lambda run: run.state is RunState.DONE and run.delivered(f"resolution:{approval}:recheck"), 20.0
        )
        assert run.calls[0].outcome is Outcome.EXECUTED and len(bighub.approvals) == 2
        assert {each["status"] for each in bighub.approvals.values()} == {"approved"}


async def test_r9_what_was_approved_asked_anew_and_denied_is_not_only_approved_at_bighub() -> None:
    """BIGHUB holds the first question for approved, so the second one is another question there, too."""
    async with judged_by_bighub(Rule("quick", verdict=Verdict.ASK, execute_within=60)) as (world, bighub):
        bighub.fail("kill_switch", Fault(503))
        first = approval_of(await shown(world))
        await world.click("approve", first, CAROL)
        await world.until(lambda run: run.delivered(f"resolution:{first}"), 20.0)
        await after(world, 120)
        bighub.mend("kill_switch")
        run = await world.until(
            lambda run: approval_of(run) != first and approval_of(run) in run.calls[0].card.shows, 20.0
        )
        second = approval_of(run)
        await world.click("deny", second, BOB, comment="no more")
        run = await world.until(lambda run: run.state is RunState.DONE and run.delivered("outcome:t1c1"), 20.0)
        assert run.calls[0].outcome is Outcome.DENIED and run.delivered(f"resolution:{second}")
        assert [each["status"] for each in bighub.approvals.values()] == ["approved", "denied"]
        assert world.deeds.done == [] and bighub.outcomes[-1]["request_id"] == list(bighub.approvals)[-1]


def words_at(bighub: BighubServer) -> list[str]:
    """What became of each question there, oldest first."""
    return [each["status"] for each in bighub.approvals.values()]


async def test_r9_what_was_asked_once_more_and_did_not_start_then_does_not_wait_there_for_ever() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))

        def forbid(body: dict[str, object]) -> None:
            world.engine.take_policy(Policy(DEFAULTS, (Rule("never", verdict=Verdict.DENY),)))

        bighub.rules = forbid
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == []
        assert words_at(bighub) == ["approved", "denied"]
        assert bighub.resolutions[-1]["comment"].startswith("Superseded")


async def test_r9_what_was_asked_once_more_and_whose_answer_was_lost_is_asked_under_the_same_name() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))
        bighub.fail("evaluate", Fault(503), times=2, after=True)
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.EXECUTED and len(bighub.replays) == 2
        assert words_at(bighub) == ["approved", "approved"]


async def test_r9_r7_what_was_asked_once_more_long_ago_and_never_written_down_is_closed_and_asked_afresh() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))
        bighub.fail("evaluate", Fault(503), times=100, after=True)
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.trouble("act:t1c1"), 20.0)
        bighub.mend("evaluate")
        bighub.default = blocked()
        await after(world, ANSWER_HOLDS_SECONDS + 601)
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == []
        assert words_at(bighub) == ["approved", "denied"]


async def test_r7_what_the_guard_said_before_a_start_that_fell_through_is_not_its_answer_at_the_next() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))

        def hide_slack(body: dict[str, object]) -> None:
            world.chat.absent = True

        bighub.rules = hide_slack
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.trouble("act:t1c1"), 20.0)
        bighub.rules, bighub.default = None, blocked()
        world.chat.absent = False
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.BLOCKED and world.deeds.done == []
        assert words_at(bighub) == ["approved", "denied"]


async def test_r9_what_bighub_had_not_heard_of_when_people_were_asked_anew_does_not_wait_there_for_ever() -> None:
    async with judged_by_bighub(Rule("quick", verdict=Verdict.ASK, execute_within=60)) as (world, bighub):
        bighub.fail("resolve", Fault(503))
        bighub.fail("kill_switch", Fault(503))
        first = approval_of(await shown(world))
        await world.click("approve", first, CAROL)
        await world.until(lambda run: run.trouble(f"resolution:{first}"), 20.0)
        await after(world, 120)
        bighub.mend("kill_switch")
        run = await world.until(
            lambda run: approval_of(run) != first and approval_of(run) in run.calls[0].card.shows, 20.0
        )
        bighub.mend("resolve")
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert words_at(bighub) == ["denied", "approved"] and len(world.deeds.done) == 1


async def test_r9_what_bighub_wants_people_to_decide_and_nobody_is_asked_about_does_not_wait_there_for_ever() -> None:
    async with judged_by_bighub(OLD, open_per_person=0) as (world, bighub):
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.BLOCKED and run.calls[0].approval is None
        assert words_at(bighub) == ["denied"]


class Slow(GuardInMemory):
    """It thinks until it is let go on."""

    async def judge(self, question: Question) -> Judgement:
        answer = await super().judge(question)
        await LET_GO.wait()
        return answer


async def test_r9_what_the_guard_says_after_the_request_was_stopped_does_not_wait_there_for_ever() -> None:
    LET_GO.clear()
    world = world_of()
    world.guard = Slow(answers={"grant_access": ASK})
    world.engine = world.new_engine()
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and len(world.guard.questions) == 2, 10.0)
        await Door(world.store).record(run.id, Cancelled(ALICE))
        LET_GO.set()
        await world.until(lambda run: run.delivered("resolution:t1c1:req_1"), 10.0)
    assert world.guard.resolutions == ["grant_access None"]


async def lapsed_and_asked_again(answer: Judgement) -> Call:
    """What was approved and not started in time, once the guard says ``answer``."""
    world = world_of(Rule("old", verdict=Verdict.ASK, recheck_after=600, execute_within=900))
    async with running(world):
        first = approval_of(await approved_but_not_started(world))
        world.guard.answers["grant_access"] = answer
        await after(world, 1_000)
        world.dispatch.lossy = False
        run = await world.until(lambda run: run.calls[0].outcome or approval_of(run) != first, 10.0)
    assert world.deeds.done == [] and run.calls[0].judgement.request_id == "req_2"
    return run.calls[0]


async def test_r7_what_the_guard_denies_now_is_not_asked_about_anew() -> None:
    assert (await lapsed_and_asked_again(says(Verdict.DENY))).outcome is Outcome.BLOCKED


async def test_what_lapsed_is_asked_about_anew_though_the_guard_finds_it_milder_and_under_the_risk_of_before() -> None:
    call = await lapsed_and_asked_again(says(Verdict.ALLOW, 0.1))
    assert call.state is CallState.ASKING and call.judgement is not None and call.judgement.risk == 0.8


async def test_r8_an_old_approval_waits_while_the_guard_does_not_answer() -> None:
    world = world_of(OLD)
    async with running(world):
        await approved_late(world, Unavailable("BIGHUB is away"))
        await world.until(lambda run: run.trouble("act:t1c1"), 10.0)
        assert world.deeds.done == []
        world.guard.answers["grant_access"] = says(Verdict.ASK)
        await ended(world)
    assert len(world.deeds.done) == 1


def test_r6_what_we_say_of_bighubs_answer_is_said_again_where_people_are_asked_anew_on_the_same_answer() -> None:
    run = asked_run(None, read_decision({"allowed": True, "error": "quota", "reason": "Broad."}))
    anew = asked_anew(run, run.calls[0], "It lapsed.", Policy(), ApprovalId("new"), 0.0, b"k" * 32)
    assert (anew.judgement.reason, anew.judgement.ours) == ("Broad.", "It lapsed. BIGHUB reports an error: quota.")
