"""The `conversations.*` methods."""

from bot.slack import limits
from bot.workspace.calls import Call, Json, Method
from bot.workspace.config import BOT_USER_ID
from bot.workspace.directory import Channel
from bot.workspace.methods.paging import metadata, page
from bot.workspace.refusals import Refused
from bot.workspace.timeline import Message


def info(call: Call) -> Json:
    channel = call.seen_channel()
    shape = channel.as_json(call.actor.user_id)
    if not call.flag("include_num_members"):
        shape.pop("num_members", None)
    return {"channel": shape}


def list_(call: Call) -> Json:
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {kinds[each] for each in call.names("types") or ["public_channel"] if each in kinds}
    granted = call.world.manifest.bot_scopes
    if call.by_bot:
        scopes = {"channel": "channels:read", "group": "groups:read", "im": "im:read"}
        for kind in sorted(wanted):
            if scopes[kind] not in granted:
                raise Refused("missing_scope", needed=scopes[kind], provided=",".join(granted))
    shown = [each for each in visible_channels(call) if each.kind in wanted]
    if call.flag("exclude_archived"):
        shown = [each for each in shown if not each.archived]
    items, following = page(call, shown, limits.HISTORY_PAGE)
    return {"channels": [each.as_json(call.actor.user_id) for each in items], **metadata(following)}


def visible_channels(call: Call) -> list[Channel]:
    viewer = call.actor.user_id
    return [each for each in call.world.directory.channels.values() if _may_see(call, each, viewer)]


def _may_see(call: Call, channel: Channel, viewer: str) -> bool:
    try:
        call.world.directory.seen_by(channel.id, viewer)
    except Refused:
        return False
    return True


def members(call: Call) -> Json:
    channel = call.seen_channel()
    items, following = page(call, sorted(channel.members), limits.MEMBERS_PAGE)
    return {"members": list(items), **metadata(following)}


def history(call: Call) -> Json:
    channel = call.joined_channel(reading="history")
    found = [each for each in call.world.timeline.all_of(channel.id) if each.is_top_level]
    chosen = list(reversed(_between(call, found)))
    items, following = page(call, chosen, limits.HISTORY_PAGE, limits.HISTORY_PAGE_MOST)
    return _messages(call, items, following) | {"pin_count": 0}


def replies(call: Call) -> Json:
    channel = call.joined_channel(reading="history")
    ts = call.need("ts", "thread_not_found")
    parent = call.world.timeline.find(channel.id, ts)
    below = call.world.timeline.replies(channel.id, ts)
    if (parent is None or parent.ephemeral_to is not None) and not below:
        raise Refused("thread_not_found")
    found = ([parent] if parent else []) + _between(call, below)
    items, following = page(call, found, limits.REPLIES_PAGE)
    return _messages(call, items, following)


def _between(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "9" * 12
    try:
        low, high = _micros(oldest), _micros(latest)
    except ValueError:
        raise Refused("invalid_ts_oldest") from None
    if call.flag("inclusive"):
        return [each for each in messages if low <= _micros(each.ts) <= high]
    return [each for each in messages if low < _micros(each.ts) < high]


def _micros(ts: str) -> int:
    """A `ts` as an integer: a float would lose its last digits."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])


def _messages(call: Call, items: object, following: Json) -> Json:
    with_metadata = call.flag("include_all_metadata")
    assert isinstance(items, list)
    shown = [call.world.timeline.shown(each, metadata=with_metadata) for each in items]
    more = bool(following["next_cursor"])
    return {"messages": shown, "has_more": more, **(metadata(following) if more else {})}


def open_(call: Call) -> Json:
    if channel_id := call.text("channel"):
        channel = call.world.directory.joined_by(channel_id, call.actor.user_id)
        return {"channel": channel.as_json(call.actor.user_id), "no_op": True, "already_open": True}
    users = call.names("users")
    if not users:
        raise Refused("users_list_not_supplied")
    if len(users) > limits.OPEN_USERS:
        raise Refused("too_many_users")
    if len(users) > 1:
        raise Refused("method_not_supported_for_channel_type")
    other = BOT_USER_ID if not call.by_bot else users[0]
    person = users[0] if call.by_bot else call.actor.user_id
    if call.world.directory.user(other)["deleted"]:
        raise Refused("user_disabled")
    if not call.by_bot and users != [BOT_USER_ID]:
        raise Refused("method_not_supported_for_channel_type")
    existed = any(each.user == person for each in call.world.directory.channels.values())
    channel = call.world.directory.direct(person)
    shape = channel.as_json(call.actor.user_id) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shape, **({"no_op": True, "already_open": True} if existed else {})}


def join(call: Call) -> Json:
    channel = call.world.directory.seen_by(call.need("channel", "channel_not_found"), call.actor.user_id)
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refused("is_archived")
    add_member(call, channel, call.actor.user_id, None)
    return {"channel": channel.as_json(call.actor.user_id)}


def invite(call: Call) -> Json:
    channel = call.joined_channel()
    for user in call.names("users"):
        call.world.directory.user(user)
        if user in channel.members:
            raise Refused("already_in_channel")
        add_member(call, channel, user, call.actor.user_id)
    return {"channel": channel.as_json(call.actor.user_id)}


def add_member(call: Call, channel: Channel, user: str, inviter: str | None) -> None:
    if user in channel.members:
        return
    channel.members.add(user)
    event: Json = {"type": "member_joined_channel", "user": user, "channel": channel.id, "channel_type": "C"}
    event |= {"team": call.world.directory.users[user]["team_id"], "event_ts": call.world.clock.next_ts()}
    call.world.tell(event | ({"inviter": inviter} if inviter else {}), channel)
    call.world.hint(channel, "changed", "")


def leave(call: Call) -> Json:
    channel = call.joined_channel()
    channel.members.discard(call.actor.user_id)
    return {}


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
METHODS = {
    "conversations.info": Method(info, _READ, tier=3),
    "conversations.list": Method(list_, _READ, tier=2),
    "conversations.members": Method(members, _READ, tier=4),
    "conversations.history": Method(history, _HISTORY, tier=3),
    "conversations.replies": Method(replies, _HISTORY, tier=3),
    "conversations.open": Method(open_, ("im:write", "mpim:write"), tier=3),
    "conversations.join": Method(join, ("channels:join",), tier=3),
    "conversations.invite": Method(invite, ("channels:write.invites", "channels:manage"), tier=3),
    "conversations.leave": Method(leave, ("channels:manage", "groups:write"), tier=3),
}
