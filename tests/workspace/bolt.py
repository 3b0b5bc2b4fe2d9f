"""Real Bolt apps connected to a local workspace, over Socket Mode and over signed HTTP."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.workspace import RunningWorkspace


def bolt_app(workspace: RunningWorkspace) -> AsyncApp:
    """An unmodified Bolt app; only the base URL, the token and the secret differ from production."""
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
    return AsyncApp(client=client, signing_secret=workspace.signing_secret)


@asynccontextmanager
async def over_socket(app: AsyncApp, workspace: RunningWorkspace) -> AsyncIterator[AsyncSocketModeHandler]:
    connector = AsyncSocketModeHandler(app, workspace.app_token, ping_interval=0.2)
    await connector.connect_async()  # type: ignore[no-untyped-call]
    await workspace.socket_opened()
    try:
        yield connector
    finally:
        await connector.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def over_http(app: AsyncApp, workspace: RunningWorkspace) -> AsyncIterator[str]:
    """Serves the app on a port of its own and points the workspace's deliveries at it."""
    adapter = AsyncSlackRequestHandler(app)

    async def endpoint(request: Request) -> Response:
        return await adapter.handle(request)

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/slack/events"
    web = Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(web, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    workspace.request_url = url
    try:
        yield url
    finally:
        server.should_exit = True
        await task
        workspace.request_url = None
