"""The `chat.*` methods for whole messages. Streams stand in `streams.py`."""

from typing import Any

from bot.workspace.blockkit import with_block_ids
from bot.workspace.calls import BOT, PERSON, Call, Json, Method
from bot.workspace.config import TEAM_DOMAIN
from bot.workspace.directory import Channel
from bot.workspace.drafts import checked_content, checked_metadata, drafted, visible_message
from bot.workspace.refusals import Refused
from bot.workspace.timeline import Message
from bot.workspace.wording import normalised

_JSON_FIELDS = ("blocks", "attachments", "metadata")
_FIELD_ERRORS = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}


def decoded_body(call: Call) -> Json:
    """The call's arguments with those that may be strings of JSON decoded."""
    body: Json = {name: value for name, value in call.args.items() if value is not None}
    for name in _JSON_FIELDS:
        if name in body:
            body[name] = call.structure(name, _FIELD_ERRORS.get(name, "invalid_attachments"))
    return body


def postable_channel(call: Call) -> Channel:
    """Where the actor may post: a channel it is in, or a person, which opens their direct message."""
    reference = call.need("channel", "channel_not_found")
    directory = call.world.directory
    if call.by_bot and reference in directory.users:
        if directory.users[reference]["deleted"] or directory.users[reference]["is_bot"]:
            raise Refused("channel_not_found")
        channel = directory.direct(reference)
    else:
        channel = directory.joined_by(reference, call.actor.user_id)
    if channel.archived:
        raise Refused("is_archived")
    if channel.kind == "im" and not call.by_bot and not call.world.manifest.messages_tab:
        raise Refused("messages_tab_disabled")
    return channel


def post_message(call: Call) -> Json:
    channel = postable_channel(call)
    draft = drafted(call.world, channel, decoded_body(call), from_app=call.actor.kind == BOT)
    message = call.world.post(channel, call.actor.user_id, draft)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": call.world.timeline.shown(message, metadata=True),
    }


def post_ephemeral(call: Call) -> Json:
    channel = postable_channel(call)
    reader = call.need("user", "user_not_in_channel")
    if reader not in channel.members:
        raise Refused("user_not_in_channel")
    body = decoded_body(call)
    thread_ts = body.pop("thread_ts", None)
    draft = drafted(call.world, channel, body, from_app=True)
    message = call.world.post_ephemeral(channel, reader, draft)
    if thread_ts:
        message.wire["thread_ts"] = thread_ts
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    channel = call.joined_channel()
    if channel.archived:
        raise Refused("is_inactive")
    message = visible_message(call.world, channel, call.text("ts"))
    if message.author != call.actor.user_id:
        raise Refused("cant_update_message")
    if message.stream is not None and message.stream["open"]:
        raise Refused("streaming_state_conflict")
    body = decoded_body(call)
    changes = _changes(body)
    if "metadata" in body:
        message.metadata = checked_metadata(body["metadata"], from_app=call.actor.kind == BOT) or None
    blocks_only = "text" not in body and "markdown_text" not in body
    call.world.edit(message, changes, editor=call.actor.user_id, marked=not blocks_only)
    shown = call.world.timeline.shown(message, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": shown["text"], "message": shown}


def _changes(body: Json) -> dict[str, Any]:
    """`text` without `blocks` removes the blocks; `blocks` without `text` keeps the text."""
    markdown = body.get("markdown_text")
    text, blocks, attachments = checked_content(body.get("text"), body.get("blocks"), body.get("attachments"), markdown)
    changes: dict[str, Any] = {}
    if "text" in body or markdown is not None:
        changes |= {"text": normalised(text), "blocks": None, "attachments": None}
    if "blocks" in body or blocks:
        changes["blocks"] = with_block_ids(blocks) if blocks else None
    if "attachments" in body:
        changes["attachments"] = attachments
    return changes


def delete(call: Call) -> Json:
    channel = call.joined_channel()
    message = visible_message(call.world, channel, call.text("ts"))
    if not may_delete(call, message):
        raise Refused("cant_delete_message")
    call.world.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def may_delete(call: Call, message: Message) -> bool:
    """One's own message, or any as an admin."""
    user = call.world.directory.users[call.actor.user_id]
    return message.author == call.actor.user_id or (user["is_admin"] and not call.by_bot)


def get_permalink(call: Call) -> Json:
    channel = call.world.directory.seen_by(call.need("channel", "channel_not_found"), call.actor.user_id)
    message = visible_message(call.world, channel, call.text("message_ts"))
    link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def me_message(call: Call) -> Json:
    channel = postable_channel(call)
    draft = drafted(call.world, channel, {"text": call.need("text", "no_text")}, from_app=False)
    message = call.world.post(channel, call.actor.user_id, draft)
    message.wire["subtype"] = "me_message"
    return {"channel": channel.id, "ts": message.ts}


_WRITE = ("chat:write",)
METHODS = {
    "chat.postMessage": Method(post_message, _WRITE, posts=True),
    "chat.postEphemeral": Method(post_ephemeral, _WRITE, tier=4),
    "chat.update": Method(update, _WRITE, tier=3),
    "chat.delete": Method(delete, _WRITE, tier=3),
    "chat.getPermalink": Method(get_permalink),
    "chat.meMessage": Method(me_message, _WRITE, tokens=frozenset({PERSON}), tier=3),
}
