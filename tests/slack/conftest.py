"""The workspace, the client, the chat and the desk that the tests of the Slack room share. The manifest is the one that ships."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.values import Place
from bot.slack.bolt import bolt_app
from bot.slack.calls import web_client, web_session
from bot.slack.chat import SlackChat
from bot.slack.pacing import Pacer
from bot.workspace import RunningWorkspace, running_workspace
from tests.slack.desk import RecordingDesk
from tests.slack.hands import Hands

MANIFEST: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text())


@pytest.fixture
async def workspace() -> AsyncIterator[RunningWorkspace]:
    """Without rate limits; retries come after 0, 0.6 and 3 s; a trigger lives for a second."""
    async with running_workspace(
        MANIFEST, time_scale=0.01, ack_seconds=2.5, trigger_seconds=1.0, rate_limits=False
    ) as running:
        yield running


@pytest.fixture
async def client(workspace: RunningWorkspace) -> AsyncIterator[AsyncWebClient]:
    async with web_session() as session:
        yield web_client(workspace.bot_token, workspace.api_url, session)


@pytest.fixture
def desk() -> RecordingDesk:
    return RecordingDesk()


@pytest.fixture
def app(client: AsyncWebClient, desk: RecordingDesk) -> AsyncApp:
    return bolt_app(client, desk)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def chat(client: AsyncWebClient, clock: Hands) -> SlackChat:
    def client_for(team: str) -> AsyncWebClient:
        if team != "T0ACME":
            raise LookupError(team)
        return client

    # Rates are told in `test_pacing.py`.
    return SlackChat(client_for, source_note="No BIGHUB key.", clock=clock, pacer=Pacer(spaces=False))


@pytest.fixture
async def place(workspace: RunningWorkspace) -> Place:
    return Place("T0ACME", "C0OPS", await workspace.person("U0ALICE").say("C0OPS", "grant bob admin"))
