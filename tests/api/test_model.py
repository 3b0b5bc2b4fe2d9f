"""Promises of the library's model calls: every parameter each time, any client, retries only where they help, a breaker, and
streams. Told against a real server with our own client and with the SDK's, and against clients as people write them."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from bot.api.model import Breaker, LibraryModel, Retries
from bot.core.values import RunId
from bot.openai_model import REASONING, OpenAIModel
from bot.ports import Model, Prompt, Rejected, Reply, Unavailable
from tests.servers.faults import AnyFault, Empty, Fault, Hang, Html
from tests.servers.model_server import (
    Calls,
    CutOff,
    Failed,
    Halted,
    Held,
    Incomplete,
    ModelServer,
    Paced,
    Text,
    running_model,
)
from tests.test_openai_model import unreasoning

RUN = RunId("run_1")
HELLO = {"role": "user", "content": "hello"}
TOOL = {
    "type": "function",
    "name": "grant",
    "description": "Grant it.",
    "strict": True,
    "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
}
FAST = Retries(timeout_seconds=5.0, backoff_seconds=0.01, max_backoff_seconds=0.05, jitter_seconds=0.0)
QUICK = Retries(timeout_seconds=0.2, max_retries=0)
ANSWER = {"id": "resp_1", "output": [], "output_text": "OK."}
Make = Callable[..., LibraryModel]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with running_model() as running:
        yield running


def model_of(kind: str, url: str, retries: Retries = FAST) -> LibraryModel:
    more: Any = {"api_key": "sk-test", "base_url": url, "max_retries": 0}
    match kind:
        case "own":
            return LibraryModel(None, OpenAIModel("sk-test", url, "", timeout=retries.timeout_seconds), retries)
        case "async":
            http = openai.DefaultAsyncHttpxClient(trust_env=False)
            return LibraryModel(openai.AsyncOpenAI(http_client=http, **more), None, retries)
        case _:
            return LibraryModel(
                openai.OpenAI(http_client=openai.DefaultHttpxClient(trust_env=False), **more), None, retries
            )


@pytest.fixture(params=["own", "async", "sync"])
async def make(server: ModelServer, request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    made: list[LibraryModel] = []

    def model(retries: Retries = FAST) -> LibraryModel:
        made.append(model_of(request.param, server.base_url, retries))
        return made[-1]

    yield model
    for each in made:
        await each.close()


def prompt(*since: object, run: RunId = RUN, tools: tuple[object, ...] = (TOOL,), **brief: Any) -> Prompt:
    """What the engine gives: the program's messages, and the items since."""
    asked = {"messages": [HELLO], "model": "gpt-5.5", "instructions": None, "temperature": None, **brief}
    return Prompt(run, [*asked["messages"], *since], tools, json.dumps({"model_call": True, **asked}))


def turn(reply: Reply) -> list[object]:
    """A reply's items and the outputs of its calls, as the engine shows them next."""
    outputs = [{"type": "function_call_output", "call_id": wish.wire, "output": "{}"} for wish in reply.wishes]
    return [*json.loads(reply.items), *outputs]


class Client:
    """A program's client: what it was given, and what it says or raises next."""

    def __init__(self, *says: Any) -> None:
        self.says, self.given, self.times = list(says), list[dict[str, Any]](), list[float]()
        self.responses = SimpleNamespace(create=self.create)

    def create(self, **given: Any) -> Any:
        self.given.append(given)
        self.times.append(time.monotonic())
        said = self.says.pop(0) if self.says else ANSWER
        if isinstance(said, Exception):
            raise said
        return said


class Narrow(Client):
    """It takes only what bighub-openai 0.1.0b5 passes."""

    def create(self, *, model: str, input: object, tools: object, timeout: float, store: bool) -> Any:  # type: ignore[override]
        return super().create(model=model, input=input, tools=tools, timeout=timeout, store=store)


class NarrowLater(Client):
    async def create(self, *, model: str, input: object, tools: object, timeout: float, store: bool) -> Any:  # type: ignore[override]
        return super().create(model=model, input=input, tools=tools, timeout=timeout, store=store)


# --- what is asked ----------------------------------------------------------------------------------------------------


