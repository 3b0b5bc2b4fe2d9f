"""`signoff demo` and `signoff workspace`: the local workspace, the scripted model, and the real bot as a child process.

The bot is the same `signoff run` as with a real Slack; only its environment differs. It is a child of its own, so that a person
can kill it (even with -9) while a card is pending and see the run go on: it is started again at once.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import typer

from bot import manifest
from bot.demo import scripted_model
from bot.errors import SignoffError
from bot.workspace import RunningWorkspace, running_workspace

HERE = Path(__file__).parent
STATE = ("signoff.db", "company.db")
LEFT_BEHIND = ("", "-wal", "-shm", ".seal-key", ".witness", ".witness-lock")
MODEL_LABEL = "Scripted model: fixed rules, no AI"
RULES_LABEL = "Local rules: no BIGHUB key"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
STOP_SECONDS = 5.0
RESTART_SECONDS = 1.0
TRY = """
{labels}

Open {url}  and try, as Alice:

  @signoff what is the status of checkout?             runs at once: it only reads
  @signoff grant bob okta-prod-admins for 48h          a card: Alice may not approve it; switch to Carol and click
  @signoff deploy checkout 2.4.1 to production         Dan or Bob (the SREs) decide
  @signoff apply terraform network: +3 ~1 -0           one of security and one of SRE decide; edit it in between
  /pending                                             what waits for you

Kill the bot while a card is pending (kill -9 {pid}): it is back within seconds, and the card still works.
The shell beside it: set -a; . {settings}; set +a; .venv/bin/signoff pending
Everything is on this machine and begins anew with each start. Ctrl-C ends it.
"""


async def run_demo(*, port: int, directory: Path) -> None:
    """Until Ctrl-C. Raises `SignoffError` when the page's port is taken or the bot does not come up."""
    stop = _stop_signal()
    async with contextlib.AsyncExitStack() as stack:
        base_url, labels = await _model(stack)
        labels += [] if os.environ.get("BIGHUB_API_KEY") else [RULES_LABEL]
        workspace = await stack.enter_async_context(_workspace(port, labels))
        _begin_anew(directory)  # only now: the port is ours, so no other demo is at work here
        chosen = _settings(workspace, directory, base_url)
        told = _told(directory, chosen, workspace)
        keeper = asyncio.create_task(_keep_running(_environment(chosen), workspace, told, stop))
        await stop.wait()
        await keeper


async def run_workspace(*, port: int) -> None:
    """Only the workspace, with the settings that connect a bot to it. Until Ctrl-C."""
    stop = _stop_signal()
    async with _workspace(port, ["No bot is started by this command"]) as workspace:
        typer.echo(f"Local workspace (not Slack): {workspace.url}\nConnect a bot to it with:")
        typer.echo(f"  SLACK_API_URL={workspace.api_url}\n  SLACK_BOT_TOKEN={workspace.bot_token}")
        typer.echo(f"  SLACK_APP_TOKEN={workspace.app_token}\n  SLACK_SIGNING_SECRET={workspace.signing_secret}")
        await stop.wait()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    return stop


def _begin_anew(directory: Path) -> None:
    """The workspace keeps nothing, so a database of an earlier demo would point at messages that are gone."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in STATE:
        for suffix in LEFT_BEHIND:
            (directory / (name + suffix)).unlink(missing_ok=True)


async def _model(stack: contextlib.AsyncExitStack) -> tuple[str | None, list[str]]:
    """The address of the scripted model, unless a real key is set, and the label that says so."""
    if os.environ.get("OPENAI_API_KEY"):
        return None, []
    server = await stack.enter_async_context(scripted_model.running_scripted_model())
    return server.base_url, [MODEL_LABEL]


@contextlib.asynccontextmanager
async def _workspace(port: int, labels: list[str]) -> AsyncIterator[RunningWorkspace]:
    try:
        async with running_workspace(manifest.load(), port=port, labels=labels) as workspace:
            yield workspace
    except OSError as taken:
        raise SignoffError(f"Port {port} cannot be used ({taken.strerror}); choose another one with --port.") from taken


def _settings(workspace: RunningWorkspace, directory: Path, base_url: str | None) -> dict[str, str]:
    """The bot's settings: everything on this machine."""
    chosen = {
        "SLACK_API_URL": workspace.api_url,
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "DATABASE_URL": f"sqlite:///{directory.resolve() / STATE[0]}",
        "SIGNOFF_DEMO_COMPANY": str(directory.resolve() / STATE[1]),
        "SIGNOFF_ACTIONS": "bot.demo.company",
        "SIGNOFF_POLICY": str(HERE / "policy.yml"),
        "SIGNOFF_PORT": "0",
    }
    if base_url is not None:
        chosen |= {
            "OPENAI_API_KEY": "scripted",
            "OPENAI_BASE_URL": base_url,
            "SIGNOFF_MODEL": scripted_model.MODEL_NAME,
        }
    return chosen


def _environment(chosen: dict[str, str]) -> dict[str, str]:
    """The bot's environment: the caller's own, without proxies (they would be sent even what is meant for this machine)."""
    return {name: value for name, value in os.environ.items() if name not in PROXIES} | chosen


def _told(directory: Path, chosen: dict[str, str], workspace: RunningWorkspace) -> str:
    """What to try; the settings are kept in a file for a shell beside the demo. ``{pid}`` is still open."""
    settings = directory / "env"
    settings.touch(mode=0o600)
    settings.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in chosen.items()))
    return TRY.format(labels=". ".join(workspace.labels), url=workspace.url, settings=settings, pid="{pid}")


async def _keep_running(
    environment: dict[str, str], workspace: RunningWorkspace, what_to_try: str, stop: asyncio.Event
) -> None:
    """Run the bot until the end, again whenever it dies; a bot that never comes up ends the demo."""
    told = False
    while not stop.is_set():
        bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=environment)
        if not told:
            told = await _tell_when_up(bot, workspace, what_to_try)
            if not told:
                stop.set()
                typer.echo("The bot did not come up; its own words are above.", err=True)
        await _until_it_ends(bot, stop)
        if not stop.is_set():
            typer.echo(f"The bot (pid {bot.pid}) is gone; it starts again and goes on where it stood.")
            await asyncio.sleep(RESTART_SECONDS)


async def _tell_when_up(bot: asyncio.subprocess.Process, workspace: RunningWorkspace, what_to_try: str) -> bool:
    while bot.returncode is None:
        if workspace.open_sockets:
            typer.echo(what_to_try.format(pid=bot.pid))
            return True
        await asyncio.sleep(0.05)
    return False


async def _until_it_ends(bot: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
    """Wait for the bot's end; when the demo is over, end it: politely, then for good."""
    ended, over = asyncio.create_task(bot.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, over}, return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    if bot.returncode is None and stop.is_set():
        with contextlib.suppress(ProcessLookupError):
            bot.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(ended), STOP_SECONDS)
        except TimeoutError:
            bot.kill()
    await ended
