"""What nobody else takes: buttons, views and commands of another version. Events never come here (`ingress.py`)."""

import re
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blocks import line, plain, said
from bot.slack.desk import Desk
from bot.slack.listeners.telling import OLD_BUTTON, answering, click_of, tell

ANY: Final = re.compile("")
OLD_VIEW: Final = (
    "This form is from an older version of Signoff; nothing was done. Please use the newest card in the thread."
)
OLD_COMMAND: Final = "I do not know this command. /pending lists the actions that wait for an approval."


def register_rest(app: AsyncApp, desk: Desk) -> None:
    """To be registered last: Bolt takes the first listener that matches."""

    async def old_button(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        click = click_of(body)
        async with answering(client, click):
            await tell(client, click, OLD_BUTTON)
            await desk.repair(click.team, click.channel, click.value, click.message, retired=True)

    app.action(ANY)(old_button)
    app.view(ANY)(old_view)
    app.command(ANY)(old_command)


async def old_view(ack: AsyncAck) -> None:
    """A submitted view has no channel to answer in: its own window says it."""
    blocks = [line(said(OLD_VIEW))]
    await ack(
        response_action="update",
        view={"type": "modal", "title": plain("Signoff"), "close": plain("Close"), "blocks": blocks},
    )


async def old_command(ack: AsyncAck) -> None:
    await ack(OLD_COMMAND)
