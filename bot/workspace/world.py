"""The workspace itself: all its state, and the few changes everything else is made of: post, edit, delete, tell.

A change is committed, then its events are sent and the page is hinted. Who may change what is decided by the callers.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from bot.slack import limits
from bot.workspace import events
from bot.workspace.blockkit import with_block_ids
from bot.workspace.config import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Manifest, WorkspaceConfig, read_manifest
from bot.workspace.delivery import Delivery
from bot.workspace.directory import Channel, Directory
from bot.workspace.faults import Faults, Traffic
from bot.workspace.hints import Hints
from bot.workspace.rates import Rates
from bot.workspace.seed import seeded_directory
from bot.workspace.sockets import Links
from bot.workspace.surfaces import ResponseUrl, Surfaces
from bot.workspace.timeline import Clock, Message, Timeline
from bot.workspace.wording import normalised

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """What someone wants to post; already validated."""

    text: str = ""
    blocks: list[Json] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: Json | None = None
    attachments: list[Json] | None = None
    files: list[Json] | None = None


@dataclass(slots=True)
class World:
    """One running workspace. `reset` brings everything but open links back to the seed."""

    config: WorkspaceConfig
    manifest: Manifest
    clock: Clock
    links: Links
    faults: Faults
    traffic: Traffic
    delivery: Delivery
    directory: Directory
    labels: tuple[str, ...]
    url: str = ""
    timeline: Timeline = field(default_factory=Timeline)
    surfaces: Surfaces = field(default_factory=Surfaces)
    hints: Hints = field(default_factory=Hints)
    rates: Rates = field(default_factory=Rates)
    statuses: dict[tuple[str, str], Json] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    scheduled: dict[str, Json] = field(default_factory=dict)
    codes: dict[str, float] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.links.changed = lambda: self.hints.send(None, {"type": "listening", "listening": self.listening})

    @property
    def listening(self) -> bool:
        """Whether anybody would hear an event now: a bot's open link, or an address to send it to."""
        return bool(self.links.open or self.delivery.request_url)

    def reset(self) -> None:
        self.stop_timers()
        self.delivery.forget()
        self.faults.waiting.clear()
        self.traffic.entries.clear()
        self.clock.skew = 0.0
        self.directory = seeded_directory(self.manifest)
        self.timeline, self.surfaces, self.rates = Timeline(), Surfaces(), Rates()
        for held in (self.statuses, self.files, self.contents, self.codes):
            held.clear()
        self.revoked.clear()
        self.hints.send(None, {"type": "reset"})

    def stop_timers(self) -> None:
        for entry in self.scheduled.values():
            entry["timer"].cancel()
        self.scheduled.clear()

    # Messages

    def post(self, channel: Channel, author: str, draft: Draft) -> Message:
        message = self._message(channel, author, draft)
        self.timeline.add(message)
        if author == BOT_USER_ID and message.thread_ts:
            self.set_status(channel, message.thread_ts, "")
        team = self.directory.users[author]["team_id"]
        self._send(events.of_message(self.manifest, channel, self.timeline.shown(message), team), channel)
        self.hint(channel, "message", message.ts)
        return message

    def post_ephemeral(self, channel: Channel, reader: str, draft: Draft) -> Message:
        message = self._message(channel, BOT_USER_ID, draft)
        message.ephemeral_to = reader
        message.wire["is_ephemeral"] = True
        self.timeline.add(message)
        self.hints.send({reader}, {"type": "ephemeral", "channel": channel.id, "ts": message.ts})
        return message

    def edit(self, message: Message, changes: Json, *, editor: str, marked: bool = True) -> None:
        """Replaces fields of the wire JSON (None removes one) and tells it as `message_changed`."""
        before = self.timeline.shown(message)
        for name, value in changes.items():
            if value is None:
                message.wire.pop(name, None)
            else:
                message.wire[name] = value
        ts = self.clock.next_ts()
        if marked:
            message.wire["edited"] = {"user": editor, "ts": ts}
        channel = self.directory.channels[message.channel]
        if message.ephemeral_to is None:
            shown = self.timeline.shown(message)
            parts: Json = {"message": shown, "previous_message": before}
            self._send(events.of_change(self.manifest, channel, "message_changed", ts, **parts), channel)
        self.hint(channel, "changed", message.ts)

    def delete(self, message: Message) -> None:
        """Removes a message; a parent with replies stays as Slack's tombstone, so that its thread keeps a head."""
        if not message.is_reply and self.timeline.replies(message.channel, message.ts):
            message.metadata = None
            gone: Json = dict.fromkeys(("blocks", "attachments", "files", "bot_id", "app_id", "bot_profile"))
            gone |= {"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT", "hidden": True}
            self.edit(message, gone, editor=message.author, marked=False)
            return
        channel = self.directory.channels[message.channel]
        before = self.timeline.shown(message)
        self.timeline.remove(message.channel, message.ts)
        if message.ephemeral_to is None:
            parts: Json = {"deleted_ts": message.ts, "previous_message": before}
            ts = self.clock.next_ts()
            self._send(events.of_change(self.manifest, channel, "message_deleted", ts, **parts), channel)
        self.hint(channel, "deleted", message.ts)

    def set_status(self, channel: Channel, thread_ts: str, status: str, loading: list[str] | None = None) -> None:
        key = (channel.id, thread_ts)
        if not status and key not in self.statuses:
            return
        self.statuses.pop(key, None)
        if status:
            until = self.clock.now() + self.config.scaled(limits.STATUS_SECONDS)
            self.statuses[key] = {"status": status, "loading_messages": loading or [], "until": until}
        hint = {"type": "status", "channel": channel.id, "thread_ts": thread_ts, "status": status}
        self.hints.send(set(channel.members), hint)

    # Telling

    def tell(self, event: Json, channel: Channel | None = None) -> None:
        """Sends an event to the app if the manifest subscribes to it."""
        self._send(events.of_anything(self.manifest, event), channel)

    def hint(self, channel: Channel, kind: str, ts: str) -> None:
        self.hints.send(set(channel.members), {"type": kind, "channel": channel.id, "ts": ts})

    def new_response_url(self, channel: Channel, user: str, message: Message | None = None) -> str:
        lifetime = self.config.scaled(limits.RESPONSE_URL_SECONDS)
        entry = ResponseUrl(channel.id, user, self.clock.now() + lifetime)
        if message is not None:
            entry.message_ts, entry.thread_ts = message.ts, message.thread_ts
        return f"{self.url}/response/{self.surfaces.new_response_url(entry)}"

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        return self.surfaces.new_trigger(user, self.clock.now() + self.config.trigger_lifetime, view_id)

    def _send(self, happened: Any, channel: Channel | None) -> None:
        for event in happened:
            external = channel is not None and channel.ext_shared
            self.delivery.send_event(events.callback(event, self.clock.now(), external=external))

    def _message(self, channel: Channel, author: str, draft: Draft) -> Message:
        ts = self.clock.next_ts()
        user = self.directory.users[author]
        wire: Json = {"type": "message", "user": author, "text": normalised(draft.text), "ts": ts}
        wire["team"] = user["team_id"]
        if author == BOT_USER_ID:
            wire |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": self.bot_profile()}
        elif user["is_bot"]:
            wire["bot_id"] = user["profile"]["bot_id"]
        if draft.blocks:
            wire["blocks"] = with_block_ids(draft.blocks)
        for name in ("attachments", "files"):
            if value := getattr(draft, name):
                wire[name] = copy.deepcopy(value)
        if draft.files:
            wire["subtype"] = "file_share"
        if draft.thread_ts:
            wire["thread_ts"] = draft.thread_ts
            parent = self.timeline.find(channel.id, draft.thread_ts)
            wire["parent_user_id"] = parent.author if parent else author
        if draft.broadcast and draft.thread_ts:
            wire["subtype"] = "thread_broadcast"
        return Message(channel.id, ts, author, wire, metadata=draft.metadata)

    def bot_profile(self) -> Json:
        return {
            "id": BOT_ID,
            "app_id": APP_ID,
            "user_id": BOT_USER_ID,
            "name": self.manifest.app_name,
            "icons": {},
            "deleted": False,
            "updated": 1_700_000_000,
            "team_id": TEAM_ID,
        }


def new_world(config: WorkspaceConfig) -> World:
    manifest = read_manifest(config.manifest)
    clock, links, faults, traffic = Clock(), Links(), Faults(), Traffic()
    return World(
        config=config,
        manifest=manifest,
        clock=clock,
        links=links,
        faults=faults,
        traffic=traffic,
        delivery=Delivery(config, clock, links, faults, traffic, config.request_url),
        directory=seeded_directory(manifest),
        labels=tuple(config.labels),
    )
