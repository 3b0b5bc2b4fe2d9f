"""Socket Mode's server side: tickets, open links, envelopes and acks. What is sent and how often stands in `delivery.py`."""

import asyncio
import contextlib
import json
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.slack import limits
from bot.workspace.config import APP_ID

Json = dict[str, Any]
DISCONNECT_REASONS = frozenset({"warning", "refresh_requested", "link_disabled", "too_many_websockets"})
WARNING_SECONDS = 10
GONE = (WebSocketDisconnect, RuntimeError)
"""What says that a link is closed: the other side went, or this one has closed it already."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one delivery attempt: `reason` is Slack's retry reason when not acked."""

    acked: bool
    reason: str = ""
    body: Json | None = None
    final: bool = False


@dataclass(slots=True, eq=False)
class Link:
    """One open WebSocket and the envelopes it has not acked."""

    socket: WebSocket
    pending: dict[str, asyncio.Future[Attempt]] = field(default_factory=dict)
    leaving: bool = False

    async def deliver(self, envelope: Json, seconds: float) -> Attempt:
        waiting: asyncio.Future[Attempt] = asyncio.get_running_loop().create_future()
        self.pending[envelope["envelope_id"]] = waiting
        try:
            await self.socket.send_text(json.dumps(envelope))
            return await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            return Attempt(False, "timeout")
        except GONE:
            return Attempt(False, "connection_failed")
        finally:
            self.pending.pop(envelope["envelope_id"], None)

    def acknowledge(self, frame: Json) -> None:
        waiting = self.pending.get(frame.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            body = frame.get("payload")
            waiting.set_result(Attempt(True, body=body if isinstance(body, dict) else None))

    def broken(self) -> None:
        for waiting in self.pending.values():
            if not waiting.done():
                waiting.set_result(Attempt(False, "connection_failed"))


@dataclass(slots=True)
class Links:
    """The tickets given out by apps.connections.open and the links opened with them. ``changed`` is called when one came or went."""

    tickets: set[str] = field(default_factory=set)
    open: list[Link] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    changed: Callable[[], None] = lambda: None

    def new_ticket(self) -> str:
        ticket = secrets.token_urlsafe(18)
        self.tickets.add(ticket)
        return ticket

    def choose(self) -> Link | None:
        """Any one of the open links, as Slack does; one that was told to leave only when there is no other."""
        staying = [each for each in self.open if not each.leaving] or self.open
        return random.choice(staying) if staying else None

    async def serve(self, socket: WebSocket) -> None:
        """One connection from handshake to close. A ticket is good for one connection."""
        ticket = socket.path_params["ticket"]
        if ticket not in self.tickets:
            await socket.close(4403)
            return
        self.tickets.discard(ticket)
        await socket.accept()
        if len(self.open) >= limits.SOCKETS:
            await socket.send_text(json.dumps(_disconnect("too_many_websockets")))
            await socket.close()
            return
        link = Link(socket)
        self.open.append(link)
        self.opened.set()
        self.changed()
        try:
            await socket.send_text(json.dumps(_hello(len(self.open))))
            while True:
                link.acknowledge(_frame(await socket.receive_text()))
        except GONE:
            pass
        finally:
            self.open.remove(link)
            if not self.open:
                self.opened.clear()
            self.changed()
            link.broken()

    async def disconnect(self, reason: str, seconds: float) -> None:
        """Tells every link to leave. `warning` leaves it open for `seconds`, the others close it at once."""
        for link in list(self.open):
            link.leaving = True
            with contextlib.suppress(*GONE):
                await link.socket.send_text(json.dumps(_disconnect(reason)))
        if reason == "warning":
            await asyncio.sleep(seconds)
        await self.close([link for link in self.open if link.leaving])

    async def close(self, links: list[Link] | None = None) -> None:
        for link in list(self.open) if links is None else links:
            with contextlib.suppress(*GONE):
                await link.socket.close()


def _frame(text: str) -> Json:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _hello(count: int) -> Json:
    return {
        "type": "hello",
        "num_connections": count,
        "debug_info": {
            "host": "local-workspace",
            "started": time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime()),
            "build_number": 1,
            "approximate_connection_time": 18_060,
        },
        "connection_info": {"app_id": APP_ID},
    }


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "local-workspace"}}
