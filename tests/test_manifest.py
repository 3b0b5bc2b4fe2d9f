"""The app manifest is one that Slack accepts, in every variant, and the variants change nothing but what they say."""

from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from bot import manifest
from bot.errors import ConfigurationError
from bot.workspace.config import read_manifest
from tests.manifest_schema import MANIFEST

HTTP = manifest.over_http(manifest.load(), "https://signoff.example.com")
NARROW = manifest.mention_only(manifest.load())
BOTH = manifest.mention_only(HTTP)


@pytest.mark.parametrize(
    "variant", [manifest.load(), HTTP, NARROW, BOTH], ids=["shipped", "http", "mention-only", "both"]
)
def test_slack_accepts_every_variant(variant: manifest.Manifest) -> None:
    validator = Draft7Validator(MANIFEST)
    assert [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(variant)] == []


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("display_information", {"name": "x" * 36}),
        ("features", {"bot_user": {"display_name": "Sign Off"}}),
        ("features", {"slash_commands": [{"command": "pending", "description": "no slash"}]}),
        ("oauth_config", {"scopes": {"bots": []}}),
        ("settings", {"event_subscriptions": {"bot_events": ["app_mention", "app_mention"]}}),
        ("settings", {"interactivity": {}}),
        ("functions", {}),
    ],
)
def test_what_slack_would_refuse_is_refused_here(part: str, wrong: Any) -> None:
    assert not Draft7Validator(MANIFEST).is_valid(manifest.load() | {part: wrong})


def test_the_http_variant_sends_everything_to_one_address_and_leaves_socket_mode() -> None:
    address = "https://signoff.example.com/slack/events"
    assert [command["url"] for command in HTTP["features"]["slash_commands"]] == [address, address]
    assert HTTP["settings"]["event_subscriptions"]["request_url"] == address
    assert HTTP["settings"]["interactivity"]["request_url"] == address
    assert HTTP["settings"]["socket_mode_enabled"] is False
    assert manifest.load()["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("url", ["https://a.example/", "https://a.example", "https://a.example/slack/events"])
def test_the_address_may_be_written_in_any_usual_way(url: str) -> None:
    http = manifest.over_http(manifest.load(), url)
    assert http["settings"]["interactivity"]["request_url"] == "https://a.example/slack/events"


@pytest.mark.parametrize(
    "url", ["http://a.example", "a.example", "", "https://", "https://a.example/?x=1", "ftp://a.example"]
)
def test_an_address_that_slack_cannot_deliver_to_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"https://signoff\.example\.com"):
        manifest.over_http(manifest.load(), url)


def test_the_mention_only_variant_is_sent_no_other_channel_messages() -> None:
    assert NARROW["settings"]["event_subscriptions"]["bot_events"] == ["app_mention", "message.im"]
    assert NARROW["oauth_config"] == manifest.load()["oauth_config"]


def test_what_is_printed_reads_back_as_the_same_manifest() -> None:
    for variant in (manifest.load(), HTTP, NARROW):
        assert yaml.safe_load(manifest.as_yaml(variant)) == variant


def test_the_local_workspace_reads_the_manifest_that_slack_gets() -> None:
    read = read_manifest(manifest.load())
    assert read.bot_scopes == tuple(manifest.load()["oauth_config"]["scopes"]["bot"])
    assert (read.bot_name, read.interactivity, read.messages_tab) == ("signoff", True, True)
