"""The stage of a journey: local workspace, model and BIGHUB as real servers, and the real bot, in this process or its own.

Everything that a bot in production has is here; nothing is patched. Stories speak through `Stage`: people say and click, and
wait for what they see.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot import manifest
from bot.app import RunningBot, running_bot
from bot.demo import company_books
from bot.settings import TO_RUN, Settings, read_settings
from bot.workspace import RunningWorkspace, running_workspace
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.model_server import ModelServer, running_model

OPS = "C0OPS"
ALICE, BOB, CAROL, DAN, ERIN = "U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ERIN"
GUEST, GONE, XENA = "U0GUEST", "U0GONE", "U0XENA"
BOT = "U0SIGNOFF"
DEMO_POLICY = Path(__file__).parents[2] / "bot" / "demo" / "policy.yml"
GRANT = ("grant_access", {"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"})
Message = dict[str, Any]


@dataclass
class Stage:
    """``transport``: "socket" or "http". ``settings`` are the environment of the bot."""

    workspace: RunningWorkspace
    model: ModelServer
    bighub: BighubServer | None
    settings: dict[str, str]
    transport: str
    bot: RunningBot | None = None
    process: asyncio.subprocess.Process | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    # --- the bot ----------------------------------------------------------------------------------------------------

    def read(self) -> Settings:
        return read_settings(*TO_RUN, **self.settings)

    async def start(self) -> None:
        """Start the bot in this process."""
        self.bot = await self._stack.enter_async_context(running_bot(self.read()))
        await self._connect(self.bot.port)

    async def stop(self) -> None:
        await self._stack.aclose()
        self.bot = None

    async def launch(self) -> None:
        """Start the bot as `signoff run` in a process of its own."""
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            **self.settings,
            "SIGNOFF_PORT": str(port),
        }
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=environment)
        await self._ready(port)
        await self._connect(port)

    async def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> None:
        """Whatever runs, ends."""
        await self.stop()
        if self.process is not None and self.process.returncode is None:
            await self.kill()

    async def _connect(self, port: int | None) -> None:
        if self.transport == "http":
            self.workspace.request_url = f"http://127.0.0.1:{port}/slack/events"
        else:
            await self.workspace.socket_opened(20.0)

    async def _ready(self, port: int) -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(600):
                assert self.process is not None and self.process.returncode is None, "the bot ended"
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)
        raise TimeoutError("the bot did not become ready")

    # --- people -----------------------------------------------------------------------------------------------------

    async def mention(self, text: str, *, who: str = ALICE, channel: str = OPS, thread: str | None = None) -> str:
        """Somebody mentions the bot; the thread's ``ts``."""
        ts = await self.workspace.person(who).say(channel, f"<@{BOT}> {text}", thread)
        return thread or ts

    async def see(
        self,
        thread: str,
        *words: str,
        who: str = ALICE,
        channel: str = OPS,
        seconds: float = 10.0,
        where: Callable[[Message], bool] | None = None,
    ) -> Message:
        """Wait until ``who`` sees a message of the bot in the thread that holds all ``words``."""
        seen: list[str] = []

        def holds(message: Message) -> bool:
            if message.get("user") != BOT or thread not in (message.get("thread_ts"), message["ts"]):
                return False
            text = shown(message)
            seen.append(text)
            return all(word in text for word in words) and (where is None or where(message))

        try:
            return await self.workspace.person(who).wait_for_message(channel, holds, seconds)
        except TimeoutError:
            raise AssertionError(f"{who} did not see {words}, but:\n" + "\n---\n".join(dict.fromkeys(seen))) from None

    async def card(self, thread: str, *words: str, channel: str = OPS, seconds: float = 10.0) -> Message:
        """Wait for a card of the thread."""
        return await self.see(
            thread,
            *words,
            channel=channel,
            seconds=seconds,
            where=lambda message: bool(buttons(message)),
        )

    async def click(
        self, card: Message, action: str, who: str = CAROL, channel: str = OPS, *, force: bool = False
    ) -> str:
        """Click a button of a card; "ok" once the app acked. ``force``: even if the card does not have it any more."""
        return await self.workspace.person(who).click(
            channel, card["ts"], action, **({"force": True, "value": button_value(card, action)} if force else {})
        )

    async def whispered(self, who: str, *words: str, channel: str = OPS) -> str:
        """Wait for an ephemeral message to ``who`` that holds all ``words``."""

        def holds(message: Message) -> bool:
            return bool(message.get("ephemeral_to")) and all(word in shown(message) for word in words)

        return shown(await self.workspace.person(who).wait_for_message(channel, holds))

    # --- what happened ----------------------------------------------------------------------------------------------

    def effects(self, action: str | None = None) -> list[Any]:
        """What the company really did."""
        return list(company_books.effects(action))


@asynccontextmanager
async def staged(
    database_url: str,
    folder: Path,
    *,
    transport: str = "socket",
    bighub: bool = True,
    slack: Mapping[str, Any] | None = None,
    **settings: str,
) -> AsyncIterator[Stage]:
    """A stage without a bot yet: `start` or `launch` it. ``slack``: more for `running_workspace`."""
    async with contextlib.AsyncExitStack() as stack:
        opened = running_workspace(manifest.load(), **{"rate_limits": False} | dict(slack or {}))
        workspace = await stack.enter_async_context(opened)
        model = await stack.enter_async_context(running_model())
        guard = await stack.enter_async_context(running_bighub()) if bighub else None
        company, policy = str(folder / "company.db"), folder / "demo-policy.yml"
        policy.write_text(DEMO_POLICY.read_text().replace("shell_may_decide: false", "shell_may_decide: true"))
        os.environ[company_books.PATH_VARIABLE] = company
        chosen = {
            "SLACK_BOT_TOKEN": workspace.bot_token,
            "SLACK_SIGNING_SECRET": workspace.signing_secret,
            "SLACK_API_URL": workspace.api_url,
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": model.base_url,
            "DATABASE_URL": database_url,
            "SIGNOFF_ACTIONS": "bot.demo.company",
            "SIGNOFF_POLICY": str(policy),
            "SIGNOFF_SEAL_KEY": "k" * 32,
            "SIGNOFF_PORT": "0",
            "SIGNOFF_HEARTBEAT_SECONDS": "2",
            "SIGNOFF_DRAIN_SECONDS": "3.5",
            company_books.PATH_VARIABLE: company,
        }
        if transport == "socket":
            chosen["SLACK_APP_TOKEN"] = workspace.app_token
        if guard is not None:
            chosen |= {"BIGHUB_API_KEY": API_KEY, "BIGHUB_BASE_URL": guard.url}
        stage = Stage(workspace, model, guard, chosen | settings, transport)
        try:
            yield stage
        finally:
            await stage.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """The buttons of a message by action_id."""
    elements = [e for block in message.get("blocks", ()) if block["type"] == "actions" for e in block["elements"]]
    return {element["action_id"]: element for element in elements}


def button_value(message: Message, action: str) -> str:
    found = buttons(message)
    return str((found.get(action) or next(iter(found.values())))["value"])


def shown(message: Message) -> str:
    """Every word that a message shows, blocks included."""
    words: list[str] = [str(message.get("text", ""))]

    def read(value: Any) -> None:
        if isinstance(value, dict):
            words.extend(
                str(value[key]) for key in ("text", "user_id", "usergroup_id") if isinstance(value.get(key), str)
            )
            for inner in value.values():
                read(inner)
        elif isinstance(value, list):
            for inner in value:
                read(inner)

    read(message.get("blocks", []))
    return "\n".join(words)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until it is true."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true")
