"""Posting for a run, and finding again what was posted: in its thread, or in the channel where the thread is gone.

Rule 1: every post carries its key in its metadata; another app's message with the same key is none of ours.
Rule 2: a thread whose first message was deleted takes no replies. The run goes on in the channel, where its requester is
mentioned; nothing is posted there before the channel was read for the key.
Which messages there are and what they say is `chat.py`'s and the renderers'.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.run import Run
from bot.logger import log
from bot.ports import Posted
from bot.slack.blocks import Message, with_ids
from bot.slack.calls import Declined, called
from bot.slack.replies import in_channel

EVENT_TYPE: Final = "signoff"
PAGE: Final = 200
_LOST: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_NO_THREAD: Final = frozenset({"thread_not_found", "cannot_reply_to_message"})
_UNREADABLE: Final = frozenset({"missing_scope", *_NO_THREAD})

Adopt = Callable[[str], Awaitable[bool]]
Standing = Mapping[str, list[str]]
Fetch = Callable[..., Awaitable[AsyncSlackResponse]]


async def as_it_is(ts: str) -> bool:
    """Adopts what stands already without a change."""
    return True


class Posting:
    """``client_for`` gives the client of a workspace; LookupError where Signoff is not installed."""

    def __init__(self, client_for: Callable[[str], AsyncWebClient]) -> None:
        self._client_for = client_for
        self._selves: dict[str, str] = {}

    async def post(self, run: Run, key: str, message: Message, adopt: Adopt = as_it_is) -> Posted:
        """Post in the run's thread; without one, adopt what stands in the channel (if ``adopt`` takes it) or post there."""
        place = run.asked.place
        try:
            return await self._send(run, key, message, place.thread)
        except Declined as declined:
            if declined.code not in _NO_THREAD:
                raise
            log.warning("a thread is gone; the run goes on in the channel", run=run.id, code=declined.code)
        client = self._client_for(place.team)
        standing = await self._read(run, client.conversations_history, channel=place.channel)
        for ts in reversed(standing.get(key, [])):
            if await adopt(ts):
                return Posted(place.channel, ts)
        return await self._send(run, key, in_channel(message, run.asked.person.user), "")

    async def standing(self, run: Run) -> Standing:
        """The keys of our messages in the run's thread since the run began, each with where it stands, oldest first."""
        place = run.asked.place
        client = self._client_for(place.team)
        return await self._read(run, client.conversations_replies, channel=place.channel, ts=place.thread)

    async def updated(self, team: str, channel: str, ts: str, message: Message) -> bool:
        """Whether the message now shows ``message``; False where it is gone or can no longer be changed."""
        client = self._client_for(team)
        work = client.chat_update(
            channel=channel, ts=ts, text=message.text, blocks=message.blocks, parse="none", link_names=False
        )
        try:
            await called(work)
        except Declined as declined:
            if declined.code in _LOST:
                return False
            raise
        return True

    async def _send(self, run: Run, key: str, message: Message, thread: str) -> Posted:
        place = run.asked.place
        answer = await called(
            self._client_for(place.team).chat_postMessage(
                channel=place.channel,
                thread_ts=thread or None,
                text=message.text,
                blocks=with_ids(message.blocks, key[-200:]),
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
                unfurl_links=False,
                unfurl_media=False,
                parse="none",
                link_names=False,
            )
        )
        return Posted(str(answer.get("channel") or place.channel), str(answer.get("ts") or ""))

    async def _read(self, run: Run, fetch: Fetch, **where: str) -> Standing:
        """All pages since the run began. What we may not read counts as empty: better twice than never."""
        found, cursor, oldest = dict[str, list[str]](), "", run.asked.message
        own = await self._self(run.asked.place.team)
        since = oldest if oldest.replace(".", "").isdigit() else None
        while True:
            page = fetch(**where, include_all_metadata=True, limit=PAGE, cursor=cursor or None, oldest=since)
            try:
                answer = await called(page)
            except Declined as declined:
                if declined.code not in _UNREADABLE:
                    raise
                log.warning("what stands already cannot be read before posting", code=declined.code)
                return found
            for message in answer.get("messages") or ():
                key = _key(message) if message.get("user") == own else None
                if key:
                    found.setdefault(key, []).append(str(message["ts"]))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return {key: sorted(stamps) for key, stamps in found.items()}

    async def _self(self, team: str) -> str:
        """The bot's own user id: another app's message must not pass for ours."""
        if team not in self._selves:
            self._selves[team] = str((await called(self._client_for(team).auth_test())).get("user_id") or "")
        return self._selves[team]


def _key(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, Mapping) else None
    ours = isinstance(metadata, Mapping) and metadata.get("event_type") == EVENT_TYPE and isinstance(payload, Mapping)
    return str(payload["key"]) if ours and isinstance(payload, Mapping) and payload.get("key") else None
