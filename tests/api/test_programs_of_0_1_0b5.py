"""Programs as people wrote them for bighub-openai 0.1.0b5, fakes included: with their import changed to `bot` they do the same here.

Each test of this file, and of `programs/test_guarded.py` and `programs/test_agents.py`, is such a program and passes against the
published package as well. Where this project does something else on purpose, `programs/test_differences.py` says so.
"""

import asyncio
import contextvars
import dataclasses
import threading
from typing import Any

import openai
import pytest

from bot import ProviderResponseError, ToolExecutionEvent
from tests.api.programs.agents import ASK, MESSAGES, Program, done, streamed
from tests.api.programs.conftest import program
from tests.api.programs.fakes import (
    ALLOWED,
    ASKED,
    BLOCKED,
    MODERN,
    REFUND,
    AwaitedStreamingResponses,
    Json,
    LaterStreamingResponses,
    Responses,
    Stream,
    StreamingResponses,
    as_object,
    call,
    said,
    turn,
)

__all__ = ["program"]


# --- a run ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [dict, as_object], ids=["dicts", "objects"])
async def test_an_allowed_tool_runs_and_the_model_answers(program: Program, shape: Any) -> None:
    agent = program.agent(program.fake_openai(shape(turn(call())), shape(said("Done"))))
    response = await done(agent.run, **ASK)
    assert program.refunds == [REFUND]
    assert (response["response_id"], response["output_text"]) == ("resp_2", "Done")
    assert response["output"][0]["type"] == "message" and response["output"][0]["id"] == "msg_1"
    assert response["llm_response"] == {name: response[name] for name in ("response_id", "output_text", "output")}
    (event,) = response["execution"]["events"]
    assert response["execution"]["last"] == event
    assert (event["tool"], event["call_id"], event["status"]) == ("refund_payment", "call_1", "executed")
    assert (event["decision"], event["arguments"], event["error"]) == (ALLOWED, REFUND, None)
    assert event["output"] == {"ok": True, **REFUND}
    assert (event["request_id"], event["seq"], event["schema_version"]) == ("req_1", 0, 1)
    assert isinstance(event["event_id"], str) and isinstance(event["trace_id"], str)


async def test_an_event_can_be_made_an_object_again(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(MODERN))
    (event,) = (await done(agent.run, **ASK))["execution"]["events"]
    assert event.keys() == {field.name for field in dataclasses.fields(ToolExecutionEvent)}
    again = ToolExecutionEvent(**event)
    assert again.recommendation == "proceed" and dataclasses.asdict(again) == event


async def test_an_event_tells_what_the_decision_tells(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(MODERN))
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert (last["recommendation"], last["risk_score"], last["enforcement_mode"]) == ("proceed", 0.15, "advisory")
    assert last["trajectory_health"] == "healthy" and last["decision_packet"] == MODERN["decision_packet"]
    assert last["responsible_action_space"] == MODERN["responsible_action_space"]
    assert last["salient_factors"] == MODERN["salient_factors"][:1] and last["catastrophic_ceiling"] is None
    assert last["decision"] == MODERN


async def test_a_blocked_tool_does_not_run(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub({**BLOCKED, "recommendation": "do_not_proceed"}))
    response = await done(agent.run, **ASK)
    last = response["execution"]["last"]
    assert (last["status"], last["output"], last["error"]) == ("blocked", None, None)
    assert last["recommendation"] == "do_not_proceed" and program.refunds == [] and response["output_text"] == "Done"


async def test_a_tool_that_waits_for_approval_does_not_run(program: Program) -> None:
    agent = program.agent(bighub=program.fake_bighub(ASKED))
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert (last["status"], last["request_id"], last["output"], last["error"]) == (
        "approval_required",
        "req_1",
        None,
        None,
    )
    assert program.refunds == []


async def test_a_tool_that_raises_is_a_tool_error_and_the_model_hears_of_it(program: Program) -> None:
    agent = program.bare()

    def refund_payment(order_id: str, amount: float) -> None:
        raise RuntimeError("tool exploded")

    agent.register_tool("refund_payment", refund_payment)
    response = await done(agent.run, **ASK)
    last = response["execution"]["last"]
    assert last["status"] == "tool_error" and "tool exploded" in last["error"] and last["output"] is None
    assert response["output_text"] == "Done" and "tool exploded" in program.openai.requests[1]["input"][-1]["output"]


