"""`GET /client/*`: what the page shows to one person. Changes nothing."""

import copy
from typing import Any

from bot.workspace.config import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, TEAM_NAME
from bot.workspace.directory import Channel
from bot.workspace.timeline import Message
from bot.workspace.world import World

Json = dict[str, Any]


def boot(world: World, user: str) -> Json:
    """Team, app, people, groups, channels, commands and labels, as `user` sees them, and whether a bot is listening."""
    directory = world.directory
    own = directory.direct(user) if user != BOT_USER_ID else None
    shown = [each for each in directory.channels.values() if each is own or _listed(world, each, user)]
    return {
        "team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": TEAM_DOMAIN},
        "app": {"id": APP_ID, "bot_user_id": BOT_USER_ID, "bot_id": BOT_ID, "name": world.manifest.app_name},
        "users": copy.deepcopy(list(directory.users.values())),
        "usergroups": copy.deepcopy(list(directory.usergroups.values())),
        "channels": [_channel(each, user, world) for each in shown],
        "commands": [
            {
                "command": each["command"],
                "description": each.get("description", ""),
                "usage_hint": each.get("usage_hint", ""),
            }
            for each in world.manifest.commands
        ],
        "shortcuts": [
            {"name": each.get("name", ""), "type": each["type"], "callback_id": each["callback_id"]}
            for each in world.manifest.shortcuts
        ],
        "home": world.manifest.home,
        "labels": list(world.labels),
        "listening": world.listening,
        "me": user,
    }


def _listed(world: World, channel: Channel, user: str) -> bool:
    if channel.kind != "channel":
        return user in channel.members and channel.kind != "im"
    person = world.directory.users[user]
    return user in channel.members or (person["team_id"] == TEAM_ID and not person["is_restricted"])


def _channel(channel: Channel, user: str, world: World) -> Json:
    name = f"{world.manifest.app_name} (direct message)" if channel.kind == "im" else channel.name
    shape: Json = {
        "id": channel.id,
        "name": name,
        "is_private": channel.kind != "channel",
        "is_im": channel.kind == "im",
        "is_ext_shared": channel.ext_shared,
        "is_archived": channel.archived,
        "is_member": user in channel.members,
        "has_bot": BOT_USER_ID in channel.members,
        "topic": channel.topic,
    }
    return shape | ({"user": channel.user} if channel.user else {})


def messages(world: World, user: str, reference: str) -> Json:
    """All messages of a channel, replies among them, oldest first, and the agent's status lines."""
    channel = world.directory.seen_by(reference, user)
    found = [each for each in world.timeline.all_of(channel.id) if each.ephemeral_to in {None, user}]
    now = world.clock.now()
    statuses = [
        {"thread_ts": thread_ts, "status": entry["status"], "loading_messages": entry["loading_messages"]}
        for (where, thread_ts), entry in world.statuses.items()
        if where == channel.id and entry["until"] > now
    ]
    return {"messages": [_message(world, each) for each in found], "statuses": statuses}


def _message(world: World, message: Message) -> Json:
    shape = world.timeline.shown(message, metadata=True)
    if message.ephemeral_to is not None:
        shape["ephemeral_to"] = message.ephemeral_to
    return shape


def views(world: World, user: str) -> Json:
    home = world.surfaces.homes.get(user)
    return {
        "modal_stack": [each.as_json() for each in world.surfaces.stack(user)],
        "home": home.as_json() if home else None,
    }
