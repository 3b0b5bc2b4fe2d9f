"""Block Kit payloads of any size for the tests of the validator, and every limit with the payload that reaches it."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def button(**fields: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain(3), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def options(count: int, text: int = 5, value: int | None = None) -> list[Json]:
    return [{"text": plain(text), "value": str(each).ljust(value or 1, "v")} for each in range(count)]


def select(**fields: Any) -> Json:
    return {"type": "static_select", "action_id": "s", **fields}


def choice(kind: str, count: int) -> Json:
    return {"type": kind, "action_id": "c", "options": options(count)}


def confirm(**lengths: int) -> Json:
    sizes = {"title": 5, "text": 5, "confirm": 5, "deny": 5, **lengths}
    return button(confirm={name: plain(size) for name, size in sizes.items()})


def text_input(**fields: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "i"} | fields
    return {"type": "input", "label": plain(5), "element": element}


LIMITS: dict[str, tuple[Callable[[int], Json], int]] = {
    "section text": (lambda n: {"type": "section", "text": mrkdwn(n)}, 3000),
    "section fields": (lambda n: {"type": "section", "fields": [plain(1)] * n}, 10),
    "section field": (lambda n: {"type": "section", "fields": [plain(n)]}, 2000),
    "header": (lambda n: {"type": "header", "text": plain(n)}, 150),
    "context elements": (lambda n: {"type": "context", "elements": [plain(1)] * n}, 10),
    "actions elements": (lambda n: actions(*(button(action_id=str(each)) for each in range(n))), 25),
    "button text": (lambda n: actions(button(text=plain(n))), 75),
    "button value": (lambda n: actions(button(value="v" * n)), 2000),
    "button url": (lambda n: actions(button(url="https://" + "u" * (n - 8))), 3000),
    "button accessibility label": (lambda n: actions(button(accessibility_label="l" * n)), 75),
    "action id": (lambda n: actions(button(action_id="a" * n)), 255),
    "block id": (lambda n: {"type": "divider", "block_id": "b" * n}, 255),
    "confirm title": (lambda n: actions(confirm(title=n)), 100),
    "confirm text": (lambda n: actions(confirm(text=n)), 300),
    "confirm button": (lambda n: actions(confirm(confirm=n)), 30),
    "deny button": (lambda n: actions(confirm(deny=n)), 30),
    "select options": (lambda n: actions(select(options=options(n, value=4))), 100),
    "option text": (lambda n: actions(select(options=options(1, text=n))), 75),
    "option value": (lambda n: actions(select(options=options(1, value=n))), 150),
    "placeholder": (lambda n: actions(select(options=options(1), placeholder=plain(n))), 150),
    "checkbox options": (lambda n: actions(choice("checkboxes", n)), 10),
    "radio options": (lambda n: actions(choice("radio_buttons", n)), 10),
    "overflow options": (lambda n: actions(choice("overflow", n)), 5),
    "image alt text": (lambda n: {"type": "image", "image_url": "https://a.b/c", "alt_text": "a" * n}, 2000),
    "image title": (
        lambda n: {"type": "image", "image_url": "https://a.b/c", "alt_text": "a", "title": plain(n)},
        2000,
    ),
    "input label": (lambda n: {**text_input(), "label": plain(n)}, 2000),
    "input hint": (lambda n: {**text_input(), "hint": plain(n)}, 2000),
    "input initial value": (lambda n: text_input(initial_value="i" * n), 3000),
    "input max length": (lambda n: text_input(max_length=n), 3000),
    "markdown": (lambda n: {"type": "markdown", "text": "m" * n}, 12000),
    "list indent": (lambda n: {"type": "rich_text", "elements": [rich_list(indent=n)]}, 8),
}
NOT_IN_THE_SDK = {
    "section field",  # the SDK counts the fields only
    "option text",  # nor does it look into a select's options
    "option value",
    "block id",
    "checkbox options",
    "radio options",
    "overflow options",
    "input initial value",
    "input max length",
    "list indent",
}


def rich_list(**fields: Any) -> Json:
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
    return {"type": "rich_text_list", "style": "bullet", "elements": [item], **fields}
