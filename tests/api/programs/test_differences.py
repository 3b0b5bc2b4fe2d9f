"""Where a program of bighub-openai 0.1.0b5 meets something else here, on purpose: each test is what this project does instead, and
fails against the published package. H1 and its like are that package's hazards, as `docs/library.md` counts them.
"""

import asyncio
import datetime
import decimal
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import openai
import pytest
from bighub import AsyncBighubClient

from bot import AdapterConfigurationError, BighubOpenAI, ProviderResponseError
from tests.api.programs.agents import ASK, MESSAGES, Program, done
from tests.api.programs.fakes import (
    ALLOWED,
    ASKED,
    BLOCKED,
    MODERN,
    REFUND,
    Bighub,
    Json,
    LaterOutcomes,
    OpenAI,
    Outcomes,
    as_object,
    call,
    said,
    turn,
)
from tests.servers import bighub_decisions as decisions
from tests.servers.bighub_server import running_bighub
from tests.servers.faults import Fault

RESUME: Json = {"tool_name": "refund_payment", "arguments": REFUND, "request_id": "req_1"}


def approved(context: Json) -> Json:
    return {"resolution": "approved"}


# --- the model ----------------------------------------------------------------------------------------------------------------


async def test_h5_each_request_holds_the_whole_conversation_and_every_parameter(program: Program) -> None:
    agent = program.agent()
    await done(
        agent.run, **ASK, instructions="Be careful", temperature=0.5, extra_create_args={"max_output_tokens": 64}
    )
    first, second = program.openai.requests
    assert "previous_response_id" not in second and second["input"][:1] == MESSAGES
    assert [item.get("type") for item in second["input"][1:]] == ["function_call", "function_call_output"]
    for name in ("instructions", "temperature", "max_output_tokens", "store", "tools", "model", "timeout"):
        assert second[name] == first[name]


async def test_h18_the_model_is_told_what_came_of_its_call_and_not_the_decision(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(MODERN))
    await done(agent.run, **ASK)
    output = program.openai.requests[1]["input"][-1]["output"]
    assert "ord_1" in output and "trajectory" not in output and "risk" not in output


@pytest.mark.parametrize("status", ["incomplete", "failed", "cancelled"])
async def test_h21_a_response_that_is_not_complete_is_an_error(program: Program, status: str) -> None:
    details: Json = {"error": {"message": "no"}, "incomplete_details": {"reason": "max_output_tokens"}}
    agent = program.agent(program.fake_openai({**turn(call()), "status": status, **details}))
    with pytest.raises(ProviderResponseError):
        await done(agent.run, **ASK)
    assert program.refunds == []


async def test_h16_the_answer_to_the_last_round_counts(program: Program) -> None:
    agent = program.agent(max_tool_rounds=1)
    assert (await done(agent.run, **ASK))["output_text"] == "Done" and program.refunds == [REFUND]


async def test_h16_a_run_that_fails_says_what_was_done_and_memory_hears_of_it(program: Program) -> None:
    agent = program.agent(program.fake_openai(turn(call()), ValueError("bad request")))
    with pytest.raises(ProviderResponseError, match="bad request") as raised:
        await done(agent.run, **ASK)
    assert raised.value.execution["last"]["status"] == "executed"
    assert [event["status"] for event in program.bighub.actions.memory[0]["events"]] == ["executed"]


def server_error() -> Exception:
    request = as_object({"method": "POST", "url": "https://api.openai.com/v1/responses"})
    response = as_object({"status_code": 500, "request": request, "headers": {}})
    response.headers = {}
    return openai.InternalServerError("The server had an error.", response=response, body=None)


@pytest.mark.parametrize("failing", [server_error(), TimeoutError("slow"), ConnectionResetError("reset")], ids=repr)
async def test_whatever_may_pass_is_tried_again(program: Program, failing: Exception) -> None:
    agent = program.agent(program.fake_openai(failing, said("At last")))
    assert (await done(agent.run, **ASK))["output_text"] == "At last"


