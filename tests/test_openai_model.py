"""Promises of the OpenAI model, told against a real server: what it sends, what it reads, and how it fails (R16, R17)."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import openai
import pytest

from bot.core.values import RunId
from bot.errors import ConfigurationError
from bot.openai_model import REASONING, Events, OpenAIModel, refuses_reasoning, retry_after, transient
from bot.ports import Model, Prompt, Rejected, Reply, Unavailable, Wish
from tests.servers.faults import AnyFault, BrokenJson, Empty, Fault, Hang, Html
from tests.servers.model_server import (
    Calls,
    CutOff,
    Failed,
    Halted,
    Incomplete,
    ModelServer,
    Paced,
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


def asked(items: Sequence[object], tools: Sequence[object] = ()) -> Prompt:
    return Prompt(RunId("run_1"), items, tools)


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
    reply = await port.reply(asked([HELLO], [TOOL]))
    assert (reply.text, reply.wishes) == ("Bonjour – “ça va”\u2028?", ())
    kinds = [item["type"] for item in json.loads(reply.items)]
    assert kinds == ["reasoning", "message"]
    assert reply.tokens > 0 and reply.response.startswith("resp_")


async def test_every_call_is_stateless_and_asks_for_encrypted_reasoning(
    model: OpenAIModel, server: ModelServer
) -> None:
    await model.reply(asked([HELLO], [TOOL]))
    sent = server.requests[0]
    assert (sent["model"], sent["store"], sent["include"]) == ("gpt-5.5", False, ["reasoning.encrypted_content"])
    assert (sent["input"], sent["tools"]) == ([HELLO], [TOOL])
    assert "previous_response_id" not in sent and "parallel_tool_calls" not in sent


async def test_without_actions_no_tools_are_sent(model: OpenAIModel, server: ModelServer) -> None:
    await model.reply(asked([HELLO]))
    assert "tools" not in server.requests[0]


async def test_calls_come_back_in_order_with_their_arguments_byte_for_byte(
    model: OpenAIModel, server: ModelServer
) -> None:
    server.say(Calls([("grant_access", '{"user_id" : "bób",  "x": 1.0}'), ("unknown", "not json")], text="I will."))
    reply = await model.reply(asked([HELLO], [TOOL]))
    assert [(wish.action, wish.arguments) for wish in reply.wishes] == [
        ("grant_access", '{"user_id" : "bób",  "x": 1.0}'),
        ("unknown", "not json"),
    ]
    assert reply.text == "I will."
    assert all(isinstance(wish, Wish) and wish.wire for wish in reply.wishes)


async def test_r16_replayed_items_and_outputs_are_accepted(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Calls([("grant_access", "{}"), ("grant_access", "{}")]))
    first = await model.reply(asked([HELLO], [TOOL]))
    outputs = [{"type": "function_call_output", "call_id": wish.wire, "output": "{}"} for wish in first.wishes]
    assert (await model.reply(asked([HELLO, *json.loads(first.items), *outputs], [TOOL]))).text == "OK."
    assert server.refusals == []


async def test_a_refusal_of_the_model_is_its_answer(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Refusal("I cannot help with that."))
    assert (await model.reply(asked([HELLO]))).text == "I cannot help with that."


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
        await model.reply(asked([HELLO]))
    assert len(server.requests) == 1


async def test_an_answer_that_breaks_off_or_fails_is_unavailable(model: OpenAIModel, server: ModelServer) -> None:
    server.say(CutOff(), Failed())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await model.reply(asked([HELLO]))


async def test_a_stream_that_reports_an_error_is_unavailable(server: ModelServer) -> None:
    events = 'data: {"type":"response.created"}\r\n\r\nevent: error\r\ndata: {"type":"error","message":"Busy."}\r\n\r\n'
    server.say(Fault(200, events, "text/event-stream"))
    model = OpenAIModel("sk-test", server.base_url, "gpt-5.5", stream=True)
    with pytest.raises(Unavailable, match="Busy"):
        await model.reply(asked([HELLO]))
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
        await model.reply(asked([HELLO]))
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
            await model.reply(asked([HELLO]))
    await model.close()


async def test_a_model_that_is_not_there_is_unavailable() -> None:
    model = OpenAIModel("sk-test", "http://127.0.0.1:9/v1", "gpt-5.5", timeout=2)
    with pytest.raises(Unavailable):
        await model.reply(asked([HELLO]))
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
        await model.reply(asked([HELLO]))
    assert str(caught.value) == told


async def test_s20_an_error_that_repeats_a_key_does_not_show_it(model: OpenAIModel, server: ModelServer) -> None:
    server.say(Fault(400, error(None, "Bad key sk-0123456789abcdefghij")))
    with pytest.raises(Rejected) as caught:
        await model.reply(asked([HELLO]))
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
        await whole.reply(asked([HELLO]))


async def test_r16_a_call_id_that_the_run_already_used_is_nonsense(whole: OpenAIModel, server: ModelServer) -> None:
    server.say(responding([calling("call_1")]))
    with pytest.raises(Unavailable, match="same id"):
        await whole.reply(
            asked([HELLO, calling("call_1"), {"type": "function_call_output", "call_id": "call_1", "output": "{}"}])
        )


async def test_odd_parts_beside_good_words_do_no_harm(whole: OpenAIModel, server: ModelServer) -> None:
    odd = [
        {"type": "web_search_call"},
        {"type": "message", "content": None},
        {"type": "message", "content": [None, {"text": 7}]},
    ]
    good = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
    server.say(responding([*odd, good], usage={"total_tokens": "many"}))
    reply = await whole.reply(asked([HELLO]))
    assert reply == Reply(json.dumps([*odd, good], separators=(",", ":")), "Hi.", (), 0, "resp_1")


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


# --- a model that does not reason -----------------------------------------------------------------------------------


def unreasoning(request: dict[str, Any]) -> Fault | Text:
    """OpenAI's answer where a model that does not reason is asked for its reasoning."""
    if REASONING not in request.get("include", ()):
        return Text("OK.")
    refused = {"message": "Encrypted content is not supported with this model.", "type": "invalid_request_error"}
    return Fault(400, {"error": {**refused, "param": "include", "code": None}})


