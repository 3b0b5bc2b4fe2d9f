"""Builds Bolt's app: the gate before everything, the listeners behind it, and one place for what goes wrong.

Both transports run through it: `ingress.slack_routes` over HTTP, Bolt's own handler over Socket Mode.
"""

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.desk import Desk
from bot.slack.ingress import gate
from bot.slack.listeners import register
from bot.slack.listeners.telling import fault

log = structlog.get_logger()


def bolt_app(client: AsyncWebClient, desk: Desk) -> AsyncApp:
    """The app of one workspace; ``client`` carries its bot token and API address (`calls.web_client`).

    The signature is not Bolt's to check: `ingress.slack_routes` does, and a socket needs none. So Bolt never logs a body.
    """
    app = AsyncApp(
        name="signoff",
        client=client,
        before_authorize=gate(desk.receive),
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        ssl_check_enabled=False,
    )
    app.error(failed)
    register(app, desk)
    return app


async def failed(error: Exception) -> BoltResponse:
    """Whatever nobody caught: logged without payloads, and not acknowledged, so that Slack sends it again."""
    log.error("a delivery from Slack failed", **fault(error))
    return BoltResponse(status=500)
