"""A Responses API server that says what a test tells it to, turn by turn. It refuses what OpenAI refuses: an invalid
request is answered with a 400, uses up no turn and is kept in `refusals`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.demo.responses_rules import Refusal as RequestRefusal
from bot.demo.responses_wire import (
    Ending,
    ProposedCall,
    Reply,
    build_response,
    read_request,
    refusal_response,
    reply_response,
    sse,
    stream_events,
)
from bot.serving import serving
from tests.servers.faults import AnyFault, BrokenJson, Empty, Fault, Hang, Html, fault_response, wait

JsonObject = dict[str, Any]
ERROR = {"error": {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}}


@dataclass(frozen=True, slots=True)
class Text:
    """A final answer."""

    text: str
    reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """Function calls of one turn: `(name, arguments)`, where a str goes out byte for byte as the arguments."""

    calls: Sequence[tuple[str, Mapping[str, Any] | str]]
    text: str = ""
    reasoning: bool = True


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A response that was cut off, with what there was of it."""

    reason: str = "max_output_tokens"
    text: str = "I was about to"
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """200, and a response of status `failed`."""

    code: str = "server_error"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model declines: a message with a refusal part."""

    text: str


@dataclass(frozen=True, slots=True)
class Slow:
    """`then`, after so many seconds."""

    seconds: float
    then: "Turn"


@dataclass(frozen=True, slots=True)
class Held:
    """`then`, when the test sets `until`."""

    until: asyncio.Event
    then: "Turn"


@dataclass(frozen=True, slots=True)
class CutOff:
    """A stream that ends without a last event after `events` of them; unstreamed, a connection closed mid-body."""

    events: int = 3
    then: "Text | Calls" = field(default_factory=lambda: Text("This never arrives whole."))


@dataclass(frozen=True, slots=True)
class Paced:
    """A stream whose events come so many seconds apart."""

    seconds: float
    then: "Text | Calls"


@dataclass(frozen=True, slots=True)
class Halted:
    """A stream that stops after `events` of them, until the test sets `until`."""

    events: int
    until: asyncio.Event
    then: "Text | Calls"


Turn = Text | Calls | Incomplete | Failed | Refusal | Slow | Held | CutOff | Paced | Halted | AnyFault
Scripted = Turn | Callable[[JsonObject], Turn]


@dataclass(slots=True)
class ModelServer:
    """A running server: what it was asked (`requests` with their `headers`), what it refused, and what it will still say."""

    base_url: str
    default: Scripted
    script: list[Scripted]
    requests: list[JsonObject] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, *turns: Scripted) -> None:
        """Append turns to the script."""
        self.script.extend(turns)

    def outputs(self) -> dict[str, Any]:
        """Call id to parsed output of the newest request: what the bot told the model last."""
        items = self.requests[-1]["input"] if self.requests else []
        found = [item for item in items if isinstance(item, dict) and item.get("type") == "function_call_output"]
        return {item["call_id"]: _parsed(item["output"]) for item in found}

    def _next_turn(self, request: JsonObject) -> Turn:
        turn = self.script.pop(0) if self.script else self.default
        return turn(request) if callable(turn) else turn

    async def _respond(self, request: Request) -> Response:
        body = await read_request(request)
        if isinstance(body, RequestRefusal):
            self.refusals.append(body.message)
            return refusal_response(body)
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        return await self._serve(body, self._next_turn(body))

    async def _serve(self, request: JsonObject, turn: Turn) -> Response:
        match turn:
            case Slow():
                await wait(turn.seconds, self.closing)
                return await self._serve(request, turn.then)
            case Held():
                await _either(turn.until, self.closing)
                return await self._serve(request, turn.then)
            case CutOff():
                return _cut_off(request, turn)
            case Paced() | Halted():
                return StreamingResponse(self._at_its_pace(request, turn), media_type="text/event-stream")
            case Fault() | Html() | BrokenJson() | Empty() | Hang():
                if isinstance(turn, BrokenJson) and request.get("stream"):
                    return Response('event: response.created\ndata: {"type": "resp\n\n', media_type="text/event-stream")
                return await fault_response(turn, ERROR, self.closing)
            case Text() | Calls() | Incomplete() | Failed() | Refusal():
                return reply_response(request, _reply(turn), model=str(request["model"]))
            case _:
                assert_never(turn)

    async def _at_its_pace(self, request: JsonObject, turn: Paced | Halted) -> AsyncIterator[bytes]:
        response = build_response(request, _reply(turn.then), model=str(request["model"]))
        for number, event in enumerate(stream_events(response)):
            if isinstance(turn, Paced):
                await wait(turn.seconds, self.closing)
            elif number == turn.events:
                await _either(turn.until, self.closing)
            yield sse(event)


@contextlib.asynccontextmanager
async def running_model(
    script: Iterable[Scripted] = (), *, default: Scripted = Text("OK.")
) -> AsyncIterator[ModelServer]:
    """Serve `script` turn by turn, then `default` for ever. A turn may be a function of the request's JSON."""
    server = ModelServer("", default, list(script))
    app = Starlette(routes=[Route("/v1/responses", server._respond, methods=["POST"])])
    async with serving(app) as address:
        server.base_url = f"{address.url}/v1"
        try:
            yield server
        finally:
            server.closing.set()


def _reply(turn: Text | Calls | Incomplete | Failed | Refusal) -> Reply:
    match turn:
        case Text():
            return Reply(text=turn.text, reasoning=turn.reasoning)
        case Calls():
            return Reply(text=turn.text, calls=_proposed(turn.calls), reasoning=turn.reasoning)
        case Incomplete():
            calls = _proposed(turn.calls)
            return Reply(text=turn.text, calls=calls, ending=Ending.INCOMPLETE, ending_reason=turn.reason)
        case Failed():
            return Reply(ending=Ending.FAILED, ending_reason=turn.code)
        case Refusal():
            return Reply(refusal=turn.text)
        case _:
            assert_never(turn)


def _proposed(calls: Iterable[tuple[str, Mapping[str, Any] | str]]) -> tuple[ProposedCall, ...]:
    return tuple(
        ProposedCall(name, arguments if isinstance(arguments, str) else json.dumps(arguments))
        for name, arguments in calls
    )


def _cut_off(request: JsonObject, turn: CutOff) -> Response:
    response = build_response(request, _reply(turn.then), model=str(request["model"]))
    if not request.get("stream"):
        body = json.dumps(response).encode()

        async def half() -> AsyncIterator[bytes]:
            yield body[: len(body) // 2]

        # The promised length makes the early end a broken connection for the client, as it is in life.
        headers = {"content-length": str(len(body))}
        return StreamingResponse(half(), media_type="application/json", headers=headers)

    def first_events() -> Iterator[bytes]:
        for number, event in enumerate(stream_events(response)):
            if number < turn.events:
                yield sse(event)

    return StreamingResponse(first_events(), media_type="text/event-stream")


async def _either(first: asyncio.Event, second: asyncio.Event) -> None:
    tasks = [asyncio.create_task(first.wait()), asyncio.create_task(second.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _parsed(output: Any) -> Any:
    try:
        return json.loads(output)
    except (TypeError, ValueError):
        return output