@pytest.mark.parametrize("name", ["input", "stream", "background"])
async def test_an_extra_argument_that_would_change_what_a_run_is_is_refused(program: Program, name: str) -> None:
    with pytest.raises(AdapterConfigurationError, match=name):
        await done(program.agent().run, **ASK, extra_create_args={name: True})
    assert program.openai.requests == []


async def test_a_call_without_a_call_id_is_known_by_its_items_id(program: Program) -> None:
    item = {name: value for name, value in call().items() if name != "call_id"}
    agent = program.agent(program.fake_openai(turn(item), said()))
    assert (await done(agent.run, **ASK))["execution"]["last"]["call_id"] == "fc_1"
    assert program.openai.requests[1]["input"][-1]["call_id"] == "fc_1"


# --- what is judged -------------------------------------------------------------------------------------------------------------


async def test_h1_h2_a_tool_needs_no_value_and_its_arguments_reach_bighub_redacted(program: Program) -> None:
    arguments = {"user": "alice", "note": "use AKIAABCDEFGHIJKLMNOP"}
    agent = program.bare(program.fake_openai(turn(call("grant", arguments)), said()))
    agent.tool("grant", lambda user, note: {"ok": True}, strict=False)
    assert (await done(agent.run, **ASK))["execution"]["last"]["status"] == "executed"
    (asked,) = program.bighub.actions.submitted
    assert asked["value"] is None and asked["context"]["arguments"]["user"] == "alice"
    assert "AKIAABCDEF" not in str(asked)


DECISIONS: list[tuple[Json, str]] = [
    ({"recommendation": "review_recommended"}, "approval_required"),
    ({"recommendation": "something new"}, "approval_required"),
    ({"mode": "review", "can_run": False, "needs_review": True}, "approval_required"),
    ({"mode": "autonomous", "can_run": True}, "execute"),
    ({"recommendation": "proceed", "mode": "blocked"}, "blocked"),
    ({"recommendation": "proceed", "result": "blocked"}, "blocked"),
    ({"recommendation": "proceed", "requires_approval": True}, "approval_required"),
    ({"recommendation": "proceed", "needs_more_context": True}, "blocked"),
    ({"allowed": True, "catastrophic_ceiling": {"active": True, "forced_mode": "blocked"}}, "blocked"),
    ({"enforcement_mode": "enforced", "enforced_verdict": "allowed"}, "approval_required"),
    ({"enforcement_mode": "enforced", "enforced_verdict": "something new"}, "approval_required"),
]


@pytest.mark.parametrize(("answer", "action"), DECISIONS, ids=str)
async def test_h4_the_strictest_of_all_signals_decides(program: Program, answer: Json, action: str) -> None:
    """As far as `bighub.Decision.can_run` allows, and no further."""
    agent = program.agent(bighub=program.fake_bighub({"request_id": "req_1", **answer}))
    assert (await done(agent.check_tool, "refund_payment", REFUND))["_resolved_action"] == action


WRONG_ARGUMENTS = ['{"order_id": "ord_1"', "[1, 2]", '{"order_id": "ord_1"}', '{"order_id": 7, "amount": 1}', None]


@pytest.mark.parametrize("arguments", [*WRONG_ARGUMENTS, {**REFUND, "more": 1}], ids=repr)
async def test_h19_arguments_that_do_not_fit_are_blocked_before_anybody_judges_them(
    program: Program, arguments: Any
) -> None:
    """Also where they are no JSON: `tool_error` means that the tool raised, as the README has it."""
    agent = program.agent(program.fake_openai(turn(call(arguments=arguments)), said()))
    response = await done(agent.run, **ASK)
    last = response["execution"]["last"]
    assert (last["status"], last["decision"], response["output_text"]) == ("blocked", {}, "Done") and last["error"]
    assert program.bighub.actions.submitted == [] and program.refunds == []


