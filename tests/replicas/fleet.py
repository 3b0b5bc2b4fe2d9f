"""Several bots on one Postgres, each `signoff run` in a process of its own, that know nothing of each other but what every replica is
given (DATABASE_URL and SIGNOFF_SEAL_KEY). Over HTTP a proxy hands each request to the next one that listens, as a load balancer
does. People speak through the `Stage`."""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.core.events import Recorded
from bot.core.journal import fold
from bot.core.run import Run
from bot.core.values import RunId
from bot.ports import Reader
from bot.serving import serving
from bot.sql.store import open_store
from tests.journey import slow_actions
from tests.journey.stage import Stage, free_port, staged
from tests.replicas import tasks
from tests.servers.bighub_decisions import review

READY_SECONDS = 60.0


@dataclass(eq=False)
class Replica:
    """One bot: what it says goes to ``said``."""

    process: asyncio.subprocess.Process
    port: int
    said: Path

    @property
    def lives(self) -> bool:
        return self.process.returncode is None

    async def terminate(self) -> float:
        """SIGTERM; how long it took to end (seconds). It ends in peace."""
        began = time.monotonic()
        self.process.terminate()
        status = await asyncio.wait_for(self.process.wait(), 60)
        assert status == 0, f"it ended with {status}: {self.said.read_text()[-2000:]}"
        return time.monotonic() - began

    async def kill(self) -> None:
        if self.lives:
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def is_ready(self) -> bool:
        with suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/readyz") as answer,
            ):
                return answer.status == 200
        return False

    async def ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while not await self.is_ready():
                assert self.lives, f"the bot ended: {self.said.read_text()[-2000:]}"
                await asyncio.sleep(0.05)


@dataclass
class Fleet:
    """``lines``: what the actions really did, one line each, in order."""

    stage: Stage
    folder: Path
    replicas: list[Replica] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _ports: set[int] = field(default_factory=set)

    @property
    def alive(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.lives]

    @property
    def lines(self) -> list[str]:
        path = Path(self.stage.settings[slow_actions.FILE_VARIABLE])
        return path.read_text().splitlines() if path.exists() else []

    async def runs(self) -> list[tuple[Run, tuple[Recorded, ...]]]:
        """Every run with its journal, as the database tells it."""

        async def read(tx: Reader) -> list[tuple[RunId, tuple[Recorded, ...]]]:
            return [(line.run, await tx.journal(line.run)) for line in await tx.runs(100_000)]

        store = open_store(self.stage.settings["DATABASE_URL"])
        try:
            folded = [(fold(run, journal), journal) for run, journal in await store.read(read)]
        finally:
            await store.close()
        return [(run, journal) for run, journal in folded if run is not None]

    def said(self, words: str) -> int:
        """How often any replica has said this in its log."""
        return sum(replica.said.read_text().count(words) for replica in self.replicas)

    async def launch(self, count: int = 1) -> list[Replica]:
        """Start so many more and wait until they are ready."""
        started = [await self.begin() for _ in range(count)]
        await asyncio.gather(*(replica.ready() for replica in started))
        if self.stage.transport == "socket":
            await self.sockets(len(self.alive))
        return started

    async def begin(self) -> Replica:
        """Start one more, ready or not."""
        port, said = self._port(), self.folder / f"replica-{next(self._numbers)}.log"
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **self.stage.settings}
        with said.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", "run",
                env=environment | {"SIGNOFF_PORT": str(port)}, stdout=file, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        self.replicas.append(Replica(process, port, said))
        return self.replicas[-1]

    def _port(self) -> int:
        """A port that none had before: else a replica that has just begun is taken for ready, since another one answers there."""
        while (port := free_port()) in self._ports:
            pass
        self._ports.add(port)
        return port

    async def sockets(self, count: int) -> None:
        """Wait until Slack has so many open sockets."""
        async with asyncio.timeout(READY_SECONDS):
            while self.stage.workspace.open_sockets != count:
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        for replica in self.replicas:
            await replica.kill()


@asynccontextmanager
async def fleet(
    database_url: str,
    folder: Path,
    *,
    transport: str = "socket",
    slack: Mapping[str, Any] | None = None,
    **settings: str,
) -> AsyncIterator[Fleet]:
    """No bot yet. The model does what people write (`tasks`), and everything is asked about."""
    extra = {"SIGNOFF_ACTIONS": slow_actions.__file__, slow_actions.FILE_VARIABLE: str(folder / "lines")}
    async with AsyncExitStack() as stack:
        opened = staged(database_url, folder, transport=transport, slack=slack, **extra | settings)
        stage = await stack.enter_async_context(opened)
        assert stage.bighub is not None
        stage.bighub.default, stage.model.default = review(), tasks.answer
        several = Fleet(stage, folder)
        if transport == "http":
            stage.workspace.request_url = await stack.enter_async_context(balanced(several))
        try:
            yield several
        finally:
            await several.end()


@asynccontextmanager
async def balanced(several: Fleet) -> AsyncIterator[str]:
    """The address of a load balancer in front of the replicas: each request to the next that takes it, else 502."""
    turns = itertools.count()

    async def passed_on(request: Request) -> Response:
        body, ports = await request.body(), [replica.port for replica in several.alive]
        first = next(turns) % max(1, len(ports))
        for port in ports[first:] + ports[:first]:
            try:
                async with session.post(
                    f"http://127.0.0.1:{port}/slack/events", data=body, headers=dict(request.headers)
                ) as answer:
                    return Response(await answer.read(), answer.status, {"content-type": answer.content_type})
            except aiohttp.ClientConnectorError:
                continue  # it does not listen (any more, or yet)
            except aiohttp.ClientError:
                return Response(status_code=502)  # it died over this request: nobody knows what it did
        return Response(status_code=502)

    async with aiohttp.ClientSession() as session:
        app = Starlette(routes=[Route("/slack/events", passed_on, methods=["POST"])])
        async with serving(app) as address:
            yield f"{address.url}/slack/events"
