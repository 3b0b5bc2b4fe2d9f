"""Decoration of threads: `assistant.threads.*`, `agents.sessions.*`, reactions, pins and bookmarks."""

from bot.slack import limits
from bot.workspace.calls import Call, Json, Method
from bot.workspace.directory import Channel
from bot.workspace.drafts import visible_message
from bot.workspace.refusals import Refused
from bot.workspace.timeline import Message

_SESSION_STATES = frozenset({"processing", "active", "suspended", "closed"})


def _thread(call: Call) -> tuple[Channel, str]:
    channel = call.joined_channel("channel_id")
    ts = call.need("thread_ts", "invalid_thread_ts")
    if call.world.timeline.find(channel.id, ts) is None and channel.kind != "im":
        raise Refused("invalid_thread_ts")
    return channel, ts


def set_status(call: Call) -> Json:
    channel, ts = _thread(call)
    loading = call.structure("loading_messages") or []
    if len(loading) > limits.STATUS_LOADING_MESSAGES or any(len(m) > limits.STATUS_LOADING_MESSAGE for m in loading):
        raise Refused("invalid_arguments")
    call.world.set_status(channel, ts, call.text("status") or "", loading)
    return {}


def set_title(call: Call) -> Json:
    _thread(call)
    call.need("title")
    return {}


def set_suggested_prompts(call: Call) -> Json:
    call.joined_channel("channel_id")
    prompts = call.structure("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= limits.SUGGESTED_PROMPTS:
        raise Refused("invalid_arguments")
    if not all(isinstance(each, dict) and each.get("title") and each.get("message") for each in prompts):
        raise Refused("invalid_arguments")
    return {}


def set_session_status(call: Call) -> Json:
    channel, ts = _thread(call)
    status = call.need("status")
    if status not in _SESSION_STATES:
        raise Refused("invalid_arguments")
    words = {"processing": "Working…", "suspended": "Waiting for you"}
    call.world.set_status(channel, ts, words.get(status, ""))
    return {}


def _reaction(call: Call) -> tuple[Message, str]:
    channel = call.joined_channel()
    message = visible_message(call.world, channel, call.text("timestamp"))
    return message, call.need("name", "no_reaction").strip(":")


def _tell_reaction(call: Call, kind: str, message: Message, name: str) -> None:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    event: Json = {"type": kind, "user": call.actor.user_id, "reaction": name, "item": item}
    event |= {"item_user": message.author, "event_ts": call.world.clock.next_ts()}
    channel = call.world.directory.channels[message.channel]
    call.world.tell(event, channel)
    call.world.hint(channel, "changed", message.ts)


def add_reaction(call: Call) -> Json:
    message, name = _reaction(call)
    reactions: list[Json] = message.wire.setdefault("reactions", [])
    entry = next((each for each in reactions if each["name"] == name), None)
    if entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    if call.actor.user_id in entry["users"]:
        raise Refused("already_reacted")
    entry["users"].append(call.actor.user_id)
    entry["count"] += 1
    _tell_reaction(call, "reaction_added", message, name)
    return {}


def remove_reaction(call: Call) -> Json:
    message, name = _reaction(call)
    for entry in message.wire.get("reactions", []):
        if entry["name"] == name and call.actor.user_id in entry["users"]:
            entry["users"].remove(call.actor.user_id)
            entry["count"] -= 1
            message.wire["reactions"] = [each for each in message.wire["reactions"] if each["count"]]
            _tell_reaction(call, "reaction_removed", message, name)
            return {}
    raise Refused("no_reaction")


def get_reactions(call: Call) -> Json:
    channel = call.joined_channel()
    message = visible_message(call.world, channel, call.text("timestamp"))
    return {"type": "message", "channel": channel.id, "message": call.world.timeline.shown(message)}


def pin(call: Call) -> Json:
    channel = call.joined_channel()
    message = visible_message(call.world, channel, call.text("timestamp"))
    if message.wire.get("pinned_to"):
        raise Refused("already_pinned")
    message.wire["pinned_to"] = [channel.id]
    return {}


def add_bookmark(call: Call) -> Json:
    channel = call.joined_channel("channel_id")
    bookmark = {"id": f"Bk{call.world.clock.next_ts().replace('.', '')}", "channel_id": channel.id}
    return {"bookmark": bookmark | {"title": call.need("title"), "type": call.need("type"), "link": call.text("link")}}


METHODS = {
    "assistant.threads.setStatus": Method(set_status, ("chat:write", "assistant:write")),
    "assistant.threads.setTitle": Method(set_title, ("assistant:write",), tier=4),
    "assistant.threads.setSuggestedPrompts": Method(set_suggested_prompts, ("assistant:write",), tier=4),
    "agents.sessions.setStatus": Method(set_session_status, ("chat:write", "assistant:write"), tier=4),
    "agents.sessions.rename": Method(set_title, ("assistant:write",), tier=4),
    "reactions.add": Method(add_reaction, ("reactions:write",), tier=3),
    "reactions.remove": Method(remove_reaction, ("reactions:write",), tier=2),
    "reactions.get": Method(get_reactions, ("reactions:read",), tier=3),
    "pins.add": Method(pin, ("pins:write",), tier=2),
    "bookmarks.add": Method(add_bookmark, ("bookmarks:write",), tier=2),
}
