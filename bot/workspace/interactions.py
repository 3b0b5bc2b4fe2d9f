"""The payloads of clicks, submissions, shortcuts and commands, as Slack builds them. Sends nothing."""

from typing import Any

from bot.workspace.config import APP_ID, TEAM_DOMAIN, TEAM_ID
from bot.workspace.directory import Channel
from bot.workspace.events import VERIFICATION_TOKEN
from bot.workspace.surfaces import View, initial_state, initial_values
from bot.workspace.timeline import Message
from bot.workspace.world import World

Json = dict[str, Any]


def base(world: World, kind: str, user_id: str) -> Json:
    """What every interactive payload carries. `user.team_id` is the person's own workspace."""
    user = world.directory.users[user_id]
    return {
        "type": kind,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": user_id, "username": user["name"], "name": user["name"], "team_id": user["team_id"]},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
    }


def message_click(world: World, user_id: str, channel: Channel, message: Message | Json, action: Json) -> Json:
    """`block_actions` from a message; a plain dict stands for a message that no longer exists."""
    stored = message if isinstance(message, Message) else None
    wire = world.timeline.shown(message) if isinstance(message, Message) else message
    ephemeral = stored is not None and stored.ephemeral_to is not None
    container: Json = {"type": "message", "message_ts": wire["ts"], "channel_id": channel.id}
    container["is_ephemeral"] = ephemeral
    if wire.get("thread_ts"):
        container["thread_ts"] = wire["thread_ts"]
    payload = base(world, "block_actions", user_id) | {
        "container": container,
        "trigger_id": world.new_trigger(user_id),
        "channel": {"id": channel.id, "name": _name(channel)},
        "state": {"values": initial_values(wire.get("blocks") or [])},
        "response_url": world.new_response_url(channel, user_id, stored),
        "actions": [action],
    }
    return payload if ephemeral else payload | {"message": wire}


def view_click(world: World, view: View, action: Json) -> Json:
    return base(world, "block_actions", view.user) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": world.new_trigger(view.user, view.id),
        "view": view.as_json(),
        "actions": [action],
    }


def submission(world: World, view: View) -> Json:
    return base(world, "view_submission", view.user) | {
        "trigger_id": world.new_trigger(view.user, view.id),
        "view": view.as_json(),
        "response_urls": [],
    }


def closing(world: World, view: View, *, cleared: bool) -> Json:
    return base(world, "view_closed", view.user) | {"view": view.as_json(), "is_cleared": cleared}


def shortcut(world: World, user_id: str, callback_id: str, channel: Channel | None, message: Message | None) -> Json:
    """A global `shortcut`, or a `message_action` when there is a message."""
    common: Json = {
        "callback_id": callback_id,
        "trigger_id": world.new_trigger(user_id),
        "action_ts": world.clock.next_ts(),
    }
    if channel is None or message is None:
        return base(world, "shortcut", user_id) | common
    return (
        base(world, "message_action", user_id)
        | common
        | {
            "response_url": world.new_response_url(channel, user_id, message),
            "message_ts": message.ts,
            "channel": {"id": channel.id, "name": _name(channel)},
            "message": world.timeline.shown(message),
        }
    )


def command(world: World, user_id: str, channel: Channel, name: str, text: str) -> Json:
    """The form fields of a slash command; every value is a string."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": _name(channel),
        "user_id": user_id,
        "user_name": world.directory.users[user_id]["name"],
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": world.new_response_url(channel, user_id),
        "trigger_id": world.new_trigger(user_id),
    }


def action_of(world: World, block_id: str, element: Json, value: Any) -> Json:
    """One entry of `actions`: the element as used, `value` being what was chosen or typed."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block_id,
        "action_ts": world.clock.next_ts(),
    }
    if element["type"] == "button":
        action |= {name: element[name] for name in ("text", "value", "style", "confirm") if name in element}
        return action
    if element["type"] in {"overflow", "static_select", "radio_buttons"}:
        return action | {"selected_option": _option(element, value)}
    if element["type"] in {"checkboxes", "multi_static_select"}:
        chosen = value if isinstance(value, list) else [value] if value else []
        return action | {"selected_options": [_option(element, each) for each in chosen]}
    state = initial_state(element)
    key = next(name for name in state if name != "type")
    return action | {key: state[key] if value is None else value}


def state_after(action: Json) -> Json:
    """What `state.values` holds for an element after this action."""
    skipped = {"action_id", "block_id", "action_ts", "text", "style", "confirm"}
    return {name: value for name, value in action.items() if name not in skipped}


def _option(element: Json, value: Any) -> Json | None:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    offered: list[Json] = [each for group in groups for each in group["options"]]
    return next((each for each in offered if each["value"] == value), None)


def _name(channel: Channel) -> str:
    return {"im": "directmessage", "group": "privategroup"}.get(channel.kind, channel.name)
