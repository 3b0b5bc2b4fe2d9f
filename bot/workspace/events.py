"""Which Events API payloads a change in the workspace causes, given the manifest. Pure but for fresh ids.

Nothing is sent about a channel the bot is not in, nor for an event that is not subscribed or lacks its scope.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from bot.workspace.config import APP_ID, BOT_USER_ID, TEAM_ID, Manifest
from bot.workspace.directory import Channel
from bot.workspace.wording import mentions

Json = dict[str, Any]

_MESSAGE_EVENT = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}
_SCOPES = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "app_mention": "app_mentions:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "subteam_members_changed": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "user_change": "users:read",
    "team_join": "users:read",
    "assistant_thread_started": "assistant:write",
}
VERIFICATION_TOKEN = "local-verification-token"


def subscribed(manifest: Manifest, name: str) -> bool:
    scope = _SCOPES.get(name)
    return name in manifest.bot_events and (scope is None or scope in manifest.bot_scopes)


def callback(event: Json, now: float, *, external: bool = False) -> Json:
    """The outer `event_callback` around one event, with a fresh event id."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(now),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": BOT_USER_ID,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": external,
        "event_context": f"4-{secrets.token_hex(8)}",
    }


def of_message(manifest: Manifest, channel: Channel, message: Json, author_team: str) -> Iterator[Json]:
    """A new message: `message`, and `app_mention` beside it when the bot is mentioned outside a direct message."""
    if BOT_USER_ID not in channel.members:
        return
    home: Json = {"team": author_team}
    if channel.ext_shared:
        home |= {"user_team": author_team, "source_team": author_team}
    if subscribed(manifest, _MESSAGE_EVENT[channel.kind]):
        yield {**message, **home, "channel": channel.id, "event_ts": message["ts"], "channel_type": channel.kind}
    own = message.get("user") == BOT_USER_ID
    told = channel.kind != "im" and not own and message.get("subtype") in {None, "thread_broadcast", "file_share"}
    if told and mentions(message.get("text") or "", BOT_USER_ID) and subscribed(manifest, "app_mention"):
        mention = {name: value for name, value in message.items() if name not in {"files", "subtype"}}
        yield {**mention, **home, "type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}


def of_change(manifest: Manifest, channel: Channel, subtype: str, ts: str, **parts: Any) -> Iterator[Json]:
    """`message_changed` or `message_deleted`; `ts` is the time of the change."""
    if BOT_USER_ID not in channel.members or not subscribed(manifest, _MESSAGE_EVENT[channel.kind]):
        return
    yield {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.kind,
        "ts": ts,
        "event_ts": ts,
        **parts,
    }


def of_anything(manifest: Manifest, event: Json) -> Iterator[Json]:
    """Any event outside channels' messages, if subscribed."""
    if subscribed(manifest, event["type"]):
        yield event
