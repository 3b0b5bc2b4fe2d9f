"""The fixed cast of every local workspace: its people, user groups and channels. Ids never change."""

from typing import Any

from bot.workspace.config import BOT_ID, BOT_USER_ID, OTHER_TEAM_ID, TEAM_ID, Manifest
from bot.workspace.directory import Channel, Directory

Json = dict[str, Any]

_COLORS = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "2b6836", "99a949", "5b89d5", "43761b")


def seeded_directory(manifest: Manifest) -> Directory:
    """A fresh directory; the app's own bot user is named as its manifest says."""
    users = {each["id"]: each for each in _people(manifest)}
    everyone = {
        each["id"]
        for each in users.values()
        if not each["deleted"] and each["team_id"] == TEAM_ID and not each["is_ultra_restricted"]
    }
    staff = everyone - {"U0GUEST"}
    channels = (
        Channel("C0OPS", "ops", "channel", everyone | {"U0ULTRA"}, topic="Ask @" + manifest.bot_name),
        Channel("C0GENERAL", "general", "channel", staff - {BOT_USER_ID}),
        Channel("G0SECRET", "secret-ops", "group", {"U0ALICE", "U0CAROL", "U0BOB", BOT_USER_ID}),
        Channel("C0SHARED", "shared-acme-other", "channel", everyone | {"U0XENA"}, ext_shared=True),
        Channel("C0OLD", "old-stuff", "channel", set(staff), archived=True),
    )
    return Directory(
        users=users,
        usergroups={
            "S0SECURITY": _usergroup("S0SECURITY", "security", "Security", ["U0CAROL", "U0DAN"]),
            "S0SRE": _usergroup("S0SRE", "sre", "Site Reliability", ["U0DAN", "U0BOB"]),
        },
        channels={each.id: each for each in channels},
    )


def _people(manifest: Manifest) -> tuple[Json, ...]:
    return (
        _user("U0ALICE", "alice", "Alice Adams", "Support"),
        _user("U0BOB", "bob", "Bob Brown", "Engineer"),
        _user("U0CAROL", "carol", "Carol Clark", "Security"),
        _user("U0DAN", "dan", "Dan Davis", "Security and SRE"),
        _user("U0ERIN", "erin", "Erin Evans", "Owner", is_admin=True, is_owner=True, is_primary_owner=True),
        _user("U0GUEST", "gus", "Gus Guest", "Guest of several channels", is_restricted=True),
        _user("U0ULTRA", "uma", "Uma Ultra", "Guest of one channel", is_restricted=True, is_ultra_restricted=True),
        _user("U0GONE", "gone", "Gone Gray", "Left the company", deleted=True),
        _user("U0ROBOT", "robot", "Other Robot", "Another app", is_bot=True),
        _user("U0XENA", "xena", "Xena of Other", "Works elsewhere", team_id=OTHER_TEAM_ID),
        _user(BOT_USER_ID, manifest.bot_name, manifest.app_name, "App", is_bot=True),
    )


_FLAGS = ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted")


def _user(user_id: str, name: str, real_name: str, title: str, *, team_id: str = TEAM_ID, **flags: bool) -> Json:
    first, _, last = real_name.partition(" ")
    is_bot = flags.get("is_bot", False)
    profile: Json = {
        "title": title,
        "real_name": real_name,
        "real_name_normalized": real_name,
        "display_name": name,
        "display_name_normalized": name,
        "first_name": first,
        "last_name": last,
        "email": f"{name}@{'other' if team_id == OTHER_TEAM_ID else 'acme'}.example",
        "status_text": "",
        "status_emoji": "",
        "avatar_hash": "",
        "team": team_id,
    }
    if is_bot:
        profile |= {"bot_id": BOT_ID if user_id == BOT_USER_ID else "B0ROBOT", "api_app_id": ""}
    return {
        "id": user_id,
        "team_id": team_id,
        "name": name,
        "deleted": flags.get("deleted", False),
        "color": _COLORS[sum(map(ord, user_id)) % len(_COLORS)],
        "real_name": real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": profile,
        **{flag: flags.get(flag, False) for flag in _FLAGS},
        "is_bot": is_bot,
        "is_app_user": False,
        "is_stranger": False,
        "is_email_confirmed": not is_bot,
        "who_can_share_contact_card": "EVERYONE",
        "updated": 1_700_000_000,
    }


def _usergroup(group_id: str, handle: str, name: str, users: list[str]) -> Json:
    return {
        "id": group_id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "is_external": False,
        "name": name,
        "handle": handle,
        "description": "",
        "date_create": 1_700_000_000,
        "date_update": 1_700_000_000,
        "date_delete": 0,
        "auto_type": None,
        "created_by": "U0ERIN",
        "updated_by": "U0ERIN",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
        "users": users,
        "user_count": len(users),
    }
