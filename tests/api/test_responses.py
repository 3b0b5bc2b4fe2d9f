"""Promises of how a model's answer is read: any shape of response, only complete ones, and streams as the README tells them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest
from openai.types.responses import ParsedResponse, Response, ResponseFunctionToolCall
from pydantic import BaseModel

from bot.api.responses import StreamReader, as_json, plain, replayable, reply_of
from bot.demo.responses_wire import ProposedCall, build_response, stream_events
from bot.demo.responses_wire import Reply as Said
from bot.ports import Rejected, Reply, Unavailable, Wish

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "grant", "arguments": '{"a": 1}'}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}


def read(response: object) -> Reply:
    return reply_of(plain(response))


def namespaces(value: Any) -> Any:
    """The same as attributes of objects, which is how most fakes are written."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: namespaces(each) for name, each in value.items()})
    return [namespaces(each) for each in value] if isinstance(value, list) else value


@dataclass
class Part:
    text: str
    type: str = "output_text"


@dataclass(slots=True)
class Item:
    """Slots, and a default for its type."""

    content: list[Part]
    role: str = "assistant"
    type: str = "message"


class OfItsClass:
    """A fake whose fields belong to its class."""

    type = "function_call"
    id = "fc_1"
    call_id = "call_1"
    name = "grant"
    arguments = '{"a": 1}'


class Dumping:
    def model_dump(self) -> dict[str, Any]:
        return dict(CALL)


class Modelled(BaseModel):
    name: str
    call_id: str
    type: str = "function_call"
    id: str = "fc_1"
    arguments: str = '{"a": 1}'
    namespace: str | None = None


class MockLike:
    """It has an attribute for every name, as a mock has."""

    def __init__(self, **known: Any) -> None:
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MockLike()

    def __call__(self, *given: Any) -> Any:
        return MockLike()


def envelope(output: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "output": output, **more}


# --- shapes -----------------------------------------------------------------------------------------------------------

WHOLE = build_response({}, Said(text="On it.", calls=(ProposedCall("grant", '{"a": 1}'),), reasoning=True), model="m")


@pytest.mark.parametrize(
    "shape", [dict, namespaces, Response.model_validate, Response.construct, ParsedResponse.model_validate]
)
def test_a_whole_response_reads_the_same_in_every_shape(shape: Callable[[Any], Any]) -> None:
    response = shape(**WHOLE) if shape == Response.construct else shape(WHOLE)
    found = plain(response)
    assert found["output"] == WHOLE["output"]
    assert (found["id"], found["status"], found["output_text"]) == (WHOLE["id"], "completed", "On it.")
    assert found["usage"]["total_tokens"] == WHOLE["usage"]["total_tokens"]
    assert (found["error"], found["incomplete_details"]) == (None, None)
    reply = reply_of(found)
    assert json.loads(reply.items) == WHOLE["output"]
    wire = WHOLE["output"][2]["call_id"]
    assert reply.wishes == (Wish(wire, "grant", '{"a": 1}'),)
    assert (reply.text, reply.tokens, reply.response) == ("On it.", WHOLE["usage"]["total_tokens"], WHOLE["id"])


@pytest.mark.parametrize(
    "item",
    [
        CALL,
        SimpleNamespace(**CALL),
        OfItsClass(),
        Dumping(),
        Modelled(name="grant", call_id="call_1"),
        MockLike(**CALL),
        ResponseFunctionToolCall.model_validate(CALL),
    ],
    ids=lambda item: type(item).__name__,
)
@pytest.mark.parametrize("around", [dict, SimpleNamespace, MockLike])
def test_a_call_in_any_shape_is_kept_as_json(item: object, around: Callable[..., Any]) -> None:
    reply = read(around(id="resp_1", output=[item]))
    assert reply.wishes == (Wish("call_1", "grant", '{"a": 1}'),)
    assert (json.loads(reply.items), reply.response, reply.tokens) == ([CALL], "resp_1", 0)


def test_what_the_sdk_adds_is_not_kept() -> None:
    parsed: Any = ParsedResponse.construct(
        **{**WHOLE, "output": [{**CALL, "parsed_arguments": {"a": 1}}, {**MESSAGE, "id": "msg", "status": "completed"}]}
    )
    parsed.output[1].content[0].parsed = {"x": 1}
    items = plain(parsed)["output"]
    assert items[0] == CALL
    assert items[1]["content"] == MESSAGE["content"]


def test_a_null_that_came_stays_and_one_that_the_sdk_invents_does_not() -> None:
    given: dict[str, Any] = {**CALL, "status": None}
    came = ResponseFunctionToolCall.construct(**given)
    assert plain(envelope([came]))["output"] == [{**CALL, "status": None}]


def test_fields_that_nobody_foresaw_are_kept() -> None:
    odd = {"type": "novel_call", "id": "n", "deep": {"list": [1, {"a": None}], "day": 1.5}}
    assert plain(envelope([odd]))["output"] == [odd]
    assert plain(envelope([namespaces(odd)]))["output"][0]["deep"]["list"] == [1, {}]


