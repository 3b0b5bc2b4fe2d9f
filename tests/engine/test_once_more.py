"""What the guard is asked once more before a start: a denial of that on its dashboard, and what is said of its answer (S23, R6)."""

from bot.core.call import CallState, Outcome
from bot.core.owed import due_at
from bot.core.policy import Rule
from bot.core.resolving import noted
from bot.core.run import RunState
from bot.core.values import Verdict
from bot.core.verdict import read_decision
from bot.engine.door import Door
from tests.engine.test_faults import running
from tests.engine.test_rechecking import OLD, judged_by_bighub, words_at
from tests.engine.test_reminding import after
from tests.engine.test_terms import asked, ended, shown, world_of
from tests.engine.world import CAROL, approval_of
from tests.servers.faults import Fault


async def test_s23_a_denial_on_bighubs_dashboard_of_what_it_was_asked_once_more_ends_what_has_not_started() -> None:
    async with judged_by_bighub(OLD) as (world, bighub):
        approval = approval_of(await shown(world))

        def hide_slack(body: dict[str, object]) -> None:
            world.chat.absent = True

        bighub.rules = hide_slack
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.trouble("act:t1c1"), 20.0)
        bighub.resolve_elsewhere(list(bighub.approvals)[-1], "denied", "no, never")
        world.engine._overseer._seen_at = None
        bighub.rules, world.chat.absent = None, False
        run = await world.until(lambda run: run.state is RunState.DONE and due_at(run) is None, 20.0)
        assert run.calls[0].outcome is Outcome.DENIED and "no, never" in run.calls[0].reason
        assert world.deeds.done == [] and words_at(bighub) == ["approved", "denied"]


async def test_s23_what_we_deny_ourselves_at_bighub_since_another_answer_took_its_place_ends_nothing_here() -> None:
    async with judged_by_bighub(Rule("ask", verdict=Verdict.ASK)) as (world, bighub):
        bighub.fail("kill_switch", Fault(503))
        approval = approval_of(await shown(world))
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].state is CallState.ALLOWED, 20.0)
        bighub.approvals |= {name: {"request_id": name, "status": "pending"} for name in ("again", "and again")}
        await Door(world.store).record(run.id, *(noted(run.calls[0], name) for name in ("again", "and again")))
        await world.until(lambda run: run.delivered("resolution:t1c1:again"), 20.0)
        assert words_at(bighub) == ["approved", "denied", "pending"]
        bighub.mend("kill_switch")
        assert (await ended(world)).calls[0].outcome is Outcome.EXECUTED


async def test_r6_what_we_said_of_bighubs_answer_is_not_said_of_another_answer() -> None:
    world = world_of(OLD)
    async with running(world):
        unsure = {"allowed": True, "request_id": "req_1", "risk_score": 0.2, "error": "quota"}
        approval = await asked(world, read_decision(unsure))
        milder = {"allowed": True, "request_id": "req_2", "risk_score": 0.9, "reason": "Fine."}
        world.guard.answers["grant_access"] = read_decision(milder)
        await after(world, 601)
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: approval_of(run) != approval, 20.0)
    assert run.calls[0].judgement.reason == "Fine." and "riskier now" in run.calls[0].judgement.ours
    assert "quota" not in run.calls[0].judgement.ours
