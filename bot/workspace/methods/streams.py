"""The streaming methods: `chat.startStream`, `chat.appendStream`, `chat.stopStream`."""

from typing import Any

from bot.slack import limits
from bot.workspace.blockkit import check_message_blocks, with_block_ids
from bot.workspace.calls import BOT, Call, Json, Method
from bot.workspace.drafts import checked_metadata, checked_thread, visible_message
from bot.workspace.methods.chat import postable_channel
from bot.workspace.refusals import Refused
from bot.workspace.timeline import Message
from bot.workspace.world import Draft

_CHUNKS = frozenset({"markdown_text", "task_update", "plan_update", "blocks"})
_TASK_STATES = frozenset({"pending", "in_progress", "complete", "error"})


def start(call: Call) -> Json:
    channel = postable_channel(call)
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            call.need(name, f"missing_{name}")
    thread_ts = checked_thread(call.world, channel, call.need("thread_ts", "invalid_thread_ts"))
    chunks = _chunks(call)
    message = call.world.post(channel, call.actor.user_id, Draft("", thread_ts=thread_ts))
    mode = "chunks" if chunks else "markdown_text"
    message.stream = {"open": True, "mode": mode, "chunks": [], "since": call.world.clock.now()}
    message.wire["streaming_state"] = "in_progress"
    _extend(call, message, chunks)
    return {"channel": channel.id, "ts": message.ts}


def append(call: Call) -> Json:
    message = _open_stream(call)
    chunks = _chunks(call)
    if not chunks and not call.text("markdown_text"):
        raise Refused("no_text")
    _extend(call, message, chunks)
    return {"channel": message.channel, "ts": message.ts}


def stop(call: Call) -> Json:
    message = _open_stream(call)
    _extend(call, message, _chunks(call))
    changes: Json = {"streaming_state": "completed"}
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks:
        own = [each for each in message.wire.get("blocks", []) if each["type"] == "markdown"]
        changes["blocks"] = [*own, *with_block_ids(check_message_blocks(blocks))]
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata is not None:
        message.metadata = checked_metadata(metadata, from_app=True)
    if message.stream is not None:
        message.stream["open"] = False
    call.world.edit(message, changes, editor=call.actor.user_id, marked=False)
    shown = call.world.timeline.shown(message, metadata=True)
    return {"channel": message.channel, "ts": message.ts, "message": shown}


def _open_stream(call: Call) -> Message:
    channel = postable_channel(call)
    message = visible_message(call.world, channel, call.text("ts"))
    if message.author != call.actor.user_id:
        raise Refused("message_not_owned_by_app")
    if message.stream is None or not message.stream["open"]:
        raise Refused("message_not_in_streaming_state")
    lifetime = call.world.config.scaled(limits.STREAM_SECONDS)
    if call.world.clock.now() - message.stream["since"] > lifetime:
        message.stream["open"] = False
        raise Refused("message_not_in_streaming_state")
    return message


def _chunks(call: Call) -> list[Json]:
    text = call.text("markdown_text")
    chunks = call.structure("chunks", "invalid_chunks")
    if text and chunks:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if text and len(text) > limits.STREAM_MARKDOWN_TEXT:
        raise Refused("msg_too_long")
    if chunks is None:
        return []
    if not isinstance(chunks, list) or not all(_is_chunk(each) for each in chunks):
        raise Refused("invalid_chunks")
    return chunks


def _is_chunk(chunk: Any) -> bool:
    if not isinstance(chunk, dict) or chunk.get("type") not in _CHUNKS:
        return False
    if len(chunk.get("title") or "") > limits.STREAM_CHUNK_TITLE:
        return False
    match chunk["type"]:
        case "markdown_text":
            return isinstance(chunk.get("text"), str) and len(chunk["text"]) <= limits.STREAM_MARKDOWN_TEXT
        case "task_update":
            return bool(chunk.get("id")) and chunk.get("status") in _TASK_STATES
        case "plan_update":
            return bool(chunk.get("title"))
        case _:
            return isinstance(chunk.get("blocks"), list)


def _extend(call: Call, message: Message, chunks: list[Json]) -> None:
    """Adds text or chunks; a stream stays in the mode it was opened in."""
    text = call.text("markdown_text")
    stream = message.stream or {}
    if (text and stream["mode"] == "chunks") or (chunks and stream["mode"] == "markdown_text"):
        raise Refused("streaming_mode_mismatch")
    if not text and not chunks:
        return
    stream["chunks"] += chunks or [{"type": "markdown_text", "text": text}]
    written = "".join(each["text"] for each in stream["chunks"] if each["type"] == "markdown_text")
    message.wire["text"] = written
    if written:
        message.wire["blocks"] = with_block_ids([{"type": "markdown", "text": written}])
    call.world.hint(call.world.directory.channels[message.channel], "changed", message.ts)


_WRITE = ("chat:write",)
_TOKENS = frozenset({BOT})
METHODS = {
    "chat.startStream": Method(start, _WRITE, _TOKENS, tier=2, posts=True),
    "chat.appendStream": Method(append, _WRITE, _TOKENS, tier=4),
    "chat.stopStream": Method(stop, _WRITE, _TOKENS, tier=2),
}
