"""Posting for a run, and finding again what was posted: in its thread, in the channel where the thread is gone, or to one person.

Rule 1: every post carries its key in its metadata; another app's message with the same key is none of ours.
Rule 2: what is to be posted waits for its turn in the channel before the thread is read, so that it is read once.
Rule 3: a thread whose first message was deleted takes no replies. The run goes on in the channel, where its requester is
mentioned; nothing is posted there before the channel was read for the key.
Which messages there are and what they say is `chat.py`'s and the renderers'.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.run import Run
from bot.core.states import Card
from bot.logger import log
from bot.ports import Posted
from bot.slack.blocks import Message, with_ids
from bot.slack.calls import Declined
from bot.slack.pacing import Lane, Pacer, method, posts
from bot.slack.replies import in_channel, linked

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

    def __init__(self, client_for: Callable[[str], AsyncWebClient], pacer: Pacer) -> None:
        self._client_for, self._pacer = client_for, pacer
        self._selves: dict[str, str] = {}

    async def post(self, run: Run, key: str, message: Message, adopt: Adopt = as_it_is, channel: str = "") -> Posted:
        """Post in the run's thread; without one, adopt what stands in the channel (if ``adopt`` takes it) or post there. ``channel``:
        another one than the thread's."""
        place = run.asked.place
        if channel not in ("", place.channel):
            return await self._send(place.team, channel, key, message, "")
        try:
            return await self._send(place.team, place.channel, key, message, place.thread)
        except Declined as declined:
            if declined.code not in _NO_THREAD:
                raise
            log.warning("a thread is gone; the run goes on in the channel", run=run.id, code=declined.code)
        client = self._client_for(place.team)
        lane = method(place.team, "conversations.history")
        standing = await self._read(run, key, lane, partial(client.conversations_history, channel=place.channel))
        for ts in reversed(standing.get(key, [])):
            if await adopt(ts):
                return Posted(place.channel, ts)
        return await self._send(place.team, place.channel, key, in_channel(message, run.asked.person.user), "")

    async def post_in(self, run: Run, channel: str, key: str, message: Message, *, again: bool) -> Posted:
        """Post in another channel ("": the run's own thread), unless it stands there already (``again``)."""
        found = (await self.standing(run, key, channel)).get(key) if again else None
        if found:
            return Posted(channel or run.asked.place.channel, found[0])
        return await self.post(run, key, message, channel=channel)

    async def standing(self, run: Run, key: str, channel: str = "") -> Standing:
        """The keys of our messages in the run's thread (or in another ``channel``) since the run began, each with where it stands,
        oldest first; once ``key`` may be posted."""
        place, client = run.asked.place, self._client_for(run.asked.place.team)
        self._pacer.expect_turn(key, posts(place.team, channel or place.channel))
        if channel not in ("", place.channel):
            lane = method(place.team, "conversations.history")
            return await self._read(run, key, lane, partial(client.conversations_history, channel=channel))
        fetch = partial(client.conversations_replies, channel=place.channel, ts=place.thread)
        return await self._read(run, key, method(place.team, "conversations.replies"), fetch)

    async def tell(self, run: Run, user: str, key: str, message: Message, card: Card | None, *, again: bool) -> Posted:
        """Post in the direct messages with ``user``, if it does not stand there (``again``), with a link to ``card``."""
        team, client = run.asked.place.team, self._client_for(run.asked.place.team)
        opened = await self._pacer.called(
            "", method(team, "conversations.open"), partial(client.conversations_open, users=user)
        )
        channel = str((opened.get("channel") or {}).get("id") or "")
        lane = method(team, "conversations.history")
        fetch = partial(client.conversations_history, channel=channel)
        standing = (await self._read(run, key, lane, fetch)).get(key) if again else None
        if standing:
            return Posted(channel, standing[0])
        address = await self._address(team, card) if card is not None else ""
        return await self._send(team, channel, key, linked(message, address), "")

    async def retired(self, run: Run, key: str, ts: str, message: Message, card: Posted) -> bool:
        """Whether an older message in the place of ``card`` now says ``message``, with a link to it."""
        team = run.asked.place.team
        address = await self._address(team, Card(card.channel, card.message, ""))
        return await self.updated(team, card.channel, ts, key, linked(message, address))

    async def _address(self, team: str, card: Card) -> str:
        """Where a card can be opened; "" where Slack does not say."""
        work = partial(self._client_for(team).chat_getPermalink, channel=card.channel, message_ts=card.message)
        try:
            answer = await self._pacer.called("", method(team, "chat.getPermalink"), work)
        except Declined:
            return ""
        return str(answer.get("permalink") or "")

    async def updated(self, team: str, channel: str, ts: str, key: str, message: Message) -> bool:
        """Whether the message now shows ``message``; False where it is gone or can no longer be changed."""
        change = partial(self._client_for(team).chat_update, channel=channel, ts=ts, parse="none", link_names=False)
        work = partial(change, text=message.text, blocks=message.blocks)
        try:
            await self._pacer.called(key, method(team, "chat.update"), work)
        except Declined as declined:
            if declined.code in _LOST:
                return False
            raise
        return True

    async def _send(self, team: str, channel: str, key: str, message: Message, thread: str) -> Posted:
        work = partial(
            self._client_for(team).chat_postMessage,
            channel=channel,
            thread_ts=thread or None,
            text=message.text,
            blocks=with_ids(message.blocks, key[-200:]),
            metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
        )
        answer = await self._pacer.called(key, posts(team, channel), work)
        return Posted(str(answer.get("channel") or channel), str(answer.get("ts") or ""))

    async def _read(self, run: Run, key: str, lane: Lane, fetch: Fetch) -> Standing:
        """All pages since the run began. What we may not read counts as empty: better twice than never."""
        found, cursor, oldest = dict[str, list[str]](), "", run.asked.message
        own = await self._self(run.asked.place.team)
        since = oldest if oldest.replace(".", "").isdigit() else None
        while True:
            page = partial(fetch, include_all_metadata=True, limit=PAGE, cursor=cursor or None, oldest=since)
            try:
                # Whoever waited between two pages would begin again with the first, and might never reach the last.
                answer = await self._pacer.called("" if cursor else key, lane, page)
            except Declined as declined:
                if declined.code not in _UNREADABLE:
                    raise
                log.warning("what stands already cannot be read before posting", code=declined.code)
                return found
            for message in answer.get("messages") or ():
                theirs = _key(message) if message.get("user") == own else None
                if theirs:
                    found.setdefault(theirs, []).append(str(message["ts"]))
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return {key: sorted(stamps) for key, stamps in found.items()}

    async def _self(self, team: str) -> str:
        """The bot's own user id: another app's message must not pass for ours."""
        if team not in self._selves:
            answer = await self._pacer.called("", method(team, "auth.test"), self._client_for(team).auth_test)
            self._selves[team] = str(answer.get("user_id") or "")
        return self._selves[team]


def _key(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, Mapping) else None
    ours = isinstance(metadata, Mapping) and metadata.get("event_type") == EVENT_TYPE and isinstance(payload, Mapping)
    return str(payload["key"]) if ours and isinstance(payload, Mapping) and payload.get("key") else None
