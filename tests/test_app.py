"""The bot as a process: a wrong token ends the start, an absent Slack does not, and a stop signal always ends the process."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from sqlalchemy import make_url

from bot import manifest
from bot.errors import ConfigurationError
from bot.leaving import working_seconds
from bot.sql.lock import only_bot
from bot.workspace import RunningWorkspace, running_workspace
from tests.journey.stage import CAROL, DAN, GRANT, button_value, buttons, free_port, staged, until
from tests.journey.test_restarts import signoff
from tests.servers.bighub_decisions import review
from tests.servers.faults import Hang
from tests.servers.model_server import Calls, Text

DRAIN = 2.5
BUSY = 9.0
"""What a busy machine may add: what is told here would otherwise hang for ever."""
GONE = 0.5
"""How long the operating system may take to bury a process whose files it has closed."""
NOBODY = "http://127.0.0.1:9/api/"
NEEDED = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "OPENAI_API_KEY": "sk-1"}
STUCK = '''
import asyncio, time
from pathlib import Path
from bot.actions import action

@action(system="ci", risk="high", environment="production")
def wedge(file: str) -> str:
    """Never comes back.

    Args:
        file: Touched at the beginning.
    """
    Path(file).touch()
    time.sleep(60)
    return "done"

@action(system="ci", risk="high", environment="production")
async def wedge_the_executor(file: str) -> str:
    """Never comes back, in asyncio's own threads.

    Args:
        file: Touched at the beginning.
    """
    Path(file).touch()
    await asyncio.to_thread(time.sleep, 60)
    return "done"

@action(system="ci", risk="high", environment="production")
async def wedge_against_cancellation(file: str) -> str:
    """Never comes back, and takes no cancellation.

    Args:
        file: Touched at the beginning.
    """
    Path(file).touch()
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

@action(system="ci", risk="high", environment="production")
async def wedge_the_event_loop(file: str) -> str:
    """Never comes back, and lets nobody else do anything.

    Args:
        file: Touched at the beginning.
    """
    Path(file).touch()
    time.sleep(60)
    return "done"
'''


class Bot:
    """`signoff run` as a process; what it said is in ``said`` once it has ended."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port, self.said = process, port, ""

    async def ended(self, seconds: float) -> int:
        async with asyncio.timeout(seconds):
            printed, _ = await self.process.communicate()
        self.said = printed.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    async def ready(self) -> None:
        async with asyncio.timeout(60), aiohttp.ClientSession() as session:
            while True:
                assert self.process.returncode is None, "the bot ended"
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[Bot]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SIGNOFF_ACTIONS": "bot.demo.company",
        "SIGNOFF_DRAIN_SECONDS": str(DRAIN),
        "SIGNOFF_PORT": str(port),
        "DATABASE_URL": f"sqlite:///{folder / 'signoff.db'}",
        **NEEDED,
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Bot(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def workspace() -> AsyncIterator[RunningWorkspace]:
    async with running_workspace(manifest.load(), rate_limits=False) as started:
        yield started


def tokens(workspace: RunningWorkspace) -> dict[str, str]:
    return {
        "SLACK_API_URL": workspace.api_url,
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
    }


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_wrong_token_ends_the_start_with_its_name_and_the_remedy(
    name: str, workspace: RunningWorkspace, tmp_path: Path
) -> None:
    wrong = {name: f"{tokens(workspace)[name][:5]}wrong"}
    async with running(tmp_path, **(tokens(workspace) | wrong)) as bot:
        assert await bot.ended(60) == 1
    assert name in bot.said and "set it to" in bot.said and "Traceback" not in bot.said
    assert len(bot.said.strip().splitlines()) == 1


@pytest.mark.parametrize("wanted", [signal.SIGTERM, signal.SIGINT])
async def test_a_bot_without_slack_is_ready_warns_without_tracebacks_and_ends_when_told(
    wanted: signal.Signals, tmp_path: Path
) -> None:
    async with running(tmp_path, SLACK_API_URL=NOBODY) as bot:
        await bot.ready()
        await asyncio.sleep(1.5)
        bot.process.send_signal(wanted)
        assert await bot.ended(DRAIN + BUSY) == 0
    assert "Slack does not answer" in bot.said and "Traceback" not in bot.said
    assert "Signoff is up" in bot.said and "socket is not open" in bot.said


@asynccontextmanager
async def relay(port: int, url: str) -> AsyncIterator[None]:
    """Whatever comes to ``port`` goes on to the server of ``url``."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(piece)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        await asyncio.gather(pipe(reader, back), pipe(there, writer), return_exceptions=True)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_a_bot_opens_its_socket_once_slack_is_back(workspace: RunningWorkspace, tmp_path: Path) -> None:
    port = free_port()
    async with running(tmp_path, **tokens(workspace) | {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/"}) as bot:
        await bot.ready()
        assert not workspace.open_sockets
        async with relay(port, workspace.api_url):
            await workspace.socket_opened(60)
        bot.process.terminate()
        assert await bot.ended(DRAIN + BUSY) == 0


async def test_a_start_that_hangs_ends_when_told(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(tmp_path, SLACK_API_URL=f"http://127.0.0.1:{port}/api/") as bot:
        await asyncio.wait_for(asked.wait(), 60)
        bot.process.terminate()
        assert await bot.ended(DRAIN + BUSY) == 0
    assert "Traceback" not in bot.said
    server.close()


@pytest.mark.parametrize(
    "action", ["wedge", "wedge_the_executor", "wedge_against_cancellation", "wedge_the_event_loop"]
)
async def test_r11_whatever_way_an_action_hangs_the_process_ends_after_the_drain_and_only_then_does_another_bot_ask(
    action: str, sqlite_url: str, tmp_path: Path
) -> None:
    (tmp_path / "stuck.py").write_text(STUCK)
    touched = tmp_path / "touched"
    async with staged(
        sqlite_url, tmp_path, SIGNOFF_ACTIONS=str(tmp_path / "stuck.py"), SIGNOFF_DRAIN_SECONDS=str(DRAIN)
    ) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.launch()
        stage.model.say(Calls([(action, {"file": str(touched)})]), Text("I do not know."))
        thread = await stage.mention("wedge it")
        await stage.click(await stage.card(thread, action, seconds=20), "approve", who=DAN)
        await until(touched.exists)
        assert stage.process is not None
        began = time.monotonic()
        stage.process.terminate()
        await unlocked(Path(make_url(sqlite_url).database or ""), DRAIN + BUSY)
        assert await asyncio.wait_for(stage.process.wait(), GONE) == 0, "it gave the file away while it lived"
        assert time.monotonic() - began >= working_seconds(DRAIN)
        await stage.launch()
        await stage.see(thread, action, seconds=20, where=lambda message: "did_run" in buttons(message))


async def unlocked(database: Path, seconds: float) -> None:
    """Wait until another bot could have the file."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                with only_bot(database):
                    return
            except ConfigurationError:
                await asyncio.sleep(0.01)


async def test_r11_a_bot_that_was_killed_and_is_back_on_its_file_goes_on_without_waiting_for_its_own_lease(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with staged(sqlite_url, tmp_path, SIGNOFF_HEARTBEAT_SECONDS="120", SIGNOFF_DRAIN_SECONDS="0") as stage:
        stage.model.say(Hang(60.0), Text("checkout is healthy"))
        await stage.launch()
        thread = await stage.mention("how is checkout?")
        await until(lambda: stage.model.requests, 20)
        await stage.kill()
        await stage.launch()
        await stage.see(thread, "checkout is healthy", seconds=2 + BUSY)


async def test_r11_a_second_bot_on_the_same_file_is_refused_however_that_is_spelled_and_a_shell_is_not(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, SLACK_API_URL=NOBODY) as first:
        await first.ready()
        (tmp_path / "alias.db").symlink_to("signoff.db")
        for spelled in (f"/{tmp_path}/signoff.db", "signoff.db", "alias.db"):
            async with running(tmp_path, SLACK_API_URL=NOBODY, DATABASE_URL=f"sqlite:///{spelled}") as second:
                assert await second.ended(60) == 1
            assert "Another bot works on" in second.said and len(second.said.strip().splitlines()) == 1
        kept = {path.name for path in tmp_path.glob("signoff.db.*")}
        assert kept == {f"signoff.db.{each}" for each in ("lock", "seal-key", "witness", "witness-lock")}
        environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{tmp_path / 'signoff.db'}"}
        shell = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "pending", env=environment)
        assert await shell.wait() == 0
        first.process.kill()
        await first.process.wait()
    async with running(tmp_path, SLACK_API_URL=NOBODY) as third:
        await third.ready()


@pytest.mark.parametrize(("command", "word"), [("approve", "approved"), ("deny", "denied")])
async def test_a_vote_by_shell_says_what_was_decided(command: str, word: str, sqlite_url: str, tmp_path: Path) -> None:
    async with staged(sqlite_url, tmp_path) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.start()
        stage.model.say(Calls([GRANT]), Text("Done."))
        thread = await stage.mention("grant bob okta-prod-admins for 48h")
        approval = button_value(await stage.card(thread, "grant_access"), "approve")
        said = await signoff(stage, command, approval, "--as", CAROL)
    assert f"{CAROL} {word} {approval} by shell" in said and "digest " in said
    assert "grant_access · okta" in said and '"okta-prod-admins"' in said
