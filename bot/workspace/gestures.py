"""`POST /client/*`: what a person does in Slack's client and no API offers. Each answers after the app acked or was silent."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.workspace import interactions
from bot.workspace.blockkit import interactive_elements
from bot.workspace.blockkit.elements import STATEFUL
from bot.workspace.config import BOT_USER_ID, TEAM_ID
from bot.workspace.directory import Channel
from bot.workspace.drafts import checked_text, drafted, visible_message
from bot.workspace.refusals import Refused
from bot.workspace.submissions import applied
from bot.workspace.surfaces import View
from bot.workspace.timeline import Message
from bot.workspace.wording import normalised
from bot.workspace.world import World

Json = dict[str, Any]
Gesture = Callable[[World, str, Json], Awaitable[Json]]


async def click(world: World, user: str, body: Json) -> Json:
    _need_interactivity(world)
    if body.get("view_id"):
        payload = _click_in_view(world, user, body)
    elif body.get("force"):
        payload = _forced_click(world, user, body)
    else:
        payload = _click_in_message(world, user, body)
    attempt = await world.delivery.send_interaction(payload)
    return {"ack": "ok" if attempt.acked else "no_ack"}


def _click_in_message(world: World, user: str, body: Json) -> Json:
    channel = world.directory.joined_by(str(body.get("channel")), user)
    message = world.timeline.find(channel.id, str(body.get("message_ts")))
    if message is None or message.ephemeral_to not in {None, user}:
        raise Refused("message_not_found")
    block_id, element = _element(message.wire.get("blocks") or [], body)
    action = interactions.action_of(world, block_id, element, body.get("value"))
    return interactions.message_click(world, user, channel, message, action)


def _forced_click(world: World, user: str, body: Json) -> Json:
    """A click that Slack's client would not offer any more: an old card, a deleted message, a tampered value."""
    channel = world.directory.channel_of(str(body.get("channel")))
    if channel is None:
        raise Refused("channel_not_found")
    ts = str(body.get("message_ts"))
    stored = world.timeline.find(channel.id, ts)
    gone: Json = {"type": "message", "ts": ts, "text": "", "user": BOT_USER_ID, "blocks": []}
    action: Json = {
        "type": "button",
        "action_id": str(body.get("action_id")),
        "block_id": str(body.get("block_id") or "gone"),
        "text": {"type": "plain_text", "text": "Button", "emoji": True},
        "action_ts": str(body.get("action_ts") or world.clock.next_ts()),
    }
    if body.get("value") is not None:
        action["value"] = body["value"]
    return interactions.message_click(world, user, channel, stored or gone, action)


def _click_in_view(world: World, user: str, body: Json) -> Json:
    view = _own_view(world, user, body)
    _take_values(view, body)
    block_id, element = _element(view.body["blocks"], body)
    action = interactions.action_of(world, block_id, element, body.get("value"))
    if element["type"] in STATEFUL:
        view.values.setdefault(block_id, {})[element["action_id"]] = interactions.state_after(action)
    return interactions.view_click(world, view, action)


def _element(blocks: list[Json], body: Json) -> tuple[str, Json]:
    for block, element in interactive_elements(blocks):
        if element["action_id"] == body.get("action_id") and body.get("block_id") in {None, "", block["block_id"]}:
            return block["block_id"], element
    raise Refused("element_not_found")


def _own_view(world: World, user: str, body: Json) -> View:
    view = world.surfaces.find_view(str(body.get("view_id")), None)
    if view is None or view.user != user:
        raise Refused("view_not_found")
    return view


def _take_values(view: View, body: Json) -> None:
    """What was typed in the page so far; fields that the view does not have are refused."""
    for block_id, actions in (body.get("values") or {}).items():
        for action_id, state in actions.items():
            if action_id not in view.values.get(block_id, {}):
                raise Refused("element_not_found", block_id=block_id, action_id=action_id)
            kind = view.values[block_id][action_id]["type"]
            view.values[block_id][action_id] = {**state, "type": kind}


async def submit(world: World, user: str, body: Json) -> Json:
    _need_interactivity(world)
    view = _own_view(world, user, body)
    if view.body["type"] != "modal":
        raise Refused("view_not_found")
    _take_values(view, body)
    if problems := _incomplete(view):
        return {"response_action": "errors", "errors": problems, "ack": "ok"}
    attempt = await world.delivery.send_interaction(interactions.submission(world, view))
    if not attempt.acked:
        return {"ack": "no_ack", "response_action": None, "errors": {}}
    return {"ack": "ok", **applied(world, view, attempt.body or {})}