async def test_h19_check_tool_asks_bighub_nothing_about_a_call_that_could_not_run(program: Program) -> None:
    checked = await done(program.agent().check_tool, "refund_payment", {"order_id": 7, "amount": 1})
    assert checked["_resolved_action"] == "blocked" and "order_id" in checked["reason"]
    assert program.bighub.actions.submitted == []


async def test_h25_a_bool_is_no_value(program: Program) -> None:
    agent = program.bare(program.fake_openai(turn(call("ship", {"value": True})), said()))

    def ship(value: bool) -> None:
        pass

    agent.tool("ship", ship)
    await done(agent.run, **ASK)
    assert program.bighub.actions.submitted[0]["value"] is None


@pytest.mark.parametrize("failing", [ValueError("our own fault"), PermissionError("no such file")], ids=repr)
async def test_fail_mode_open_lets_nothing_through_but_what_an_absent_bighub_could_not_judge(
    program: Program, failing: Exception
) -> None:
    agent = program.agent(bighub=program.fake_bighub(failing), fail_mode="open")
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert last["status"] == "blocked" and program.refunds == [] and str(failing) in last["decision"]["reason"]


async def test_a_call_that_fail_mode_open_let_through_says_so_in_a_field(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ConnectionError("down")), fail_mode="open")
    assert (await done(agent.run, **ASK))["execution"]["last"]["decision"]["evaluation"] == "bypassed"


async def test_h23_two_runs_share_neither_trajectory_nor_session(program: Program) -> None:
    agent = program.agent(program.fake_openai(turn(call()), said(), turn(call()), said()), program.fake_bighub(MODERN))
    await done(agent.run, **ASK)
    await done(agent.run, **ASK)
    first, second = (asked["context"] for asked in program.bighub.actions.submitted)
    assert first["session_id"] != second["session_id"] and second["trajectory_id"] != "traj_1"
    assert agent.session_id is None


USED = {
    *("decisions.evaluate", "actions.submit", "actions.submit_payload", "actions.ingest_memory"),
    *("outcomes.report", "approvals.resolve", "approvals.list", "close"),
}


class Watched:
    """A client of the SDK that notes whatever is taken of it, by its path."""

    def __init__(self, inner: Any, path: str = "", taken: set[str] | None = None) -> None:
        self.inner, self.path, self.taken = inner, path, set() if taken is None else taken

    def __getattr__(self, name: str) -> Any:
        path, found = f"{self.path}.{name}".lstrip("."), getattr(self.inner, name)
        self.taken.add(path)
        return found if callable(found) else Watched(found, path, self.taken)


async def test_h10_h11_h13_the_library_takes_no_review_no_webhook_and_no_key_of_its_client() -> None:
    """Every way through the library, with the SDK's own client behind."""
    async with running_bighub() as server:
        watched = Watched(AsyncBighubClient(base_url=server.url, api_key=server.api_key, max_retries=0))
        program = Program(later=True)
        calls = turn(call(), call(arguments={"order_id": "ord_2", "amount": 5}, number=2))
        agent = program.agent(program.fake_openai(calls, said(), calls, said(), calls, said()), watched)
        for decision in (decisions.decision(), decisions.blocked(), decisions.review()):
            server.default = decision
            await agent.check_tool("refund_payment", REFUND)
            await agent.run_with_approval(**ASK, on_approval_required=approved)
        server.fail("resolve", Fault(409))  # somebody else was first: the listing is looked into
        asked = await agent.check_tool("refund_payment", REFUND)
        server.resolve_elsewhere(asked["request_id"], "denied")
        await agent.resume_after_approval(**{**RESUME, "request_id": asked["request_id"]})
        await agent.close()
    areas = {path.partition(".")[0] for path in USED}
    assert watched.taken - areas <= USED and len(program.refunds) == 4
    assert USED - watched.taken <= {"actions.submit", "actions.submit_payload"}, "every way was gone"


