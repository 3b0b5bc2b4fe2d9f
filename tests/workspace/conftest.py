"""The small manifest and the running workspaces that the tests of the local workspace share."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import RunningWorkspace, running_workspace

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Signoff"},
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "signoff"},
        "slash_commands": [{"command": "/pending", "description": "What waits", "usage_hint": "[mine]"}],
        "shortcuts": [
            {"name": "Ask", "type": "message", "callback_id": "ask_about", "description": "Ask about this"},
            {"name": "Start", "type": "global", "callback_id": "start", "description": "Start"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read",
                "channels:history",
                "groups:history",
                "im:history",
                "im:write",
                "chat:write",
                "commands",
                "usergroups:read",
                "users:read",
                "channels:read",
                "groups:read",
                "files:write",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {
            "bot_events": ["app_mention", "message.channels", "message.groups", "message.im", "app_home_opened"]
        },
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}


@pytest.fixture
async def workspace() -> AsyncIterator[RunningWorkspace]:
    """Without rate limits; retries come after 0, 0.3 and 1.5 s."""
    async with running_workspace(MANIFEST, time_scale=0.005, ack_seconds=1.0, rate_limits=False) as running:
        yield running


@pytest.fixture
def client(workspace: RunningWorkspace) -> AsyncWebClient:
    """slack_sdk's own client with the bot's token."""
    return AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
