"""The whole of a message's blocks or of a view: shapes, unique ids, sums over blocks, and generated block ids."""

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any

from bot.slack import limits
from bot.workspace.blockkit import blocks as shapes
from bot.workspace.blockkit.checks import Report
from bot.workspace.blockkit.elements import INTERACTIVE
from bot.workspace.refusals import Refused

Json = dict[str, Any]


def check_message_blocks(blocks: Any) -> list[Json]:
    """The blocks as given, or `Refused` with Slack's shape: `errors` and `response_metadata.messages`."""
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    report = Report()
    shapes.message(blocks, "/blocks", report)
    _check_ids(blocks, "/blocks", report)
    _check_markdown(blocks, "/blocks", report)
    if report.problems:
        raise Refused("invalid_blocks", errors=report.problems, response_metadata=_messages(report))
    tables = [block for block in blocks if block["type"] == "table"]
    if len(tables) > limits.MESSAGE_TABLES:
        raise Refused("invalid_attachments", errors=["only_one_table_allowed"])
    if any(_characters(table) > limits.TABLE_CHARACTERS for table in tables):
        raise Refused("invalid_blocks", errors=["table is too long [json-pointer:/blocks]"])
    size = _characters(blocks) + limits.MESSAGE_BLOCKS_PER_OBJECT * sum(1 for _ in _objects(blocks))
    if size > limits.MESSAGE_BLOCKS_CHARACTERS:
        raise Refused("msg_blocks_too_long")
    return blocks


def check_view(view: Any, *kinds: str) -> Json:
    """The view as given, or `Refused` with `invalid_arguments` (or `view_too_large`) and pointers under `/view`."""
    if not isinstance(view, dict):
        raise _invalid_view(["must provide an object [json-pointer:/view]"])
    report = Report()
    kind = view.get("type")
    if kind is None:
        report.add("/view", "missing required field: type")
    elif kind not in kinds:
        report.add("/view/type", "must be a valid enum value")
    else:
        (shapes.modal if kind == "modal" else shapes.home)(view, "/view", report)
        _check_ids(view.get("blocks"), "/view/blocks", report)
        _check_submit(view, report)
    if report.problems:
        raise _invalid_view(report.problems)
    if len(json.dumps(view, ensure_ascii=False).encode()) > limits.VIEW_BYTES:
        raise Refused("view_too_large")
    return view


def with_block_ids(blocks: list[Json]) -> list[Json]:
    """The blocks with an id for each block that has none, as Slack returns them; elements get an `action_id` too."""
    named = []
    for block in blocks:
        copy = json.loads(json.dumps(block))
        copy["block_id"] = copy.get("block_id") or _generated_id()
        for _, element in _elements_of(copy):
            if element.get("type") in INTERACTIVE and not element.get("action_id"):
                element["action_id"] = _generated_id()
        named.append(copy)
    return named


def interactive_elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element) a person can act on."""
    for block in blocks:
        for _, element in _elements_of(block):
            if element.get("type") in INTERACTIVE:
                yield block, element


def _invalid_view(problems: list[str]) -> Refused:
    return Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in problems]})


def _messages(report: Report) -> Json:
    return {"messages": [f"[ERROR] {each}" for each in report.problems]}


def _generated_id() -> str:
    return base64.b64encode(secrets.token_bytes(4)).decode().rstrip("=")


def _elements_of(block: Json) -> Iterator[tuple[str, Json]]:
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            yield name, block[name]
    if block.get("type") in {"actions", "context_actions"} and isinstance(block.get("elements"), list):
        for index, each in enumerate(block["elements"]):
            if isinstance(each, dict):
                yield f"elements/{index}", each


def _check_ids(blocks: Any, at: str, report: Report) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks if isinstance(blocks, list) else []):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                report.add(f"{at}/{index}/block_id", f'`block_id` "{block_id}" already exists')
            seen.add(block_id)
        _check_action_ids(block, f"{at}/{index}", report)


def _check_action_ids(block: Json, at: str, report: Report) -> None:
    actions: set[str] = set()
    for place, element in _elements_of(block):
        action_id = element.get("action_id")
        if isinstance(action_id, str):
            if action_id in actions:
                report.add(
                    f"{at}/{place}/action_id",
                    f'`action_id` "{action_id}" already exists for `block_id` "{block.get("block_id", "")}"',
                )
            actions.add(action_id)


def _check_markdown(blocks: list[Any], at: str, report: Report) -> None:
    texts = [each.get("text") for each in blocks if isinstance(each, dict) and each.get("type") == "markdown"]
    if len(texts) > 1 and sum(len(text) for text in texts if isinstance(text, str)) > limits.MARKDOWN_TEXT:
        report.add(at, f"markdown text must be less than {limits.MARKDOWN_TEXT + 1} characters in total")


def _check_submit(view: Json, report: Report) -> None:
    if view["type"] != "modal" or view.get("submit") is not None or not isinstance(view.get("blocks"), list):
        return
    if any(isinstance(block, dict) and block.get("type") == "input" for block in view["blocks"]):
        report.add("/view", "missing required field: submit")


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _characters(value: Any) -> int:
    return sum(len(each["text"]) for each in _objects(value) if isinstance(each.get("text"), str))
