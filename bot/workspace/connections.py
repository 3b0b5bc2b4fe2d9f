"""Breaking an HTTP connection from inside a request, which no ASGI message can do: for the fault "lost response"."""

import asyncio

from starlette.requests import Request


def break_connection(request: Request) -> None:
    """Resets the client's TCP connection, so that it sees no answer at all."""
    for connection in list(request.app.state.server.server_state.connections):
        transport: asyncio.Transport | None = getattr(connection, "transport", None)
        if transport is not None and getattr(connection, "client", None) == request.scope.get("client"):
            transport.abort()
