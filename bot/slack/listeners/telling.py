"""Telling whoever clicked what is the matter, and catching what goes wrong after an acknowledgement."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.values import Person
from bot.logger import log
from bot.ports import Rejected, Unavailable
from bot.slack.chat import whispered
from bot.slack.payloads import Payload, action_of, person_of, place_of, team_of

ANSWER_SECONDS: Final = 20.0
OLD_BUTTON: Final = (
    "This button is from an older version of Signoff; nothing was done. Please use the newest card in the thread."
)
WENT_WRONG: Final = "Something went wrong on my side; nothing was decided by this click. Please try again."


@dataclass(frozen=True, slots=True)
class Click:
    """A click as a listener needs it. ``trigger`` opens one modal within three seconds."""

    person: Person
    team: str
    action: str
    value: str
    channel: str
    message: str
    thread: str
    trigger: str


def click_of(body: Payload) -> Click:
    action = action_of(body)
    channel, message, thread = place_of(body)
    return Click(
        person=person_of(body),
        team=team_of(body),
        action=str(action.get("action_id") or ""),
        value=str(action.get("value") or ""),
        channel=channel,
        message=message,
        thread=thread,
        trigger=str(body.get("trigger_id") or ""),
    )


async def tell(client: AsyncWebClient, click: Click, text: str) -> None:
    """Tell the person who clicked, and nobody else; silently given up where Slack does not let us."""
    if not click.channel:
        return
    # A card that begins a thread may have no replies, and there Slack shows nothing private.
    thread = click.thread if click.thread != click.message else ""
    try:
        await whispered(client, click.person.user, click.channel, thread, text)
    except (Unavailable, Rejected) as failed:
        log.info("a private explanation could not be delivered", why=str(failed))


@asynccontextmanager
async def answering(client: AsyncWebClient, click: Click) -> AsyncIterator[None]:
    """The outermost edge of a listener: whatever goes wrong is logged without payloads, and the person is told."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except Exception as error:  # the edge: the click was acknowledged, so this is the last place that can say anything
        log.error("a listener failed", action=click.action, **fault(error))
        await tell(client, click, WENT_WRONG)


def fault(error: BaseException) -> dict[str, Any]:
    """What may be logged of an exception: its type and place, never its text (which may quote a payload)."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return {"error": type(error).__name__, "where": [f"{frame.name}:{frame.lineno}" for frame in frames]}
