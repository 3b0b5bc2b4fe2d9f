"""The Starlette application of the local workspace: routes, the page with its Content-Security-Policy, who is let in.

Starting and stopping it stands in `launch.py`.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.workspace import api, control, reading, response_urls, uploads
from bot.workspace.calls import PERSON
from bot.workspace.gestures import GESTURES
from bot.workspace.methods import oauth
from bot.workspace.refusals import Refused
from bot.workspace.world import World

Json = dict[str, Any]
PAGE = Path(__file__).parent / "page"
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackOnly:
    """Keeps other web sites out of a browser's localhost: the Host must be loopback, an Origin must be our own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _from_here(dict(scope["headers"])):
            await PlainTextResponse("only from this machine", status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _from_here(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin")
    if urlsplit(f"//{host}").hostname not in _LOOPBACK:
        return False
    return origin is None or origin.decode("latin-1") == f"http://{host}"


async def page(request: Request) -> Response:
    name = request.path_params.get("file", "index.html")
    path = PAGE / Path(name).name
    if not path.is_file():
        return PlainTextResponse("no such page", status_code=404, headers=_PAGE_HEADERS)
    return FileResponse(path, headers=_PAGE_HEADERS)


def _person(request: Request, token: str | None = None) -> str:
    """The acting user of a `/client/*` request. A deactivated one may only be acted for by force."""
    world: World = request.app.state.world
    given = token or request.headers.get("authorization", "").removeprefix("Bearer ")
    actor = api.actor_of(world, given)
    if actor.kind != PERSON:
        raise Refused("not_authed" if not given else "not_allowed_token_type")
    return actor.user_id


def _forced_person(request: Request) -> str:
    world: World = request.app.state.world
    user = request.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("xoxp-")
    if user not in world.directory.users:
        raise Refused("invalid_auth")
    return user


async def gesture(request: Request) -> Response:
    world: World = request.app.state.world
    act = GESTURES.get(request.path_params["gesture"])
    body = await api.arguments(request)
    try:
        if act is None:
            raise Refused("unknown_method")
        user = _forced_person(request) if body.get("force") else _person(request)
        answer: Json = {"ok": True, **await act(world, user, body)}
    except Refused as refused:
        answer = refused.as_json()
    world.traffic.record("gesture", gesture=request.path_params["gesture"], body=body, answer=answer)
    return JSONResponse(answer)


async def shown(request: Request) -> Response:
    world: World = request.app.state.world
    try:
        user = _person(request)
        match request.path_params["what"]:
            case "boot":
                answer = reading.boot(world, user)
            case "messages":
                answer = reading.messages(world, user, request.query_params.get("channel", ""))
            case "views":
                answer = reading.views(world, user)
            case _:
                raise Refused("unknown_method")
    except Refused as refused:
        return JSONResponse(refused.as_json())
    return JSONResponse({"ok": True, **answer})


async def stream(request: Request) -> Response:
    world: World = request.app.state.world
    try:
        user = _person(request, request.query_params.get("token"))
    except Refused as refused:
        return JSONResponse(refused.as_json(), status_code=401)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(world.hints.stream(user), media_type="text/event-stream", headers=headers)


async def link(socket: WebSocket) -> None:
    world: World = socket.app.state.world
    await world.links.serve(socket)


def application(world: World) -> Starlette:
    routes: list[BaseRoute] = [
        Route("/", page),
        Route("/page/{file}", page),
        Route("/api/{method}", api.answer, methods=["GET", "POST"]),
        Route("/oauth/v2/authorize", oauth.authorize),
        Route("/upload/{file_id}", uploads.upload, methods=["POST", "PUT"]),
        Route("/files/{file_id}", uploads.download),
        Route("/response/{key}", response_urls.answer, methods=["POST"]),
        Route("/client/stream", stream),
        Route("/client/{gesture}", gesture, methods=["POST"]),
        Route("/client/{what}", shown),
        Route("/control/faults", control.faults, methods=["POST"]),
        Route("/control/traffic", control.traffic),
        Route("/control/reset", control.reset, methods=["POST"]),
        WebSocketRoute("/link/{ticket}", link),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(LoopbackOnly)
    app.state.world = world
    app.state.closing = asyncio.Event()
    return app