async def test_h5_every_parameter_goes_with_every_turn_and_nothing_is_looked_up(
    make: Make, server: ModelServer
) -> None:
    server.say(Calls([("grant", "{}"), ("grant", "{}")]))
    asked: dict[str, Any] = {
        "instructions": "Be brief.",
        "temperature": 0.0,
        "extra_create_args": {"top_p": 0.5, "metadata": {"a": "b"}},
    }
    model: Model = make()
    first = await model.reply(prompt(**asked))
    second = await model.reply(prompt(*turn(first), **asked))
    assert (second.text, server.refusals) == ("OK.", [])
    whole = {"model": "gpt-5.5", "instructions": "Be brief.", "temperature": 0.0, "top_p": 0.5, "metadata": {"a": "b"}}
    sent = {**whole, "tools": [TOOL], "store": False, "include": [REASONING]}
    assert server.requests == [{**sent, "input": [HELLO]}, {**sent, "input": [HELLO, *turn(first)]}]
    assert server.requests[1]["input"][1]["encrypted_content"]


async def test_what_the_program_left_out_is_left_out(make: Make, server: ModelServer) -> None:
    await make().reply(prompt(tools=(), instructions=""))
    assert server.requests == [{"model": "gpt-5.5", "input": [HELLO], "store": False, "include": [REASONING]}]


async def test_the_programs_own_arguments_win_but_for_the_input(make: Make, server: ModelServer) -> None:
    other = {**TOOL, "name": "other"}
    extra = {
        "tools": [other],
        "model": "m2",
        "input": "no",
        "stream": True,
        "include": ["message.output_text.logprobs"],
    }
    reply = await make().reply(prompt(instructions="a", extra_create_args={**extra, "instructions": "b"}))
    (sent,) = server.requests
    assert (sent["model"], sent["tools"], sent["input"], sent["instructions"]) == ("m2", [other], [HELLO], "b")
    assert sent["include"] == ["message.output_text.logprobs", REASONING]
    assert "stream" not in sent and reply.text == "OK."


async def test_what_is_stored_at_the_provider_goes_back_as_it_came(make: Make, server: ModelServer) -> None:
    lost = {"type": "reasoning", "id": "rs_1", "summary": []}
    server.say(Fault(200, {"id": "r", "status": "completed", "output": [lost, {**CALL, "id": "fc_1"}]}))
    first = await make().reply(prompt(extra_create_args={"store": True}))
    server.say(Text("one"))
    with pytest.raises(Rejected, match="not persisted"):  # this server stores nothing, whatever it is told
        await make().reply(prompt(*turn(first), extra_create_args={"store": True}))
    assert "include" not in server.requests[0]
    assert (await make().reply(prompt(*turn(first)))).text == "one"
    assert server.requests[-1]["input"] == [HELLO, CALL, turn(first)[-1]]


CALL = {"type": "function_call", "call_id": "call_1", "name": "grant", "arguments": "{}"}


async def test_a_conversation_at_the_provider_is_told_only_what_is_new() -> None:
    client = Client()
    outputs = [{"type": "function_call_output", "call_id": each, "output": "{}"} for each in ("a", "b")]
    extra = {"conversation": "conv_1"}
    for since in ((), (CALL, CALL, *outputs)):
        await LibraryModel(client, None, FAST).reply(prompt(*since, extra_create_args=extra))
    assert [given["input"] for given in client.given] == [[HELLO], outputs]


async def test_a_model_that_has_no_reasoning_is_asked_without_it_from_then_on(make: Make, server: ModelServer) -> None:
    server.default = unreasoning
    model = make()
    assert [(await model.reply(prompt())).text for _ in range(2)] == ["OK.", "OK."]
    assert ["include" in request for request in server.requests] == [True, False, False]


async def test_what_json_cannot_carry_goes_as_it_was_given_until_the_run_is_forgotten(
    make: Make, server: ModelServer
) -> None:
    model = make()
    model.remember_extras(RUN, {"extra_headers": {"x-tenant": "t1"}, "top_p": 0.5, "temperature": openai.NOT_GIVEN})
    await model.reply(prompt(temperature=1.0, extra_create_args={"top_p": 0.1}))
    model.forget(RUN)
    await model.reply(prompt(temperature=1.0))
    assert ["x-tenant" in headers for headers in server.headers] == [True, False]
    assert [request.get("top_p") for request in server.requests] == [0.5, None]
    assert ["temperature" in request for request in server.requests] == [False, True]


async def test_a_run_without_a_conversation_asks_nobody(make: Make, server: ModelServer) -> None:
    assert await make().reply(Prompt(RUN, [], [TOOL], '{"model_call": false}')) == Reply("[]", "", ())
    assert server.requests == []


