"""The shapes of text objects, options, confirmations and interactive elements. Blocks stand in `blocks.py`."""

import re
from collections.abc import Mapping
from typing import Any

from bot.slack import limits
from bot.workspace.blockkit.checks import (
    Check,
    Report,
    anything,
    array,
    at_least_one,
    boolean,
    both,
    by_type,
    integer,
    one_of,
    record,
    string,
    union,
    when_object,
)


def plain_text(most: int) -> Check:
    return by_type({"plain_text": record({"type": anything, "text": string(most)}, {"emoji": boolean})})


def any_text(most: int = limits.TEXT_OBJECT) -> Check:
    return union(
        by_type(
            {
                "plain_text": record({"type": anything, "text": string(most)}, {"emoji": boolean}),
                "mrkdwn": record({"type": anything, "text": string(most)}, {"verbatim": boolean}),
            }
        )
    )


confirm = record(
    {
        "title": plain_text(limits.CONFIRM_TITLE),
        "text": any_text(limits.CONFIRM_TEXT),
        "confirm": plain_text(limits.CONFIRM_BUTTON),
        "deny": plain_text(limits.CONFIRM_BUTTON),
    },
    {"style": one_of("primary", "danger")},
)


def option(text: Check) -> Check:
    return record(
        {"text": text, "value": string(limits.OPTION_VALUE, least=0)},
        {"description": any_text(limits.OPTION_DESCRIPTION), "url": string(limits.BUTTON_URL)},
    )


plain_option = option(plain_text(limits.OPTION_TEXT))
rich_option = option(any_text(limits.OPTION_TEXT))
option_group = record(
    {"label": plain_text(limits.OPTION_GROUP_LABEL), "options": array(plain_option, limits.OPTIONS)}, {}
)


def _matches(pattern: str, what: str) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
            report.add(at, f"must be a valid {what}")

    return check


image_source: dict[str, Check] = {
    "image_url": both(string(limits.IMAGE_URL), _matches(r"https?://.+", "url")),
    "slack_file": record({}, {"id": string(), "url": string()}),
}
image_element = both(
    record({"type": anything, "alt_text": string(limits.IMAGE_ALT_TEXT)}, image_source),
    at_least_one(("image_url", "slack_file")),
)

_ID = {"action_id": string(limits.ACTION_ID)}
_FOCUS = {"focus_on_load": boolean}
_ASK = {"confirm": confirm}
_HINT = {"placeholder": plain_text(limits.PLACEHOLDER)}
_DISPATCH = {
    "dispatch_action_config": record(
        {}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)}
    )
}
_MANY = {"max_selected_items": integer(least=1)}
_TYPE: dict[str, Check] = {"type": anything}


def _element(required: Mapping[str, Check], *optional: Mapping[str, Check]) -> Check:
    merged: dict[str, Check] = dict(_ID)
    for part in optional:
        merged.update(part)
    return record({**_TYPE, **required}, merged)


_BUTTON_EXTRAS: dict[str, Check] = {
    "url": string(limits.BUTTON_URL),
    "value": string(limits.BUTTON_VALUE),
    "style": one_of("primary", "danger"),
    "accessibility_label": string(limits.BUTTON_ACCESSIBILITY_LABEL),
    "visible_to_user_ids": array(string()),
    "agent_prompt": string(4_000),
    "agent_prompt_display": anything,
}
button = _element({"text": plain_text(limits.BUTTON_TEXT)}, _BUTTON_EXTRAS, _ASK)


def _one_list_of_options(value: Mapping[str, Any]) -> str | None:
    if value.get("options") is not None and value.get("option_groups") is not None:
        return "only one of options and option_groups may be given"
    if value.get("options") is None and value.get("option_groups") is None:
        return "missing required field: options"
    return None


def _initial_is_offered(value: Mapping[str, Any]) -> str | None:
    chosen = value.get("initial_options") or [value.get("initial_option")]
    groups = value.get("option_groups") or [{"options": value.get("options")}]
    offered = [each for group in groups if isinstance(group, dict) for each in group.get("options") or []]
    if all(each is None or each in offered for each in chosen):
        return None
    return "initial_option must match one of the options"


def _select(initial: Mapping[str, Check], *parts: Mapping[str, Check]) -> Check:
    lists = {"options": array(plain_option, limits.OPTIONS), "option_groups": array(option_group, limits.OPTION_GROUPS)}
    return both(
        _element({}, lists, initial, _HINT, _FOCUS, _ASK, *parts),
        when_object(_one_list_of_options),
        when_object(_initial_is_offered),
    )


def _choice(initial: Mapping[str, Check]) -> Check:
    return both(
        _element({"options": array(rich_option, limits.CHOICE_OPTIONS)}, initial, _FOCUS, _ASK, _HINT),
        when_object(_initial_is_offered),
    )


