"""Slack's payloads → our own values: first the inbox row that is committed before the ack, then, from that row, an `Input`. Pure.

Rule 1: a row keeps the least that `translate` needs: no token, no response URL, no other people's text.
Rule 2: what starts or answers nothing gives no row: edits, deletions, bots, joins, and channel messages that are neither a
mention, nor in a direct message, nor a reply in a thread.
Rule 3: a person is keyed by their own team (their enterprise where the installation has one), never by that of the place.
Rule 4: a click on Deny, Review, Ask, Edit or Details decides nothing, so it gives no row; the view that it opens does. That of Edit does
only once its listener has found nothing wrong with it (`edit_row`).
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from bot.core.glass import BY_GLASS
from bot.core.inputs import Clicked, Foreign, Input, Nothing, Ordered, Wrote
from bot.core.values import Person, Place
from bot.ports import InboxRow
from bot.slack.forms import EDIT
from bot.slack.views import APPROVE_REVIEWED, ASK, COMMENT, DENY, Subject
from bot.slack.wording import flattened, names, storable

Payload: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["event", "click", "view", "command"]

RECORDED_CLICKS: Final = frozenset(
    {"approve", "safer", "did_run", "did_not_run", "unknown", "retry", "withdraw", "stop", "reviewed"}
)
"""Buttons that the engine works from the inbox; all others are answered by a listener."""
RECORDED_VIEWS: Final = frozenset({APPROVE_REVIEWED, DENY, ASK, BY_GLASS})
VERBS: Final = frozenset({"freeze", "unfreeze"})
_SUBTYPES: Final = frozenset({None, "file_share", "thread_broadcast"})
_SLACKBOT: Final = "USLACKBOT"


class _Row(StrEnum):
    MESSAGE = "message"
    CLICK = "click"
    VIEW = "view"
    COMMAND = "command"
    ORDER = "order"


ORDER: Final = _Row.ORDER
"""The kind of a row whose command changes something; whoever gave it waits for the answer."""


def kind_of(body: Payload) -> Kind | None:
    """Which kind of delivery this is; None for any that starts nothing here."""
    match body.get("type"):
        case "event_callback":
            return "event"
        case "block_actions":
            return "click"
        case "view_submission":
            return "view"
        case _:
            return "command" if isinstance(body.get("command"), str) else None


def inbox_row(body: Payload, *, kind: Kind) -> InboxRow | None:
    """The row to commit before the ack; None: acknowledge, and let a listener answer where one must."""
    match kind:
        case "event":
            return _message_row(body)
        case "click":
            return _click_row(body)
        case "view":
            return _view_row(body)
        case "command":
            return _command_row(body)


def edit_row(body: Payload, subject: Subject, arguments: str) -> InboxRow:
    """The row of a submitted edit, to be committed before its ack. ``arguments``: JSON text."""
    view, team, person = _part(body, "view"), team_of(body), person_of(body)
    kept = {
        "person": [person.team, person.user],
        "action": EDIT,
        "value": subject.approval,
        "channel": subject.channel,
        "message": subject.message,
        "comment": "",
        "arguments": arguments,
    }
    return _row(f"view:{team}:{person.user}:{view.get('id', '')}:{view.get('hash', '')}", team, _Row.VIEW, kept)


def translate(row: InboxRow) -> Input:
    """What a row means. A row that cannot be read is `Foreign`: another release wrote it, and it is not this one's to close."""
    try:
        kept = json.loads(row.payload)
        match row.kind:
            case _Row.MESSAGE:
                return _wrote(kept, row.team)
            case _Row.CLICK | _Row.VIEW:
                return _clicked(kept)
            case _Row.ORDER:
                return _ordered(kept, row.team)
            case _Row.COMMAND:
                return Nothing("a command is answered in its acknowledgement")
            case _:
                return Foreign(f"a row of kind {row.kind}")
    except (ValueError, KeyError, TypeError) as error:
        return Foreign(f"a row that cannot be read: {type(error).__name__}")


def team_of(body: Payload) -> str:
    """The workspace that Signoff is installed in, as far as this payload says."""
    view, team = _part(body, "view"), body.get("team")
    known = view.get("app_installed_team_id") or (team if isinstance(team, str) else _part(body, "team").get("id"))
    return str(known or _authorization(body).get("team_id") or body.get("team_id") or "")


def person_of(body: Payload) -> Person:
    """Who clicked, submitted or sent a command."""
    user = _part(body, "user")
    own = str(user.get("team_id") or team_of(body))
    return _person(body, own, str(user.get("id") or body.get("user_id") or ""))


def action_of(body: Payload) -> Mapping[str, Any]:
    """The one action of a click; empty where there is none."""
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions else {}
    return first if isinstance(first, dict) else {}


def place_of(body: Payload) -> tuple[str, str, str]:
    """Channel, message and thread of a click ("" where it has none)."""
    container, message = _part(body, "container"), _part(body, "message")
    channel = container.get("channel_id") or _part(body, "channel").get("id") or ""
    ts = container.get("message_ts") or message.get("ts") or ""
    return str(channel), str(ts), str(container.get("thread_ts") or message.get("thread_ts") or ts)


# --- rows -----------------------------------------------------------------------------------------------------------