@pytest.mark.parametrize("brief", ["", "purged", "[]"])
async def test_a_run_whose_request_was_purged_asks_nobody(brief: str) -> None:
    client = Client()
    with pytest.raises(Rejected, match="purged"):
        await LibraryModel(client, None, FAST).reply(Prompt(RUN, [], [], brief))
    assert client.given == []


# --- clients as people write them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Narrow, NarrowLater])
async def test_a_client_gets_only_what_the_published_adapter_gave_it(kind: type[Client]) -> None:
    client = kind({"id": "r", "output": [{"type": "reasoning", "id": "rs"}, {**CALL, "id": "fc"}]})
    model = LibraryModel(client, None, Retries(timeout_seconds=7.0))
    first = await model.reply(prompt())
    await model.reply(prompt(*turn(first)))
    given = {"model": "gpt-5.5", "tools": [TOOL], "timeout": 7.0, "store": False}
    assert client.given == [{**given, "input": [HELLO]}, {**given, "input": [HELLO, CALL, turn(first)[-1]]}]
    assert [item["type"] for item in json.loads(first.items)] == ["reasoning", "function_call"]  # shown as it came


async def test_a_client_that_hands_anything_on_works_with_a_server_that_keeps_nothing(server: ModelServer) -> None:
    inner = openai.AsyncOpenAI(
        api_key="k", base_url=server.base_url, http_client=openai.DefaultAsyncHttpxClient(trust_env=False)
    )

    class Wrapping:
        async def create(self, **given: Any) -> Any:
            return await inner.responses.create(**given)

    server.say(Calls([("grant", "{}")], text="On it."))
    model = LibraryModel(SimpleNamespace(responses=Wrapping()), None, FAST)
    first = await model.reply(prompt())
    assert (await model.reply(prompt(*turn(first)))).text == "OK."
    assert server.refusals == [] and "include" not in server.requests[0]


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def test_what_may_pass_is_tried_again(make: Make, server: ModelServer) -> None:
    server.say(Fault(500), Fault(429), Text("at last"))
    assert (await make().reply(prompt())).text == "at last"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault(503), openai.InternalServerError),
        (Fault(429), openai.RateLimitError),
        (CutOff(), Exception),
        (Failed(), Unavailable),
        (Empty(), Unavailable),
        (Html(), Exception),
    ],
    ids=repr,
)
async def test_what_does_not_pass_fails_after_the_retries(
    make: Make, server: ModelServer, fault: Any, cause: type[Exception]
) -> None:
    server.default = fault
    with pytest.raises(Rejected, match=r"^Provider call failed after retries: \S") as failed:
        await make().reply(prompt())
    assert isinstance(failed.value.__cause__, cause)
    assert len(server.requests) == FAST.max_retries + 1


QUOTA = {"error": {"message": "Quota.", "type": "insufficient_quota", "code": "insufficient_quota"}}


@pytest.mark.parametrize("fault", [Fault(400), Fault(401), Fault(404), Fault(429, QUOTA)], ids=repr)
async def test_what_will_not_get_better_fails_at_once(make: Make, server: ModelServer, fault: AnyFault) -> None:
    server.say(fault)
    with pytest.raises(Rejected, match=r"^Provider call failed \(non-retryable\): Error code: 4") as failed:
        await make().reply(prompt())
    assert isinstance(failed.value.__cause__, openai.APIStatusError)
    assert len(server.requests) == 1


async def test_h21_an_answer_that_was_cut_is_no_answer(make: Make, server: ModelServer) -> None:
    server.say(Incomplete(), Incomplete())
    model = make()
    for listener in (None, list[Any]().append):
        if listener is not None:
            model.listen(RUN, listener)
        with pytest.raises(Rejected, match=r"^The model's response is incomplete: it was cut at the longest"):
            await model.reply(prompt())
    assert len(server.requests) == 2


async def test_the_published_adapters_fakes_are_understood() -> None:
    client = Client(RuntimeError("transient provider failure"), RuntimeError("transient provider failure"))
    assert (await LibraryModel(client, None, FAST).reply(prompt())).text == "OK."
    boom = ValueError("boom with sk-0123456789abcdefghij")
    with pytest.raises(Rejected) as failed:
        await LibraryModel(Client(boom), None, FAST).reply(prompt())
    assert str(failed.value) == "Provider call failed (non-retryable): boom with [redacted API key]"
    assert failed.value.__cause__ is boom


