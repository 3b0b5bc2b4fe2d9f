"""A submitted edit: answered with what is wrong, field by field, or committed as a row of the inbox and then acknowledged.

Rule: who may edit is asked when the form is opened, and again when the row is worked; here only what was typed is looked at.
"""

from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.core.call import Call
from bot.core.form import Faults, Form
from bot.core.placing import channel_of
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.slack.blocks import line, plain, said
from bot.slack.desk import Desk
from bot.slack.forms import EDIT, UNCHANGED, edit_form, errors_of, faults_of, subject_of, submitted
from bot.slack.payloads import edit_row, team_of

CLOSED: Final = "This was decided or replaced meanwhile, so nothing was changed. The newest card in the thread shows what became of it."


class Forms:
    """The forms whose fields follow from an action."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self, app: AsyncApp) -> None:
        app.view(EDIT)(self.edited)

    async def edited(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        view = body.get("view") or {}
        about = subject_of(view)
        found = await self._desk.card_of(about[0].approval) if about is not None else None
        if about is None or found is None or not _stands(*found, about[0].channel, team_of(body)):
            await _say(ack, CLOSED)
            if about is not None:
                await self._desk.repair(team_of(body), about[0].channel, about[0].approval, about[0].message)
            return None
        call = found[1]
        form = edit_form(call, self._desk.schema(call), safer=about[1])
        if isinstance(form, Refused):
            return await _say(ack, form.reason)
        arguments = self._checked(call, form, view)
        if isinstance(arguments, Faults):
            await ack(response_action="errors", errors=errors_of(arguments))
            return None
        await self._desk.receive(edit_row(body, about[0], arguments))
        await ack()
        return None

    def _checked(self, call: Call, form: Form, view: dict[str, Any]) -> str | Faults:
        typed = submitted(view, form)
        fitted = typed if isinstance(typed, Faults) else self._desk.fitted(call, typed)
        if isinstance(fitted, Faults):
            return fitted
        if not isinstance(fitted, str):
            return faults_of(form, fitted)
        same = call.proposal.binding is not None and fitted == call.proposal.binding.arguments
        return Faults({0: UNCHANGED}) if same else fitted


def _stands(run: Run, call: Call, channel: str, team: str) -> bool:
    """Whether the question is open, and in the place that the form says (S12)."""
    is_open = call.approval is not None and call.approval.resolution is None
    return is_open and (run.asked.place.team, channel_of(run, call)) == (team, channel)


async def _say(ack: AsyncAck, text: str) -> None:
    """A submitted view has no channel to answer in: its own window says it."""
    view = {"type": "modal", "title": plain("Edit"), "close": plain("Close"), "blocks": [line(said(text))]}
    await ack(response_action="update", view=view)
