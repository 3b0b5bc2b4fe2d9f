"""Starts and stops a local workspace in the running event loop, and the handle that a demo or a test holds of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from bot.workspace.config import WorkspaceConfig
from bot.workspace.control import disturb
from bot.workspace.faults import Traffic
from bot.workspace.people import Person
from bot.workspace.server import application
from bot.workspace.world import World, new_world

Json = dict[str, Any]

KEEP_ALIVE_SECONDS = 75
"""Longer than any client keeps a connection: one that is closed while the next request is on its way loses that request."""


class _Server(uvicorn.Server):
    """Leaves the process's signals to whoever owns the loop, and stops at once instead of at the next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn's own sleeps 0.1 s and waits for its clients; nobody here needs either."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if running := set(self.server_state.tasks):
            _, late = await asyncio.wait(running, timeout=0.1)
            for task in late:
                task.cancel()

    async def main_loop(self) -> None:
        while not self.stopping.is_set():
            # A counter of 0 makes uvicorn renew its Date header.
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 1)


@dataclass(slots=True)
class RunningWorkspace:
    """A handle of a workspace that runs. `request_url` and `labels` may be set while it does."""

    world: World
    _people: dict[str, Person] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def api_url(self) -> str:
        return f"{self.world.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.world.config.bot_token

    @property
    def app_token(self) -> str:
        return self.world.config.app_token

    @property
    def signing_secret(self) -> str:
        return self.world.config.signing_secret

    @property
    def client_id(self) -> str:
        return self.world.config.client_id

    @property
    def client_secret(self) -> str:
        return self.world.config.client_secret

    @property
    def control_token(self) -> str:
        return self.world.config.control_token

    @property
    def request_url(self) -> str | None:
        """Where signed HTTP deliveries go; None means Socket Mode."""
        return self.world.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.world.delivery.request_url = url

    @property
    def labels(self) -> Sequence[str]:
        return self.world.labels

    @labels.setter
    def labels(self, labels: Sequence[str]) -> None:
        self.world.labels = tuple(labels)

    @property
    def traffic(self) -> Traffic:
        """Every API call and delivery so far."""
        return self.world.traffic

    @property
    def open_sockets(self) -> int:
        return len(self.world.links.open)

    async def socket_opened(self, seconds: float = 5.0) -> None:
        """Waits until the app has a Socket Mode connection; `TimeoutError` otherwise."""
        await asyncio.wait_for(self.world.links.opened.wait(), seconds)

    async def fault(self, **spec: Any) -> None:
        """Adds a fault or disturbs the world at once, as `POST /control/faults` does."""
        await disturb(self.world, spec)

    def reset(self) -> None:
        self.world.reset()

    def person(self, user_id: str) -> Person:
        """The client of one person; closed with the workspace."""
        if user_id not in self._people:
            self._people[user_id] = Person(self.url, user_id)
        return self._people[user_id]

    async def close(self) -> None:
        for person in self._people.values():
            await person.close()


@asynccontextmanager
async def running_workspace(
    manifest: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    request_url: str | None = None,
    labels: Sequence[str] = (),
    time_scale: float = 1.0,
    rate_limits: bool = True,
    ack_seconds: float | None = None,
    trigger_seconds: float | None = None,
    bot_token: str | None = None,
    app_token: str | None = None,
    signing_secret: str | None = None,
) -> AsyncIterator[RunningWorkspace]:
    """Runs a workspace on loopback until the block ends; tokens and secret are random unless given.

    Raises `OSError` when the port is taken and `ValueError` for a host that is not loopback.
    """
    given = {"bot_token": bot_token, "app_token": app_token, "signing_secret": signing_secret}
    config = WorkspaceConfig(
        manifest=manifest,
        host=host,
        port=port,
        request_url=request_url,
        labels=labels,
        time_scale=time_scale,
        rate_limits=rate_limits,
        ack_seconds=ack_seconds,
        trigger_seconds=trigger_seconds,
        **{name: value for name, value in given.items() if value is not None},
    )
    async with serving(config) as workspace:
        yield workspace


@asynccontextmanager
async def serving(config: WorkspaceConfig) -> AsyncIterator[RunningWorkspace]:
    """`running_workspace` for a ready configuration."""
    world = new_world(config)
    listener = socket.create_server((config.host, config.port))
    # asyncio sets this only on sockets made with an explicit protocol; without it each kept-alive answer takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    world.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = application(world)
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            ws_ping_interval=None,
        )
    )
    app.state.server = server
    workspace = RunningWorkspace(world)
    task = asyncio.create_task(server.serve([listener]))
    try:
        await server.ready.wait()
        yield workspace
    finally:
        app.state.closing.set()
        world.stop_timers()
        world.hints.close()
        await workspace.close()
        await world.delivery.close()
        await world.links.close()
        server.stopping.set()
        await task
        listener.close()