async def test_an_unknown_tool_is_blocked(program: Program) -> None:
    agent = program.agent(program.fake_openai(turn(call("drop_table", {"x": 1})), said()))
    last = (await done(agent.run, **ASK))["execution"]["last"]
    assert (last["tool"], last["status"], last["decision"], last["arguments"]) == ("drop_table", "blocked", {}, {})
    assert "not registered" in last["error"] or "drop_table" in last["error"]
    assert program.bighub.actions.submitted == []


@pytest.mark.parametrize("arguments", [REFUND, '{"order_id": "ord_1", "amount": 120.0}'], ids=["dict", "text"])
async def test_arguments_come_as_text_or_as_a_dict(program: Program, arguments: Any) -> None:
    item = {**call(), "arguments": arguments}
    agent = program.agent(program.fake_openai(turn(item), said()))
    await done(agent.run, **ASK)
    assert program.refunds == [REFUND]


@pytest.mark.parametrize("arguments", ["", "{}", None], ids=repr)
async def test_a_tool_without_parameters_needs_no_arguments(program: Program, arguments: Any) -> None:
    agent = program.bare(program.fake_openai(turn(call("ping", arguments)), said()))
    agent.tool("ping", lambda: "pong", value_from_args=lambda a: 0.0)
    assert (await done(agent.run, **ASK))["execution"]["last"]["output"] == "pong"


async def test_a_parameter_with_a_default_may_be_left_out(program: Program) -> None:
    agent = program.bare(program.fake_openai(turn(call("greet", {"name": "Bob"})), said()))

    def greet(name: str, word: str = "Hello", times: int = 1) -> str:
        return f"{word}, {name}" * times

    agent.tool("greet", greet, value_from_args=lambda a: 0.0)
    assert (await done(agent.run, **ASK))["execution"]["last"]["output"] == "Hello, Bob"


async def test_a_response_without_ids_is_one(program: Program) -> None:
    item = {name: value for name, value in call().items() if name != "id"}
    agent = program.agent(program.fake_openai(turn(item, name=None), said(name=None)))
    response = await done(agent.run, **ASK)
    assert response["response_id"] is None and response["output_text"] == "Done" and program.refunds == [REFUND]


async def test_text_that_is_only_in_the_content_is_the_answer(program: Program) -> None:
    parts = [{"type": "output_text", "text": "Hello"}, {"type": "output_text", "text": " world"}]
    answer = {"id": "resp_1", "output_text": None, "output": [{"type": "message", "content": parts}]}
    agent = program.agent(program.fake_openai(as_object(answer)))
    response = await done(agent.run, **ASK)
    assert response["output_text"] == "Hello world" and response["execution"] == {"events": [], "last": None}


async def test_a_response_may_be_nothing_but_its_text(program: Program) -> None:
    agent = program.agent(program.fake_openai(as_object({"id": "resp_ok", "output": [], "output_text": "Done"})))
    response = await done(agent.run, **ASK)
    assert (response["response_id"], response["output_text"], response["output"]) == ("resp_ok", "Done", [])


async def test_calls_among_reasoning_and_words_are_worked_in_order(program: Program) -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "thinking"}]}
    second = call(arguments={"order_id": "ord_2", "amount": 5}, number=2)
    mixed = {"id": "resp_1", "output": [reasoning, call(), *said("One moment")["output"], second], "output_text": ""}
    agent = program.agent(program.fake_openai(as_object(mixed), said()))
    events = (await done(agent.run, **ASK))["execution"]["events"]
    assert [(event["call_id"], event["seq"], event["status"]) for event in events] == [
        ("call_1", 0, "executed"),
        ("call_2", 1, "executed"),
    ]
    assert [refund["order_id"] for refund in program.refunds] == ["ord_1", "ord_2"]
    assert len({event["event_id"] for event in events}) == 2 and len({event["trace_id"] for event in events}) == 1


