"""The `chat.scheduleMessage` family: messages that wait for their time, in memory only."""

import asyncio
import secrets
from typing import Any

from bot.slack import limits
from bot.workspace.calls import BOT, Call, Json, Method
from bot.workspace.drafts import drafted
from bot.workspace.methods.chat import decoded_body, postable_channel
from bot.workspace.methods.paging import metadata, page
from bot.workspace.refusals import Refused

_WINDOW_SECONDS = 300
_WINDOW_MESSAGES = 30


def schedule(call: Call) -> Json:
    channel = postable_channel(call)
    post_at = call.number("post_at", 0, "invalid_time")
    now = call.world.clock.now()
    if post_at <= now:
        raise Refused("time_in_past")
    if post_at - now > limits.SCHEDULE_AHEAD_SECONDS:
        raise Refused("time_too_far")
    near = [each for each in call.world.scheduled.values() if _same_window(each, channel.id, post_at)]
    if len(near) >= _WINDOW_MESSAGES:
        raise Refused("restricted_too_many")
    draft = drafted(call.world, channel, decoded_body(call), from_app=call.actor.kind == BOT)
    scheduled_id = f"Q{secrets.token_hex(5).upper()}"

    def post() -> None:
        if call.world.scheduled.pop(scheduled_id, None) is not None:
            call.world.post(channel, call.actor.user_id, draft)

    timer = asyncio.get_running_loop().call_later(post_at - now, post)
    entry: dict[str, Any] = {"id": scheduled_id, "channel_id": channel.id, "post_at": post_at, "text": draft.text}
    call.world.scheduled[scheduled_id] = {**entry, "date_created": int(now), "timer": timer}
    message = {"text": draft.text, "type": "delayed_message", "user": call.actor.user_id}
    return {"channel": channel.id, "scheduled_message_id": scheduled_id, "post_at": post_at, "message": message}


def _same_window(entry: Json, channel: str, post_at: int) -> bool:
    window = bool(entry["post_at"] // _WINDOW_SECONDS == post_at // _WINDOW_SECONDS)
    return window and bool(entry["channel_id"] == channel)


def list_(call: Call) -> Json:
    channel = call.text("channel")
    found = [each for each in call.world.scheduled.values() if channel in {None, each["channel_id"]}]
    items, following = page(call, found, limits.HISTORY_PAGE)
    shown = [{name: value for name, value in each.items() if name != "timer"} for each in items]
    return {"scheduled_messages": shown, **metadata(following)}


def delete(call: Call) -> Json:
    channel = call.joined_channel()
    entry = call.world.scheduled.get(call.need("scheduled_message_id", "invalid_scheduled_message_id"))
    if entry is None or entry["channel_id"] != channel.id:
        raise Refused("invalid_scheduled_message_id")
    entry["timer"].cancel()
    del call.world.scheduled[entry["id"]]
    return {}


_WRITE = ("chat:write",)
METHODS = {
    "chat.scheduleMessage": Method(schedule, _WRITE, tier=3),
    "chat.scheduledMessages.list": Method(list_, tier=3),
    "chat.deleteScheduledMessage": Method(delete, _WRITE, tier=3),
}
