"""The `users.*`, `usergroups.*`, `bots.*` and `team.*` methods."""

import copy

from bot.workspace.calls import BOT, Call, Json, Method
from bot.workspace.config import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, TEAM_NAME
from bot.workspace.methods.conversations import visible_channels
from bot.workspace.methods.paging import metadata, page
from bot.workspace.refusals import Refused


def _shown(call: Call, user: Json) -> Json:
    """The e-mail address needs its own scope."""
    shape = copy.deepcopy(user)
    if call.actor.kind == BOT and "users:read.email" not in call.world.manifest.bot_scopes:
        shape["profile"].pop("email", None)
    return shape


def info(call: Call) -> Json:
    return {"user": _shown(call, call.world.directory.user(call.need("user", "user_not_found")))}


def list_(call: Call) -> Json:
    items, following = page(call, list(call.world.directory.users.values()), 1_000)
    return {
        "members": [_shown(call, each) for each in items],
        "cache_ts": int(call.world.clock.now()),
        **metadata(following),
    }


def lookup_by_email(call: Call) -> Json:
    email = call.need("email", "users_not_found")
    for user in call.world.directory.users.values():
        if user["profile"]["email"] == email and not user["deleted"] and not user["is_bot"]:
            return {"user": _shown(call, user)}
    raise Refused("users_not_found")


def conversations(call: Call) -> Json:
    user = call.text("user") or call.actor.user_id
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {kinds[each] for each in call.names("types") or ["public_channel"] if each in kinds}
    shown = [each for each in visible_channels(call) if user in each.members and each.kind in wanted]
    items, following = page(call, shown, 100)
    return {"channels": [each.as_json(user) for each in items], **metadata(following)}


def get_presence(call: Call) -> Json:
    return {"presence": "active", "online": True}


def usergroups_list(call: Call) -> Json:
    groups = [each for each in call.world.directory.usergroups.values() if _listed(call, each)]
    shown = [copy.deepcopy(each) for each in groups]
    if not call.flag("include_users"):
        for each in shown:
            each.pop("users")
    return {"usergroups": shown}


def _listed(call: Call, group: Json) -> bool:
    return not group["date_delete"] or call.flag("include_disabled")


def usergroups_users_list(call: Call) -> Json:
    group = call.world.directory.usergroups.get(call.need("usergroup", "no_such_subteam"))
    if group is None or not _listed(call, group):
        raise Refused("no_such_subteam")
    return {"users": list(group["users"])}


def team_info(call: Call) -> Json:
    return {
        "team": {
            "id": TEAM_ID,
            "name": TEAM_NAME,
            "domain": TEAM_DOMAIN,
            "url": f"https://{TEAM_DOMAIN}.slack.com/",
            "email_domain": "acme.example",
            "icon": {},
        }
    }


def bots_info(call: Call) -> Json:
    if call.text("bot") not in {None, BOT_ID}:
        raise Refused("bot_not_found")
    manifest = call.world.manifest
    bot = {"id": BOT_ID, "deleted": False, "name": manifest.app_name, "app_id": APP_ID, "user_id": BOT_USER_ID}
    return {"bot": bot | {"icons": {}, "updated": 1_700_000_000}}


_READ = ("users:read",)
METHODS = {
    "users.info": Method(info, _READ, tier=4),
    "users.list": Method(list_, _READ, tier=2),
    "users.lookupByEmail": Method(lookup_by_email, ("users:read.email",), tier=3),
    "users.conversations": Method(conversations, ("channels:read", "groups:read", "im:read"), tier=3),
    "users.getPresence": Method(get_presence, _READ, tier=3),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",), tier=2),
    "usergroups.users.list": Method(usergroups_users_list, ("usergroups:read",), tier=2),
    "team.info": Method(team_info, ("team:read",), tier=3),
    "bots.info": Method(bots_info, _READ, tier=3),
}