# --- tools --------------------------------------------------------------------------------------------------------------------------


async def test_h7_a_result_that_is_not_json_breaks_nothing_and_is_returned_as_it_is(program: Program) -> None:
    result = {1: (datetime.date(2026, 1, 2), {decimal.Decimal("1.5")})}
    agent = program.bare(program.fake_openai(turn(call("odd", {})), said()))
    agent.tool("odd", lambda: result)
    assert (await done(agent.run, **ASK))["execution"]["last"]["output"] is result
    assert "2026-01-02" in program.openai.requests[1]["input"][-1]["output"]


async def test_h14_a_tool_that_blocks_does_not_block_the_event_loop() -> None:
    program, going_on = Program(later=True), threading.Event()
    agent = program.bare(program.fake_openai(turn(call("wait", {})), said()))
    agent.tool("wait", lambda: going_on.wait(5))
    run = asyncio.create_task(agent.run(**ASK))
    await asyncio.sleep(0.05)
    going_on.set()
    assert (await run)["execution"]["last"]["output"] is True


async def test_tools_and_hooks_run_in_threads_of_their_own(program: Program) -> None:
    threads: list[str] = []
    agent = program.bare(program.fake_openai(turn(call("look", {})), said()), on_decision=lambda event: look())

    def look() -> None:
        threads.append(threading.current_thread().name)

    agent.tool("look", look)
    await done(agent.run, **ASK)
    assert len(threads) == 2 and all(name.startswith(("action", "callback")) for name in threads)


async def test_an_asynchronous_tool_works_in_the_blocking_agent() -> None:
    program = Program(later=False)
    agent = program.bare(program.fake_openai(turn(call("look", {})), said()))

    async def look() -> str:
        return "there"

    agent.tool("look", look)
    assert (await done(agent.run, **ASK))["execution"]["last"]["output"] == "there"


async def test_an_error_says_which_tool_failed_and_of_what(program: Program) -> None:
    agent = program.bare()

    def refund_payment(order_id: str, amount: float) -> None:
        raise LookupError("no order ord_1")

    agent.tool("refund_payment", refund_payment)
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert last["error"] == "refund_payment failed: LookupError: no order ord_1"


def test_h20_a_second_tool_of_the_same_name_is_refused(program: Program) -> None:
    agent = program.bare()
    for _ in range(2):  # a notebook's cell, say
        agent.tool("refund_payment", program.refund_payment, value_from_args=lambda a: float(a["amount"]))
    with pytest.raises(AdapterConfigurationError, match="another tool of this name"):
        agent.tool("refund_payment", lambda: None)


async def test_h20_a_decorator_that_is_used_twice_says_the_same_twice(program: Program) -> None:
    calls = turn(call("first", {"total": 1}), call("second", {"total": 2}, 2))
    agent = program.bare(program.fake_openai(calls, said()))
    registered: Callable[..., Any] = agent.action(domain="money", metadata_from_args=lambda a: {"team": "ops"})

    @registered
    def first(total: float) -> None:
        pass

    @registered
    def second(total: float) -> None:
        pass

    await done(agent.run, **ASK)
    told = [(asked["domain"], asked["context"]["team"]) for asked in program.bighub.actions.submitted]
    assert told == [("money", "ops")] * 2


def test_h26_every_offered_strict_schema_is_valid_there(program: Program) -> None:
    agent = program.bare()

    def search(tags: list[str], where: Literal["a", "b"], most: int | None = None) -> None:
        pass

    agent.tool("search", search)
    (tool,) = agent.list_tools()
    parameters = tool["function"]["parameters"]
    assert tool["function"]["strict"] is True and parameters["required"] == ["tags", "where", "most"]
    assert parameters["properties"]["where"]["enum"] == ["a", "b"]
    assert parameters["properties"]["tags"]["items"]["type"] == "string"