async def test_a_tool_sees_the_callers_context(program: Program) -> None:
    tenant, seen = contextvars.ContextVar("tenant", default=""), list[str]()
    agent = program.bare(program.fake_openai(turn(call("look", {})), said()))
    agent.tool("look", lambda: seen.append(tenant.get()), value_from_args=lambda a: 0.0)
    tenant.set("acme")
    await done(agent.run, **ASK)
    assert seen == ["acme"]


async def test_an_asynchronous_tool_is_awaited() -> None:
    program = Program(later=True)
    agent = program.bare()

    async def refund_payment(order_id: str, amount: float) -> Json:
        await asyncio.sleep(0)
        return {"order_id": order_id}

    agent.tool("refund_payment", refund_payment)
    assert (await agent.run(**ASK))["execution"]["last"]["output"] == {"order_id": "ord_1"}


# --- what the model's client is given ------------------------------------------------------------------------------------------------


async def test_the_first_request_is_what_the_program_asked(program: Program) -> None:
    agent = program.agent()
    await done(agent.run, **ASK)
    first = program.openai.requests[0]
    assert first.keys() == {"model", "input", "tools", "timeout", "store"}
    assert (first["model"], first["input"], first["timeout"], first["store"]) == ("gpt-4.1", MESSAGES, 30.0, False)
    (tool,) = first["tools"]
    assert (tool["type"], tool["name"], tool["description"]) == ("function", "refund_payment", "Refund a payment.")
    assert tool["strict"] is True and tool["parameters"]["required"] == ["order_id", "amount"]


async def test_instructions_temperature_and_extra_arguments_go_along(program: Program) -> None:
    agent = program.agent(provider_timeout_seconds=12.5)
    extra = {"max_output_tokens": 64, "store": True}
    await done(agent.run, **ASK, instructions="Be careful", temperature=0.0, extra_create_args=extra)
    first, second = program.openai.requests
    assert (first["instructions"], first["temperature"], first["timeout"]) == ("Be careful", 0.0, 12.5)
    assert (first["store"], first["max_output_tokens"]) == (True, 64)
    assert (second["instructions"], second["model"], second["timeout"]) == ("Be careful", "gpt-4.1", 12.5)


async def test_the_model_gets_the_output_of_each_call(program: Program) -> None:
    agent = program.agent()
    await done(agent.run, **ASK)
    last = program.openai.requests[1]["input"][-1]
    assert (last["type"], last["call_id"]) == ("function_call_output", "call_1")
    assert '"ok": true' in last["output"] and "executed" in last["output"]


async def test_a_message_may_be_an_object(program: Program) -> None:
    agent = program.agent()
    await done(agent.run, **{**ASK, "messages": [as_object(MESSAGES[0])]})
    (message,) = program.openai.requests[0]["input"]
    assert MESSAGES[0] == (message if isinstance(message, dict) else vars(message))


class Forced(Responses):
    """It does as it is told: a call where a call is demanded, an answer where there is a choice."""

    def create(self, **given: Any) -> Any:
        demanded = given.pop("tool_choice", "auto") == "required"
        self.requests.append(given)
        return turn(call(number=len(self.requests))) if demanded else said()


async def test_a_tool_choice_that_demands_a_call_demands_the_first_one() -> None:
    program = Program(later=False)
    agent = program.agent(program.fake_openai(kind=Forced))
    response = await done(agent.run, **ASK, extra_create_args={"tool_choice": "required"})
    assert response["output_text"] == "Done" and len(program.refunds) == 1


async def test_too_many_rounds_are_an_error(program: Program) -> None:
    agent = program.agent(program.fake_openai(turn(call())), max_tool_rounds=2)
    with pytest.raises(ProviderResponseError, match="Max tool rounds reached without final response"):
        await done(agent.run, **ASK)


@pytest.mark.parametrize(
    "failing", [RuntimeError("transient provider failure"), RuntimeError(" Transient provider failure\n")]
)
async def test_a_transient_failure_is_tried_again(program: Program, failing: Exception) -> None:
    agent = program.agent(program.fake_openai(failing, failing, said("At last")), provider_max_retries=2)
    assert (await done(agent.run, **ASK))["output_text"] == "At last"
    assert len(program.openai.requests) == 3


