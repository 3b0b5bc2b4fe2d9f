"""What one model call costs this process in CPU: the SDK's typed call, its raw call, and ours, whole and streamed.

The server runs in a process of its own, so that only the client's CPU is counted. Run: python -m benchmarks.model_call [calls]
"""

import asyncio
import json
import multiprocessing
import resource
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

from openai import AsyncOpenAI, DefaultAioHttpClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from benchmarks.report import columns, heading, row
from bot.api.model import LibraryModel, Retries
from bot.core.values import RunId
from bot.demo.responses_wire import ProposedCall, Reply, build_response, sse, stream_events
from bot.openai_model import OpenAIModel
from bot.ports import Prompt
from bot.serving import serving

WARM_UP = 50
TURNS = 6
ANSWER = Reply(text="Here is what I found. " * 20, calls=(ProposedCall("grant", '{"user":"bob"}'),), reasoning=True)


class Pipe(Protocol):
    """The end of a `multiprocessing` pipe that the server tells its address through."""

    def send(self, obj: object) -> None: ...


def history() -> list[dict[str, Any]]:
    """The input of a run in its seventh turn: about 40 items, 60 kB."""
    said: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": "please " * 50}]
    for turn in range(TURNS):
        said.append({"type": "reasoning", "id": f"rs_{turn}", "summary": [], "encrypted_content": "x" * 2_000})
        for call in range(3):
            wire = f"call_{turn}_{call}"
            arguments = json.dumps({"user": "bob", "group": "admins", "note": "n" * 200})
            said.append({"type": "function_call", "call_id": wire, "name": "grant", "arguments": arguments})
        said.extend(
            {"type": "function_call_output", "call_id": f"call_{turn}_{call}", "output": json.dumps({"o": "y" * 1_500})}
            for call in range(3)
        )
    return said


def tools() -> list[dict[str, Any]]:
    one = {
        "type": "object",
        "properties": {"user": {"type": "string"}},
        "required": ["user"],
        "additionalProperties": False,
    }
    return [
        {"type": "function", "name": f"tool_{n}", "description": "d" * 300, "parameters": one, "strict": True}
        for n in range(12)
    ]


def serve(pipe: Pipe) -> None:
    """The server's process: the same answer to every request, made once."""
    answer = build_response({}, ANSWER, model="gpt-5.5")
    whole, events = json.dumps(answer).encode(), [sse(event) for event in stream_events(answer)]

    async def respond(request: Request) -> Response:
        if b'"stream":true' not in await request.body():
            return Response(whole, media_type="application/json")

        async def streamed() -> AsyncIterator[bytes]:
            for event in events:
                yield event

        return StreamingResponse(streamed(), media_type="text/event-stream")

    async def run() -> None:
        async with serving(Starlette(routes=[Route("/v1/responses", respond, methods=["POST"])])) as address:
            pipe.send(f"{address.url}/v1")
            await asyncio.Event().wait()

    asyncio.run(run())


async def measure(name: str, call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Milliseconds of this process's CPU per call."""
    for _ in range(WARM_UP):
        await call()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(calls):
        await call()
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / calls * 1000
    print(row((name, f"{spent:.2f}")))
    return spent


async def compare(url: str, calls: int) -> None:
    given, offered = history(), tools()
    options: Any = {"model": "gpt-5.5", "input": given, "tools": offered, "store": False}
    http = DefaultAioHttpClient(trust_env=False)
    async with AsyncOpenAI(api_key="k", base_url=url, max_retries=0, http_client=http) as client:

        async def typed() -> object:
            response = await client.responses.create(**options)
            return json.dumps([item.model_dump(mode="json") for item in response.output])

        async def raw() -> object:
            return json.loads((await client.responses.with_raw_response.create(**options)).content)

        async def streamed() -> object:
            return [event async for event in await client.responses.create(**options, stream=True)]

        async def helped() -> object:
            async with client.responses.stream(**options) as stream:
                return [event async for event in stream], await stream.get_final_response()

        await measure("responses.create and model_dump", typed, calls)
        await measure("responses.with_raw_response.create", raw, calls)
        await measure("responses.create(stream=True)", streamed, calls)
        await measure("responses.stream", helped, calls)
    prompt = Prompt(RunId("run_1"), given, offered)
    for stream in (False, True):
        model = OpenAIModel("k", url, "gpt-5.5", stream=stream)
        await measure(f"OpenAIModel(stream={stream}).reply", lambda model=model: model.reply(prompt), calls)  # type: ignore[misc]
        await model.close()
    own = LibraryModel(None, OpenAIModel("k", url, ""), Retries())
    asked = replace(prompt, brief=json.dumps({"messages": given, "model": "gpt-5.5"}))
    await measure("LibraryModel.reply", lambda: own.reply(asked), calls)
    own.listen(asked.run, lambda event: None)
    await measure("LibraryModel.reply, each event heard", lambda: own.reply(asked), calls)
    await own.close()


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(heading(f"One model call ({calls} calls of a run in its seventh turn)"))
    print(columns(("call", "CPU ms a call")))
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        asyncio.run(compare(here.recv(), calls))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
