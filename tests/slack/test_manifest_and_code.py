"""The manifest asks Slack for what the code uses and for nothing else. The code is read as it is, not listed here.

What each method and event needs is Slack's: the method reference and the Events API reference.
"""

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import manifest
from bot.slack.payloads import RECORDED_CLICKS, inbox_row

BOT = Path(__file__).resolve().parents[2] / "bot"
NOT_THE_APP = ("workspace", "demo")

HISTORY = frozenset({"channels:history", "groups:history", "im:history"})
METHOD_SCOPES = {
    "auth_test": frozenset[str](),
    "apps_connections_open": frozenset[str](),
    "chat_getPermalink": frozenset[str](),
    "conversations_open": frozenset({"im:write"}),
    "chat_postEphemeral": frozenset({"chat:write"}),
    "assistant_threads_setStatus": frozenset({"chat:write"}),
    "chat_postMessage": frozenset({"chat:write"}),
    "chat_update": frozenset({"chat:write"}),
    "conversations_history": HISTORY,
    "conversations_replies": HISTORY,
    "usergroups_users_list": frozenset({"usergroups:read"}),
    "users_info": frozenset({"users:read"}),
    "views_open": frozenset[str](),
    "views_update": frozenset[str](),
}
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
METHODS = frozenset(name for name, member in vars(AsyncWebClient).items() if inspect.iscoroutinefunction(member))

SHIPPED = manifest.load()
SCOPES = frozenset(SHIPPED["oauth_config"]["scopes"]["bot"])
EVENTS = frozenset(SHIPPED["settings"]["event_subscriptions"]["bot_events"])
COMMANDS = frozenset(command["command"] for command in SHIPPED["features"]["slash_commands"])


@cache
def nodes() -> tuple[ast.AST, ...]:
    """Every node of the app's own code."""
    files = (path for path in sorted(BOT.rglob("*.py")) if path.relative_to(BOT).parts[0] not in NOT_THE_APP)
    return tuple(node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))))


def attributes() -> frozenset[str]:
    return frozenset(node.attr for node in nodes() if isinstance(node, ast.Attribute))


def named(function: str, position: int = 0) -> frozenset[str]:
    """The text constants that calls of ``function`` (or of a method of that name) have at ``position``."""
    found = set()
    for node in nodes():
        if isinstance(node, ast.Call) and len(node.args) > position:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = node.args[position]
            if name == function and isinstance(given, ast.Constant) and isinstance(given.value, str):
                found.add(given.value)
    return frozenset(found)


def test_the_scopes_are_those_of_the_methods_events_and_commands_that_the_code_uses() -> None:
    used = attributes() & METHODS
    assert "chat_postMessage" in used, "the code was not read"
    unknown = used - METHOD_SCOPES.keys()
    assert not unknown, f"say in METHOD_SCOPES which scopes these need: {sorted(unknown)}"
    assert "api_call" not in attributes(), "call methods by their names, so that this test sees them"
    needed = set[str]().union(*(METHOD_SCOPES[name] for name in used), {EVENT_SCOPES[event] for event in EVENTS})
    assert (needed | ({"commands"} if COMMANDS else set())) == SCOPES


def test_the_commands_are_those_that_have_a_listener() -> None:
    assert {name for name in named("command") if name.startswith("/")} == COMMANDS


def test_interactivity_is_on_because_there_are_buttons() -> None:
    assert named("button", 1)
    assert SHIPPED["settings"]["interactivity"]["is_enabled"] is True


def test_every_button_that_a_card_can_show_is_answered_and_every_answer_has_a_button() -> None:
    assert named("button", 1) == named("action") | RECORDED_CLICKS


def delivery(kind: str, event: dict[str, Any]) -> dict[str, Any]:
    """An event as Slack sends it, by a person, in a thread of ``kind``."""
    place = {"channel": "C0OPS", "channel_type": kind, "ts": "2.000001", "thread_ts": "1.000001"}
    return {
        "type": "event_callback",
        "event_id": "Ev1",
        "team_id": "T0ACME",
        "authorizations": [{"team_id": "T0ACME", "user_id": "U0SIGNOFF", "is_bot": True}],
        "event": {"user": "U0ALICE", "team": "T0ACME", "text": "hello", **place, **event},
    }


@pytest.mark.parametrize("subscription", sorted(EVENTS))
def test_every_event_that_is_subscribed_to_is_worked(subscription: str) -> None:
    name, _, kind = subscription.partition(".")
    assert inbox_row(delivery(kind.removesuffix("s") or "channel", {"type": name}), kind="event") is not None


@pytest.mark.parametrize(
    "name",
    [
        "app_home_opened",
        "app_uninstalled",
        "assistant_thread_started",
        "file_shared",
        "link_shared",
        "member_joined_channel",
        "message_metadata_posted",
        "reaction_added",
        "subteam_members_changed",
        "team_join",
        "tokens_revoked",
        "user_change",
    ],
)
def test_no_event_is_worked_that_is_not_subscribed_to(name: str) -> None:
    assert name not in EVENTS
    assert name not in named("event")
    assert inbox_row(delivery("channel", {"type": name}), kind="event") is None
