"""Reading what was rendered, as a person or a screen reader would. No test lives here."""

from collections.abc import Iterator
from typing import Any

from bot.core.canonical import Json, parse_lines


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a message or view, outermost first."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from objects(each)


def words(value: Any) -> str:
    """All text of blocks, in order; mentions as ``<@U…>``, user groups as ``<!S…>``, channels as ``<#C…>``."""
    parts = []
    for each in objects(value):
        match each.get("type"):
            case "text" | "plain_text" | "mrkdwn":
                parts.append(each["text"])
            case "user":
                parts.append(f"<@{each['user_id']}>")
            case "channel":
                parts.append(f"<#{each['channel_id']}>")
            case "usergroup":
                parts.append(f"<!{each['usergroup_id']}>")
            case "date":
                parts.append(each["fallback"])
    return " ".join(parts)


def preformatted(blocks: Any) -> str:
    """What stands in the preformatted blocks, joined with nothing between."""
    found = (each for each in objects(blocks) if each.get("type") == "rich_text_preformatted")
    return "".join(run["text"] for each in found for run in each["elements"])


def shown_arguments(blocks: Any) -> dict[str, Json]:
    """The arguments as a person can read them off."""
    text = preformatted(blocks)
    return parse_lines(text.split("\n")) if text else {}


def buttons(blocks: Any) -> dict[str, dict[str, Any]]:
    """The buttons by their action ids."""
    return {each["action_id"]: each for each in objects(blocks) if each.get("type") == "button"}