def _message_row(body: Payload) -> InboxRow | None:
    event = _part(body, "event")
    if event.get("type") not in ("message", "app_mention") or not _is_a_persons(event, _bot(body)):
        return None
    channel, ts, text = event.get("channel"), event.get("ts"), event.get("text") or ""
    if not (isinstance(channel, str) and isinstance(ts, str) and isinstance(text, str) and channel and ts):
        return None
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    mentioned = direct or event["type"] == "app_mention" or names(text, _bot(body))
    thread = str(event.get("thread_ts") or ts)
    if not mentioned and thread == ts:
        return None
    team = str(_authorization(body).get("team_id") or body.get("team_id") or "")
    own = str(event.get("user_team") or event.get("team") or event.get("source_team") or team)
    person = _person(body, own, event["user"])
    kept = {
        "person": [person.team, person.user],
        "channel": channel,
        "thread": thread,
        "message": ts,
        "text": flattened(text, _bot(body)),
        "mentioned": mentioned,
    }
    return _row(f"msg:{team}:{channel}:{ts}", team, _Row.MESSAGE, kept)


def _is_a_persons(event: Payload, bot: str) -> bool:
    user = event.get("user")
    spoken = isinstance(user, str) and user not in ("", bot, _SLACKBOT) and not event.get("bot_id")
    return spoken and event.get("subtype") in _SUBTYPES and not event.get("hidden") and not event.get("edited")


def _click_row(body: Payload) -> InboxRow | None:
    action = action_of(body)
    name, value = action.get("action_id"), action.get("value")
    if name not in RECORDED_CLICKS or not isinstance(value, str) or action.get("url"):
        return None
    channel, message, _ = place_of(body)
    team, person = team_of(body), person_of(body)
    kept = {
        "person": [person.team, person.user],
        "action": name,
        "value": value,
        "channel": channel,
        "message": message,
        "comment": "",
    }
    key = f"click:{team}:{person.user}:{message}:{action.get('action_ts', '')}:{name}"
    return _row(key, team, _Row.CLICK, kept)


def _view_row(body: Payload) -> InboxRow | None:
    view = _part(body, "view")
    subject = _subject(view)
    if view.get("callback_id") not in RECORDED_VIEWS or subject is None:
        return None
    team, person = team_of(body), person_of(body)
    kept = {"person": [person.team, person.user], "action": view["callback_id"], **subject, "comment": _comment(view)}
    return _row(f"view:{team}:{person.user}:{view.get('id', '')}:{view.get('hash', '')}", team, _Row.VIEW, kept)


def _command_row(body: Payload) -> InboxRow | None:
    team, user = str(body.get("team_id") or ""), str(body.get("user_id") or "")
    key, verb = f"command:{team}:{user}:{body.get('trigger_id', '')}", verb_of(body)
    if verb not in VERBS:
        return _row(key, team, _Row.COMMAND, {"command": body["command"]})
    person, text = person_of(body), str(body.get("text") or "").strip()[len(verb) :]
    kept = {"person": [person.team, person.user], "verb": verb, "text": storable(flattened(text, "").strip())}
    return _row(key, team, ORDER, kept | {"channel": str(body.get("channel_id") or "")})


def verb_of(body: Payload) -> str:
    """The first word after `/signoff`; "" for another command."""
    words = str(body.get("text") or "").split(maxsplit=1)
    return words[0].lower() if words and body.get("command") == "/signoff" else ""


def _row(key: str, team: str, kind: str, kept: Mapping[str, object]) -> InboxRow:
    return InboxRow(key, team, kind, json.dumps(kept, separators=(",", ":")))


def _subject(view: Payload) -> dict[str, str] | None:
    """What a view is about, out of its ``private_metadata``."""
    try:
        about = json.loads(view.get("private_metadata") or "")
        return {"value": str(about["approval"]), "channel": str(about["channel"]), "message": str(about["message"])}
    except (ValueError, KeyError, TypeError):
        return None


def _comment(view: Payload) -> str:
    typed = _part(_part(_part(_part(view, "state"), "values"), COMMENT), COMMENT).get("value")
    return storable(typed.strip()) if isinstance(typed, str) else ""


# --- inputs ---------------------------------------------------------------------------------------------------------


def _wrote(kept: Mapping[str, Any], team: str) -> Wrote:
    person, place = Person(*kept["person"]), Place(team, kept["channel"], kept["thread"])
    return Wrote(person, place, kept["message"], kept["text"], kept["mentioned"])


def _clicked(kept: Mapping[str, Any]) -> Clicked:
    person = Person(*kept["person"])
    what = (kept["action"], kept["value"], kept["channel"], kept["message"], kept["comment"])
    return Clicked(person, *what, kept.get("arguments", ""))


def _ordered(kept: Mapping[str, Any], team: str) -> Ordered:
    return Ordered(Person(*kept["person"]), kept["verb"], kept["text"], team, kept["channel"])


# --- who ------------------------------------------------------------------------------------------------------------


def _person(body: Payload, own_team: str, user: str) -> Person:
    """``own_team`` is the person's; their key is the enterprise where they share the installation's workspace and it has one."""
    enterprise = _enterprise(body) if own_team == team_of(body) else ""
    return Person(enterprise or own_team, user)


def _enterprise(body: Payload) -> str:
    of_team, own = _part(body, "team").get("enterprise_id"), body.get("enterprise_id")
    known = _part(body, "enterprise").get("id") or of_team or _authorization(body).get("enterprise_id") or own
    return str(known or "")


def _authorization(body: Payload) -> Mapping[str, Any]:
    given = body.get("authorizations")
    first = given[0] if isinstance(given, list) and given else {}
    return first if isinstance(first, dict) else {}


def _bot(body: Payload) -> str:
    authorization = _authorization(body)
    return str(authorization.get("user_id") or "") if authorization.get("is_bot", True) else ""


def _part(body: Payload, name: str) -> Mapping[str, Any]:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