async def test_a_client_without_responses_says_so() -> None:
    with pytest.raises(Rejected, match="create"):
        await LibraryModel(SimpleNamespace(), None, FAST).reply(prompt())


async def test_the_wait_doubles_up_to_its_bound() -> None:
    client = Client(*[ConnectionError("down")] * 4)
    retries = Retries(max_retries=4, backoff_seconds=0.1, max_backoff_seconds=0.2, jitter_seconds=0.0)
    await LibraryModel(client, None, retries).reply(prompt())
    waits = [later - earlier for earlier, later in pairwise(client.times)]
    assert all(least <= wait < least + 0.15 for wait, least in zip(waits, [0.1, 0.2, 0.2, 0.2], strict=True)), waits


async def test_without_retries_there_is_one_attempt() -> None:
    client = Client(ConnectionError("down"))
    with pytest.raises(Rejected, match="after retries: down"):
        await LibraryModel(client, None, Retries(max_retries=0)).reply(prompt())
    assert len(client.given) == 1


@pytest.mark.parametrize(("asked", "least", "most"), [("0.3", 0.3, 1.0), ("60", 0.4, 1.0), ("0", 0.0, 0.2)])
async def test_a_wait_that_the_provider_asks_for_is_kept_within_the_bound(
    make: Make, server: ModelServer, asked: str, least: float, most: float
) -> None:
    server.say(Fault(429, headers={"retry-after": asked}))
    model = make(Retries(backoff_seconds=0.01, max_backoff_seconds=0.4, jitter_seconds=0.0))
    began = time.monotonic()
    await model.reply(prompt())
    assert least <= time.monotonic() - began < most + 0.5


async def test_a_client_that_hangs_is_given_up_in_time(make: Make, server: ModelServer) -> None:
    server.say(Hang(), Hang())
    model = make(QUICK)
    for _ in range(2):
        async with asyncio.timeout(3):
            with pytest.raises(
                Rejected, match=r"^Provider call failed after retries: (no answer within 0.2 s|.*timed)"
            ):
                await model.reply(prompt())
        model.listen(RUN, list[Any]().append)


async def test_a_fake_that_hangs_is_given_up_in_time_too() -> None:
    ended = threading.Event()

    def blocking(**given: Any) -> None:
        ended.wait(5)

    async def hanging(**given: Any) -> None:
        await asyncio.sleep(5)

    for create in (blocking, hanging):
        model = LibraryModel(SimpleNamespace(responses=SimpleNamespace(create=create)), None, QUICK)
        async with asyncio.timeout(2):
            with pytest.raises(Rejected, match=r"no answer within 0.2 s"):
                await model.reply(prompt())
    ended.set()


async def test_the_programs_own_timeout_counts(make: Make, server: ModelServer) -> None:
    go = asyncio.Event()
    server.say(Held(go, Text("late")), Hang())
    pending = asyncio.create_task(make(QUICK).reply(prompt(extra_create_args={"timeout": 5.0})))
    await asyncio.sleep(0.5)
    go.set()
    assert (await pending).text == "late"
    model = make(Retries(timeout_seconds=5.0, max_retries=0))
    model.remember_extras(RUN, {"timeout": SimpleNamespace(read=0.1)} if model._own else {"timeout": 0.1})
    async with asyncio.timeout(3):
        with pytest.raises(Rejected):
            await model.reply(prompt())
    assert "timeout" not in server.requests[0]


# --- the breaker ------------------------------------------------------------------------------------------------------


def guarded(client: Client, failures: int = 2, reset: float = 60.0, max_retries: int = 0) -> LibraryModel:
    return LibraryModel(
        client,
        None,
        Retries(
            max_retries=max_retries,
            backoff_seconds=0.0,
            jitter_seconds=0.0,
            breaker_failures=failures,
            breaker_reset_seconds=reset,
        ),
    )


async def fail(model: LibraryModel, told: str) -> None:
    with pytest.raises(Rejected, match=told):
        await model.reply(prompt())


async def test_after_so_many_failed_calls_none_is_tried_until_the_reset() -> None:
    client = Client(*[ConnectionError("down")] * 4)
    model = guarded(client, reset=0.2, max_retries=1)
    await fail(model, "after retries")  # two attempts, one failure
    await fail(model, "after retries")
    began = time.monotonic()
    await fail(model, r"^Provider circuit breaker is open$")
    assert len(client.given) == 4 and time.monotonic() - began < 0.1
    await asyncio.sleep(0.25)
    assert (await model.reply(prompt())).text == "OK."