def test_h26_what_no_strict_schema_can_express_is_refused_or_offered_without_one(program: Program) -> None:
    agent = program.bare()

    def loose(settings: dict[str, Any]) -> None:
        pass

    with pytest.raises(AdapterConfigurationError, match="strict=False"):
        agent.tool("loose", loose)
    with pytest.warns(UserWarning, match="strict mode"):
        agent.tool("guessing", lambda anything: None)
    (tool,) = agent.list_tools()
    assert (tool["function"]["name"], tool["function"]["strict"]) == ("guessing", False)


def test_an_idempotency_key_is_ours_to_give(program: Program) -> None:
    agent = program.bare()

    def pay(amount: float, *, idempotency_key: str) -> None:
        pass

    agent.tool("pay", pay)
    assert list(agent.list_tools()[0]["function"]["parameters"]["properties"]) == ["amount"]


# --- what BIGHUB is told ---------------------------------------------------------------------------------------------------------


async def test_h15_a_blocked_call_is_reported(program: Program) -> None:
    await done(program.agent(bighub=program.fake_bighub({**BLOCKED, "recommendation": "do_not_proceed"})).run, **ASK)
    (report,) = program.bighub.outcomes.reported
    assert (report["status"], report["recommendation_followed"], report["human_final_action"]) == ("BLOCKED", True, "")


async def test_a_denied_and_a_resumed_call_are_reported(program: Program) -> None:
    for resolution, status in (("denied", "DENIED"), ("approved", "SUCCESS")):
        agent = program.agent(bighub=program.fake_bighub(ASKED))
        await done(agent.run_with_approval, **ASK, on_approval_required=lambda c, r=resolution: {"resolution": r})
        assert [report["status"] for report in program.bighub.outcomes.reported] == [status]


async def test_memory_is_told_in_redacted_words(program: Program) -> None:
    secret = call(arguments={"order_id": "AKIAABCDEFGHIJKLMNOP", "amount": 1})
    agent = program.agent(program.fake_openai(turn(secret), said()))
    response = await done(agent.run, **ASK)
    assert "AKIAABCDEF" in str(response) and "AKIAABCDEF" not in str(program.bighub.actions.memory)


class SlowOutcomes(Outcomes):
    def report(self, **given: Any) -> Json:
        time.sleep(1.5)
        return super().report(**given)


async def test_h24_a_slow_report_holds_nobody_up() -> None:
    program = Program(later=False)
    bighub = program.fake_bighub()
    bighub.outcomes = SlowOutcomes()
    began = time.monotonic()
    await done(program.agent(bighub=bighub, memory_ingest_timeout_ms=100).run, **ASK)
    assert time.monotonic() - began < 1.2


async def test_a_required_report_that_fails_is_raised_when_everything_else_is_done(program: Program) -> None:
    bighub = program.fake_bighub()
    bighub.outcomes = (LaterOutcomes if program.later else Outcomes)(RuntimeError("endpoint unavailable"))
    agent = program.agent(bighub=bighub, outcome_reporting_required=True)
    with pytest.raises(RuntimeError, match="outcome report failed") as raised:
        await done(agent.run, **ASK)
    assert raised.value.response["output_text"] == "Done"  # type: ignore[attr-defined]
    assert len(bighub.actions.memory) == 1 and len(program.openai.requests) == 2


# --- approvals -----------------------------------------------------------------------------------------------------------------------


