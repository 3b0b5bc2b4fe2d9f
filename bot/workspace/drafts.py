"""Turns what a caller wants to post into a `Draft`, or refuses it as Slack does: texts, blocks, metadata, threads."""

import json
import re
from typing import Any

from bot.slack import limits
from bot.workspace.blockkit import check_message_blocks
from bot.workspace.directory import Channel
from bot.workspace.refusals import Refused
from bot.workspace.timeline import Message
from bot.workspace.world import Draft, World

Json = dict[str, Any]
_EVENT_TYPE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.]*")


def checked_text(text: str | None) -> str:
    if text is not None and len(text) > limits.MESSAGE_TEXT:
        raise Refused("msg_too_long")
    return text or ""


def checked_content(
    text: str | None, blocks: Any, attachments: Any = None, markdown: str | None = None
) -> tuple[str, list[Json] | None, list[Json] | None]:
    """The text, blocks and attachments of a message; `no_text` when there is none of them."""
    if markdown is not None:
        return _markdown_content(text, blocks, markdown)
    checked_text(text)
    if attachments is not None:
        _check_attachments(attachments)
    if blocks is not None:
        check_message_blocks(blocks)
    if not text and not blocks and not attachments:
        raise Refused("no_text")
    return text or "", blocks or None, attachments or None


def _markdown_content(text: str | None, blocks: Any, markdown: str) -> tuple[str, list[Json], None]:
    if text or blocks:
        raise Refused("markdown_text_conflict")
    if len(markdown) > limits.MESSAGE_MARKDOWN_TEXT:
        raise Refused("msg_too_long")
    if not markdown:
        raise Refused("no_text")
    return markdown, [{"type": "markdown", "text": markdown}], None


def _check_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise Refused("invalid_attachments")
    if len(attachments) > limits.MESSAGE_ATTACHMENTS:
        raise Refused("too_many_attachments")
    for each in attachments:
        if each.get("blocks") is not None:
            check_message_blocks(each["blocks"])


def checked_metadata(metadata: Any, *, from_app: bool) -> Json | None:
    if metadata is None:
        return None
    if not from_app:
        raise Refused("metadata_must_be_sent_from_app")
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    if not metadata:
        return {}
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not _EVENT_TYPE.fullmatch(kind) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if set(metadata) - {"event_type", "event_payload", "entities"}:
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > limits.MESSAGE_METADATA_BYTES:
        raise Refused("metadata_too_large")
    return metadata


def checked_thread(world: World, channel: Channel, thread_ts: str | None) -> str | None:
    """The parent's `ts`. Stricter than Slack, which quietly accepts the `ts` of a reply or of nothing."""
    if not thread_ts:
        return None
    parent = world.timeline.find(channel.id, thread_ts)
    if parent is None and not world.timeline.replies(channel.id, thread_ts):
        raise Refused("thread_not_found")
    if parent is not None and (parent.is_reply or parent.ephemeral_to is not None):
        raise Refused("cannot_reply_to_message")
    return thread_ts


def visible_message(world: World, channel: Channel, ts: str | None, error: str = "message_not_found") -> Message:
    """A stored message that is not ephemeral."""
    message = world.timeline.find(channel.id, ts or "")
    if message is None or message.ephemeral_to is not None:
        raise Refused(error)
    return message


def drafted(world: World, channel: Channel, body: Json, *, from_app: bool) -> Draft:
    """A draft from the fields of `chat.postMessage` or of a response URL's body."""
    text, blocks, attachments = checked_content(
        body.get("text"), body.get("blocks"), body.get("attachments"), body.get("markdown_text")
    )
    return Draft(
        text=text,
        blocks=blocks,
        attachments=attachments,
        thread_ts=checked_thread(world, channel, body.get("thread_ts")),
        broadcast=body.get("reply_broadcast") in (True, "1", "true"),
        metadata=checked_metadata(body.get("metadata"), from_app=from_app) or None,
    )
