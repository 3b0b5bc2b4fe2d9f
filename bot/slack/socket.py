"""Socket Mode: opens Bolt's socket, for as long as Slack is away, and closes it. What comes in through it is `bolt.py`'s affair.

Rule: what was received before the end is acknowledged before the socket is closed. Slack sends an event again, but no click.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.logger import log
from bot.ports import Unavailable
from bot.slack.calls import Declined, called

OPEN_SECONDS: Final = 20.0
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
_CLOSE_SECONDS: Final = 0.5
_ACK_SECONDS: Final = 0.5


class _Socket(AsyncSocketModeHandler):
    """Bolt's, and whether everything that came in is acknowledged."""

    def __init__(self, app: AsyncApp, token: str) -> None:
        super().__init__(app, token, logger=_one_line_logger())
        self._open = 0
        self.acknowledged = asyncio.Event()
        self.acknowledged.set()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        self._open += 1
        self.acknowledged.clear()
        try:
            await super().handle(client, req)
        finally:
            self._open -= 1
            if not self._open:
                self.acknowledged.set()


@asynccontextmanager
async def socket_open(app: AsyncApp, token: str) -> AsyncIterator[None]:
    """Socket Mode until the end of the block. It connects beside the block, for as long as Slack is away."""
    socket = _Socket(app, token)
    task = asyncio.create_task(_connect(socket))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(socket.acknowledged.wait(), _ACK_SECONDS)
        closing = asyncio.ensure_future(socket.close_async())  # type: ignore[no-untyped-call]
        await asyncio.wait({task, closing}, timeout=_CLOSE_SECONDS)  # Slack may never answer the closing of a socket


async def _connect(socket: AsyncSocketModeHandler) -> None:
    """Open it, each time with a ticket of its own: Bolt would try one that has lapsed for ever."""
    for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
        try:
            opened = await called(socket.app.client.apps_connections_open(app_token=socket.app_token))
            socket.client.wss_uri = opened["url"]
            await asyncio.wait_for(socket.connect_async(), OPEN_SECONDS)  # type: ignore[no-untyped-call]
        except (Unavailable, Declined, TimeoutError) as absent:
            log.warning("Slack's socket is not open", why=str(absent) or "no answer", again_in_seconds=pause)
        else:
            return
        await asyncio.sleep(pause)


def _one_line_logger() -> logging.Logger:
    """For Bolt's reconnecting, which would log a traceback for every attempt."""
    logger = logging.getLogger("signoff.socket")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_without_traceback)
    return logger


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True