async def test_the_sdks_connection_error_is_tried_again(program: Program) -> None:
    failing = openai.APIConnectionError(request=as_object({"method": "POST", "url": "https://api.openai.com/v1"}))
    agent = program.agent(program.fake_openai(failing, said("At last")))
    assert (await done(agent.run, **ASK))["output_text"] == "At last"


async def test_a_transient_failure_that_stays_is_an_error(program: Program) -> None:
    failing = RuntimeError("transient provider failure")
    agent = program.agent(program.fake_openai(failing), provider_max_retries=1)
    with pytest.raises(ProviderResponseError, match="Provider call failed after retries: transient provider failure"):
        await done(agent.run, **ASK)
    assert len(program.openai.requests) == 2


@pytest.mark.parametrize("failing", [ValueError("bad request"), RuntimeError("something else")], ids=repr)
async def test_another_failure_is_not_tried_again(program: Program, failing: Exception) -> None:
    agent = program.agent(program.fake_openai(failing), provider_max_retries=3)
    with pytest.raises(ProviderResponseError, match=r"Provider call failed \(non-retryable\): ") as raised:
        await done(agent.run, **ASK)
    assert raised.value.__cause__ is failing and len(program.openai.requests) == 1


async def test_the_circuit_breaker_opens_and_closes_again(program: Program) -> None:
    agent = program.agent(
        program.fake_openai(ValueError("no"), said()),
        provider_circuit_breaker_failures=1,
        provider_circuit_breaker_reset_seconds=1.0,
    )
    with pytest.raises(ProviderResponseError, match="non-retryable"):
        await done(agent.run, **ASK)
    with pytest.raises(ProviderResponseError, match="Provider circuit breaker is open"):
        await done(agent.run, **ASK)
    assert len(program.openai.requests) == 1
    await asyncio.sleep(1.05)
    assert (await done(agent.run, **ASK))["output_text"] == "Done"


# --- who looks on ------------------------------------------------------------------------------------------------------------------


async def test_on_decision_may_be_set_later(program: Program) -> None:
    agent, seen = program.agent(program.fake_openai(turn(call()), said(), turn(call()), said())), list[Json]()
    await done(agent.run, **ASK)
    agent.on_decision = seen.append
    await done(agent.run, **ASK)
    assert [event["status"] for event in seen] == ["executed"] and agent.on_decision == seen.append
    agent.on_decision = None
    assert agent.on_decision is None


async def test_on_decision_sees_each_event_as_a_dict(program: Program) -> None:
    seen: list[Json] = []
    agent = program.agent(on_decision=seen.append)
    response = await done(agent.run, **ASK)
    assert seen == response["execution"]["events"] and type(seen[0]) is dict


async def test_a_hook_that_fails_is_ignored(program: Program) -> None:
    def look(event: Json) -> None:
        raise ValueError("a fault of the hook")

    assert (await done(program.agent(on_decision=look).run, **ASK))["output_text"] == "Done"


async def test_an_asynchronous_hook_is_awaited() -> None:
    seen: list[str] = []

    async def look(event: Json) -> None:
        await asyncio.sleep(0)
        seen.append(event["status"])

    await Program(later=True).agent(on_decision=look).run(**ASK)
    assert seen == ["executed"]


# --- a stream -----------------------------------------------------------------------------------------------------------------------

STREAMS = [(False, StreamingResponses), (True, LaterStreamingResponses), (True, AwaitedStreamingResponses)]


@pytest.mark.parametrize(("later", "kind"), STREAMS, ids=["blocking", "asynchronous", "awaited"])
async def test_a_stream_tells_what_the_model_says_and_what_is_done(later: bool, kind: type[Responses]) -> None:
    program = Program(later)
    agent = program.agent(program.fake_openai(turn(call()), said("Refunded"), kind=kind))
    events = await streamed(agent, **ASK)
    assert events[0] == {
        **{"type": "output_item_added", "item_type": "function_call", "output_index": 0, "response_id": "resp_1"}
    }
    assert [event["type"] for event in events[1:]] == [
        *("execution_event", "output_item_added", "llm_delta", "llm_delta", "final_response")
    ]
    assert events[3:5] == [{"type": "llm_delta", "delta": half, "response_id": "resp_2"} for half in ("Refu", "nded")]
    final = events[-1]["response"]
    assert (final["output_text"], final["response_id"]) == ("Refunded", "resp_2")
    assert final["execution"]["events"] == [events[1]["event"]] and final["execution"]["last"]["status"] == "executed"
    assert program.openai.requests[0].keys() == {"model", "input", "tools", "timeout", "store"}


