"""What one local workspace is started with, and what an app's manifest grants. No state and no I/O."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.slack import limits

Json = dict[str, Any]

TEAM_ID = "T0ACME"
TEAM_NAME = "Acme"
TEAM_DOMAIN = "acme"
OTHER_TEAM_ID = "T0OTHER"
APP_ID = "A0SIGNOFF"
BOT_USER_ID = "U0SIGNOFF"
BOT_ID = "B0SIGNOFF"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of an app manifest that decide what the workspace lets the app do."""

    app_name: str
    bot_name: str
    bot_scopes: tuple[str, ...]
    bot_events: frozenset[str]
    commands: tuple[Json, ...]
    shortcuts: tuple[Json, ...]
    interactivity: bool
    home: bool
    messages_tab: bool
    metadata_events: frozenset[str]


def read_manifest(raw: Mapping[str, Any]) -> Manifest:
    """Reads a manifest (already parsed YAML or JSON); a part that is absent grants nothing."""
    features: Mapping[str, Any] = raw.get("features") or {}
    settings: Mapping[str, Any] = raw.get("settings") or {}
    home: Mapping[str, Any] = features.get("app_home") or {}
    app_name = str((raw.get("display_information") or {}).get("name", "App"))
    scopes = list(((raw.get("oauth_config") or {}).get("scopes") or {}).get("bot") or ())
    if "agent_view" in features or "assistant_view" in features:
        scopes.append("assistant:write")
    events: Mapping[str, Any] = settings.get("event_subscriptions") or {}
    return Manifest(
        app_name=app_name,
        bot_name=str((features.get("bot_user") or {}).get("display_name", app_name.lower())),
        bot_scopes=tuple(dict.fromkeys(scopes)),
        bot_events=frozenset(events.get("bot_events") or ()),
        commands=tuple(features.get("slash_commands") or ()),
        shortcuts=tuple(features.get("shortcuts") or ()),
        interactivity=bool((settings.get("interactivity") or {}).get("is_enabled", False)),
        home=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
        metadata_events=frozenset(each["event_type"] for each in events.get("metadata_subscriptions") or ()),
    )


def _at_least_one(seconds: float) -> float:
    return max(1.0, seconds)


def _token(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class WorkspaceConfig:
    """What does not change while a workspace runs.

    `time_scale` multiplies Slack's waiting times (acks, triggers, retries, response URLs); rates are never scaled.
    The three seconds for acks and triggers never shrink below one, or a busy machine would decide what a test sees;
    `ack_seconds` and `trigger_seconds` replace them where a test needs its own.
    """

    manifest: Mapping[str, Any]
    host: str = "127.0.0.1"
    port: int = 0
    request_url: str | None = None
    labels: Sequence[str] = ()
    time_scale: float = 1.0
    rate_limits: bool = True
    ack_seconds: float | None = None
    trigger_seconds: float | None = None
    bot_token: str = field(default_factory=lambda: _token("xoxb"))
    app_token: str = field(default_factory=lambda: _token("xapp-1-A0SIGNOFF"))
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    client_id: str = field(default_factory=lambda: f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}")
    client_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    control_token: str = field(default_factory=lambda: _token("control"))

    def __post_init__(self) -> None:
        if self.host not in {"127.0.0.1", "localhost"}:
            raise ValueError(f"the local workspace binds to loopback only, not to {self.host}")

    @property
    def ack_timeout(self) -> float:
        return _at_least_one(self.scaled(limits.ACK_SECONDS)) if self.ack_seconds is None else self.ack_seconds

    @property
    def trigger_lifetime(self) -> float:
        if self.trigger_seconds is not None:
            return self.trigger_seconds
        return _at_least_one(self.scaled(limits.TRIGGER_SECONDS))

    def scaled(self, seconds: float) -> float:
        return seconds * self.time_scale
