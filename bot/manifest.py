"""The Slack app manifest: where `manifest.yml` lies, and its variants. Pure functions over a plain dict, and one loader.

The file itself says what the app may do; nothing here adds a scope or an event.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml

from bot.errors import ConfigurationError

Manifest = dict[str, Any]

EVENTS_PATH = "/slack/events"
UNMENTIONED_EVENTS = frozenset({"message.channels", "message.groups"})


def load() -> Manifest:
    """The manifest as shipped: beside this module in a wheel, one folder up in a checkout."""
    here = Path(__file__).parent
    for path in (here / "manifest.yml", here.parent / "manifest.yml"):
        if path.is_file():
            return cast(Manifest, yaml.safe_load(path.read_text(encoding="utf-8")))
    raise ConfigurationError("This installation has no manifest.yml; install Signoff again.")


def over_http(manifest: Manifest, url: str) -> Manifest:
    """The manifest for HTTP delivery to a public ``url`` (https, no query), instead of Socket Mode."""
    address = urlsplit(url)
    if address.scheme != "https" or not address.hostname or address.query or address.fragment:
        raise ConfigurationError(
            f"Slack delivers to a public https address, such as https://signoff.example.com; got {url!r}."
        )
    base = url.rstrip("/")
    request_url = base if base.endswith(EVENTS_PATH) else base + EVENTS_PATH
    http = deepcopy(manifest)
    for command in http["features"]["slash_commands"]:
        command["url"] = request_url
    http["settings"]["event_subscriptions"]["request_url"] = request_url
    http["settings"]["interactivity"]["request_url"] = request_url
    http["settings"]["socket_mode_enabled"] = False
    return http


def mention_only(manifest: Manifest) -> Manifest:
    """The manifest of a bot that is sent no channel message but those that mention it (direct messages still are).

    The history scopes stay: the bot reads its own thread again after a lost answer of Slack's, to post nothing twice.
    """
    narrow = deepcopy(manifest)
    subscriptions = narrow["settings"]["event_subscriptions"]
    subscriptions["bot_events"] = [event for event in subscriptions["bot_events"] if event not in UNMENTIONED_EVENTS]
    return narrow


def as_yaml(manifest: Manifest) -> str:
    """The text to paste into Slack's "From a manifest" dialog."""
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
