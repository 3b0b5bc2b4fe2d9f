"""The Chat port over Slack's Web API: cards, replies, notices, whispers, and who somebody is.

Rule 1: a post that may have been sent before is not sent before the thread was read for the key that it carries in its
metadata: after a crash between a post and its record nobody knows whether it stands there (at least once, reconciled).
Rule 2: a card that is updated shows the present state; one that is gone is posted anew.
Rule 3: what Slack says of a person holds for a minute at most; what it does not say is a refusal.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.call import Call
from bot.core.emergency import user_of
from bot.core.glass import Broken
from bot.core.inputs import Profile
from bot.core.placing import channel_of
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Person, RunId
from bot.logger import log
from bot.ports import Posted, Rejected
from bot.slack import replies as words
from bot.slack.blocks import Message
from bot.slack.calls import called
from bot.slack.cards import card
from bot.slack.glass import announcement, review_card
from bot.slack.pacing import Pacer, method, posts
from bot.slack.posting import Posting
from bot.slack.remembered import Remembered

FRESH_SECONDS: Final = 60.0
UNKNOWN_PERSON: Final = Refused("Slack does not tell me who you are, so I cannot let you do this.")


class SlackChat:
    """``client_for`` gives the client of a workspace (or enterprise); LookupError where Signoff is not installed.
    ``source_note`` is shown on every card; ``glass``: whether anybody may decide alone; ``clock`` counts seconds, from anywhere;
    ``pacer`` spaces the calls."""

    def __init__(
        self,
        client_for: Callable[[str], AsyncWebClient],
        *,
        source_note: str = "",
        glass: bool = False,
        clock: Callable[[], float] = time.monotonic,
        pacer: Pacer | None = None,
    ) -> None:
        self._client_for, self._pacer = client_for, pacer or Pacer()
        self._source_note, self._glass = source_note, glass
        self._profiles: Remembered[Person, Profile] = Remembered(clock, FRESH_SECONDS)
        self._members: Remembered[tuple[str, str], frozenset[str]] = Remembered(clock, FRESH_SECONDS)
        self._posting = Posting(client_for, self._pacer)

    # --- who --------------------------------------------------------------------------------------------------------

    async def home(self) -> str:
        """The workspace that the token is of. Raises `Unavailable`, `Rejected`."""
        answer = await self._pacer.called("", method("", "auth.test"), self._client_for("").auth_test)
        return str(answer.get("team_id") or "")

    async def profile(self, person: Person) -> Profile | Refused:
        """What Slack says about a person, at most a minute old. Raises `Unavailable`."""
        known = self._profiles.get(person)
        if known is not None:
            return known
        try:
            work = partial(self._client_for(person.team).users_info, user=person.user)
            answer = await self._pacer.called("", method(person.team, "users.info"), work)
        except LookupError:
            return Refused("You belong to a workspace where I am not installed, so I cannot let you do this.")
        except Rejected as rejected:
            return _unknown("users.info", rejected)
        found = _profile(person, answer.get("user"))
        return found if isinstance(found, Refused) else self._profiles.keep(person, found)

    async def members(self, team: str, group: str) -> frozenset[str] | Refused:
        """The user ids of a user group, at most a minute old. Raises `Unavailable`."""
        known = self._members.get((team, group))
        if known is not None:
            return known
        try:
            work = partial(self._client_for(team).usergroups_users_list, usergroup=group)
            answer = await self._pacer.called("", method(team, "usergroups.users.list"), work)
        except (LookupError, Rejected) as rejected:
            _unknown("usergroups.users.list", rejected)
            return Refused("Slack does not tell me who is in the group of approvers.")
        users = answer.get("users")
        return self._members.keep((team, group), frozenset(map(str, users if isinstance(users, list) else ())))

    # --- cards ------------------------------------------------------------------------------------------------------

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        """Bring the card up to date where it stands, or post it; then retire an older one that somebody took for it."""
        key, older = f"{run.id}:card:{call.proposal.call}", call.card.older if call.card is not None else ""
        posted = await self._show(run, call, key, again)
        if older and older != posted.message:
            await self._posting.retired(run, key, older, words.older_card(), posted)
        return posted

    async def _show(self, run: Run, call: Call, key: str, again: bool) -> Posted:
        message = self._card(run, call)
        team, channel = run.asked.place.team, channel_of(run, call)
        recorded = call.card.message if call.card is not None else ""

        async def shows(ts: str) -> bool:
            return await self._posting.updated(team, channel, ts, key, message)

        if recorded and await shows(recorded):
            return Posted(channel, recorded)
        found = (await self._posting.standing(run, key, channel)).get(key, []) if again or recorded else []
        for ts in reversed([each for each in found if each != recorded]):
            if await shows(ts):
                return Posted(channel, ts)
        return await self._posting.post(run, key, message, shows, channel)

    def _card(self, run: Run, call: Call) -> Message:
        return card(run, call, source_note=self._source_note, glass=self._glass)

    # --- deciding alone ---------------------------------------------------------------------------------------------

    async def announce_glass(self, run: Run, key: str, broken: Broken, channel: str, *, again: bool = True) -> Posted:
        return await self._posting.post_in(run, channel, f"{run.id}:{key}", announcement(run, broken), again=again)

    async def show_review(
        self, run: Run, key: str, broken: Broken, channel: str, stands: tuple[str, str] | None, *, again: bool = True
    ) -> Posted:
        message, full_key = review_card(run, broken), f"{run.id}:{key}"
        if stands is not None and await self._posting.updated(run.asked.place.team, *stands, full_key, message):
            return Posted(*stands)
        return await self._posting.post_in(run, channel, full_key, message, again=again)

    # --- words ------------------------------------------------------------------------------------------------------

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        """All of the model's words, in as many messages as it takes."""
        return await self._post_all(run, key, words.reply(text, _people(run)), again)

    async def post_notice(
        self,
        run: Run,
        key: str,
        text: str,
        retry: RunId | None = None,
        *,
        ends: ApprovalId | None = None,
        names: bool = False,
        again: bool = True,
    ) -> Posted:
        said = words.whisper(text) if names else words.notice(text, retry, _people(run), ends)
        return await self._post_all(run, key, (said,), again)

    async def tell(self, run: Run, call: Call, user: str, key: str, text: str, *, again: bool = True) -> Posted:
        return await self._posting.tell(run, user, f"{run.id}:{key}", words.whisper(text), call.card, again=again)

    async def show_thinking(self, run: Run) -> None:
        """Slack shows it below the thread until the next message, at most two minutes."""
        place = run.asked.place
        try:
            work = partial(
                self._client_for(place.team).assistant_threads_setStatus,
                channel_id=place.channel,
                thread_ts=place.thread,
                status="is thinking…",
            )
            await self._pacer.called("", method(place.team, "assistant.threads.setStatus"), work)
        except Exception:  # decoration: whoever waits learns nothing less without it, so nothing may fail over it
            return

    async def whisper(self, person: Person, channel: str, thread: str, text: str) -> None:
        """Tell one person something that the others do not see; in a direct message it is an ordinary message."""
        try:
            client = self._client_for(person.team)
        except LookupError as error:
            raise Rejected("This person belongs to a workspace where Signoff is not installed.") from error
        if not channel.startswith("D") and not await self._is_active(person.team, channel, thread):
            thread = ""
        work = partial(whisper, client, person.user, channel, thread, text)
        await self._pacer.called("", posts(person.team, channel), work)

    async def _is_active(self, team: str, channel: str, thread: str) -> bool:
        """Whether a thread has replies: Slack shows an ephemeral message only in one that has."""
        work = partial(self._client_for(team).conversations_replies, channel=channel, ts=thread, limit=2)
        try:
            answer = await self._pacer.called("", method(team, "conversations.replies"), work)
        except Rejected:
            return False
        return len(answer.get("messages") or ()) > 1

    # --- posting ----------------------------------------------------------------------------------------------------

    async def _post_all(self, run: Run, key: str, messages: Sequence[Message], again: bool) -> Posted:
        """Post what does not stand yet; the last one's place."""
        standing = await self._posting.standing(run, f"{run.id}:{key}:1") if again else {}
        posted = Posted(run.asked.place.channel, "")
        for part, message in enumerate(messages, 1):
            part_key = f"{run.id}:{key}:{part}"
            found = standing.get(part_key)
            posted = Posted(posted.channel, found[0]) if found else await self._posting.post(run, part_key, message)
        return posted


