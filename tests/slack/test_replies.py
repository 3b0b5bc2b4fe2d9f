"""Replies, notices and the list of `/pending`: nothing lost, nothing live, within Slack's limits."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.values import ApprovalId, RunId
from bot.engine.listing import Listing
from bot.ports import OpenApproval
from bot.slack.blocks import Message
from bot.slack.replies import NONE_OPEN, WRITTEN_BY_MODEL, notice, pending_list, reply
from bot.workspace.blockkit import check_message_blocks
from tests.slack.reading import buttons, objects, words

MARKS = re.compile(r"[*`#\[\]()!|\-+•~>\s.0-9]")


def valid(*messages: Message) -> None:
    for message in messages:
        check_message_blocks(json.loads(json.dumps(message.blocks)))
        assert 0 < len(message.text) <= 40_000


def written(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    return [each for message in messages for each in objects(message.blocks[0])]


def elements(text: str) -> list[dict[str, Any]]:
    (message,) = reply(text)
    valid(message)
    return list(message.blocks[0]["elements"])


def styled(text: str, style: str) -> list[str]:
    return [each["text"] for each in written(reply(text)) if each.get("style", {}).get(style)]


def test_markdown_becomes_rich_text() -> None:
    assert styled("now **bold** and *slanted* and `code`", "bold") == ["bold"]
    assert styled("now **bold** and *slanted*", "italic") == ["slanted"]
    assert styled("run `kubectl get *`", "code") == ["kubectl get *"]
    assert [each["type"] for each in elements("# Done\n\nAll well.\n\n- a\n- b\n\n```sh\nls *\n```")] == [
        "rich_text_section",
        "rich_text_section",
        "rich_text_list",
        "rich_text_section",
        "rich_text_preformatted",
    ]


def test_lists_keep_their_numbers_and_depth() -> None:
    (listed,) = elements("3. three\n4. four")
    assert (listed["style"], listed["offset"], len(listed["elements"])) == ("ordered", 2, 2)
    assert [each.get("indent", 0) for each in elements("- a\n  - b\n- c")] == [0, 1, 0]
    assert words(elements("1. a\n1. b")[0]) == "a"


def test_names_with_underscores_and_arithmetic_stay_as_they_are() -> None:
    for text in ("terraform_apply and grant_access_now", "2 * 3 * 4", "a ** b ** c", "__init__.py and *.yml *.json"):
        assert words(elements(text)).replace("\n", "") == text


def test_a_link_shows_its_address_and_is_not_live() -> None:
    messages = reply("see [the docs](https://evil.example/?d=secret) and https://a.example")
    assert "the docs (https://evil.example/?d=secret)" in words(messages[0].blocks)
    assert not [each for each in written(messages) if each.get("type") == "link" or "image_url" in each]


def test_only_those_who_take_part_can_be_mentioned() -> None:
    text = "<@U0ALICE> done, <@U0EVE> <!channel> <!here> <#C1>"
    (message,) = reply(text, frozenset({"U0ALICE"}))
    assert [each["user_id"] for each in objects(message.blocks) if each.get("type") == "user"] == ["U0ALICE"]
    assert not [
        each for each in objects(message.blocks) if each.get("type") in ("broadcast", "usergroup", "channel", "mrkdwn")
    ]
    assert "<" not in message.text


def test_every_reply_says_who_wrote_it() -> None:
    for message in reply("*Approved by* @carol\n" * 2_000):
        assert words(message.blocks[-1]) == WRITTEN_BY_MODEL


@pytest.mark.parametrize("text", ["", "   \n", "```\n```", "#", "- ", "**", "0. zero"])
def test_even_next_to_nothing_is_a_message(text: str) -> None:
    valid(*reply(text))


@pytest.mark.parametrize(
    "text",
    [
        "word " * 8_000,
        "x" * 40_000,
        "- item\n" * 5_000,
        "**b** *i* `c` " * 2_800,
        "```\n" + "line of code\n" * 3_000 + "```",
        "| a | b |\n" * 4_000,
        "<&>" * 13_000,
    ],
)
def test_a_reply_of_forty_thousand_characters_is_split_and_whole(text: str) -> None:
    messages = reply(text)
    valid(*messages)
    shown = MARKS.sub("", "".join(each["text"] for each in written(messages) if each.get("type") == "text"))
    assert shown == MARKS.sub("", text)


LINES = st.lists(
    st.sampled_from(["# ", "- ", "  * ", "1. ", "2) ", "```", "> ", "| a |", "", "**", "_", "[l](u)", "`"]).flatmap(
        lambda start: st.text("abc *_`#é<&>\t", max_size=40).map(lambda rest: start + rest)
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_no_word_of_a_reply_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    messages = reply(text)
    valid(*messages)
    if text.strip():
        shown = MARKS.sub("", "".join(each["text"] for each in written(messages) if each.get("type") == "text"))
        assert shown == MARKS.sub("", text)


def test_a_notice_mentions_people_and_retries() -> None:
    message = notice("Stopped by <@U0CAROL>: <@U0EVE> & <!channel>", RunId("r1"), frozenset({"U0CAROL"}))
    valid(message)
    assert [each["user_id"] for each in objects(message.blocks) if each.get("type") == "user"] == ["U0CAROL"]
    assert buttons(message.blocks)["retry"]["value"] == "r1"
    assert "<!channel>" not in message.text
    valid(notice("x" * 9_000), notice(""))


def opened(number: int, **changes: Any) -> OpenApproval:
    fields: dict[str, Any] = {
        "approval": ApprovalId(f"a{number}"),
        "run": RunId("r"),
        "team": "T0ACME",
        "call": "c",
        "action": f"grant_access_{number}",
        "target": "okta",
        "environment": "production",
        "risk": 0.78,
        "requester": "U0ALICE",
        "approvers": ("group:S0SECURITY",),
        "requester_may_approve": False,
        "asked_at": 1_700_000_000.0,
        "expires_at": 1_700_014_400.0,
        "channel": "C0OPS",
        "card": "1700000009.000100",
    }
    return OpenApproval(**fields | changes)


def test_the_list_puts_mine_first_with_a_link_to_each_card() -> None:
    message = pending_list(Listing((opened(1),), (opened(2),), mine=1, all=2), "acme")
    valid(message)
    text = words(message.blocks)
    assert (
        text.index("Yours to decide")
        < text.index("grant_access_1")
        < text.index("Others decide")
        < text.index("grant_access_2")
    )
    links = [each["url"] for each in objects(message.blocks) if each.get("type") == "link"]
    assert links == ["https://acme.slack.com/archives/C0OPS/p1700000009000100"] * 2
    assert "2 actions wait for approval, 1 of them for yours." in message.text


def test_an_empty_list_says_so() -> None:
    assert pending_list(Listing(), "acme").text == NONE_OPEN


def test_a_long_list_says_how_many_it_leaves_out_and_a_card_not_posted_has_no_link() -> None:
    first = tuple(opened(n, card="", target="<!channel>" * 200) for n in range(20))
    message = pending_list(Listing(first[:10], first[10:], mine=100, all=200), "acme")
    valid(message)
    assert "180 more" in words(message.blocks) and "https://" not in message.text and "<!" not in message.text
