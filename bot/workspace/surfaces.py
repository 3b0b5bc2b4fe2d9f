"""What lives only for a while around an interaction: triggers, response URLs, open modals and App Home.

Pure bookkeeping: who may use it and what is sent about it stand elsewhere.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from bot.slack import limits
from bot.workspace.blockkit import interactive_elements, with_block_ids
from bot.workspace.blockkit.elements import STATEFUL
from bot.workspace.config import APP_ID, BOT_ID, TEAM_ID
from bot.workspace.refusals import Refused

Json = dict[str, Any]


@dataclass(slots=True)
class Trigger:
    user: str
    expires_at: float
    view_id: str | None = None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """A bearer address for `channel` on behalf of an interaction of `user`."""

    channel: str
    user: str
    expires_at: float
    message_ts: str | None = None
    thread_ts: str | None = None
    uses_left: int = limits.RESPONSE_URL_USES


@dataclass(slots=True, eq=False)
class View:
    """A modal or a Home tab of one person. `values` is what they have typed: block id → action id → state."""

    id: str
    user: str
    body: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)

    def as_json(self) -> Json:
        body = self.body
        shape: Json = {
            "id": self.id,
            "team_id": TEAM_ID,
            "type": body["type"],
            "blocks": body["blocks"],
            "private_metadata": body.get("private_metadata") or "",
            "callback_id": body.get("callback_id") or "",
            "state": {"values": self.values},
            "hash": self.hash,
            "title": body.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": body.get("clear_on_close", False),
            "notify_on_close": body.get("notify_on_close", False),
            "close": body.get("close"),
            "submit": body.get("submit"),
            "submit_disabled": body.get("submit_disabled", False),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "app_id": APP_ID,
            "external_id": body.get("external_id") or "",
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
        }
        return shape


def fresh_hash(now: float) -> str:
    return f"{int(now)}.{secrets.token_hex(4)}"


def initial_values(blocks: list[Json], previous: Json | None = None) -> Json:
    """The state of every input of a view; what a person typed in a block of the same ids is kept."""
    values: Json = {}
    for block, element in interactive_elements(blocks):
        if element["type"] not in STATEFUL:
            continue
        kept = (previous or {}).get(block["block_id"], {}).get(element["action_id"])
        fits = kept is not None and kept.get("type") == element["type"]
        values.setdefault(block["block_id"], {})[element["action_id"]] = kept if fits else initial_state(element)
    return values


def initial_state(element: Json) -> Json:
    """An untouched element's state as it appears under `state.values`."""
    kind = element["type"]
    match kind:
        case "static_select" | "radio_buttons" | "external_select":
            return {"type": kind, "selected_option": element.get("initial_option")}
        case "checkboxes" | "multi_static_select" | "multi_external_select":
            return {"type": kind, "selected_options": element.get("initial_options") or []}
        case "datepicker":
            return {"type": kind, "selected_date": element.get("initial_date")}
        case "timepicker":
            return {"type": kind, "selected_time": element.get("initial_time")}
        case "datetimepicker":
            return {"type": kind, "selected_date_time": element.get("initial_date_time")}
        case "users_select" | "channels_select" | "conversations_select":
            noun = kind.removesuffix("s_select")
            return {"type": kind, f"selected_{noun}": element.get(f"initial_{noun}")}
        case "multi_users_select" | "multi_channels_select" | "multi_conversations_select":
            noun = kind.removeprefix("multi_").removesuffix("_select")
            return {"type": kind, f"selected_{noun}": element.get(f"initial_{noun}") or []}
        case _:
            return {"type": kind, "value": element.get("initial_value")}


@dataclass(slots=True)
class Surfaces:
    """Triggers, response URLs, each person's stack of modals and Home."""

    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def new_trigger(self, user: str, expires_at: float, view_id: str | None = None) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, expires_at, view_id)
        return trigger_id

    def use_trigger(self, trigger_id: str, now: float) -> Trigger:
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if now > trigger.expires_at:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response_url(self, entry: ResponseUrl) -> str:
        key = secrets.token_urlsafe(18)
        self.response_urls[key] = entry
        return key

    def stack(self, user: str) -> list[View]:
        return self.stacks.setdefault(user, [])

    def open_view(self, user: str, body: Json, now: float) -> View:
        """Starts a new stack: whatever this person had open is gone."""
        self._free_external_id(body, None)
        self.stacks[user] = []
        return self._push(user, body, now)

    def push_view(self, user: str, body: Json, now: float) -> View:
        if len(self.stack(user)) >= limits.VIEW_STACK:
            raise Refused("push_limit_reached")
        self._free_external_id(body, None)
        return self._push(user, body, now)

    def find_view(self, view_id: str | None, external_id: str | None) -> View | None:
        views = [*self.homes.values(), *(each for stack in self.stacks.values() for each in stack)]
        for view in views:
            if view_id == view.id or (external_id and external_id == view.body.get("external_id")):
                return view
        return None

    def update_view(self, view: View, body: Json, now: float) -> View:
        self._free_external_id(body, view)
        view.body = {**body, "blocks": with_block_ids(body["blocks"])}
        view.values = initial_values(view.body["blocks"], view.values)
        view.hash = fresh_hash(now)
        return view

    def publish(self, user: str, body: Json, now: float) -> View:
        if user in self.homes:
            return self.update_view(self.homes[user], body, now)
        view_id = f"V{secrets.token_hex(5).upper()}"
        view = View(view_id, user, body, fresh_hash(now), view_id)
        self.homes[user] = view
        return self.update_view(view, body, now)

    def close_view(self, view: View) -> None:
        """Takes the view, and whatever was pushed above it, off its stack."""
        stack = self.stack(view.user)
        if view in stack:
            del stack[stack.index(view) :]

    def _push(self, user: str, body: Json, now: float) -> View:
        stack = self.stack(user)
        view_id = f"V{secrets.token_hex(5).upper()}"
        root = stack[0].id if stack else view_id
        view = View(view_id, user, body, fresh_hash(now), root, stack[-1].id if stack else None)
        stack.append(view)
        return self.update_view(view, body, now)

    def _free_external_id(self, body: Json, own: View | None) -> None:
        external_id = body.get("external_id")
        if external_id and self.find_view(None, external_id) not in (None, own):
            raise Refused("duplicate_external_id")
