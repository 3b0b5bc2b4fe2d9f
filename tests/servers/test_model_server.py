"""Promises of the programmable model server, told through the unmodified openai SDK."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, DefaultAioHttpClient

from tests.servers.faults import BrokenJson, Fault, Hang, Html
from tests.servers.model_server import (
    Calls,
    CutOff,
    Failed,
    Held,
    Incomplete,
    ModelServer,
    Refusal,
    Slow,
    Text,
    running_model,
)

GRANT: dict[str, Any] = {
    "type": "function",
    "name": "grant_access",
    "description": "Put someone into a group.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"user_id": {"type": "string"}, "group": {"type": "string"}},
        "required": ["user_id", "group"],
        "additionalProperties": False,
    },
}
ARGUMENTS = {"user_id": "bob", "group": "on-call"}


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with running_model() as server:
        yield server


@pytest.fixture
async def client(model: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    http = DefaultAioHttpClient(trust_env=False)
    async with AsyncOpenAI(api_key="test", base_url=model.base_url, max_retries=0, http_client=http) as opened:
        yield opened


async def ask(client: AsyncOpenAI, given: Any = "hello", **options: Any) -> Any:
    include = ["reasoning.encrypted_content"]
    defaults: dict[str, Any] = {"model": "gpt-5.5", "store": False, "include": include, "tools": [GRANT]}
    return await client.responses.create(input=given, **{**defaults, **options})


async def test_turns_are_said_in_order_and_then_the_default(model: ModelServer, client: AsyncOpenAI) -> None:
    model.say(Text("one"), lambda request: Text(f"you said {request['input']}"))
    assert [(await ask(client)).output_text for _ in range(3)] == ["one", "you said hello", "OK."]
    assert len(model.requests) == 3
    assert model.requests[0]["store"] is False


async def test_calls_come_with_reasoning_that_must_be_replayed_as_it_came(
    model: ModelServer, client: AsyncOpenAI
) -> None:
    model.say(Calls([("grant_access", ARGUMENTS), ("grant_access", '{"user_id": "b')], text="On it."))
    response = await ask(client)
    reasoning, message, first, second = response.output
    assert [reasoning.type, message.type, first.type, second.type] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]
    assert message.phase == "commentary"
    assert json.loads(first.arguments) == ARGUMENTS
    assert second.arguments == '{"user_id": "b'
    assert first.call_id != second.call_id
    items = [{"role": "user", "content": "hello"}, *[item.model_dump(exclude_none=True) for item in response.output]]
    outputs = [
        {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"status": "executed"})}
        for call in (first, second)
    ]
    assert (await ask(client, items + outputs)).output_text == "OK."
    assert model.outputs()[first.call_id] == {"status": "executed"}
    items[1]["encrypted_content"] = reasoning.encrypted_content[:24]
    with pytest.raises(openai.BadRequestError, match="could not be verified"):
        await ask(client, items + outputs)


async def test_a_stream_and_a_whole_response_say_the_same(model: ModelServer, client: AsyncOpenAI) -> None:
    model.say(Calls([("grant_access", ARGUMENTS)], text="On it, right now."))
    stream = await ask(client, stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    final = events[-1].response
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.model_dump() for item in done] == [item.model_dump() for item in final.output]
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == final.output_text == "On it, right now."
    argued = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
    assert json.loads(argued) == ARGUMENTS
    assert final.usage.total_tokens == final.usage.input_tokens + final.usage.output_tokens > 0


async def test_the_sdks_stream_helper_reads_it(model: ModelServer, client: AsyncOpenAI) -> None:
    model.say(Calls([("grant_access", ARGUMENTS)], text="On it."))
    options: Any = {"model": "m", "input": "hello", "tools": [GRANT]}
    async with client.responses.stream(**options) as stream:
        response = await stream.get_final_response()
    assert response.output_text == "On it."
    assert response.output[-1].type == "function_call"


async def test_a_refusal_an_incomplete_and_a_failed_response_look_like_openais(
    model: ModelServer, client: AsyncOpenAI
) -> None:
    model.say(Refusal("I cannot help with that."), Incomplete("content_filter"), Failed("rate_limit_exceeded"))
    refused, incomplete, failed = [await ask(client) for _ in range(3)]
    assert refused.output[0].content[0].refusal == "I cannot help with that."
    assert (incomplete.status, incomplete.incomplete_details.reason) == ("incomplete", "content_filter")
    assert (failed.status, failed.error.code, failed.output) == ("failed", "rate_limit_exceeded", [])


@pytest.mark.parametrize("turn", [Incomplete(), Failed()])
async def test_a_stream_ends_with_the_event_of_its_ending(
    model: ModelServer, client: AsyncOpenAI, turn: Incomplete | Failed
) -> None:
    model.say(turn)
    events = [event async for event in await ask(client, stream=True)]
    assert events[-1].type == f"response.{type(turn).__name__.lower()}"


async def test_errors_reach_the_client_as_its_own_exceptions(model: ModelServer, client: AsyncOpenAI) -> None:
    model.say(Fault(500), Fault(429, headers={"retry-after": "7"}), Fault(401), Html(), BrokenJson())
    with pytest.raises(openai.InternalServerError):
        await ask(client)
    with pytest.raises(openai.RateLimitError) as limited:
        await ask(client)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.AuthenticationError):
        await ask(client)
    assert isinstance(await ask(client), str)
    with pytest.raises(json.JSONDecodeError):
        await ask(client)


async def test_a_stream_that_breaks_off_never_completes(model: ModelServer, client: AsyncOpenAI) -> None:
    model.say(CutOff(events=3))
    kinds = [event.type async for event in await ask(client, stream=True)]
    assert kinds == ["response.created", "response.in_progress", "response.output_item.added"]
    model.say(CutOff())
    with pytest.raises(openai.APIConnectionError):
        await ask(client)


async def test_a_hanging_server_times_out_at_the_client_and_still_stops_at_once() -> None:
    async with running_model([Hang(60)]) as server:
        client = AsyncOpenAI(api_key="test", base_url=server.base_url, max_retries=0, timeout=0.1)
        with pytest.raises(openai.APITimeoutError):
            await ask(client)
        await client.close()
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 1.0


async def test_a_held_turn_waits_for_the_test(model: ModelServer, client: AsyncOpenAI) -> None:
    go = asyncio.Event()
    model.say(Held(go, Slow(0.01, Text("now"))))
    pending = asyncio.create_task(ask(client))
    await asyncio.sleep(0.05)
    assert not pending.done()
    go.set()
    assert (await pending).output_text == "now"


CALL = {"type": "function_call", "call_id": "call_1", "name": "grant_access", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
USER = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([USER, CALL], "No tool output found for function call call_1"),
        ([USER, CALL, OUTPUT, OUTPUT], "Duplicate tool output"),
        ([USER, OUTPUT], "No tool call found for function call output with call_id call_1"),
        ([USER, OUTPUT, CALL], "No tool call found"),
        ([USER, CALL, CALL, OUTPUT], "Duplicate function call"),
        ([USER, {"type": "reasoning", "id": "rs_1", "summary": []}, CALL, OUTPUT], "Items are not persisted"),
        (
            [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}, USER],
            "without its required following item",
        ),
        ([{"type": "item_reference", "id": "msg_1"}], "Items are not persisted"),
        ([{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}], "Supported values are"),
        ([{"role": "robot", "content": "x"}], "Invalid value: 'robot'"),
        ([{"role": "user"}], "Missing required parameter: 'input\\[0\\].content'"),
        ([{**CALL, "arguments": {}}, OUTPUT], "Missing required parameter: 'input\\[0\\].arguments'"),
        ([], "Missing required parameter: 'input'"),
    ],
)
async def test_an_input_that_openai_refuses_is_refused_and_uses_up_no_turn(
    model: ModelServer, client: AsyncOpenAI, items: list[Any], message: str
) -> None:
    model.say(Text("one"))
    with pytest.raises((openai.BadRequestError, openai.NotFoundError), match=message):
        await ask(client, items)
    assert len(model.refusals) == 1
    assert model.requests == []
    assert (await ask(client)).output_text == "one"


async def test_previous_response_id_leads_nowhere(model: ModelServer, client: AsyncOpenAI) -> None:
    first = await ask(client)
    with pytest.raises(openai.BadRequestError) as refused:
        await ask(client, previous_response_id=first.id)
    assert refused.value.code == "previous_response_not_found"


def strict(properties: dict[str, Any], **changes: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
    return {**GRANT, "parameters": {**schema, **changes}}


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (strict({}, additionalProperties=True), "'additionalProperties' is required to be supplied and to be false"),
        (strict({"a": {"type": "string"}}, required=[]), "Missing 'a'"),
        (strict({"a": {"type": "object", "properties": {}}}), "'a'.*'additionalProperties' is required"),
        (strict({"a": {"type": "array", "items": strict({}, additionalProperties=True)["parameters"]}}), "'items'"),
        (strict({"a": {"anyOf": [{"type": "object"}, {"type": "null"}]}}), "'anyOf'"),
        (strict({"a": {"$ref": "#/$defs/b"}}, **{"$defs": {"b": {"type": "object"}}}), "'b'"),
        (strict({"a": {"type": "array"}}), "array schema missing items"),
        (strict({"a": {"title": "A"}}), "schema must have a 'type' key"),
        (strict({"a": {"type": "string", "not": {"const": "b"}}}), "'not' is not permitted"),
        ({**GRANT, "parameters": {"type": "string"}}, "JSON Schema of 'type: \"object\"'"),
        ({**GRANT, "name": "grant access"}, "does not match pattern"),
    ],
)
async def test_an_invalid_strict_schema_is_refused(client: AsyncOpenAI, tool: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message) as refused:
        await ask(client, tools=[tool])
    assert refused.value.param in ("tools[0].parameters", "tools[0].name")


async def test_valid_strict_and_loose_schemas_pass(client: AsyncOpenAI) -> None:
    optional = strict({"a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]}})
    loose = {**GRANT, "name": "loose", "strict": False, "parameters": {"type": "object", "properties": {"a": {}}}}
    assert (await ask(client, tools=[optional, loose])).output_text == "OK."


async def test_two_tools_of_one_name_are_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="unique"):
        await ask(client, tools=[GRANT, GRANT])


async def test_a_missing_key_is_refused(model: ModelServer) -> None:
    async with httpx.AsyncClient(trust_env=False) as bare:
        answer = await bare.post(f"{model.base_url}/responses", json={"model": "m", "input": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
