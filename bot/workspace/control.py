"""`/control/*`, for tests only and behind the control token: faults, changes of the world, the traffic log, reset.

`POST /control/faults` takes one object or a list of them: a fault of `faults.py`, or something to do at once:
  `{"do": "close_sockets", "reason": "warning" | "refresh_requested" | "link_disabled" | "too_many_websockets" | "abort"}`
  `{"do": "revoke_token"}` · `{"do": "expire_triggers"}` · `{"do": "expire_response_urls"}` · `{"do": "release_held"}`
  `{"do": "skew_clock", "seconds": n}` · `{"do": "set_user", "user": id, "set": {…}}` (`visible: false` hides a user)
  `{"do": "set_usergroup", "usergroup": id, "users": […]}` · `{"do": "set_channel", "channel": id, "set": {…}}`
  `{"do": "set_member", "channel": id, "user": id, "member": bool}` · `{"do": "set_request_url", "url": …}`
"""

import hmac
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.workspace.calls import BOT
from bot.workspace.config import BOT_USER_ID
from bot.workspace.refusals import Refused
from bot.workspace.sockets import DISCONNECT_REASONS, WARNING_SECONDS
from bot.workspace.world import World

Json = dict[str, Any]


def permitted(request: Request) -> bool:
    world: World = request.app.state.world
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), world.config.control_token.encode())


async def faults(request: Request) -> Response:
    world: World = request.app.state.world
    if not permitted(request):
        return JSONResponse({"ok": False, "error": "invalid_auth"}, status_code=401)
    wanted = await request.json()
    try:
        for each in wanted if isinstance(wanted, list) else [wanted]:
            await disturb(world, each)
    except Refused as refused:
        return JSONResponse(refused.as_json(), status_code=400)
    return JSONResponse({"ok": True})


async def traffic(request: Request) -> Response:
    world: World = request.app.state.world
    if not permitted(request):
        return JSONResponse({"ok": False, "error": "invalid_auth"}, status_code=401)
    since = int(request.query_params.get("since", "0"))
    return JSONResponse({"ok": True, "entries": [each for each in world.traffic.entries if each["seq"] > since]})


async def reset(request: Request) -> Response:
    world: World = request.app.state.world
    if not permitted(request):
        return JSONResponse({"ok": False, "error": "invalid_auth"}, status_code=401)
    world.reset()
    return JSONResponse({"ok": True})


async def disturb(world: World, spec: Json) -> None:
    """Adds a fault, or does at once what `spec` says."""
    if "kind" in spec:
        world.faults.add(spec)
        return
    if spec.get("do") == "close_sockets":
        await _close_sockets(world, str(spec.get("reason", "refresh_requested")))
        return
    act = _AT_ONCE.get(str(spec.get("do")))
    if act is None:
        raise Refused("invalid_arguments", problem=f"unknown: {spec.get('do')}")
    try:
        act(world, spec)
    except (KeyError, ValueError, TypeError) as problem:
        raise Refused("invalid_arguments", problem=f"{type(problem).__name__}: {problem}") from None


async def _close_sockets(world: World, reason: str) -> None:
    if reason == "abort":
        await world.links.close()
    elif reason in DISCONNECT_REASONS:
        await world.links.disconnect(reason, world.config.scaled(WARNING_SECONDS))
    else:
        raise Refused("invalid_arguments", problem=f"unknown reason: {reason}")


def _revoke_token(world: World, spec: Json) -> None:
    event: Json = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER_ID]}}
    world.tell(event | {"event_ts": world.clock.next_ts()})
    world.revoked.add(BOT)


def _expire_triggers(world: World, spec: Json) -> None:
    for trigger in world.surfaces.triggers.values():
        trigger.expires_at = 0.0


def _expire_response_urls(world: World, spec: Json) -> None:
    for entry in world.surfaces.response_urls.values():
        entry.expires_at = 0.0


def _release_held(world: World, spec: Json) -> None:
    world.delivery.release_held()


def _skew_clock(world: World, spec: Json) -> None:
    world.clock.skew = float(spec["seconds"])


def _set_user(world: World, spec: Json) -> None:
    user = world.directory.users[spec["user"]]
    changes = dict(spec["set"])
    if "visible" in changes:
        hidden = world.directory.invisible
        (hidden.discard if changes.pop("visible") else hidden.add)(user["id"])
    user.update(changes)
    world.tell({"type": "user_change", "user": user, "event_ts": world.clock.next_ts()})


def _set_usergroup(world: World, spec: Json) -> None:
    group = world.directory.usergroups[spec["usergroup"]]
    before, after = set(group["users"]), list(spec["users"])
    group |= {"users": after, "user_count": len(after)}
    event: Json = {
        "type": "subteam_members_changed",
        "subteam_id": group["id"],
        "team_id": group["team_id"],
        "added_users": sorted(set(after) - before),
        "removed_users": sorted(before - set(after)),
        "event_ts": world.clock.next_ts(),
    }
    world.tell(event)


def _set_channel(world: World, spec: Json) -> None:
    channel = world.directory.channels[spec["channel"]]
    for name, value in spec["set"].items():
        if name not in {"archived", "ext_shared", "name", "topic"}:
            raise Refused("invalid_arguments", problem=f"unknown: {name}")
        setattr(channel, name, value)


def _set_member(world: World, spec: Json) -> None:
    members = world.directory.channels[spec["channel"]].members
    (members.add if spec.get("member", True) else members.discard)(spec["user"])


def _set_request_url(world: World, spec: Json) -> None:
    world.delivery.request_url = spec.get("url")


_AT_ONCE: dict[str, Callable[[World, Json], None]] = {
    "revoke_token": _revoke_token,
    "expire_triggers": _expire_triggers,
    "expire_response_urls": _expire_response_urls,
    "release_held": _release_held,
    "skew_clock": _skew_clock,
    "set_user": _set_user,
    "set_usergroup": _set_usergroup,
    "set_channel": _set_channel,
    "set_member": _set_member,
    "set_request_url": _set_request_url,
}
