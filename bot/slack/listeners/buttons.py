"""Deny, Review, Ask, Edit, Break glass and Details: each opens a modal. What is submitted there is a row of the inbox."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.approval import NOT_THE_CARD
from bot.core.call import Call
from bot.core.glass import BY_GLASS
from bot.core.placing import channel_of
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person
from bot.engine.words import ASKED_ANEW, UNKNOWN_BUTTON
from bot.slack.blocks import Block
from bot.slack.calls import Declined, called
from bot.slack.desk import Desk
from bot.slack.forms import SAFER_FORM, edit_form, edit_view, in_vain
from bot.slack.listeners.telling import Click, answering, click_of, tell
from bot.slack.views import Subject, ask_view, deny_view, details_view, glass_view, review_view

DECIDED: Final = "This was decided already; the card shows by whom."
TOO_SLOW: Final = "That took longer than Slack allows for opening a form. Please press the button again."
_OPENED_ALREADY: Final = "exchanged_trigger_id"
_TOO_LATE: Final = frozenset({"expired_trigger_id", "invalid_trigger_id"})
May = Callable[[Person, str], Awaitable[Refused | None]]


class Buttons:
    """The buttons that open something."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self, app: AsyncApp) -> None:
        app.action("deny")(self.deciding)
        app.action("review")(self.deciding)
        app.action("ask")(self.deciding)
        app.action("edit")(self.editing)
        app.action("safer_form")(self.editing)
        app.action("break_glass")(self.deciding)
        app.action("details")(self.details)

    async def deciding(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Deny, Review, Ask and Break glass: asked first whether this person may, and asked again when they submit."""
        await ack()
        click = click_of(body)
        async with answering(client, click):
            opens = await self.opens(click)
            await (self._decline(client, click, opens) if isinstance(opens, str) else _open(client, click, opens))

    async def opens(self, click: Click) -> Block | str:
        """The view that a click opens, or what the person is told instead."""
        if click.action == "details":
            found = await self._admitted(click, self._desk.may_read)
            return found if isinstance(found, str) else details_view(*found, glass=self._desk.has_glass())
        alone = click.action == BY_GLASS
        found = await self._admitted(click, self._desk.may_break_glass if alone else self._desk.may_decide)
        if isinstance(found, str):
            return found
        return _too_late(found[1], click) or _view(*found, click, glass=self._desk.has_glass())

    async def editing(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Edit, and a safer alternative that is arguments: a form, or why there is none."""
        await ack()
        click = click_of(body)
        async with answering(client, click):
            found = await self._admitted(click, self._desk.may_edit)
            if isinstance(found, str):
                return await self._decline(client, click, found)
            call, safer = found[1], click.action == SAFER_FORM
            form = edit_form(call, self._desk.schema(call), safer=safer)
            late = _too_late(call, click) or (form.reason if isinstance(form, Refused) else None)
            if late or isinstance(form, Refused):
                return await self._decline(client, click, late or "")
            subject = Subject(click.value, click.channel, click.message)
            vain = in_vain(glass=self._desk.has_glass()) if self._desk.edits_in_vain(*found, click.person) else ""
            view = edit_view(call, form, subject, safer=safer, vain=vain)
            if isinstance(view, Refused):
                return await tell(client, click, view.reason)
            return await _open(client, click, view)

    async def details(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Everything about a call, for whoever belongs here."""
        await ack()
        click = click_of(body)
        async with answering(client, click):
            opens = await self.opens(click)
            await (self._decline(client, click, opens) if isinstance(opens, str) else _open(client, click, opens))

    async def _decline(self, client: AsyncWebClient, click: Click, why: str) -> None:
        """Tell whoever clicked why nothing opens, and put the card right where it offers what is no longer so."""
        anew = await self._desk.repair(click.team, click.channel, click.value, click.message)
        await tell(client, click, ASKED_ANEW if anew and why == UNKNOWN_BUTTON else why)

    async def _admitted(self, click: Click, may: May) -> tuple[Run, Call] | str:
        """What the button names, or why this person gets nothing."""
        found = await self._found(click)
        if found is None:
            return UNKNOWN_BUTTON
        refused = await may(click.person, click.value)
        return found if refused is None else refused.reason

    async def _found(self, click: Click) -> tuple[Run, Call] | None:
        """What the button names, if it belongs to this workspace and channel; the same answer for unknown and forbidden (S12)."""
        found = await self._desk.card_of(click.value) if click.value else None
        if found is None:
            return None
        place = found[0].asked.place
        return found if (place.team, channel_of(*found)) == (click.team, click.channel) else None


def _too_late(call: Call, click: Click) -> str | None:
    if call.approval is None or call.approval.resolution is not None:
        return DECIDED
    return NOT_THE_CARD if call.card is not None and call.card.message != click.message else None


def _view(run: Run, call: Call, click: Click, *, glass: bool) -> Block:
    subject = Subject(click.value, click.channel, click.message)
    match click.action:
        case "deny":
            return deny_view(call, subject)
        case "ask":
            return ask_view(run, call, subject)
        case "break_glass":
            return glass_view(run, call, subject)
        case _:
            return review_view(run, call, subject, glass=glass)


async def _open(client: AsyncWebClient, click: Click, view: Block) -> None:
    try:
        await called(client.views_open(trigger_id=click.trigger, view=view))
    except Declined as declined:
        if declined.code in _TOO_LATE:
            await tell(client, click, TOO_SLOW)
        elif declined.code != _OPENED_ALREADY:
            raise
