"""Programs of bighub-openai 0.1.0b5 and BIGHUB: what their clients are asked and told, and who decides. See
`tests/api/test_programs_of_0_1_0b5.py`."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from bot import AdapterConfigurationError, ToolExecutionEvent
from tests.api.programs.agents import ASK, Program, done
from tests.api.programs.fakes import (
    ALLOWED,
    ASKED,
    BLOCKED,
    MODERN,
    REFUND,
    Decisions,
    Json,
    LaterDecisions,
    LaterOutcomes,
    Outcomes,
    as_object,
    call,
    said,
    turn,
)

# --- what BIGHUB's client is given --------------------------------------------------------------------------------------------------


async def test_bighub_is_asked_with_everything_that_was_registered(program: Program) -> None:
    agent = program.bare(session_id="sess_42", decision_objective="speed", model_selection="fast")
    agent.tool(
        "refund_payment",
        program.refund_payment,
        value_from_args=lambda a: a["amount"] * 2,
        target_from_args=lambda a: a["order_id"],
        metadata_from_args=lambda a: {"system": "stripe", "order": a["order_id"]},
        action_name="refund",
        domain="money",
        actor="clerk",
    )
    await done(agent.run, **ASK)
    (asked,) = program.bighub.actions.submitted
    context = asked.pop("context")
    assert asked == {"action": "refund", "value": 240.0, "target": "ord_1", "domain": "money", "actor": "clerk"}
    told = {
        "system": "stripe",
        "order": "ord_1",
        "objective": "speed",
        "model_selection": "fast",
        "session_id": "sess_42",
    }
    assert told.items() <= context.items()


async def test_what_was_not_registered_is_the_agents_own(program: Program) -> None:
    agent = program.bare(domain="payments")
    agent.tool("refund_payment", program.refund_payment)
    await done(agent.run, **ASK)
    (asked,) = program.bighub.actions.submitted
    context = asked.pop("context")
    assert asked == {"action": "refund_payment", "value": 120.0, "target": "", "domain": "payments", "actor": "ops"}
    assert {"objective": "better_decision", "model_selection": "auto"}.items() <= context.items()


async def test_an_argument_named_target_is_the_target(program: Program) -> None:
    agent = program.bare(program.fake_openai(turn(call("scale", {"target": "checkout", "total": 3})), said()))
    agent.tool("scale", lambda target, total: None, strict=False)
    await done(agent.run, **ASK)
    assert program.bighub.actions.submitted[0]["target"] == "checkout"
    assert program.bighub.actions.submitted[0]["value"] == 3.0


async def test_a_decorated_action_brings_its_system(program: Program) -> None:
    agent = program.bare(domain="payments")

    action: Callable[..., Any] = agent.action(system="okta", risk="high", environment="production")

    @action
    def refund_payment(order_id: str, amount: float) -> Json:
        return {"ok": True}

    assert refund_payment("ord_9", 1.0) == {"ok": True}
    await done(agent.run, **ASK)
    (asked,) = program.bighub.actions.submitted
    assert asked["domain"] == "okta"
    assert {"system": "okta", "risk": "high", "environment": "production"}.items() <= asked["context"].items()


async def test_a_decorated_action_may_have_another_name_and_the_options_of_a_tool(program: Program) -> None:
    agent = program.bare(domain="payments")

    action: Callable[..., Any] = agent.action(
        name="refund_payment", domain="money", metadata_from_args=lambda a: {"order": a["order_id"]}, risk="low"
    )

    @action
    def refund(order_id: str, amount: float) -> Json:
        return {"ok": True}

    await done(agent.run, **ASK)
    (asked,) = program.bighub.actions.submitted
    assert (asked["action"], asked["domain"]) == ("refund_payment", "money")
    assert {"order": "ord_1", "risk": "low"}.items() <= asked["context"].items()


async def test_the_trajectory_goes_on_within_a_run(program: Program) -> None:
    agent = program.agent(program.fake_openai(turn(call(), call(number=2)), said()), program.fake_bighub(MODERN))
    await done(agent.run, **ASK)
    assert program.bighub.actions.submitted[1]["context"]["trajectory_id"] == "traj_1"


@pytest.mark.parametrize("where", ["agent", "tool"])
async def test_submit_payload_gets_one_payload(program: Program, where: str) -> None:
    agent = program.bare(**({"decision_mode": "submit_payload"} if where == "agent" else {}))
    agent.tool(
        "refund_payment",
        program.refund_payment,
        decision_mode="submit_payload" if where == "tool" else None,
        target_from_args=lambda a: a["order_id"],
    )
    await done(agent.run, **ASK)
    (payload,) = program.bighub.actions.payloads
    assert program.refunds == [REFUND] and program.bighub.actions.submitted == []
    context = payload.pop("context")
    wanted = {"action": "refund_payment", "value": 120.0, "target": "ord_1", "domain": "it_actions", "actor": "ops"}
    assert payload == wanted and context["objective"] == "better_decision"


async def test_decisions_evaluate_is_preferred_where_the_client_has_it(program: Program) -> None:
    bighub = program.fake_bighub(MODERN)
    bighub.decisions = (LaterDecisions if program.later else Decisions)(bighub.actions)
    agent = program.agent(bighub=bighub)
    last = (await done(agent.run, **ASK))["execution"]["last"]
    (asked,) = bighub.decisions.asked
    assert asked["raw"] is True and asked["action"] == "refund_payment" and bighub.actions.submitted == []
    assert last["status"] == "executed" and last["decision"] == MODERN


async def test_bighub_is_asked_again_after_an_error(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ConnectionError("backend down"), ALLOWED), evaluate_retries=1)
    assert (await done(agent.run, **ASK))["execution"]["last"]["status"] == "executed"
    assert len(program.bighub.actions.submitted) == 2


@pytest.mark.parametrize("failing", [ConnectionError("backend down"), RuntimeError("backend down")], ids=repr)
async def test_fail_mode_closed_blocks_and_says_why(program: Program, failing: Exception) -> None:
    agent = program.agent(bighub=program.fake_bighub(failing))
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert (last["status"], last["recommendation"], last["enforcement_mode"]) == (
        "blocked",
        "do_not_proceed",
        "advisory",
    )
    decision = last["decision"]
    assert (decision["allowed"], decision["result"]) == (False, "blocked") and program.refunds == []
    assert decision["reason"].startswith("Evaluation failed (fail_closed): ") and "backend down" in decision["reason"]


@pytest.mark.parametrize("failing", [ConnectionError("backend down"), RuntimeError("backend down")], ids=repr)
async def test_fail_mode_open_executes_and_says_why(program: Program, failing: Exception) -> None:
    agent = program.agent(bighub=program.fake_bighub(failing), fail_mode="open")
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert (last["status"], last["recommendation"], last["enforcement_mode"]) == ("executed", "proceed", "advisory")
    decision = last["decision"]
    assert (decision["allowed"], decision["result"]) == (True, "allowed") and program.refunds == [REFUND]
    assert decision["reason"].startswith("Evaluation bypassed (fail_open): ") and "backend down" in decision["reason"]


# --- what BIGHUB is told afterwards --------------------------------------------------------------------------------------------------


async def test_a_success_is_reported(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(MODERN))
    await done(agent.run, **ASK)
    (report,) = program.bighub.outcomes.reported
    assert (report["request_id"], report["status"], report["reported_by"]) == ("req_1", "SUCCESS", "ops")
    assert report["production_action"] == report["human_final_action"] == "refund_payment"
    assert (report["recommendation_followed"], report["outcome_label_quality"]) == (True, "runtime")
    assert {"tool": "refund_payment", "recommendation": "proceed", "risk_score_was": 0.15}.items() <= report[
        "details"
    ].items()
    assert report["decision_snapshot"] == {"snapshot": 1} and report["correction_needed"] is False
    assert "refund_payment" in report["description"]


async def test_the_learning_snapshot_comes_before_the_packets(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub({**MODERN, "learning_snapshot": {"snapshot": 2}}))
    await done(agent.run, **ASK)
    assert program.bighub.outcomes.reported[0]["decision_snapshot"] == {"snapshot": 2}


async def test_a_decision_without_a_recommendation_was_neither_followed_nor_not(program: Program) -> None:
    agent = program.agent()
    await done(agent.run, **ASK)
    assert program.bighub.outcomes.reported[0]["recommendation_followed"] is None


async def test_a_failure_is_reported(program: Program) -> None:
    agent = program.bare(bighub=program.fake_bighub(MODERN))

    def refund_payment(order_id: str, amount: float) -> None:
        raise RuntimeError("tool exploded")

    agent.tool("refund_payment", refund_payment)
    await done(agent.run, **ASK)
    (report,) = program.bighub.outcomes.reported
    assert (report["status"], report["correction_needed"], report["recommendation_followed"]) == ("FAILURE", True, True)
    assert "tool exploded" in report["details"]["error"] and "tool exploded" in report["description"]


async def test_nothing_is_reported_where_that_is_not_wanted_or_not_possible(program: Program) -> None:
    agent = program.agent(outcome_reporting=False)
    await done(agent.run, **ASK)
    assert program.bighub.outcomes.reported == []
    unnamed = {name: value for name, value in ALLOWED.items() if name != "request_id"}
    agent = program.agent(bighub=program.fake_bighub(unnamed))
    assert (await done(agent.run, **ASK))["execution"]["last"]["request_id"] is None
    assert len(program.refunds) == 2 and program.bighub.outcomes.reported == []


async def test_a_report_that_fails_is_nobodys_business_unless_it_is_required(program: Program) -> None:
    bighub = program.fake_bighub()
    bighub.outcomes = (LaterOutcomes if program.later else Outcomes)(RuntimeError("endpoint unavailable"))
    assert (await done(program.agent(bighub=bighub).run, **ASK))["output_text"] == "Done"
    with pytest.raises(RuntimeError, match=r"outcome report failed: .*endpoint unavailable"):
        await done(program.agent(bighub=bighub, outcome_reporting_required=True).run, **ASK)


async def test_a_client_without_reports_and_memory_will_do(program: Program) -> None:
    bighub = program.fake_bighub()
    del bighub.outcomes, bighub.approvals
    assert (await done(program.agent(bighub=bighub).run, **ASK))["execution"]["last"]["status"] == "executed"


async def test_memory_is_told_of_every_event_of_a_run_at_once(program: Program) -> None:
    agent = program.agent(
        program.fake_openai(turn(call(), call(number=2)), turn(call(number=3)), said()),
        memory_source="my_app",
        memory_source_version="my_app@1",
    )
    response = await done(agent.run, **ASK)
    (told,) = program.bighub.actions.memory
    events = told.pop("events")
    trace_id = response["execution"]["last"]["trace_id"]
    assert told == {
        **{"source": "my_app", "source_version": "my_app@1", "actor": "ops", "domain": "payments", "model": "gpt-4.1"},
        **{"trace_id": trace_id, "redact": True, "redaction_policy": "default"},
    }
    assert [(event["seq"], event["call_id"]) for event in events] == [(0, "call_1"), (1, "call_2"), (2, "call_3")]
    for event, seen in zip(events, response["execution"]["events"], strict=True):
        assert event.keys() == {field.name for field in dataclasses.fields(ToolExecutionEvent)}
        assert event == seen and event["source_version"] == "my_app@1"


async def test_memory_may_be_switched_off_and_its_failure_is_nobodys_business(program: Program) -> None:
    agent = program.agent(memory_enabled=False)
    await done(agent.run, **ASK)
    assert program.bighub.actions.memory == []
    bighub = program.fake_bighub()
    bighub.actions.ingest_memory = None
    assert (await done(program.agent(bighub=bighub).run, **ASK))["output_text"] == "Done"


async def test_the_memorys_source_is_the_adapters(program: Program) -> None:
    agent = program.agent()
    await done(agent.run, **ASK)
    assert program.bighub.actions.memory[0]["source"] == "openai_adapter"


# --- looking without running ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "action"),
    [(ALLOWED, "execute"), (MODERN, "execute"), (ASKED, "approval_required"), (BLOCKED, "blocked")],
)
async def test_check_tool_returns_the_decision_and_what_would_be_done(
    program: Program, answer: Json, action: str
) -> None:
    agent = program.agent(bighub=program.fake_bighub(dict(answer)))
    assert await done(agent.check_tool, "refund_payment", REFUND) == {**answer, "_resolved_action": action}
    assert program.refunds == [] and program.openai.requests == [] and len(program.bighub.actions.submitted) == 1


async def test_check_tool_knows_its_tools(program: Program) -> None:
    with pytest.raises(AdapterConfigurationError, match="Tool 'drop_table' is not registered"):
        await done(program.agent().check_tool, "drop_table", {})


# --- approvals --------------------------------------------------------------------------------------------------------------------------

RESUME: Json = {"tool_name": "refund_payment", "arguments": REFUND, "request_id": "req_1"}


async def test_an_approved_call_can_be_resumed(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    last = (await done(agent.run, **ASK))["execution"]["last"]
    resumed = await done(
        agent.resume_after_approval,
        tool_name=last["tool"],
        arguments=last["arguments"],
        request_id=last["decision"]["request_id"],
        comment="go on",
    )
    assert (resumed["request_id"], resumed["resolved"], resumed["resumed"]) == ("req_1", True, True)
    assert resumed["approval"] == {"request_id": "req_1", "status": "approved", "resolution": "approved"}
    assert resumed["tool_output"] == {"ok": True, **REFUND} and program.refunds == [REFUND]
    assert program.bighub.approvals.resolved == [{"request_id": "req_1", "resolution": "approved", "comment": "go on"}]


async def test_a_call_can_be_resumed_that_this_agent_never_proposed(program: Program) -> None:
    """The request id came from a queue, say."""
    resumed = await done(program.agent().resume_after_approval, **RESUME)
    assert resumed["resumed"] and resumed["tool_output"]["ok"] and program.refunds == [REFUND]
    assert program.bighub.approvals.resolved == [{"request_id": "req_1", "resolution": "approved", "comment": None}]
    assert program.openai.requests == [] and program.bighub.actions.submitted == []


async def test_a_denied_call_is_not_resumed(program: Program) -> None:
    resumed = await done(program.agent().resume_after_approval, **RESUME, resolution="denied", comment="no")
    assert (resumed["resolved"], resumed["resumed"]) == (True, False) and "tool_output" not in resumed
    assert resumed["approval"]["resolution"] == "denied" and program.refunds == []


async def test_bighub_may_say_that_it_is_not_approved(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(status="expired"))
    resumed = await done(agent.resume_after_approval, **RESUME)
    assert (resumed["resolved"], resumed["resumed"]) == (True, False) and program.refunds == []
    assert resumed["approval"]["status"] == "expired"


async def test_an_unknown_tool_cannot_be_resumed(program: Program) -> None:
    with pytest.raises(AdapterConfigurationError, match="Tool 'drop_table' is not registered"):
        await done(program.agent().resume_after_approval, tool_name="drop_table", arguments={}, request_id="req_1")


async def test_what_the_approvals_client_raises_is_raised(program: Program) -> None:
    bighub = program.fake_bighub()

    def resolve(**given: Any) -> None:
        raise LookupError("no such approval")

    bighub.approvals = as_object({})
    bighub.approvals.resolve = resolve
    with pytest.raises(LookupError, match="no such approval"):
        await done(program.agent(bighub=bighub).resume_after_approval, **RESUME)
    assert program.refunds == []


async def test_run_with_approval_asks_the_callback_and_resumes(program: Program) -> None:
    seen: list[Json] = []

    def decide(context: Json) -> Json:
        seen.append(context)
        return {"resolution": "approved", "comment": "approved by operator"}

    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=decide)
    loop = result["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"], loop["request_id"]) == (True, True, True, "req_1")
    assert loop["tool_output"] == {"ok": True, **REFUND} and program.refunds == [REFUND]
    assert loop["approval"] == {"request_id": "req_1", "status": "approved", "resolution": "approved"}
    (context,) = seen
    assert context.keys() == {"request_id", "event", "response"} and context["request_id"] == "req_1"
    assert (context["event"]["tool"], context["event"]["arguments"]) == ("refund_payment", REFUND)
    assert context["response"]["execution"]["last"] == context["event"]
    assert program.bighub.approvals.resolved[0]["comment"] == "approved by operator"
    assert result["output_text"] == "Done" and result["execution"]["events"][0]["status"] == "approval_required"


async def test_an_asynchronous_callback_is_awaited() -> None:
    program = Program(later=True)

    async def decide(context: Json) -> Json:
        await asyncio.sleep(0)
        return {"resolution": "approved"}

    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await agent.run_with_approval(**ASK, on_approval_required=decide)
    assert result["approval_loop"]["resumed"] and program.refunds == [REFUND]


async def test_a_callback_may_deny(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await done(
        agent.run_with_approval, **ASK, on_approval_required=lambda context: {"resolution": "denied", "comment": "no"}
    )
    loop = result["approval_loop"]
    assert (loop["required"], loop["resolved"], loop["resumed"]) == (True, True, False)
    assert loop["approval"]["resolution"] == "denied" and "tool_output" not in loop and program.refunds == []


@pytest.mark.parametrize("callback", [None, lambda context: None, lambda context: {}], ids=["none", "nothing", "empty"])
async def test_nobody_may_decide(program: Program, callback: Any) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=callback)
    assert result["approval_loop"] == {"required": True, "resolved": False, "resumed": False, "request_id": "req_1"}
    assert program.refunds == [] and program.bighub.approvals.resolved == []


async def test_an_approval_without_a_request_id_cannot_be_resolved(program: Program) -> None:
    unnamed = {name: value for name, value in ASKED.items() if name != "request_id"}
    agent = program.agent(bighub=program.fake_bighub(unnamed))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=lambda c: {"resolution": "approved"})
    wanted = {"required": True, "resolved": False, "resumed": False, "error": "missing_request_id"}
    assert result["approval_loop"] == wanted and program.refunds == []


async def test_nothing_to_approve_is_said_too(program: Program) -> None:
    result = await done(program.agent().run_with_approval, **ASK, on_approval_required=lambda context: None)
    assert result["approval_loop"] == {"required": False, "resolved": False, "resumed": False}
    assert result["output_text"] == "Done" and program.refunds == [REFUND]