class Kind(StrEnum):
    ONE = "one"


@dataclass
class Knotted:
    type: str = "message"
    content: str = "Hi."
    around: list[Any] = field(default_factory=list)


def test_an_object_that_holds_itself_is_read_nevertheless() -> None:
    knot = Knotted()
    knot.around.append(knot)
    assert read(envelope([knot])).text == "Hi."


def test_nothing_but_json_leaves() -> None:
    day = datetime(2026, 1, 2)
    odd = {"when": day, "much": float("nan"), "what": (1, {2}), "who": object, "mode": Kind.ONE, 3: Decimal("1.5")}
    assert as_json(odd) == {
        "when": str(day), "much": "nan", "what": [1, [2]], "who": str(object), "mode": "one", "3": "1.5"
    }  # fmt: skip
    json.dumps(as_json(odd))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (None, "{}"),
        ("", "{}"),
        ("{}", "{}"),
        ("not json", "not json"),
        ('{"user" :  "bób"}', '{"user" :  "bób"}'),
        ([1], "[1]"),
    ],
)
@pytest.mark.parametrize("shape", [dict, namespaces])
def test_arguments_come_as_json_text(arguments: object, text: str, shape: Callable[[Any], Any]) -> None:
    given = {**CALL, "arguments": arguments}
    item = given if shape is dict else SimpleNamespace(**given)
    reply = read(envelope([item]))
    assert reply.wishes[0].arguments == text
    assert json.loads(reply.items)[0]["arguments"] == text


def test_a_call_without_a_call_id_is_known_by_its_id_or_its_place() -> None:
    bare = {"type": "function_call", "name": "grant"}
    reply = read(envelope([{**bare, "id": "fc_1", "call_id": ""}, bare]))
    assert [wish.wire for wish in reply.wishes] == ["fc_1", "call_1"]
    assert [item["call_id"] for item in json.loads(reply.items)] == ["fc_1", "call_1"]


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (SimpleNamespace(output_text="Hi.", output=[MESSAGE]), "Hi."),
        (SimpleNamespace(output_text="Hi."), "Hi."),
        (SimpleNamespace(output_text="", output=[MESSAGE, MESSAGE]), "Done.Done."),
        (SimpleNamespace(output_text=None, output=(Item([Part("A"), Part("B")]),)), "AB"),
        ({"output": [{"role": "assistant", "content": "plain"}]}, "plain"),
        ({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]}, "No."),
        ({"output": [{"type": "reasoning", "content": [{"text": "hm"}]}, MESSAGE]}, "Done."),
        ({"output": [{"type": "message", "content": [None, {"text": 7}]}]}, ""),
        ({"output": []}, ""),
    ],
)
def test_the_words_are_the_clients_own_or_those_of_the_messages(response: object, text: str) -> None:
    assert read(response).text == text


# --- only answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [dict, namespaces])
@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            Rejected,
            "The model's response is incomplete: it was cut at the longest answer that it may give.",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "new"}},
            Rejected,
            "The model's response is incomplete: it was cut at new.",
        ),
        (
            {"status": "incomplete"},
            Rejected,
            "The model's response is incomplete: it was cut at a limit that was not named.",
        ),
        (
            {"status": "failed", "error": {"code": "invalid_prompt", "message": "Bad key sk-0123456789abcdefghij"}},
            Rejected,
            "The model's response failed: Bad key [redacted API key]",
        ),
        (
            {"status": "failed", "error": {"code": "server_error", "message": "Sorry."}},
            Unavailable,
            "The model's response failed: Sorry.",
        ),
        ({"status": "failed"}, Rejected, "The model's response failed: no reason was given"),
        ({"status": "cancelled"}, Rejected, "The model's response was cancelled."),
        ({"status": "queued"}, Rejected, "The model's response is not finished: its status is 'queued'."),
        ({"status": "in_progress"}, Rejected, "The model's response is not finished: its status is 'in_progress'."),
        ({"status": "novel"}, Rejected, "The model's response is not finished: its status is 'novel'."),
    ],
    ids=range(10),
)
def test_h21_a_response_that_is_not_complete_is_no_answer(
    shape: Callable[[Any], Any], more: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as caught:
        read(shape(envelope([MESSAGE, CALL], **more)))
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "response",
    [
        None,
        "<html>",
        b"{}",
        {},
        {"error": {"message": "?"}},
        SimpleNamespace(),
        {"output": "text"},
        {"output": ["text"]},
        {"output": [{"type": "function_call", "call_id": "c", "name": ""}]},
        {"output": [{"type": "function_call", "call_id": "c"}]},
        {"output": [CALL, {**CALL, "id": "fc_2"}]},
        {"output": [{**CALL, "arguments": "\ud800"}]},
        {"output": [], "output_text": "\ud800"},
    ],
    ids=range(13),
)
def test_an_answer_that_cannot_be_acted_upon_is_nonsense(response: object) -> None:
    with pytest.raises(Unavailable, match="nonsense"):
        read(response)


