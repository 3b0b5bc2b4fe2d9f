"""Builds Bolt's app: the gate before everything, the listeners behind it, and one place for what goes wrong.

Both transports run through it: `ingress.slack_routes` over HTTP, Bolt's own handler over Socket Mode.
"""

import logging

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.logger import log
from bot.slack.calls import web_client
from bot.slack.desk import Desk
from bot.slack.ingress import gate
from bot.slack.listeners import register
from bot.slack.listeners.telling import fault


def bolt_app(client: AsyncWebClient, desk: Desk) -> AsyncApp:
    """The app of one workspace; ``client`` carries its bot token and API address (`calls.web_client`).

    The signature is not Bolt's to check: `ingress.slack_routes` does, and a socket needs none. So Bolt never logs a body.
    """

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        """Ours, so that Bolt neither asks `auth.test` nor turns to OAuth because SLACK_CLIENT_ID happens to be set."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=client.token)

    app = AsyncApp(
        name="signoff",
        logger=_quiet(),
        client=web_client(None, client.base_url, client.session),
        authorize=authorize,
        before_authorize=gate(desk.receive),
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        url_verification_enabled=False,
        ssl_check_enabled=False,
    )
    app.error(failed)
    register(app, desk)
    return app


def _quiet() -> logging.Logger:
    """Bolt warns of a SLACK_BOT_TOKEN that it reads from the environment by itself; only its errors are news."""
    logger = logging.getLogger("signoff.bolt")
    logger.setLevel(logging.ERROR)
    return logger


async def failed(error: Exception) -> BoltResponse:
    """Whatever nobody caught: logged without payloads, and not acknowledged, so that Slack sends it again."""
    log.error("a delivery from Slack failed", **fault(error))
    return BoltResponse(status=500)
