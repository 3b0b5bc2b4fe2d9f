"""The slash commands: `/pending` lists the open approvals, `/signoff` freezes, lifts and lists freezes. Answered in the
acknowledgement where the answer is there in time, else afterwards.

Rule: nothing is done here. What changes something is a row of the inbox, which the engine works; here its answer is waited for.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.core.emergency import BIGHUB, who_froze
from bot.core.refusal import Refused
from bot.logger import log
from bot.ports import Freeze
from bot.slack.blocks import Message
from bot.slack.desk import Desk
from bot.slack.listeners.telling import fault
from bot.slack.payloads import VERBS, inbox_row, person_of, team_of, verb_of
from bot.slack.replies import LISTED, pending_list, whisper

ACK_SECONDS: Final = 2.0
LATE_SECONDS: Final = 60.0
CANNOT: Final = (
    "I cannot list the open approvals at the moment. Please try again; `signoff pending` in a shell shows them too."
)
CANNOT_SAY: Final = "I cannot say what came of this at the moment. Please look with `/signoff freezes`."
HELP: Final = (
    "/signoff freeze [all | system:NAME | environment:NAME] reason: nothing that changes something starts there.\n"
    "/signoff unfreeze all | system:NAME | environment:NAME reason: somebody else than who froze lifts it.\n"
    'A name with spaces is written in quotes: system:"Google Workspace".\n'
    "/signoff freezes: what is frozen. /pending: what waits for an approval."
)


class Commands:
    """The slash commands."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self, app: AsyncApp) -> None:
        app.command("/pending")(self.pending)
        app.command("/signoff")(self.signoff)

    async def pending(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await _answered(self._listed(body), ack, respond)

    async def signoff(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        verb = verb_of(body)
        if verb not in VERBS and verb != "freezes":
            await ack(**_private(whisper(HELP)))
        else:
            await _answered(self._done(body, verb), ack, respond)

    async def _done(self, body: dict[str, Any], verb: str) -> Message:
        try:
            async with asyncio.timeout(LATE_SECONDS):
                if verb == "freezes":
                    return whisper(frozen_text(await self._desk.freezes(), self._desk.unfollowed()))
                row = inbox_row(body, kind="command")
                return whisper(await self._desk.answer_to(row.key) if row is not None else HELP)
        except Exception as error:  # the edge of a command: whoever gave it must get an answer in words
            log.error("/signoff failed", **fault(error))
            return whisper(CANNOT_SAY)

    async def _listed(self, body: dict[str, Any]) -> Message:
        try:
            async with asyncio.timeout(LATE_SECONDS):
                opened = await self._desk.open_approvals(person_of(body), team_of(body), LISTED)
        except Exception as error:  # the edge of a command: whoever asked must get an answer in words
            log.error("/pending failed", **fault(error))
            return whisper(CANNOT)
        if isinstance(opened, Refused):
            return whisper(opened.reason)
        return pending_list(opened, str(body.get("team_domain") or ""))


def frozen_text(freezes: Iterable[Freeze], unfollowed: str) -> str:
    """What is frozen, a line each, and whether BIGHUB does not follow."""
    lines = [
        f"BIGHUB's kill switch: {each.reason}"
        if each.scope == BIGHUB
        else f"{each.scope} by {who_froze(each.by)}: {each.reason}"
        for each in freezes
    ]
    said = "\n".join(["Frozen:", *lines]) if lines else "Nothing is frozen."
    return f"{said}\n{unfollowed}".rstrip()


async def _answered(work: Coroutine[Any, Any, Message], ack: AsyncAck, respond: AsyncRespond) -> None:
    """In the acknowledgement where the answer comes in time; the work goes on either way."""
    doing = asyncio.create_task(work)
    done, _ = await asyncio.wait({doing}, timeout=ACK_SECONDS)
    if done:
        await ack(**_private(doing.result()))
        return
    await ack()
    await respond(**_private(await doing))


def _private(message: Message) -> dict[str, Any]:
    """An answer that only whoever typed the command sees."""
    words = {"text": message.text, "blocks": message.blocks}
    return {**words, "response_type": "ephemeral", "unfurl_links": False, "unfurl_media": False}
