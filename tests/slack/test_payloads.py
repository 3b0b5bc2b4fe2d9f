"""Slack's payloads as inbox rows and inputs: what starts something, what never does, and who it was."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.core.inputs import Clicked, Foreign, Nothing, Wrote
from bot.core.values import Person, Place
from bot.ports import InboxRow
from bot.slack.payloads import inbox_row, kind_of, translate

BOT = "U0SIGNOFF"
SECRETS = ("verification-token", "https://hooks.example/response", "trigger.1")


def delivered(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {
        "token": "verification-token",
        "type": "event_callback",
        "team_id": "T0ACME",
        "event_id": "Ev1",
        "authorizations": [{"enterprise_id": None, "team_id": "T0ACME", "user_id": BOT, "is_bot": True}],
        "event": event,
    }
    return body | changes


def message(**changes: Any) -> dict[str, Any]:
    event = {
        "type": "message",
        "user": "U0ALICE",
        "text": f"<@{BOT}> grant bob admin",
        "ts": "1700000000.000100",
        "channel": "C0OPS",
        "channel_type": "channel",
        "team": "T0ACME",
    }
    return delivered({name: value for name, value in (event | changes).items() if value is not None})


def click(action: str = "approve", **changes: Any) -> dict[str, Any]:
    body = {
        "type": "block_actions",
        "token": "verification-token",
        "team": {"id": "T0ACME", "domain": "acme"},
        "enterprise": None,
        "user": {"id": "U0CAROL", "username": "carol", "team_id": "T0ACME"},
        "container": {
            "type": "message",
            "message_ts": "1700000009.000100",
            "channel_id": "C0OPS",
            "thread_ts": "1700000000.000100",
        },
        "trigger_id": "trigger.1",
        "response_url": "https://hooks.example/response",
        "channel": {"id": "C0OPS", "name": "ops"},
        "message": {"ts": "1700000009.000100", "text": "a whole message"},
        "actions": [
            {"type": "button", "action_id": action, "block_id": "b", "value": "a" * 32, "action_ts": "1700000010.5"}
        ],
    }
    return body | changes


def submitted(callback: str = "deny", **changes: Any) -> dict[str, Any]:
    view = {
        "id": "V1",
        "hash": "h1",
        "callback_id": callback,
        "private_metadata": json.dumps({"approval": "a" * 32, "channel": "C0OPS", "message": "1700000009.000100"}),
        "state": {"values": {"comment": {"comment": {"type": "plain_text_input", "value": " too broad "}}}},
    }
    user = {"id": "U0CAROL", "team_id": "T0ACME"}
    return {
        "type": "view_submission",
        "team": {"id": "T0ACME"},
        "user": user,
        "trigger_id": "trigger.1",
        "view": view | changes,
    }


def row_of(body: dict[str, Any]) -> InboxRow | None:
    kind = kind_of(body)
    assert kind is not None
    return inbox_row(body, kind=kind)


def kept(body: dict[str, Any]) -> InboxRow:
    row = row_of(body)
    assert row is not None
    return row


def test_a_mention_becomes_what_the_person_wrote() -> None:
    place = Place("T0ACME", "C0OPS", "1700000000.000100")
    wrote = Wrote(Person("T0ACME", "U0ALICE"), place, "1700000000.000100", "grant bob admin", True)
    assert translate(kept(message())) == wrote


def test_a_message_and_its_mention_event_share_one_key() -> None:
    mention = kept(message(type="app_mention", channel_type=None))
    assert mention.key == kept(message()).key == "msg:T0ACME:C0OPS:1700000000.000100"
    assert translate(mention) == translate(kept(message()))


def test_a_direct_message_needs_no_mention() -> None:
    wrote = translate(kept(message(channel="D0ALICE", channel_type="im", text="hello")))
    assert isinstance(wrote, Wrote) and wrote.mentioned and wrote.text == "hello"


def test_a_reply_in_a_thread_is_kept_without_a_mention() -> None:
    wrote = translate(kept(message(text="yes", ts="1700000005.000100", thread_ts="1700000000.000100")))
    assert isinstance(wrote, Wrote) and not wrote.mentioned
    assert (wrote.place.thread, wrote.message) == ("1700000000.000100", "1700000005.000100")


@pytest.mark.parametrize(
    "event",
    [
        message(text="lunch?"),
        message(text="lunch?", thread_ts="1700000000.000100"),
        message(bot_id="B1"),
        message(user=BOT),
        message(user="USLACKBOT"),
        message(user=None),
        message(subtype="message_changed", hidden=True),
        message(subtype="message_deleted"),
        message(subtype="bot_message"),
        message(subtype="channel_join"),
        message(edited={"user": "U0ALICE", "ts": "1"}),
        message(ts=None),
        message(text="mentions <@U0BOB> only"),
        delivered({"type": "reaction_added", "user": "U0ALICE"}),
        delivered({}),
        {"type": "event_callback"},
    ],
)
def test_what_starts_nothing_is_not_kept(event: dict[str, Any]) -> None:
    assert row_of(event) is None


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_a_message_with_a_file_or_sent_to_the_channel_counts(subtype: str) -> None:
    assert isinstance(translate(kept(message(subtype=subtype))), Wrote)


def test_an_outsider_is_keyed_by_their_own_team() -> None:
    """S10, R20: the same user id in another team is another person."""
    wrote = translate(kept(message(user="U0XENA", team="T0OTHER", user_team="T0OTHER")))
    assert isinstance(wrote, Wrote)
    assert wrote.person == Person("T0OTHER", "U0XENA") and wrote.place.team == "T0ACME"
    clicked = translate(kept(click(user={"id": "U0XENA", "team_id": "T0OTHER"})))
    assert isinstance(clicked, Clicked) and clicked.person == Person("T0OTHER", "U0XENA")


def test_s10_a_message_says_whether_another_company_reads_along_and_one_of_before_does_not() -> None:
    for said, shared in ((True, True), (False, False), (None, False), ("yes", False)):
        wrote = translate(kept(message() | {"is_ext_shared_channel": said}))
        assert isinstance(wrote, Wrote) and wrote.shared is shared
    row = kept(message())
    before = json.loads(row.payload)
    del before["shared"]
    wrote = translate(replace(row, payload=json.dumps(before)))
    assert isinstance(wrote, Wrote) and not wrote.shared


def test_in_an_enterprise_people_are_keyed_by_it_and_outsiders_are_not() -> None:
    granted = [{"enterprise_id": "E1", "team_id": "T0ACME", "user_id": BOT, "is_bot": True}]
    inside = translate(kept(message() | {"authorizations": granted}))
    outside = translate(kept(message(team="T0OTHER") | {"authorizations": granted}))
    assert isinstance(inside, Wrote) and inside.person.team == "E1" and inside.place.team == "T0ACME"
    assert isinstance(outside, Wrote) and outside.person.team == "T0OTHER"
    clicked = translate(kept(click(enterprise={"id": "E1"})))
    assert isinstance(clicked, Clicked) and clicked.person == Person("E1", "U0CAROL")


@pytest.mark.parametrize("action", ["approve", "did_run", "did_not_run", "unknown", "retry", "withdraw", "stop"])
def test_a_deciding_click_is_kept(action: str) -> None:
    row = kept(click(action))
    assert row.key == f"click:T0ACME:U0CAROL:1700000009.000100:1700000010.5:{action}"
    clicked = Clicked(Person("T0ACME", "U0CAROL"), action, "a" * 32, "C0OPS", "1700000009.000100", "")
    assert translate(row) == clicked


@pytest.mark.parametrize("action", ["deny", "review", "ask", "details", "edit", "", "approve_reviewed"])
def test_a_click_that_only_opens_something_is_not_kept(action: str) -> None:
    """A bare click on Deny must never be a denial: the modal's submission is."""
    assert row_of(click(action)) is None


