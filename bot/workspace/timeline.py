"""Every channel's messages in the order of their `ts`. Knows threads and message JSON, not who may post."""

import copy
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    """`wire` is Slack's message object without metadata; `ephemeral_to` marks one that a single person sees."""

    channel: str
    ts: str
    author: str
    wire: Json
    metadata: Json | None = None
    ephemeral_to: str | None = None
    stream: Json | None = None

    @property
    def thread_ts(self) -> str | None:
        value = self.wire.get("thread_ts")
        return value if isinstance(value, str) else None

    @property
    def is_reply(self) -> bool:
        return self.thread_ts not in {None, self.ts}

    @property
    def is_top_level(self) -> bool:
        return self.ephemeral_to is None and (not self.is_reply or self.wire.get("subtype") == "thread_broadcast")


@dataclass(slots=True)
class Clock:
    """The workspace's time, which a fault may shift, and the source of unique, rising message timestamps."""

    skew: float = 0.0
    _last: int = 0

    def now(self) -> float:
        return time.time() + self.skew

    def next_ts(self) -> str:
        self._last = max(int(self.now() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"


@dataclass(slots=True)
class Timeline:
    """Messages by channel and `ts`, ephemeral ones among them."""

    _channels: dict[str, dict[str, Message]] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        self._channels.setdefault(message.channel, {})[message.ts] = message

    def find(self, channel: str, ts: str) -> Message | None:
        return self._channels.get(channel, {}).get(ts)

    def remove(self, channel: str, ts: str) -> None:
        self._channels.get(channel, {}).pop(ts, None)

    def all_of(self, channel: str) -> list[Message]:
        return list(self._channels.get(channel, {}).values())

    def everything(self) -> list[Message]:
        return [message for messages in self._channels.values() for message in messages.values()]

    def replies(self, channel: str, ts: str) -> list[Message]:
        return [
            each
            for each in self.all_of(channel)
            if each.thread_ts == ts and each.ts != ts and each.ephemeral_to is None
        ]

    def shown(self, message: Message, *, metadata: bool = False) -> Json:
        """Slack's message JSON; a parent carries the counts of its thread."""
        shape = copy.deepcopy(message.wire)
        if metadata and message.metadata is not None:
            shape["metadata"] = copy.deepcopy(message.metadata)
        replies = [] if message.is_reply else self.replies(message.channel, message.ts)
        if replies:
            users = list(dict.fromkeys(each.author for each in replies))
            shape |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "reply_users": users,
                "latest_reply": replies[-1].ts,
                "is_locked": False,
                "subscribed": True,
            }
        return shape
