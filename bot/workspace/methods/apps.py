"""The methods about the app itself and its tokens: `auth.*`, `apps.*`, `api.test`, `emoji.list`, `blocks.validate`."""

from bot.workspace.blockkit import check_message_blocks, check_view
from bot.workspace.calls import APP, BOT, NOBODY, PERSON, Call, Json, Method
from bot.workspace.config import BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, TEAM_NAME
from bot.workspace.refusals import Refused


def auth_test(call: Call) -> Json:
    user = call.world.directory.users[call.actor.user_id]
    answer: Json = {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": TEAM_NAME,
        "user": user["name"],
        "team_id": TEAM_ID,
        "user_id": user["id"],
        "is_enterprise_install": False,
    }
    return answer | ({"bot_id": BOT_ID} if call.actor.kind == BOT else {})


def auth_revoke(call: Call) -> Json:
    if call.flag("test"):
        return {"revoked": False}
    revoke_bot(call)
    return {"revoked": True}


def revoke_bot(call: Call) -> None:
    """Takes the bot token away and tells the app, which may or may not hear it."""
    now = call.world.clock.next_ts()
    call.world.tell({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER_ID]}, "event_ts": now})
    call.world.revoked.add(BOT)


def uninstall(call: Call) -> Json:
    call.world.tell({"type": "app_uninstalled", "event_ts": call.world.clock.next_ts()})
    revoke_bot(call)
    return {}


def connections_open(call: Call) -> Json:
    ticket = call.world.links.new_ticket()
    return {"url": f"{call.world.url.replace('http', 'ws', 1)}/link/{ticket}"}


def authorizations_list(call: Call) -> Json:
    call.need("event_context")
    entry = {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True}
    return {"authorizations": [entry | {"is_enterprise_install": False}]}


def api_test(call: Call) -> Json:
    if error := call.text("error"):
        raise Refused(error, args=call.args)
    return {"args": call.args} if call.args else {}


def emoji_list(call: Call) -> Json:
    return {"emoji": {}, "cache_ts": call.world.clock.next_ts()}


def blocks_validate(call: Call) -> Json:
    given = [name for name in ("blocks", "message", "view") if call.args.get(name) is not None]
    if len(given) != 1:
        raise Refused("invalid_arguments")
    value = call.structure(given[0])
    match given[0]:
        case "view":
            check_view(value, "modal", "home")
        case "message":
            check_message_blocks((value or {}).get("blocks", []))
        case _:
            check_message_blocks(value)
    return {}


_ANY = frozenset({BOT, PERSON})
_ALL = frozenset({BOT, PERSON, APP, NOBODY})
METHODS = {
    "auth.test": Method(auth_test),
    "auth.revoke": Method(auth_revoke, tier=3),
    "apps.uninstall": Method(uninstall, tokens=_ANY),
    "apps.connections.open": Method(connections_open, tokens=frozenset({APP}), tier=3, post_only=True),
    "apps.event.authorizations.list": Method(authorizations_list, tokens=frozenset({APP}), tier=4),
    "api.test": Method(api_test, tokens=_ALL, tier=4),
    "emoji.list": Method(emoji_list, ("emoji:read",), tier=2),
    "blocks.validate": Method(blocks_validate, tokens=_ALL),
}