def test_a_link_and_a_button_without_a_value_are_not_kept() -> None:
    assert row_of(click(actions=[{"action_id": "approve", "value": "a", "url": "https://x.example"}])) is None
    assert row_of(click(actions=[{"action_id": "approve"}])) is None
    assert row_of(click(actions=[])) is None


@pytest.mark.parametrize("callback", ["deny", "approve_reviewed", "ask"])
def test_a_submitted_view_is_kept_with_its_comment(callback: str) -> None:
    row = kept(submitted(callback))
    assert row.key == "view:T0ACME:U0CAROL:V1:h1"
    person = Person("T0ACME", "U0CAROL")
    assert translate(row) == Clicked(person, callback, "a" * 32, "C0OPS", "1700000009.000100", "too broad")


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"approval": "a"}', "null"])
def test_a_view_that_does_not_say_what_it_is_about_is_not_kept(broken: str) -> None:
    assert row_of(submitted(private_metadata=broken)) is None
    assert row_of(submitted("older_form")) is None


def test_a_command_is_remembered_and_means_nothing_to_the_engine() -> None:
    body = {"command": "/pending", "team_id": "T0ACME", "user_id": "U0ALICE", "trigger_id": "t.9", "text": "all"}
    row = kept(body)
    assert row.key == "command:T0ACME:U0ALICE:t.9" and isinstance(translate(row), Nothing)


def test_rows_hold_no_tokens_and_no_whole_messages() -> None:
    for body in (message(), click(), submitted()):
        payload = kept(body).payload
        assert not [secret for secret in (*SECRETS, "a whole message", "carol") if secret in payload]


def test_text_that_no_database_takes_is_made_storable() -> None:
    row = kept(message(channel_type="im", text="a\x00b\ud800c"))
    wrote = translate(row)
    assert isinstance(wrote, Wrote) and wrote.text.encode() and "\x00" not in wrote.text
    assert row.payload.isascii()


@pytest.mark.parametrize("payload", ["", "{}", "[1]", '{"person": 3}', "nonsense"])
@pytest.mark.parametrize("kind", ["message", "click", "view", "of another version"])
def test_r12_a_row_that_cannot_be_read_is_left_to_the_release_that_wrote_it(kind: str, payload: str) -> None:
    assert isinstance(translate(InboxRow("k", "T0ACME", kind, payload)), Foreign)


def test_other_deliveries_are_of_no_kind() -> None:
    assert [kind_of(body) for body in ({}, {"type": "view_closed"}, {"type": "shortcut"}, {"command": 3})] == [None] * 4