async def test_only_failures_in_a_row_count_of_either_kind() -> None:
    client = Client(ValueError("a"), ANSWER, ConnectionError("b"), ValueError("c"))
    model = guarded(client)
    await fail(model, "non-retryable")
    await model.reply(prompt())
    await fail(model, "after retries")
    await fail(model, "non-retryable")
    await fail(model, "breaker is open")


async def test_an_answer_that_is_none_and_a_call_that_was_cancelled_are_no_failures() -> None:
    cut = {"output": [], "status": "incomplete"}
    model = guarded(Client(ValueError("a"), cut, ValueError("b"), ANSWER))
    for told in ("non-retryable", "incomplete", "non-retryable"):
        await fail(model, told)
    await model.reply(prompt())

    async def hanging(**given: Any) -> None:
        await asyncio.sleep(5)

    hung = LibraryModel(SimpleNamespace(responses=SimpleNamespace(create=hanging)), None, Retries(breaker_failures=1))
    for _ in range(2):
        pending = asyncio.create_task(hung.reply(prompt()))
        await asyncio.sleep(0.05)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending


async def test_without_a_number_of_failures_the_breaker_never_opens() -> None:
    model = guarded(Client(*[ValueError("a")] * 5), failures=0)
    for _ in range(5):
        await fail(model, "non-retryable")
    assert (await model.reply(prompt())).text == "OK."


async def test_calls_at_the_same_time_share_the_breaker_and_so_may_models() -> None:
    breaker, client = Breaker(3, 60.0), Client(*[ValueError("a")] * 9)
    models = [LibraryModel(client, None, FAST, breaker) for _ in range(3)]
    await asyncio.gather(*(fail(model, "non-retryable") for model in models))
    await asyncio.gather(*(fail(model, "breaker is open") for model in models))
    assert len(client.given) == 3