async def test_h17_a_run_that_waits_for_approval_asks_the_model_nothing_more(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    response = await done(agent.run, **ASK)
    assert len(program.openai.requests) == 1 and response["output_text"] == ""
    assert response["output"][-1]["type"] == "function_call"


async def test_h6_a_request_is_decided_once_and_its_outcome_reaches_bighub_and_the_model(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    await done(agent.run, **ASK)
    results = [await done(agent.resume_after_approval, **RESUME) for _ in range(3)]
    assert results[0] == results[1] == results[2] and program.refunds == [REFUND]
    assert results[0]["response"]["output_text"] == "Done" and len(program.openai.requests) == 2
    assert '"ok": true' in program.openai.requests[1]["input"][-1]["output"]
    assert [report["status"] for report in program.bighub.outcomes.reported] == ["SUCCESS"]


async def test_h6_other_arguments_than_were_judged_are_refused(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    await done(agent.run, **ASK)
    with pytest.raises(AdapterConfigurationError, match="other arguments"):
        await done(agent.resume_after_approval, **{**RESUME, "arguments": {**REFUND, "amount": 9_000}})
    assert program.refunds == [] and program.bighub.approvals.resolved == []


async def test_a_resumed_tool_that_raises_is_an_error_in_the_result(program: Program) -> None:
    agent = program.bare(bighub=program.fake_bighub(ASKED))

    def refund_payment(order_id: str, amount: float) -> None:
        raise RuntimeError("tool exploded")

    agent.tool("refund_payment", refund_payment)
    await done(agent.run, **ASK)
    resumed = await done(agent.resume_after_approval, **RESUME)
    assert resumed["resumed"] and "tool exploded" in resumed["error"] and resumed["tool_output"] is None
    assert resumed["response"]["execution"]["last"]["status"] == "tool_error"


async def test_the_response_of_run_with_approval_is_the_one_after_the_decision(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=approved)
    assert [event["status"] for event in result["execution"]["events"]] == ["approval_required", "executed"]
    assert '"ok": true' in program.openai.requests[1]["input"][-1]["output"]


@pytest.mark.parametrize("answer", [{"comment": "please deny this"}, {"approved": False}, "denied", True], ids=repr)
async def test_h22_only_a_clear_approved_approves(program: Program, answer: Any) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=lambda context: answer)
    assert program.refunds == [] and result["approval_loop"]["resolved"] and not result["approval_loop"]["resumed"]
    assert program.bighub.approvals.resolved[0]["resolution"] == "denied"


async def test_h22_every_approval_of_a_run_is_offered(program: Program) -> None:
    second = call(arguments={"order_id": "ord_2", "amount": 5}, number=2)
    answers = [{**ASKED, "request_id": f"req_{number}"} for number in (1, 2)]
    agent = program.agent(program.fake_openai(turn(call(), second), said()), program.fake_bighub(*answers))
    result = await done(agent.run_with_approval, **ASK, on_approval_required=approved)
    assert [each["request_id"] for each in result["approvals"]] == ["req_1", "req_2"]
    assert [refund["order_id"] for refund in program.refunds] == ["ord_1", "ord_2"]


# --- the agent -----------------------------------------------------------------------------------------------------------------------

BENT: list[Json] = [
    {"provider_max_retries": -1},
    {"provider_timeout_seconds": "30"},
    {"memory_ingest_timeout_ms": 0},
    {"evaluate_retries": -3},
    {"outcome_reporting_required": "no"},
    {"actor": ""},
]


@pytest.mark.parametrize("wrong", BENT, ids=str)
def test_a_wrong_parameter_is_refused_and_not_bent(wrong: Json) -> None:
    with pytest.raises(AdapterConfigurationError, match=next(iter(wrong))):
        BighubOpenAI(openai_client=OpenAI(), bighub=Bighub(), **wrong)


async def test_a_closed_agent_says_so(program: Program) -> None:
    agent = program.agent()
    await done(agent.close)
    with pytest.raises(AdapterConfigurationError, match="closed"):
        await done(agent.run, **ASK)
    assert program.openai.requests == []


async def test_messages_may_be_one_text(program: Program) -> None:
    await done(program.agent(bighub=program.fake_bighub(ALLOWED)).run, messages="refund it", model="gpt-4.1")
    assert program.openai.requests[0]["input"] == [{"role": "user", "content": "refund it"}]
