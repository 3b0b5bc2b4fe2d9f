"""One Web API call: who makes it, its arguments in whatever form they came, and what a method declares about itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.workspace.config import BOT_USER_ID
from bot.workspace.directory import Channel
from bot.workspace.refusals import Refused
from bot.workspace.world import World

Json = dict[str, Any]
BOT, PERSON, APP, NOBODY = "bot", "person", "app", "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is that of the token: bot (xoxb), person (xoxp), app (xapp) or nobody (no token needed)."""

    kind: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Call:
    world: World
    actor: Actor
    args: Json

    @property
    def by_bot(self) -> bool:
        return self.actor.user_id == BOT_USER_ID

    def text(self, name: str) -> str | None:
        value = self.args.get(name)
        return None if value is None else str(value)

    def need(self, name: str, error: str = "invalid_arguments") -> str:
        value = self.text(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise Refused(error, response_metadata={"messages": messages})
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.args.get(name)
        if value is None:
            return default
        return value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, error: str = "invalid_limit") -> int:
        value = self.args.get(name)
        if value in (None, ""):
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise Refused(error) from None

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON argument, sent as JSON or as a string of JSON; None when absent or empty."""
        value = self.args.get(name)
        if value in (None, ""):
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(error) from None

    def names(self, name: str) -> list[str]:
        """A comma separated list or a JSON array of strings."""
        value = self.args.get(name)
        if isinstance(value, str) and value.startswith("["):
            value = json.loads(value)
        if isinstance(value, list):
            return [str(each) for each in value]
        return [each.strip() for each in str(value or "").split(",") if each.strip()]

    def seen_channel(self, name: str = "channel") -> Channel:
        channel = self.world.directory.seen_by(self.need(name, "channel_not_found"), self.actor.user_id)
        self._need_scope_for(channel, "read")
        return channel

    def joined_channel(self, name: str = "channel", *, reading: str | None = None) -> Channel:
        """A channel the actor is in. `reading` names the scope family that its kind must be granted."""
        channel = self.world.directory.joined_by(self.need(name, "channel_not_found"), self.actor.user_id)
        if reading:
            self._need_scope_for(channel, reading)
        return channel

    def _need_scope_for(self, channel: Channel, family: str) -> None:
        prefix = {"channel": "channels", "group": "groups", "im": "im"}[channel.kind]
        needed = f"{prefix}:{family}"
        granted = self.world.manifest.bot_scopes
        if self.actor.kind == BOT and needed not in granted:
            raise Refused("missing_scope", needed=needed, provided=",".join(granted))


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method: any one of `scopes` is enough; `tier` 0 has no per-minute limit of its own."""

    run: Callable[[Call], Json]
    scopes: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset({BOT, PERSON})
    tier: int = 0
    post_only: bool = False
    posts: bool = False
