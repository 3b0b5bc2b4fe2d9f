"""One Starlette app served on this machine, inside a running event loop. What the app answers is not its business."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 1.0
TICK_SECONDS = 0.002
KEEP_ALIVE_SECONDS = 75
"""Longer than whoever sends keeps a connection: one that is closed while a request is on its way loses that request."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, once it does: `port` is the real one even if 0 was asked for."""

    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Address]:
    """Serve `app` until the block ends; requests that still run then get `GRACE_SECONDS`.

    Raises:
        OSError: the port is taken or the address is not this machine's.
    """
    listener = socket.create_server((host, port), backlog=512)
    # asyncio sets this only on sockets made with an explicit protocol; without it each kept-alive answer takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `serve()`: it would take Ctrl-C away from whoever runs this event loop.
    await server.startup(sockets=[listener])
    try:
        yield Address(host, listener.getsockname()[1])
    finally:
        await _stop(server)


async def _stop(server: uvicorn.Server) -> None:
    # Not `shutdown()`: it sleeps in steps of 0.1 s, which hundreds of tests would pay for.
    for listening in server.servers:
        listening.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    for _ in range(int(GRACE_SECONDS / TICK_SECONDS)):
        if not state.connections and not state.tasks:
            break
        await asyncio.sleep(TICK_SECONDS)
    for task in list(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)