def test_failures_are_counted_once_between_threads() -> None:
    breaker = Breaker(2_001, 60.0)

    def fail_often() -> None:
        for _ in range(500):
            breaker.failed()

    threads = [threading.Thread(target=fail_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not breaker.is_open()
    breaker.failed()
    assert breaker.is_open()


# --- streams ----------------------------------------------------------------------------------------------------------


async def test_a_stream_is_heard_as_it_comes_and_ends_in_the_same_reply(make: Make, server: ModelServer) -> None:
    go, heard, model = asyncio.Event(), list[dict[str, Any]](), make()
    server.say(Halted(9, go, Calls([("grant", '{"a": 1}')], text="On it now.")))
    model.listen(RUN, heard.append)
    pending = asyncio.create_task(model.reply(prompt()))
    async with asyncio.timeout(5):
        while "llm_delta" not in {event["type"] for event in heard}:
            await asyncio.sleep(0.01)
    assert not pending.done()
    go.set()
    reply = await pending
    assert (reply.text, [wish.arguments for wish in reply.wishes]) == ("On it now.", ['{"a": 1}'])
    assert "".join(event["delta"] for event in heard if event["type"] == "llm_delta") == "On it now."
    (done,) = [event for event in heard if event["type"] == "function_call_args_done"]
    assert (done["call_id"], done["name"], done["arguments"]) == (reply.wishes[0].wire, "grant", '{"a": 1}')
    assert {event["response_id"] for event in heard} == {reply.response}
    assert heard[-1]["type"] == "response_done"
    assert server.requests[0]["include"] == [REASONING]
    second = await model.reply(prompt(*turn(reply)))  # what streamed can be sent again
    assert (second.text, server.refusals) == ("OK.", [])


async def test_arguments_that_are_no_json_come_through_a_stream_as_they_are(make: Make, server: ModelServer) -> None:
    model = make()
    model.listen(RUN, list[Any]().append)
    server.say(Calls([("grant", '{"user_id": "b')], text="On it."))
    assert [wish.arguments for wish in (await model.reply(prompt())).wishes] == ['{"user_id": "b']


async def test_a_stream_may_last_longer_than_the_timeout(make: Make, server: ModelServer) -> None:
    model = make(QUICK)
    model.listen(RUN, list[Any]().append)
    server.say(Paced(0.05, Text(" ".join("abcdefgh"))))
    assert (await model.reply(prompt())).text == "a b c d e f g h"


async def test_a_stream_is_begun_again_only_while_nothing_of_it_was_heard(make: Make, server: ModelServer) -> None:
    model, heard = make(), list[dict[str, Any]]()
    model.listen(RUN, heard.append)
    server.say(Fault(500), CutOff(2, Text("never heard")), Text("Hi there."))
    assert (await model.reply(prompt())).text == "Hi there."
    assert len(server.requests) == 3
    assert "".join(event["delta"] for event in heard if event["type"] == "llm_delta") == "Hi there."
    server.say(CutOff(5, Text("half a word")))
    with pytest.raises(Rejected, match=r"^Provider call failed \(non-retryable\): \S"):
        await model.reply(prompt())
    assert len(server.requests) == 4 and heard[-1]["delta"] == "half"


async def test_a_failed_stream_says_so_to_the_listener_and_ends(make: Make, server: ModelServer) -> None:
    model, heard = make(), list[dict[str, Any]]()
    model.listen(RUN, heard.append)
    server.say(Failed("server_error"))
    with pytest.raises(Rejected, match="The model's response failed: The model failed to generate"):
        await model.reply(prompt())
    assert (heard[-1]["type"], heard[-1]["error"]["code"]) == ("response_failed", "server_error")


async def test_two_runs_at_once_hear_only_themselves(make: Make, server: ModelServer) -> None:
    model, heard = make(), {RunId(name): list[str]() for name in ("left", "right")}
    server.default = lambda request: Paced(0.01, Text(request["input"][0]["content"]))

    def ear(run: RunId) -> Callable[[dict[str, Any]], None]:
        return lambda event: heard[run].append(event.get("delta", ""))

    for run in heard:
        model.listen(run, ear(run))
    saying = {run: " ".join([str(run)] * 5) for run in heard}
    asked = [prompt(run=run, messages=[{"role": "user", "content": said}]) for run, said in saying.items()]
    replies = await asyncio.gather(*(model.reply(each) for each in asked))
    assert [reply.text for reply in replies] == list(saying.values())
    assert {run: "".join(parts) for run, parts in heard.items()} == saying
    for run in heard:
        model.stop_listening(run)
    server.default = Text("OK.")
    await model.reply(asked[0])
    assert "".join(heard[RunId("left")]) == saying[RunId("left")]
    assert "stream" not in server.requests[-1]


class Streaming(Client):
    """A fake with a stream, the way the published adapter reads it."""

    def __init__(self, events: list[Any], final: Any) -> None:
        super().__init__()
        self.events, self.final = events, final
        self.responses = SimpleNamespace(create=self.create, stream=self.stream)

    def stream(self, *, model: str, input: object, tools: object, timeout: float, store: bool) -> "Streaming":
        self.given.append({"model": model, "input": input})
        return self

    def __enter__(self) -> "Streaming":
        return self

    def __exit__(self, *raised: object) -> None:
        return None

    def __iter__(self) -> Any:
        return iter(self.events)

    def get_final_response(self) -> Any:
        if isinstance(self.final, Exception):
            raise self.final
        return self.final


async def test_a_fake_with_a_stream_is_streamed_and_one_without_is_asked_once() -> None:
    events = [
        SimpleNamespace(type="response.created", response=SimpleNamespace(id="resp_1")),
        SimpleNamespace(type="response.output_text.delta", delta="O"),
        SimpleNamespace(type="response.completed", response=SimpleNamespace(id="resp_1")),
    ]
    heard = list[Any]()
    for client in (Streaming(events, SimpleNamespace(**ANSWER)), Client()):
        model = LibraryModel(client, None, FAST)
        model.listen(RUN, heard.append)
        assert (await model.reply(prompt())).text == "OK."
        model.stop_listening(RUN)
        await model.reply(prompt())
        assert len(client.given) == 2
    assert heard == [
        {"type": "llm_delta", "delta": "O", "response_id": "resp_1"},
        {"type": "response_done", "response_id": "resp_1"},
    ]


async def test_the_response_in_the_last_event_is_enough() -> None:
    whole = {"type": "response.completed", "response": {"id": "r", "output": [], "output_text": "whole"}}
    for final in (None, RuntimeError("Didn't receive a `response.completed` event.")):
        model = LibraryModel(Streaming([whole], final), None, FAST)
        model.listen(RUN, list[Any]().append)
        assert (await model.reply(prompt())).text == "whole"
    for final, told in ((None, "broke off"), (RuntimeError("no completed"), "off before its end: no comp")):
        model = LibraryModel(Streaming([], final), None, FAST)
        model.listen(RUN, list[Any]().append)
        with pytest.raises(Rejected, match=told):
            await model.reply(prompt())