async def test_a_model_that_has_no_reasoning_is_asked_without_it_from_then_on(
    model: OpenAIModel, server: ModelServer
) -> None:
    server.default = unreasoning
    assert [(await model.reply(asked([HELLO]))).text for _ in range(2)] == ["OK.", "OK."]
    assert ["include" in request for request in server.requests] == [True, False, False]


async def test_what_else_a_caller_wants_included_stays(whole: OpenAIModel, server: ModelServer) -> None:
    server.default = unreasoning
    mine = ["message.output_text.logprobs"]
    await whole.respond({"model": "gpt-4.1", "input": "hello", "include": mine}, 10.0)
    assert [request["include"] for request in server.requests] == [[*mine, REASONING], mine]
    other = Fault(400, {"error": {"message": "Unknown.", "param": "include"}})
    server.say(other)
    with pytest.raises(openai.BadRequestError, match="Unknown"):
        await whole.respond({"model": "gpt-5.5", "input": "hello"}, 10.0)


# --- the request that the library makes -----------------------------------------------------------------------------


def ignore(event: object) -> None:
    """A listener who does not care."""


async def test_the_body_goes_out_as_it_is_with_store_and_include_where_it_says_nothing(
    whole: OpenAIModel, server: ModelServer
) -> None:
    body = {"model": "gpt-4.1", "input": [HELLO], "top_p": 0.5, "metadata": {"a": "b"}}
    response = await whole.respond({**body, "user": openai.NOT_GIVEN, "seed": openai.omit}, 10.0)
    assert server.requests == [{**body, "store": False, "include": [REASONING]}]
    assert (response["status"], response["id"][:5]) == ("completed", "resp_")
    await whole.respond({**body, "store": True}, 10.0)
    assert server.requests[1] == {**body, "store": True}


@pytest.mark.parametrize("on_event", [None, ignore])
async def test_the_sdks_arguments_of_a_call_go_where_they_belong(
    whole: OpenAIModel, server: ModelServer, on_event: Callable[[object], None] | None
) -> None:
    server.default = unreasoning
    extras = {"extra_headers": {"x-tenant": "t1"}, "extra_body": {"top_k": 3}, "extra_query": {"v": "2"}}
    await whole.respond({"model": "m", "input": "hello", **extras}, 10.0, on_event)
    for request, headers in zip(server.requests, server.headers, strict=True):
        assert (request["top_k"], headers["x-tenant"]) == (3, "t1")
        assert not extras.keys() & request.keys()
    assert len(server.requests) == 2


async def test_events_are_given_away_as_they_arrive(whole: OpenAIModel, server: ModelServer) -> None:
    go, seen = asyncio.Event(), list[str]()
    server.say(Halted(5, go, Text("one two three")))
    pending = asyncio.create_task(
        whole.respond({"model": "m", "input": "hello"}, 10.0, lambda event: seen.append(event["type"]))
    )
    async with asyncio.timeout(5):
        while len(seen) < 5:
            await asyncio.sleep(0.01)
    assert seen[0] == "response.created" and seen[4] == "response.output_text.delta"
    assert not pending.done()
    go.set()
    response = await pending
    assert response["output"][0]["content"][0]["text"] == "one two three"
    assert seen[-1] == "response.completed"