# --- what is sent again -----------------------------------------------------------------------------------------------

OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
SEALED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
LOST = {"type": "reasoning", "id": "rs_2", "summary": []}


def test_h5_reasoning_that_the_server_did_not_seal_goes_and_takes_its_turns_ids_with_it() -> None:
    bare = {name: value for name, value in CALL.items() if name != "id"}
    said = {**MESSAGE, "id": "msg_1"}
    search = {"type": "web_search_call", "id": "ws_1"}
    assert replayable([LOST, search, said, CALL, OUTPUT]) == [MESSAGE, bare, OUTPUT]
    # One turn's loss is not another's.
    assert replayable([LOST, CALL, OUTPUT, SEALED, said, CALL, OUTPUT]) == [bare, OUTPUT, SEALED, said, CALL, OUTPUT]
    assert replayable([SEALED, LOST, CALL, OUTPUT]) == [SEALED, bare, OUTPUT]
    assert replayable([{**LOST, "encrypted_content": None}, CALL]) == [bare]
    assert replayable([search, CALL, OUTPUT]) == [search, CALL, OUTPUT]
    assert replayable([]) == []


def test_what_is_kept_is_not_changed_by_sending() -> None:
    items = [LOST, dict(CALL), OUTPUT]
    replayable(items)
    assert items == [LOST, CALL, OUTPUT]


# --- streams ----------------------------------------------------------------------------------------------------------


def told(events: list[Any]) -> list[dict[str, Any]]:
    reader = StreamReader()
    return [event for each in events if (event := reader.told(each)) is not None]


@pytest.mark.parametrize("shape", [dict, namespaces])
def test_a_stream_is_told_in_the_readmes_events(shape: Callable[[Any], Any]) -> None:
    name, wire = WHOLE["id"], WHOLE["output"][2]["call_id"]
    heard = told([shape(event) for event in stream_events(WHOLE)])
    assert all(event["response_id"] == name for event in heard)
    assert [{k: v for k, v in event.items() if k != "response_id"} for event in heard] == [
        {"type": "output_item_added", "item_type": "reasoning", "output_index": 0},
        {"type": "output_item_added", "item_type": "message", "output_index": 1},
        {"type": "llm_delta", "delta": "On"},
        {"type": "llm_delta", "delta": " it."},
        {"type": "llm_text_done", "text": "On it."},
        {"type": "output_item_added", "item_type": "function_call", "output_index": 2},
        {"type": "function_call_args_delta", "delta": '{"a":', "call_id": wire, "output_index": 2},
        {"type": "function_call_args_delta", "delta": " 1}", "call_id": wire, "output_index": 2},
        {
            "type": "function_call_args_done",
            "arguments": '{"a": 1}',
            "name": "grant",
            "call_id": wire,
            "output_index": 2,
        },
        {"type": "response_done"},
    ]


def test_refusals_and_failures_are_told() -> None:
    refusal = list(stream_events(build_response({}, Said(refusal="I cannot."), model="m")))
    assert "".join(each["delta"] for each in told(refusal) if each["type"] == "refusal_delta") == "I cannot."
    error = {"code": "server_error", "message": "Sorry."}
    inner = {"type": "response.failed", "response": {"id": "r", "output": [], "status": "failed", "error": error}}
    assert told([inner]) == [{"type": "response_failed", "error": error, "response_id": "r"}]
    outer = SimpleNamespace(type="response.failed", error=SimpleNamespace(**error), response_id="r")
    assert told([outer]) == [{"type": "response_failed", "error": error, "response_id": "r"}]


def test_what_an_event_says_itself_counts_first_and_what_it_lacks_is_none() -> None:
    own = {"response_id": "r2", "call_id": "c2", "name": "n2", "output_index": 0}
    first = {"type": "response.output_item.added", "item": CALL, "output_index": 0, "response_id": "r1"}
    done = {"type": "response.function_call_arguments.done", "arguments": "{}", **own}
    assert told([first, done])[1] == {"type": "function_call_args_done", "arguments": "{}", **own}
    assert told([{"type": "response.output_text.delta", "delta": "x"}]) == [
        {"type": "llm_delta", "delta": "x", "response_id": None}
    ]
    mock = MockLike(type="response.output_text.delta", delta="x")
    assert told([mock]) == [{"type": "llm_delta", "delta": "x", "response_id": None}]
    assert told([{"type": "response.done"}, {"type": "novel"}, {}, None, "text"]) == [
        {"type": "response_done", "response_id": None}
    ]


def test_the_response_at_the_end_of_a_stream_is_known_where_the_event_carries_it() -> None:
    reader = StreamReader()
    for event in stream_events(WHOLE):
        assert reader.final is None
        reader.told(event)
    assert reader.final == WHOLE
    bare = StreamReader()
    bare.told({"type": "response.completed", "response": {"id": "resp_1"}})  # it only names it
    assert bare.final is None
