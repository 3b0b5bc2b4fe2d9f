"""Who and what is in the workspace: users, user groups and channels, and who may see which channel.

Holds no messages. The fixed cast stands in `seed.py`.
"""

from dataclasses import dataclass, field
from typing import Any

from bot.workspace.config import BOT_USER_ID, OTHER_TEAM_ID, TEAM_ID
from bot.workspace.refusals import Refused

Json = dict[str, Any]


@dataclass(slots=True)
class Channel:
    """A conversation. `kind` is `channel` (public), `group` (private) or `im` (the bot and `user`)."""

    id: str
    name: str
    kind: str
    members: set[str]
    created: int = 1_700_000_000
    creator: str = "U0ERIN"
    archived: bool = False
    ext_shared: bool = False
    user: str | None = None
    topic: str = ""

    def as_json(self, viewer: str) -> Json:
        """Slack's channel object as `viewer` sees it."""
        im = self.kind == "im"
        shape: Json = {
            "id": self.id,
            "created": self.created,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": im,
            "is_mpim": False,
            "is_private": self.kind != "channel",
            "is_archived": self.archived,
            "is_general": self.id == "C0GENERAL",
            "is_shared": self.ext_shared,
            "is_ext_shared": self.ext_shared,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "is_member": viewer in self.members,
            "is_open": True,
            "context_team_id": TEAM_ID,
            "shared_team_ids": [TEAM_ID, OTHER_TEAM_ID] if self.ext_shared else [TEAM_ID],
            "connected_team_ids": [OTHER_TEAM_ID] if self.ext_shared else [],
            "updated": self.created * 1000,
        }
        if im:
            return shape | {"user": BOT_USER_ID if viewer == self.user else self.user, "is_user_deleted": False}
        return shape | {
            "name": self.name,
            "name_normalized": self.name,
            "creator": self.creator,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(slots=True)
class Directory:
    """Users and user groups as Slack's own JSON, channels as `Channel`; tests change them in place."""

    users: dict[str, Json] = field(default_factory=dict)
    usergroups: dict[str, Json] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    invisible: set[str] = field(default_factory=set)

    def user(self, user_id: str) -> Json:
        user = self.users.get(user_id)
        if user is None:
            raise Refused("user_not_found")
        if user_id in self.invisible:
            raise Refused("user_not_visible")
        return user

    def channel_of(self, reference: str) -> Channel | None:
        """By id or by name (with or without `#`)."""
        if reference in self.channels:
            return self.channels[reference]
        name = reference.removeprefix("#")
        return next((each for each in self.channels.values() if each.name == name and each.kind != "im"), None)

    def seen_by(self, reference: str, viewer: str) -> Channel:
        """The channel if `viewer` may know of it; a private one of others does not exist for them."""
        channel = self.channel_of(reference)
        if channel is None or (channel.kind != "channel" and viewer not in channel.members):
            raise Refused("channel_not_found")
        if channel.kind == "channel" and viewer not in channel.members and not self._is_full_member(viewer):
            raise Refused("channel_not_found")
        return channel

    def joined_by(self, reference: str, viewer: str) -> Channel:
        """The channel if `viewer` is in it, else `not_in_channel` or `channel_not_found`."""
        channel = self.seen_by(reference, viewer)
        if viewer not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def direct(self, user_id: str) -> Channel:
        """The direct message channel between the bot and a person, made when first needed."""
        user = self.user(user_id)
        channel_id = f"D0{user_id.removeprefix('U0')}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(
                id=channel_id, name=user["name"], kind="im", members={user_id, BOT_USER_ID}, user=user_id
            )
        return self.channels[channel_id]

    def _is_full_member(self, user_id: str) -> bool:
        user = self.users.get(user_id, {})
        return user.get("team_id") == TEAM_ID and not user.get("is_restricted")