async def test_a_stream_may_last_but_not_fall_silent(whole: OpenAIModel, server: ModelServer) -> None:
    lasting = Paced(0.05, Text(" ".join("abcdefghij")))
    server.say(lasting, lasting, Halted(4, asyncio.Event(), Text("one two three")), Hang())
    body = {"model": "m", "input": "hello"}
    assert (await whole.respond(body, 0.3, ignore))["status"] == "completed"
    unread = OpenAIModel("sk-test", server.base_url, "gpt-5.5", stream=True, timeout=0.3)
    with pytest.raises(Unavailable, match="did not answer"):
        await unread.reply(asked([HELLO]))
    await unread.close()
    for _ in range(2):
        async with asyncio.timeout(3):
            with pytest.raises(TimeoutError):
                await whole.respond(body, 0.3, ignore)


async def test_a_limit_may_be_longer_than_the_clients_own(server: ModelServer) -> None:
    hasty = OpenAIModel("sk-test", server.base_url, "gpt-5.5", timeout=0.1)
    server.say(Slow(0.3, Text("late")), Slow(0.3, Text("late")))
    for on_event in (None, ignore):
        assert (await hasty.respond({"model": "m", "input": "hello"}, 5.0, on_event))["status"] == "completed"
    await hasty.close()


@pytest.mark.parametrize("on_event", [None, ignore])
async def test_what_openai_says_is_raised_as_the_sdk_raises_it(
    whole: OpenAIModel, server: ModelServer, on_event: Callable[[object], None] | None
) -> None:
    server.say(Fault(401), Fault(429, headers={"retry-after": "7"}), BrokenJson(), Html(), CutOff())
    body = {"model": "m", "input": "hello"}
    with pytest.raises(openai.AuthenticationError) as refused:
        await whole.respond(body, 10.0, on_event)
    assert not transient(refused.value)
    with pytest.raises(openai.RateLimitError) as limited:
        await whole.respond(body, 10.0, on_event)
    assert transient(limited.value) and retry_after(limited.value) == 7.0
    for _ in range(3):
        with pytest.raises((Unavailable, openai.APIConnectionError)) as broken:
            await whole.respond(body, 10.0, on_event)
        assert transient(broken.value)


class Odd(Exception):
    """What another vendor's SDK raises."""

    def __init__(self, status_code: object, code: str = "") -> None:
        super().__init__("odd")
        self.status_code, self.code = status_code, code


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        *((Odd(status), True) for status in (408, 409, 425, 429, 500, 503, 529)),
        *((Odd(status), False) for status in (400, 401, 403, 404, 422)),
        (Odd(429, "insufficient_quota"), False),
        (Odd("500"), False),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (Unavailable("down"), True),
        (Rejected("no"), False),
        (RuntimeError("Transient provider failure "), True),
        (RuntimeError("pop from empty list"), False),
        (ValueError("wrong"), False),
        (asyncio.CancelledError(), False),
    ],
    ids=repr,
)
def test_only_what_may_pass_is_worth_another_attempt(error: BaseException, passes: bool) -> None:
    assert transient(error) is passes
    assert retry_after(error) == 0.0 and not refuses_reasoning(error)


EVENTS = (
    b": a comment\r\n\r\nevent: one\r\ndata: {1}\r\n\r\ndata: {2}\n\nevent: three\rdata: {\xc3\xa9}\rdata: b\r\r"
    b"id: 7\nevent: x\n\ndata: {4\xe2\x80\xa8}\n\ndata: half"
)


def test_events_are_the_same_however_their_bytes_are_cut() -> None:
    whole = [("one", b"{1}"), ("", b"{2}"), ("three", b"{\xc3\xa9}\nb"), ("", b"{4\xe2\x80\xa8}")]
    pieces = [[EVENTS[:cut], EVENTS[cut:]] for cut in range(len(EVENTS))]
    pieces += [[EVENTS[n : n + size] for n in range(0, len(EVENTS), size)] for size in (1, 2, 3, 7)]
    for chunks in pieces:
        events = Events()
        assert [each for chunk in chunks for each in events.fed(chunk)] == whole, chunks


async def test_the_address_of_the_environment_counts_and_a_local_one_needs_no_proxy(server: ModelServer) -> None:
    program = (
        "import asyncio\n"
        "from bot.openai_model import OpenAIModel\n"
        "async def main():\n"
        "    model = OpenAIModel('sk-test', None, 'gpt-5.5', timeout=5)\n"
        "    print((await model.respond({'model': 'm', 'input': 'hello'}, 5.0))['status'])\n"
        "    await model.close()\n"
        "asyncio.run(main())\n"
    )
    proxy = "http://127.0.0.1:9"
    environment = {**os.environ, "OPENAI_BASE_URL": server.base_url, "HTTP_PROXY": proxy, "http_proxy": proxy}
    environment.pop("NO_PROXY", None), environment.pop("no_proxy", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert said.decode().strip() == "completed"
