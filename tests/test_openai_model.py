"""Promises of the OpenAI model, told against a real server: what it sends, what it reads, and how it fails (R16, R17)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.errors import ConfigurationError
from bot.openai_model import OpenAIModel
from bot.ports import Model, Rejected, Reply, Unavailable, Wish
from tests.servers.faults import AnyFault, BrokenJson, Empty, Fault, Hang, Html
from tests.servers.model_server import (
    Calls,
    CutOff,
    Failed,
    Incomplete,
    ModelServer,
    Refusal,
    Slow,
    Text,
    running_model,
)

TOOL = {
    "type": "function",
    "name": "grant_access",
    "description": "Put someone into a group.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"user_id": {"type": "string"}},
        "required": ["user_id"],
        "additionalProperties": False,
    },
}
HELLO = {"type": "message", "role": "user", "content": "hello"}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with running_model() as running:
        yield running


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
async def model(server: ModelServer, request: pytest.FixtureRequest) -> AsyncIterator[OpenAIModel]:
    opened = OpenAIModel("sk-test", server.base_url, "gpt-5.5", stream=request.param, timeout=10.0)
    yield opened
    await opened.close()


def responding(output: list[Any], **more: Any) -> Fault:
    """A 200 with a whole response object, whatever it holds."""
    return Fault(200, {"id": "resp_1", "status": "completed", "output": output, **more})


def calling(wire: object = "call_1", name: object = "grant_access", arguments: object = "{}") -> dict[str, Any]:
    return {"type": "function_call", "id": "fc", "call_id": wire, "name": name, "arguments": arguments}


@pytest.fixture
async def whole(server: ModelServer) -> AsyncIterator[OpenAIModel]:
    opened = OpenAIModel("sk-test", server.base_url, "gpt-5.5", timeout=10.0)
    yield opened
    await opened.close()


async def test_words_come_back_with_the_items_to_be_replayed(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Text("Bonjour – “ça va”\u2028?", reasoning=True))
    port: Model = model
    reply = await port.reply([HELLO], [TOOL])
    assert (reply.text, reply.wishes) == ("Bonjour – “ça va”\u2028?", ())
    kinds = [item["type"] for item in json.loads(reply.items)]
    assert kinds == ["reasoning", "message"]
    assert reply.tokens > 0


async def test_every_call_is_stateless_and_asks_for_encrypted_reasoning(
    model: OpenAIModel, server: ModelServer
) -> None:
    await model.reply([HELLO], [TOOL])
    sent = server.requests[0]
    assert (sent["model"], sent["store"], sent["include"]) == ("gpt-5.5", False, ["reasoning.encrypted_content"])
    assert (sent["input"], sent["tools"]) == ([HELLO], [TOOL])
    assert "previous_response_id" not in sent and "parallel_tool_calls" not in sent


async def test_without_actions_no_tools_are_sent(model: OpenAIModel, server: ModelServer) -> None:
    await model.reply([HELLO], [])
    assert "tools" not in server.requests[0]


async def test_calls_come_back_in_order_with_their_arguments_byte_for_byte(
    model: OpenAIModel, server: ModelServer
) -> None:
    server.say(Calls([("grant_access", '{"user_id" : "bób",  "x": 1.0}'), ("unknown", "not json")], text="I will."))
    reply = await model.reply([HELLO], [TOOL])
    assert [(wish.action, wish.arguments) for wish in reply.wishes] == [
        ("grant_access", '{"user_id" : "bób",  "x": 1.0}'),
        ("unknown", "not json"),
    ]
    assert reply.text == "I will."
    assert all(isinstance(wish, Wish) and wish.wire for wish in reply.wishes)


async def test_r16_replayed_items_and_outputs_are_accepted(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Calls([("grant_access", "{}"), ("grant_access", "{}")]))
    first = await model.reply([HELLO], [TOOL])
    outputs = [{"type": "function_call_output", "call_id": wish.wire, "output": "{}"} for wish in first.wishes]
    assert (await model.reply([HELLO, *json.loads(first.items), *outputs], [TOOL])).text == "OK."
    assert server.refusals == []


async def test_a_refusal_of_the_model_is_its_answer(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Refusal("I cannot help with that."))
    assert (await model.reply([HELLO], [])).text == "I cannot help with that."


@pytest.mark.parametrize(
    "fault",
    [Html(), BrokenJson(), Empty(), Fault(200, "[]"), Fault(200, "null"), Html(502), Fault(500), Fault(503), Fault(408),
     Fault(409)],
    ids=repr,
)  # fmt: skip
async def test_a_model_that_is_down_or_talks_nonsense_is_tried_again_by_the_engine_only(
    model: OpenAIModel, server: ModelServer, fault: AnyFault
) -> None:
    server.say(fault, fault, fault)
    with pytest.raises(Unavailable):
        await model.reply([HELLO], [])
    assert len(server.requests) == 1


async def test_an_answer_that_breaks_off_or_fails_is_unavailable(model: OpenAIModel, server: ModelServer) -> None:
    server.say(CutOff(), Failed())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await model.reply([HELLO], [])


async def test_a_stream_that_reports_an_error_is_unavailable(server: ModelServer) -> None:
    events = 'data: {"type":"response.created"}\r\n\r\nevent: error\r\ndata: {"type":"error","message":"Busy."}\r\n\r\n'
    server.say(Fault(200, events, "text/event-stream"))
    model = OpenAIModel("sk-test", server.base_url, "gpt-5.5", stream=True)
    with pytest.raises(Unavailable, match="Busy"):
        await model.reply([HELLO], [])
    await model.close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "500"}, 0.5),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-1"}, 0.0),
    ],
)
async def test_a_wait_that_openai_asks_for_is_passed_on(
    model: OpenAIModel, server: ModelServer, headers: dict[str, str], seconds: float
) -> None:
    server.say(Fault(429, headers=headers))
    with pytest.raises(Unavailable) as caught:
        await model.reply([HELLO], [])
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("fault", [Hang(), Slow(30, Text("late"))], ids=repr)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_does_not_answer_is_given_up_in_time(
    server: ModelServer, fault: Hang | Slow, stream: bool
) -> None:
    server.say(fault)
    model = OpenAIModel("sk-test", server.base_url, "gpt-5.5", stream=stream, timeout=0.2)
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match=r"did not answer within 0.2 s"):
            await model.reply([HELLO], [])
    await model.close()


async def test_a_model_that_is_not_there_is_unavailable() -> None:
    model = OpenAIModel("sk-test", "http://127.0.0.1:9/v1", "gpt-5.5", timeout=2)
    with pytest.raises(Unavailable):
        await model.reply([HELLO], [])
    await model.close()


def error(code: str | None, message: str = "Because.") -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(401), "OpenAI refused the key (401): check OPENAI_API_KEY."),
        (Fault(403), "OpenAI does not let this key do that (403): check the permissions of OPENAI_API_KEY."),
        (Fault(404), 'OpenAI does not know "gpt-5.5" (404): check SIGNOFF_MODEL and OPENAI_BASE_URL.'),
        (Fault(400, error(None)), "OpenAI refused the request (400): Because."),
        (Fault(400, "<html>"), "OpenAI refused the request (400): no reason was given."),
        (
            Fault(400, error("context_length_exceeded")),
            "This conversation has become too long for the model: please start a new thread.",
        ),
        (
            Fault(429, error("insufficient_quota")),
            "OpenAI's quota is used up (429): check the plan and billing of the account.",
        ),
        (
            Incomplete(),
            "The model's answer was cut at the longest answer that it may give. Please ask for less at once.",
        ),
        (
            Incomplete("content_filter"),
            "The model's answer was cut at OpenAI's content filter. Please ask for less at once.",
        ),
    ],
    ids=repr,
)
async def test_what_will_not_get_better_by_itself_is_said_in_words_for_people(
    model: OpenAIModel, server: ModelServer, fault: Fault | Incomplete, told: str
) -> None:
    server.say(fault)
    with pytest.raises(Rejected) as caught:
        await model.reply([HELLO], [])
    assert str(caught.value) == told


async def test_s20_an_error_that_repeats_a_key_does_not_show_it(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Fault(400, error(None, "Bad key sk-0123456789abcdefghij")))
    with pytest.raises(Rejected) as caught:
        await model.reply([HELLO], [])
    assert "0123456789" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        responding([]),
        responding([calling(), calling()]),
        responding([calling("")]),
        responding([calling(None)]),
        responding([calling(name="")]),
        responding([calling(arguments={"user_id": "bob"})]),
        responding([calling(arguments="\ud800")]),
        responding([{"type": "reasoning", "id": "rs"}]),
        responding(["nonsense"]),
        Fault(200, {"status": "completed", "output": "text"}),
        Fault(200, {"status": "in_progress", "output": []}),
        Fault(200, {"output": []}),
        Fault(200, '{"status": "completed", "output": ' + "[" * 100_000),
    ],
    ids=range(13),
)
async def test_r16_an_answer_that_cannot_be_acted_upon_is_nonsense(
    whole: OpenAIModel, server: ModelServer, fault: Fault
) -> None:
    server.say(fault)
    with pytest.raises(Unavailable, match="nonsense"):
        await whole.reply([HELLO], [])


async def test_r16_a_call_id_that_the_run_already_used_is_nonsense(whole: OpenAIModel, server: ModelServer) -> None:
    server.say(responding([calling("call_1")]))
    with pytest.raises(Unavailable, match="same id"):
        await whole.reply(
            [HELLO, calling("call_1"), {"type": "function_call_output", "call_id": "call_1", "output": "{}"}], []
        )


async def test_odd_parts_beside_good_words_do_no_harm(whole: OpenAIModel, server: ModelServer) -> None:
    odd = [
        {"type": "web_search_call"},
        {"type": "message", "content": None},
        {"type": "message", "content": [None, {"text": 7}]},
    ]
    good = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
    server.say(responding([*odd, good], usage={"total_tokens": "many"}))
    reply = await whole.reply([HELLO], [])
    assert reply == Reply(json.dumps([*odd, good], separators=(",", ":")), "Hi.", (), 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpenAIModel("", None, "m"),
        lambda: OpenAIModel("sk\n", None, "m"),
        lambda: OpenAIModel("schlüssel", None, "m"),
        lambda: OpenAIModel("sk", "nowhere", "m"),
    ],
)
def test_a_wrong_setting_is_named_at_once(make: Callable[[], OpenAIModel]) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_"):
        make()