class Halted(Stream):
    """It says nothing more before ``heard`` is set."""

    heard = threading.Event()

    def __iter__(self) -> Any:
        for event in self.events():
            yield event
            if event.type == "response.output_text.delta":
                assert self.heard.wait(5)


class HaltedResponses(Responses):
    def stream(self, **given: Any) -> Any:
        return Halted(self.create(**given))


async def test_a_word_of_the_model_is_told_before_its_next_one() -> None:
    program = Program(later=False)
    agent = program.agent(program.fake_openai(said("Refunded"), kind=HaltedResponses))

    def listen() -> list[str]:
        told = []
        for event in agent.run_stream(**ASK):
            told.append(event["type"])
            if event["type"] == "llm_delta":
                Halted.heard.set()
        return told

    Halted.heard.clear()
    assert await asyncio.to_thread(listen) == ["output_item_added", "llm_delta", "llm_delta", "final_response"]


async def test_a_client_without_streams_is_asked_plainly(program: Program) -> None:
    seen: list[Json] = []
    events = await streamed(program.agent(on_decision=seen.append), **ASK, instructions="Be careful", temperature=0.5)
    assert [event["type"] for event in events] == ["execution_event", "final_response"]
    assert [events[0]["event"]] == seen == events[1]["response"]["execution"]["events"]
    assert program.openai.requests[0]["temperature"] == 0.5


RAW: list[tuple[Json, Json]] = [
    ({"type": "response.output_text.done", "text": "all"}, {"type": "llm_text_done", "text": "all"}),
    ({"type": "response.refusal.delta", "delta": "I can"}, {"type": "refusal_delta", "delta": "I can"}),
    (
        {"type": "response.function_call_arguments.delta", "delta": "{", "call_id": "c1", "output_index": 0},
        {"type": "function_call_args_delta", "delta": "{", "call_id": "c1", "output_index": 0},
    ),
    (
        {
            "type": "response.function_call_arguments.done",
            "arguments": "{}",
            "call_id": "c1",
            "name": "f",
            "output_index": 0,
        },
        {"type": "function_call_args_done", "arguments": "{}", "call_id": "c1", "name": "f", "output_index": 0},
    ),
    ({"type": "response.completed"}, {"type": "response_done"}),
    ({"type": "response.done"}, {"type": "response_done"}),
    (
        {"type": "response.failed", "error": {"code": "rate_limit"}},
        {"type": "response_failed", "error": {"code": "rate_limit"}},
    ),
]


@pytest.mark.parametrize(("raw", "event"), RAW, ids=[raw["type"] for raw, _ in RAW])
@pytest.mark.parametrize("shape", [dict, as_object], ids=["dict", "object"])
async def test_each_raw_event_is_told_in_the_adapters_words(raw: Json, event: Json, shape: Any) -> None:
    program = Program(later=False)

    class Events(StreamingResponses):
        def stream(self, **given: Any) -> Any:
            stream = super().stream(**given)
            stream.events = lambda: [shape({**raw, "response_id": "r1"})]
            return stream

    events = await streamed(program.agent(program.fake_openai(said(), kind=Events)), **ASK)
    assert events[0] == {**event, "response_id": "r1"} and events[-1]["type"] == "final_response"


async def test_a_stream_that_a_program_leaves_is_no_trouble(program: Program) -> None:
    agent = program.agent()
    if program.later:
        async for event in agent.run_stream(**ASK):
            assert event["type"] == "execution_event"
            break
    else:
        assert await asyncio.to_thread(lambda: next(iter(agent.run_stream(**ASK)))["type"]) == "execution_event"
