"""Slack's cursors: opaque strings that name the next item. Nothing else."""

import base64
from collections.abc import Sequence
from typing import Any, TypeVar

from bot.workspace.calls import Call, Json
from bot.workspace.refusals import Refused

Item = TypeVar("Item")


def page(call: Call, items: Sequence[Item], default: int, most: int = 1_000) -> tuple[Sequence[Item], Json]:
    """One page of `items` as the call's `cursor` and `limit` ask, and the `response_metadata` that leads on."""
    limit = call.number("limit", default)
    if not 1 <= limit <= most:
        raise Refused("invalid_limit")
    start = _position(call.text("cursor"))
    if start > len(items):
        raise Refused("invalid_cursor")
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], {"next_cursor": following}


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        kind, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if kind == "next":
            return int(number)
    except ValueError:
        pass
    raise Refused("invalid_cursor")


def metadata(next_page: Json) -> dict[str, Any]:
    return {"response_metadata": next_page}