def _incomplete(view: View) -> dict[str, str]:
    """Slack's client keeps a form back until its required fields are filled and its lengths fit."""
    problems: dict[str, str] = {}
    for block in view.body["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = view.values[block["block_id"]][element["action_id"]]
        given = next((value for name, value in state.items() if name != "type"), None)
        if not given:
            if not block.get("optional"):
                problems[block["block_id"]] = "Please complete this required field."
        elif isinstance(given, str) and not _length_fits(element, given):
            problems[block["block_id"]] = "This text is too short or too long."
    return problems


def _length_fits(element: Json, text: str) -> bool:
    most = element.get("max_length") or (3_000 if element["type"] == "plain_text_input" else len(text))
    return bool((element.get("min_length") or 0) <= len(text) <= most)


async def close(world: World, user: str, body: Json) -> Json:
    view = _own_view(world, user, body)
    cleared = bool(view.body.get("clear_on_close"))
    stack = world.surfaces.stack(user)
    closed = list(stack) if cleared else stack[stack.index(view) :] if view in stack else []
    for each in reversed(closed):
        world.surfaces.close_view(each)
    world.hints.send({user}, {"type": "view", "view_id": view.id})
    for each in reversed(closed):
        if each.body.get("notify_on_close"):
            world.delivery.notify(interactions.closing(world, each, cleared=cleared))
    return {}


async def command(world: World, user: str, body: Json) -> Json:
    name = str(body.get("command") or "")
    if not any(each["command"] == name for each in world.manifest.commands):
        raise Refused("unknown_command")
    if "commands" not in world.manifest.bot_scopes:
        raise Refused("unknown_command")
    if world.directory.user(user)["team_id"] != TEAM_ID:
        raise Refused("not_allowed")
    channel = world.directory.joined_by(str(body.get("channel")), user)
    fields = interactions.command(world, user, channel, name, str(body.get("text") or ""))
    attempt = await world.delivery.send_command(fields)
    response = attempt.body or {}
    if response.get("text") or response.get("blocks"):
        _answer_command(world, user, channel, response)
    return {"ack": "ok" if attempt.acked else "no_ack", "response": response}


def _answer_command(world: World, user: str, channel: Channel, response: Json) -> None:
    draft = drafted(world, channel, response, from_app=True)
    if response.get("response_type") == "in_channel":
        world.post(channel, BOT_USER_ID, draft)
    else:
        world.post_ephemeral(channel, user, draft)


async def shortcut(world: World, user: str, body: Json) -> Json:
    _need_interactivity(world)
    kind = "message" if body.get("message_ts") else "global"
    callback_id = str(body.get("callback_id"))
    if not any(each["callback_id"] == callback_id and each["type"] == kind for each in world.manifest.shortcuts):
        raise Refused("unknown_shortcut")
    if world.directory.user(user)["team_id"] != TEAM_ID:
        raise Refused("not_allowed")
    channel: Channel | None = None
    message: Message | None = None
    if kind == "message":
        channel = world.directory.joined_by(str(body.get("channel")), user)
        message = visible_message(world, channel, str(body["message_ts"]))
    payload = interactions.shortcut(world, user, callback_id, channel, message)
    attempt = await world.delivery.send_interaction(payload)
    return {"ack": "ok" if attempt.acked else "no_ack"}


async def open_home(world: World, user: str, body: Json) -> Json:
    tab = str(body.get("tab") or "home")
    if tab == "home" and not world.manifest.home:
        raise Refused("not_enabled")
    channel = world.directory.direct(user)
    event: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
    event["event_ts"] = world.clock.next_ts()
    if tab == "home" and user in world.surfaces.homes:
        event["view"] = world.surfaces.homes[user].as_json()
    world.tell(event, channel)
    return {"channel": channel.id}


async def delete(world: World, user: str, body: Json) -> Json:
    message = _visible_to(world, user, body)
    if message.author != user and not world.directory.user(user)["is_admin"]:
        raise Refused("cant_delete_message")
    world.delete(message)
    return {}


async def edit(world: World, user: str, body: Json) -> Json:
    message = _visible_to(world, user, body)
    if message.author != user:
        raise Refused("cant_update_message")
    text = normalised(checked_text(str(body.get("text") or "")))
    if not text:
        raise Refused("no_text")
    world.edit(message, {"text": text, "blocks": None}, editor=user)
    return {}


def _visible_to(world: World, user: str, body: Json) -> Message:
    channel = world.directory.joined_by(str(body.get("channel")), user)
    return visible_message(world, channel, str(body.get("ts")))


def _need_interactivity(world: World) -> None:
    if not world.manifest.interactivity:
        raise Refused("interactivity_disabled")


GESTURES: dict[str, Gesture] = {
    "click": click,
    "submit": submit,
    "close": close,
    "command": command,
    "shortcut": shortcut,
    "open_home": open_home,
    "delete": delete,
    "edit": edit,
}
