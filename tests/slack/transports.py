"""Connects Signoff's own Bolt app to a workspace over Socket Mode and over signed HTTP. No test lives here."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette

from bot.slack.ingress import PATH, slack_routes
from bot.workspace import RunningWorkspace


@asynccontextmanager
async def over_socket(app: AsyncApp, workspace: RunningWorkspace) -> AsyncIterator[None]:
    connector = AsyncSocketModeHandler(app, workspace.app_token, ping_interval=0.2)
    await connector.connect_async()  # type: ignore[no-untyped-call]
    await workspace.socket_opened()
    try:
        yield
    finally:
        await connector.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def over_http(app: AsyncApp | Starlette, workspace: RunningWorkspace | None = None) -> AsyncIterator[str]:
    """Serves the routes on a port of their own, and points a workspace's deliveries at them."""
    web = (
        app
        if isinstance(app, Starlette)
        else Starlette(routes=slack_routes(app, workspace.signing_secret if workspace else ""))
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
    if workspace is not None:
        workspace.request_url = url
    try:
        yield url
    finally:
        server.should_exit = True
        await task
        if workspace is not None:
            workspace.request_url = None
