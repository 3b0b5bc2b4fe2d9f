"""The `views.*` methods: modals and App Home."""

from typing import Any

from bot.workspace.blockkit import check_view
from bot.workspace.calls import BOT, Call, Json, Method
from bot.workspace.refusals import Refused
from bot.workspace.surfaces import View


def _body(call: Call) -> Any:
    body = call.structure("view")
    if body is None:
        raise Refused("invalid_arguments", response_metadata={"messages": ["[ERROR] missing required field: view"]})
    return body


def _check_hash(call: Call, view: View) -> None:
    expected = call.text("hash")
    if expected and expected != view.hash:
        raise Refused("hash_conflict")


def _hint(call: Call, view: View) -> Json:
    kind = "home" if view.body["type"] == "home" else "view"
    call.world.hints.send({view.user}, {"type": kind, "view_id": view.id})
    return {"view": view.as_json()}


def _trigger(call: Call) -> str:
    return call.text("trigger_id") or call.need("interactivity_pointer", "invalid_trigger_id")


def open_(call: Call) -> Json:
    body = check_view(_body(call), "modal")
    now = call.world.clock.now()
    trigger = call.world.surfaces.use_trigger(_trigger(call), now)
    return _hint(call, call.world.surfaces.open_view(trigger.user, body, now))


def push(call: Call) -> Json:
    body = check_view(_body(call), "modal")
    now = call.world.clock.now()
    trigger = call.world.surfaces.use_trigger(_trigger(call), now)
    if not call.world.surfaces.stack(trigger.user):
        raise Refused("not_found")
    return _hint(call, call.world.surfaces.push_view(trigger.user, body, now))


def update(call: Call) -> Json:
    if not call.text("view_id") and not call.text("external_id"):
        messages = ["[ERROR] missing required field: view_id"]
        raise Refused("invalid_arguments", response_metadata={"messages": messages})
    view = call.world.surfaces.find_view(call.text("view_id"), call.text("external_id"))
    if view is None:
        raise Refused("not_found")
    body = check_view(_body(call), view.body["type"])
    _check_hash(call, view)
    return _hint(call, call.world.surfaces.update_view(view, body, call.world.clock.now()))


def publish(call: Call) -> Json:
    if not call.world.manifest.home:
        raise Refused("not_enabled")
    user = call.world.directory.user(call.need("user_id", "user_not_found"))
    body = check_view(_body(call), "home")
    current = call.world.surfaces.homes.get(user["id"])
    if current is not None:
        _check_hash(call, current)
    return _hint(call, call.world.surfaces.publish(user["id"], body, call.world.clock.now()))


_TOKENS = frozenset({BOT})
METHODS = {
    "views.open": Method(open_, tokens=_TOKENS, tier=4),
    "views.push": Method(push, tokens=_TOKENS, tier=4),
    "views.update": Method(update, tokens=_TOKENS, tier=4),
    "views.publish": Method(publish, tokens=_TOKENS, tier=4),
}
