"""OpenAI, BIGHUB and Slack's Web API that answer at once, in a process of their own: what they cost is not the bot's.

The answers are made beforehand or as good as; nothing is checked. What the real protocols refuse is the tests' business. What the bot
posts can be asked for (`Addresses.posts`), with the moment at which it came, by the clock that all processes of a machine share.
"""

import asyncio
import contextlib
import itertools
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.demo.responses_wire import ProposedCall, Reply, build_response
from tests.servers.bighub_decisions import review

CALL = ProposedCall("restart", '{"service":"checkout"}')
REQUESTS = {
    "/v1/responses": "model",
    "/actions/evaluate": "evaluation",
    "/approvals/{id}/resolve": "resolution",
    "/outcomes/report": "outcome",
}
"""What a run is made of."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs, as the settings of the same names take them. ``posts``: a GET tells what was posted since the last one, as
    ``[channel, ts, approval or "", moment]`` each; the moment in seconds of `time.monotonic`. ``requests``: a GET tells how many there
    were of each of `REQUESTS` so far."""

    openai: str
    bighub: str
    slack: str
    posts: str
    requests: str


def _answered(body: object) -> web.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.Response(body=raw, content_type="application/json")


class _Model:
    """Wants the one action first, and says so when it has its output."""

    def __init__(self) -> None:
        self._proposing, self._answering = (
            json.dumps(build_response({}, reply, model="gpt-5.5")).encode()
            for reply in (Reply(calls=(CALL,)), Reply(text="checkout was restarted."))
        )

    async def respond(self, request: web.Request) -> web.Response:
        return _answered(self._answering if b"function_call_output" in await request.read() else self._proposing)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/responses", self.respond)]


class _Bighub:
    """Wants a person for everything."""

    def __init__(self) -> None:
        self._decision, self._numbers = review(), itertools.count(1)

    async def evaluate(self, request: web.Request) -> web.Response:
        return _answered({"request_id": f"req_{next(self._numbers)}", **self._decision})

    async def approvals(self, request: web.Request) -> web.Response:
        return _answered([])

    async def receipt(self, request: web.Request) -> web.Response:
        return _answered({"ok": True, "accepted": 1, "total_stored": 1, "status": "approved"})

    async def kill_switch(self, request: web.Request) -> web.Response:
        return _answered({"is_active": False, "active_switches": []})

    async def unknown(self, request: web.Request) -> web.Response:
        return web.json_response({"detail": "No outcome was reported for this request."}, status=404)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/actions/evaluate", self.evaluate),
            web.get("/kill-switch/status", self.kill_switch),
            web.get("/approvals", self.approvals),
            web.post("/approvals/{id}/resolve", self.receipt),
            web.post("/outcomes/report", self.receipt),
            web.get("/outcomes/{id}", self.unknown),
            web.post("/actions/memory/ingest", self.receipt),
        ]


class _Slack:
    """Everybody is a member, and every message stands."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._posts: list[tuple[str, str, str, float]] = []

    async def post(self, request: web.Request) -> web.Response:
        at, message = time.monotonic(), await request.json()
        channel, ts = str(message["channel"]), f"17.{next(self._numbers):06}"
        self._posts.append((channel, ts, _approval(message.get("blocks") or ()), at))
        return _answered({"ok": True, "channel": channel, "ts": ts})

    async def person(self, request: web.Request) -> web.Response:
        user = request.query.get("user") or (await request.post()).get("user")
        who = {"id": user, "team_id": "T0ACME", "name": "somebody", "deleted": False, "is_bot": False}
        return _answered({"ok": True, "user": {**who, "is_restricted": False, "is_ultra_restricted": False}})

    async def fine(self, request: web.Request) -> web.Response:
        return _answered({"ok": True, "user_id": "U0SIGNOFF", "bot_id": "B1", "messages": [], "channel": "C1"})

    async def posts(self, request: web.Request) -> web.Response:
        told, self._posts = self._posts, []
        return _answered(told)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/chat.postMessage", self.post),
            web.route("*", "/api/users.info", self.person),
            web.route("*", "/api/{method}", self.fine),
            web.get("/posts", self.posts),
        ]


def _approval(blocks: Any) -> str:
    """The id that the Approve button of a card carries; "" for what is no card."""
    buttons = (button for block in blocks if block["type"] == "actions" for button in block["elements"])
    return next((str(button["value"]) for button in buttons if button["action_id"] == "approve"), "")


def _serve(told: Connection) -> None:
    async def run() -> None:
        seen = Counter[str]()

        @web.middleware
        async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
            resource = request.match_info.route.resource
            seen[REQUESTS.get(resource.canonical if resource else "", "")] += 1
            return await handler(request)

        async def requests(_request: web.Request) -> web.Response:
            return _answered({kind: seen[kind] for kind in REQUESTS.values()})

        app = web.Application(middlewares=[counted])
        app.add_routes([web.get("/requests", requests)])
        for part in (_Model(), _Bighub(), _Slack()):
            app.add_routes(part.routes())
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
        yield Addresses(f"{url}/v1", url, f"{url}/api/", f"{url}/posts", f"{url}/requests")
    finally:
        process.terminate()
        process.join()
