"""The endpoint `/api/<method>`: reads the call in every form slack_sdk sends it, checks the token, the scope and the rate,
applies faults, answers as Slack does and writes the traffic log. What the methods do stands in `methods/`.
"""

import asyncio
import base64
import json
import secrets
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.workspace.calls import APP, BOT, NOBODY, PERSON, Actor, Call, Method
from bot.workspace.config import BOT_USER_ID
from bot.workspace.connections import break_connection
from bot.workspace.faults import Fault
from bot.workspace.methods import METHODS
from bot.workspace.refusals import Refused
from bot.workspace.world import World

Json = dict[str, Any]


async def answer(request: Request) -> Response:
    """Route `/api/{method}`."""
    world: World = request.app.state.world
    name: str = request.path_params["method"]
    args = await arguments(request)
    token = _token(request, args)
    logged = {key: value for key, value in args.items() if key != "client_secret"}
    entry = world.traffic.record("api", method=name, args=logged, token=(token or "")[:4], status=0, answer=None)
    fault = world.faults.strike("api", name)
    if fault is not None and fault.when == "before" and (refused := await _faulted(request, fault)) is not None:
        entry |= {"status": refused.status_code, "fault": fault.do}
        return refused
    status, body, headers = _carried_out(world, request, name, args, token)
    entry |= {"status": status, "answer": body}
    if fault is not None and fault.when == "after" and (refused := await _faulted(request, fault)) is not None:
        entry |= {"status": refused.status_code, "fault": fault.do}
        return refused
    headers |= {"x-oauth-scopes": ",".join(world.manifest.bot_scopes), "x-slack-req-id": secrets.token_hex(16)}
    return JSONResponse(body, status_code=status, headers=headers)


def _carried_out(
    world: World, request: Request, name: str, args: Json, token: str | None
) -> tuple[int, Json, dict[str, str]]:
    try:
        method = METHODS.get(name)
        if method is None:
            raise Refused("unknown_method", req_method=name)
        if method.post_only and request.method != "POST":
            raise Refused("insecure_request")
        actor = actor_of(world, token)
        _check_grant(world, method, actor)
        call = Call(world, actor, args)
        _check_rate(world, name, method, call)
        return 200, {"ok": True, **method.run(call)}, {}
    except Refused as refused:
        return refused.status, refused.as_json(), refused.headers


def actor_of(world: World, token: str | None) -> Actor:
    """Who a token stands for; `Refused` for one that is unknown, revoked or of a deactivated person."""
    if not token:
        return Actor(NOBODY, "")
    if token == world.config.bot_token:
        if BOT in world.revoked:
            raise Refused("token_revoked")
        return Actor(BOT, BOT_USER_ID)
    if token == world.config.app_token:
        return Actor(APP, BOT_USER_ID)
    user = world.directory.users.get(token.removeprefix("xoxp-")) if token.startswith("xoxp-") else None
    if user is None or user["id"] == BOT_USER_ID:
        raise Refused("invalid_auth")
    if user["deleted"]:
        raise Refused("account_inactive")
    return Actor(PERSON, user["id"])


def _check_grant(world: World, method: Method, actor: Actor) -> None:
    if actor.kind not in method.tokens:
        raise Refused("not_authed" if actor.kind == NOBODY else "not_allowed_token_type")
    granted = world.manifest.bot_scopes
    if actor.kind == BOT and method.scopes and not set(method.scopes) & set(granted):
        raise Refused("missing_scope", needed=",".join(method.scopes), provided=",".join(granted))


def _check_rate(world: World, name: str, method: Method, call: Call) -> None:
    """People are not limited: they are the test or the page, and Slack's own clients have other limits."""
    if not world.config.rate_limits or call.actor.kind not in {BOT, APP}:
        return
    now = world.clock.now()
    wait = world.rates.method(name, method.tier, call.actor.kind, now)
    if wait is None and method.posts:
        channel = world.directory.channel_of(call.text("channel") or "")
        wait = world.rates.post(channel.id if channel else call.text("channel") or "", now)
    if wait is not None:
        raise Refused("ratelimited", status=429, headers={"Retry-After": str(wait)})


async def _faulted(request: Request, fault: Fault) -> Response | None:
    """The faulty answer, or None when the fault only made it slow."""
    match fault.do:
        case "ratelimited":
            body = {"ok": False, "error": "ratelimited"}
            return JSONResponse(body, status_code=429, headers={"Retry-After": str(fault.retry_after)})
        case "status":
            return Response("upstream error", status_code=fault.status, media_type="text/html")
        case "error":
            return JSONResponse({"ok": False, "error": fault.error})
        case "lost":
            break_connection(request)
            return Response(status_code=500)
        case "hang":
            await _until_gone(request, fault.seconds or 3_600)
            break_connection(request)
            return Response(status_code=500)
        case _:
            await asyncio.sleep(fault.seconds)
            return None


async def _until_gone(request: Request, seconds: float) -> None:
    """Until the client gives up, the workspace closes or the time is over."""
    closing: asyncio.Event = request.app.state.closing
    ends = {asyncio.ensure_future(closing.wait()), asyncio.ensure_future(request.receive())}
    _, waiting = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()


async def arguments(request: Request) -> Json:
    """Query string, form, multipart and JSON body merged; multipart files are left out."""
    args: Json = dict(request.query_params)
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    match kind:
        case "application/json":
            args |= _json_object(body)
        case "multipart/form-data":
            args |= _multipart(request.headers["content-type"], body)
        case _:
            args |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return args


def _json_object(body: bytes) -> Json:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _multipart(content_type: str, body: bytes) -> Json:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: Json = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if name and part.get_filename() is None:
            fields[str(name)] = part.get_content()
    return fields


def _token(request: Request, args: Json) -> str | None:
    """From the header, else from the arguments, where it does not stay."""
    given = args.pop("token", None)
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        name, _, secret = base64.b64decode(value).decode("utf-8", "replace").partition(":")
        args |= {"client_id": name, "client_secret": secret}
        return None
    return value.strip() if scheme.lower() == "bearer" and value else given