def _picker(kind: str, *parts: Mapping[str, Check]) -> Check:
    """A select whose choices Slack itself supplies (users, channels, …)."""
    return _element({}, {f"initial_{kind}": anything}, _HINT, _FOCUS, _ASK, *parts)


def _typed_input(initial: Check, *parts: Mapping[str, Check]) -> Check:
    return _element({}, {"initial_value": initial}, _HINT, _FOCUS, _DISPATCH, *parts)


def _input_lengths(value: Mapping[str, Any]) -> str | None:
    least, most = value.get("min_length"), value.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        return "min_length must be less than max_length"
    return None


plain_text_input = both(
    _typed_input(
        string(limits.PLAIN_TEXT_INPUT, least=0),
        {
            "multiline": boolean,
            "min_length": integer(0, limits.PLAIN_TEXT_INPUT),
            "max_length": integer(1, limits.PLAIN_TEXT_INPUT),
        },
    ),
    when_object(_input_lengths),
)
_feedback = record(
    {"text": plain_text(limits.FEEDBACK_TEXT), "value": string(limits.FEEDBACK_VALUE)},
    {"accessibility_label": string(limits.BUTTON_ACCESSIBILITY_LABEL)},
)
_CONVERSATIONS: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "filter": anything,
    "response_url_enabled": boolean,
}

CHOICES: dict[str, Check] = {
    "static_select": _select({"initial_option": plain_option}),
    "multi_static_select": _select({"initial_options": array(plain_option)}, _MANY),
    "checkboxes": _choice({"initial_options": array(rich_option)}),
    "radio_buttons": _choice({"initial_option": rich_option}),
    "users_select": _picker("user"),
    "multi_users_select": _picker("users", _MANY),
    "channels_select": _picker("channel", {"response_url_enabled": boolean}),
    "multi_channels_select": _picker("channels", _MANY),
    "conversations_select": _picker("conversation", _CONVERSATIONS),
    "multi_conversations_select": _picker("conversations", _CONVERSATIONS, _MANY),
    "external_select": _picker("option", {"min_query_length": integer(0)}),
    "multi_external_select": _picker("options", {"min_query_length": integer(0)}, _MANY),
    "datepicker": _element({}, {"initial_date": _matches(r"\d{4}-\d\d-\d\d", "date")}, _HINT, _FOCUS, _ASK),
    "timepicker": _element(
        {}, {"initial_time": _matches(r"\d\d:\d\d", "time"), "timezone": string()}, _HINT, _FOCUS, _ASK
    ),
    "datetimepicker": _element({}, {"initial_date_time": integer(0)}, _FOCUS, _ASK),
}
TYPED: dict[str, Check] = {
    "plain_text_input": plain_text_input,
    "email_text_input": _typed_input(string()),
    "url_text_input": _typed_input(string()),
    "number_input": _typed_input(
        string(), {"is_decimal_allowed": boolean, "min_value": anything, "max_value": anything}
    ),
    "rich_text_input": _typed_input(anything, {"min_lines": integer(1), "max_lines": integer(1)}),
    "file_input": _element({}, {"filetypes": array(string()), "max_files": integer(1, 10)}),
}
MENUS: dict[str, Check] = {
    "button": button,
    "overflow": _element({"options": array(plain_option, limits.OVERFLOW_OPTIONS)}, _ASK),
    "workflow_button": _element(
        {"text": plain_text(limits.BUTTON_TEXT), "workflow": anything},
        {"style": one_of("primary", "danger"), "accessibility_label": string(limits.BUTTON_ACCESSIBILITY_LABEL)},
    ),
}
CONTEXT_ACTIONS: dict[str, Check] = {
    "feedback_buttons": _element({"positive_button": _feedback, "negative_button": _feedback}),
    "icon_button": _element(
        {"icon": one_of("trash"), "text": plain_text(limits.BUTTON_TEXT)},
        {
            "value": string(limits.BUTTON_VALUE),
            "accessibility_label": string(limits.BUTTON_ACCESSIBILITY_LABEL),
            "visible_to_user_ids": array(string()),
        },
        _ASK,
    ),
}
IN_ACTIONS: dict[str, Check] = {**MENUS, **CHOICES}
IN_ACCESSORY: dict[str, Check] = {**MENUS, **CHOICES, "image": image_element}
IN_INPUT: dict[str, Check] = {**CHOICES, **TYPED}
INTERACTIVE: frozenset[str] = frozenset({*MENUS, *CHOICES, *TYPED, *CONTEXT_ACTIONS})
STATEFUL: frozenset[str] = frozenset({*CHOICES, *TYPED})
