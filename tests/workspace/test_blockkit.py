"""The Block Kit validator: every limit from both sides, compared with slack_sdk's own models wherever those check it."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, block_elements, blocks
from slack_sdk.models.views import View

from bot.workspace.blockkit import check_message_blocks, check_view, with_block_ids
from bot.workspace.refusals import Refused
from tests.workspace.block_samples import (
    LIMITS,
    NOT_IN_THE_SDK,
    actions,
    button,
    mrkdwn,
    options,
    plain,
    rich_list,
    select,
    text_input,
)

Json = dict[str, Any]


def accepted(block: Json) -> bool:
    try:
        check_message_blocks([block])
    except Refused:
        return False
    return True


def accepted_by_the_sdk(block: Json) -> bool:
    parsed = Block.parse(copy.deepcopy(block))
    assert parsed is not None
    try:
        parsed.to_dict()
    except SlackObjectFormationError:
        return False
    return True


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_holds_from_both_sides(name: str) -> None:
    build, most = LIMITS[name]
    assert accepted(build(most)) and not accepted(build(most + 1))


@pytest.mark.parametrize("name", sorted(set(LIMITS) - NOT_IN_THE_SDK))
def test_slack_sdk_draws_the_same_line(name: str) -> None:
    build, most = LIMITS[name]
    assert accepted_by_the_sdk(build(most)) and not accepted_by_the_sdk(build(most + 1))


def problems(payload: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        check_message_blocks(payload)
    assert caught.value.error == "invalid_blocks"
    found: list[str] = caught.value.detail["errors"]
    assert caught.value.detail["response_metadata"]["messages"] == [f"[ERROR] {each}" for each in found]
    return found


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ([{"type": "poem"}], "unsupported type: poem [json-pointer:/blocks/0/type]"),
        ([{"text": "x"}], "missing required field: type [json-pointer:/blocks/0]"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "header", "text": mrkdwn(3)}], "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        ([actions(button(disabled=True))], "invalid additional property: disabled [json-pointer:/blocks/0/elements/0]"),
        ([actions(button(style="warning"))], "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"),
        ([{"type": "section", "text": plain(0)}], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([actions()], "no less than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (
            [actions(text_input()["element"])],
            "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
        ),
        ([{"type": "image", "alt_text": "x"}], "missing required field: image_url [json-pointer:/blocks/0]"),
        ([actions(select())], "missing required field: options [json-pointer:/blocks/0/elements/0]"),
        (
            [actions(select(options=options(1), initial_option={"text": plain(1), "value": "other"}))],
            "initial_option must match one of the options [json-pointer:/blocks/0/elements/0]",
        ),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(payload: Any, expected: str) -> None:
    assert expected in problems(payload)


def test_ids_are_unique_where_slack_wants_them_so() -> None:
    twice = problems([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}])
    assert len(twice) == 1 and "[json-pointer:/blocks/1/block_id]" in twice[0]
    same = problems([actions(button(), button())])
    assert '`action_id` "a" already exists' in same[0]
    check_message_blocks([actions(button()), actions(button())])


def test_all_text_together_has_a_limit() -> None:
    with pytest.raises(Refused) as caught:
        check_message_blocks([{"type": "section", "text": plain(2900)}] * 5)
    assert caught.value.error == "msg_blocks_too_long"


def test_one_table_per_message() -> None:
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    check_message_blocks([table])
    with pytest.raises(Refused) as caught:
        check_message_blocks([table, table])
    assert caught.value.error == "invalid_attachments"


def test_rich_text_knows_every_run_and_refuses_others() -> None:
    runs: list[Json] = [
        {"type": "text", "text": "x", "style": {"bold": True, "code": True}},
        {"type": "link", "url": "https://a.b", "text": "a"},
        {"type": "user", "user_id": "U1"},
        {"type": "usergroup", "usergroup_id": "S1"},
        {"type": "channel", "channel_id": "C1"},
        {"type": "emoji", "name": "wave"},
        {"type": "broadcast", "range": "here"},
        {"type": "date", "timestamp": 1, "format": "{date}"},
    ]
    section = {"type": "rich_text_section", "elements": runs}
    quote = {"type": "rich_text_quote", "elements": runs}
    code = {"type": "rich_text_preformatted", "elements": runs[:2], "border": 0}
    check_message_blocks([{"type": "rich_text", "elements": [section, quote, code, rich_list()]}])
    mention = {"type": "rich_text_preformatted", "elements": [runs[2]]}
    assert "unsupported type: user" in problems([{"type": "rich_text", "elements": [mention]}])[0]
    empty = {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}
    assert "must be more than 0 characters" in problems([{"type": "rich_text", "elements": [empty]}])[0]


def test_every_field_of_slack_sdks_elements_is_known() -> None:
    """A field that slack_sdk can send must not be called an additional property."""
    unknown: list[str] = []
    for _, model in inspect.getmembers(block_elements, inspect.isclass):
        kind = getattr(model, "type", None)
        if not isinstance(kind, str) or not issubclass(model, block_elements.InteractiveElement):
            continue
        attributes: set[str] = object.__new__(model).attributes
        element = dict.fromkeys(attributes - {"type"}, 0) | {"type": kind}
        where = "input" if kind.endswith("input") else "context_actions" if kind in CONTEXT else "actions"
        block = {"type": "input", "element": element} if where == "input" else {"type": where, "elements": [element]}
        unknown += [f"{kind}: {each.split()[3]}" for each in problems([block]) if "additional property" in each]
    assert sorted(set(unknown)) == EXTRAS_OF_THE_SDK


CONTEXT = {"feedback_buttons", "icon_button"}
EXTRAS_OF_THE_SDK = [
    # Inherited from the SDK's base classes; Slack's pages do not have them for these elements.
    "button: alt_text",
    "datetimepicker: placeholder",
    "email_text_input: confirm",
    "feedback_buttons: alt_text",
    "file_input: confirm",
    "file_input: focus_on_load",
    "file_input: placeholder",
    "icon_button: alt_text",
    "number_input: confirm",
    "overflow: alt_text",
    "plain_text_input: confirm",
    "rich_text_input: confirm",
    "url_text_input: confirm",
    "workflow_button: alt_text",
]


def test_generated_ids_are_fresh_and_given_ones_stay() -> None:
    given = [{"type": "divider"}, actions(button(block="x")), {"type": "divider", "block_id": "mine"}]
    first, second = with_block_ids(given), with_block_ids(given)
    assert first[0]["block_id"] != second[0]["block_id"] and first[2]["block_id"] == "mine"
    assert "block_id" not in given[0]


MODAL: Json = {"type": "modal", "title": plain(5), "blocks": [{"type": "divider"}]}


def view_problems(view: Any, *kinds: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        check_view(view, *(kinds or ("modal",)))
    assert caught.value.error == "invalid_arguments"
    found: list[str] = caught.value.detail["response_metadata"]["messages"]
    return found


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        (lambda n: {"title": plain(n)}, 24),
        (lambda n: {"submit": plain(n)}, 24),
        (lambda n: {"close": plain(n)}, 24),
        (lambda n: {"private_metadata": "p" * n}, 3000),
        (lambda n: {"callback_id": "c" * n}, 255),
        (lambda n: {"blocks": [{"type": "divider"}] * n}, 100),
    ],
)
def test_view_limits_hold_from_both_sides_and_in_slack_sdk(changes: Callable[[int], Json], most: int) -> None:
    check_view({**MODAL, **changes(most)}, "modal")
    assert view_problems({**MODAL, **changes(most + 1)})
    View(**{**MODAL, **changes(most)}).validate_json()
    with pytest.raises(SlackObjectFormationError):
        View(**{**MODAL, **changes(most + 1)}).validate_json()


def test_views_point_below_view_and_follow_their_own_rules() -> None:
    long = {**MODAL, "blocks": [{"type": "section", "text": mrkdwn(3001)}]}
    assert "[ERROR] must be less than 3001 characters [json-pointer:/view/blocks/0/text/text]" in view_problems(long)
    assert view_problems({**MODAL, "blocks": [text_input()]}) == [
        "[ERROR] missing required field: submit [json-pointer:/view]"
    ]
    check_view({**MODAL, "blocks": [text_input()], "submit": plain(4)}, "modal")
    assert view_problems({**MODAL, "blocks": [{"type": "markdown", "text": "x"}]})
    assert view_problems({"type": "home", "blocks": [], "submit": plain(3)}, "home")
    assert view_problems({"type": "home", "blocks": []}, "modal")
    assert view_problems("nothing")


def test_a_view_over_250_kb_is_too_large() -> None:
    rows = [{"type": "section", "text": plain(3000)}] * 90
    with pytest.raises(Refused) as caught:
        check_view({**MODAL, "blocks": rows}, "modal")
    assert caught.value.error == "view_too_large"


def test_the_blocks_that_messages_do_not_take_here_are_known() -> None:
    """Decoration that DESIGN.md does not use: refused, so that nobody relies on how the workspace would show it."""
    models = [model for _, model in inspect.getmembers(blocks, inspect.isclass) if issubclass(model, Block)]
    kinds = {str(kind) for model in models if isinstance(kind := getattr(model, "type", None), str)}
    refused = {each for each in kinds if "unsupported type" in problems([{"type": each, "zz": 1}])[0]}
    assert refused == {"alert", "auth_provider", "call", "card", "carousel", "container"}
