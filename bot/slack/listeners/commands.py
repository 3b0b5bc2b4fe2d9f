"""`/pending`: the open approvals, answered in the acknowledgement where the answer is there in time, else afterwards."""

import asyncio
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.core.refusal import Refused
from bot.logger import log
from bot.slack.blocks import Message
from bot.slack.desk import Desk
from bot.slack.listeners.telling import fault
from bot.slack.payloads import person_of, team_of
from bot.slack.replies import LISTED, pending_list, whisper

ACK_SECONDS: Final = 2.0
LATE_SECONDS: Final = 60.0
CANNOT: Final = (
    "I cannot list the open approvals at the moment. Please try again; `signoff pending` in a shell shows them too."
)


class Commands:
    """The slash commands. They only read."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def register(self, app: AsyncApp) -> None:
        app.command("/pending")(self.pending)

    async def pending(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        listing = asyncio.create_task(self._listed(body))
        done, _ = await asyncio.wait({listing}, timeout=ACK_SECONDS)
        if done:
            message = listing.result()
            await ack(**_private(message))
            return
        await ack()
        await respond(**_private(await listing))

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


def _private(message: Message) -> dict[str, Any]:
    """An answer that only whoever typed the command sees."""
    words = {"text": message.text, "blocks": message.blocks}
    return {**words, "response_type": "ephemeral", "unfurl_links": False, "unfurl_media": False}
