"""The shapes of the layout blocks and the surfaces on which each may stand."""

from collections.abc import Mapping
from typing import Any

from bot.slack import limits
from bot.workspace.blockkit.checks import (
    Check,
    anything,
    array,
    at_least_one,
    boolean,
    both,
    by_type,
    one_of,
    record,
    string,
    union,
    when_object,
)
from bot.workspace.blockkit.elements import (
    CONTEXT_ACTIONS,
    IN_ACCESSORY,
    IN_ACTIONS,
    IN_INPUT,
    any_text,
    image_element,
    image_source,
    plain_text,
)
from bot.workspace.blockkit.rich_text import rich_text

_TYPE: dict[str, Check] = {"type": anything}
_BLOCK_ID: dict[str, Check] = {"block_id": string(limits.BLOCK_ID, least=0)}


def _block(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return record({**_TYPE, **required}, {**_BLOCK_ID, **(optional or {})})


section = both(
    _block(
        {},
        {
            "text": any_text(limits.SECTION_TEXT),
            "fields": array(any_text(limits.SECTION_FIELD_TEXT), limits.SECTION_FIELDS),
            "accessory": union(by_type(IN_ACCESSORY)),
            "expand": boolean,
        },
    ),
    at_least_one(("text", "fields")),
)
image = both(
    _block({"alt_text": string(limits.IMAGE_ALT_TEXT)}, {**image_source, "title": plain_text(limits.IMAGE_TITLE)}),
    at_least_one(("image_url", "slack_file")),
)
_context_item = union(
    by_type(
        {
            "plain_text": record({**_TYPE, "text": string(limits.TEXT_OBJECT)}, {"emoji": boolean}),
            "mrkdwn": record({**_TYPE, "text": string(limits.TEXT_OBJECT)}, {"verbatim": boolean}),
            "image": image_element,
        }
    )
)


def _dispatch_needs_input(value: Mapping[str, Any]) -> str | None:
    element = value.get("element")
    if value.get("dispatch_action") and isinstance(element, dict) and element.get("type") == "file_input":
        return "dispatch_action is not supported for file_input"
    return None


input_block = both(
    _block(
        {"label": plain_text(limits.INPUT_LABEL), "element": by_type(IN_INPUT)},
        {"hint": plain_text(limits.INPUT_HINT), "optional": boolean, "dispatch_action": boolean},
    ),
    when_object(_dispatch_needs_input),
)
_cell = union(
    by_type(
        {
            "raw_text": record({**_TYPE, "text": string()}),
            "raw_number": record({**_TYPE, "value": anything, "text": string()}),
            "rich_text": rich_text,
        }
    )
)
_source = record({**_TYPE, "url": string(), "text": string()})
_task_card = _block(
    {"task_id": string(), "title": string(limits.TASK_CARD_TITLE)},
    {
        "status": one_of("pending", "in_progress", "complete", "error"),
        "details": rich_text,
        "output": rich_text,
        "sources": array(_source, least=0),
    },
)

EVERYWHERE: dict[str, Check] = {
    "section": section,
    "header": _block({"text": plain_text(limits.HEADER_TEXT)}),
    "divider": _block({}),
    "image": image,
    "context": _block({"elements": array(_context_item, limits.CONTEXT_ELEMENTS)}),
    "actions": _block({"elements": array(union(by_type(IN_ACTIONS)), limits.ACTIONS_ELEMENTS)}),
    "rich_text": rich_text,
    "input": input_block,
}
IN_MESSAGE: dict[str, Check] = {
    **EVERYWHERE,
    "markdown": _block({"text": string(limits.MARKDOWN_TEXT)}),
    "context_actions": _block({"elements": array(by_type(CONTEXT_ACTIONS), limits.CONTEXT_ACTIONS_ELEMENTS)}),
    "table": _block(
        {"rows": array(array(_cell, limits.TABLE_CELLS), limits.TABLE_ROWS)},
        {
            "column_settings": array(
                record({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean}),
                limits.TABLE_COLUMN_SETTINGS,
            )
        },
    ),
    "task_card": _task_card,
    "plan": _block({"title": string()}, {"tasks": array(by_type({"task_card": _task_card}), limits.PLAN_TASKS)}),
    "file": _block({"external_id": string(), "source": one_of("remote")}),
    "video": _block(
        {
            "alt_text": string(),
            "title": plain_text(200),
            "thumbnail_url": string(limits.BUTTON_URL),
            "video_url": string(limits.BUTTON_URL),
        },
        {
            "author_name": string(50),
            "description": plain_text(200),
            "provider_icon_url": string(),
            "provider_name": string(),
            "title_url": string(),
        },
    ),
}
IN_MODAL: dict[str, Check] = {
    **EVERYWHERE,
    "alert": _block(
        {"text": any_text(limits.ALERT_TEXT)}, {"level": one_of("default", "info", "warning", "error", "success")}
    ),
}
IN_HOME: dict[str, Check] = EVERYWHERE

view_fields: dict[str, Check] = {
    "private_metadata": string(limits.VIEW_PRIVATE_METADATA, least=0),
    "callback_id": string(limits.VIEW_CALLBACK_ID, least=0),
    "external_id": string(limits.VIEW_EXTERNAL_ID, least=0),
}
modal_fields: dict[str, Check] = {
    **view_fields,
    "submit": plain_text(limits.VIEW_SUBMIT),
    "close": plain_text(limits.VIEW_CLOSE),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}
modal = record(
    {
        **_TYPE,
        "title": plain_text(limits.VIEW_TITLE),
        "blocks": array(by_type(IN_MODAL), limits.VIEW_BLOCKS, least=0),
    },
    modal_fields,
)
home = record({**_TYPE, "blocks": array(by_type(IN_HOME), limits.VIEW_BLOCKS, least=0)}, view_fields)
message = array(by_type(IN_MESSAGE), limits.MESSAGE_BLOCKS, least=0)