async def whispered(client: AsyncWebClient, user: str, channel: str, thread: str, text: str) -> None:
    """Post what only ``user`` sees, at once. Raises `Unavailable`, `Rejected`."""
    await called(whisper(client, user, channel, thread, text))


async def whisper(client: AsyncWebClient, user: str, channel: str, thread: str, text: str) -> AsyncSlackResponse:
    """Post what only ``user`` sees; ``thread`` "" posts it below the channel's messages. Raises what the client raises."""
    message = words.whisper(text)
    what: dict[str, Any] = {"text": message.text, "blocks": message.blocks, "parse": "none", "link_names": False}
    what |= {"thread_ts": thread} if thread else {}
    if channel.startswith("D"):
        return await client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, **what)
    return await client.chat_postEphemeral(channel=channel, user=user, **what)


def _people(run: Run) -> frozenset[str]:
    """Whom a message in this thread may mention: those who take part in the run already; and the channels of its cards."""
    votes = (vote.person.user for call in run.calls if call.approval for vote in call.approval.votes)
    asking = (inquiry.person.user for call in run.calls for inquiry in call.inquiries)
    settled = (call.settled.person.user for call in run.calls if call.settled and call.settled.person)
    changing = (call.instead.person.user for call in run.calls if call.instead)
    return frozenset(
        {
            run.asked.person.user,
            user_of(run.ended_by),
            run.asked.retried_by.user if run.asked.retried_by else "",
            *(said.person.user for said in run.said),
            *votes,
            *asking,
            *settled,
            *changing,
            *(call.card.channel for call in run.calls if call.card),
            *(call.frozen_by for call in run.calls),
        }
    )


def _profile(person: Person, user: object) -> Profile | Refused:
    """``users.info`` as a profile; what is missing from it is held against the person."""
    if not isinstance(user, Mapping) or user.get("id") != person.user or not user.get("team_id"):
        return UNKNOWN_PERSON
    described = user.get("profile")
    profile = described if isinstance(described, Mapping) else {}
    name = profile.get("display_name") or user.get("real_name") or user.get("name") or person.user
    return Profile(
        person,
        name=str(name),
        home=str(user["team_id"]),
        deactivated=user.get("deleted") is not False,
        bot=bool(user.get("is_bot", True)) or person.user == "USLACKBOT",
        guest=bool(user.get("is_restricted", True)) or bool(user.get("is_ultra_restricted", True)),
        stranger=bool(user.get("is_stranger", False)),
        zone=str(user.get("tz") or ""),
    )


def _unknown(method: str, why: Exception) -> Refused:
    log.warning("Slack does not say who somebody is", method=method, why=str(why))
    return UNKNOWN_PERSON
