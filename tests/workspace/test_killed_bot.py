"""A bot in a process of its own, killed without warning and started again."""

import asyncio
import os
import signal
import sys

from bot.workspace import RunningWorkspace

BOT = """
import asyncio, os
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

async def main():
    client = AsyncWebClient(token=os.environ["BOT_TOKEN"], base_url=os.environ["API_URL"])
    app = AsyncApp(client=client)

    @app.event("app_mention")
    async def mentioned(event, say):
        await say(text="here", thread_ts=event["ts"])

    await AsyncSocketModeHandler(app, os.environ["APP_TOKEN"]).start_async()

asyncio.run(main())
"""


async def start(workspace: RunningWorkspace) -> asyncio.subprocess.Process:
    tokens = {"BOT_TOKEN": workspace.bot_token, "APP_TOKEN": workspace.app_token, "API_URL": workspace.api_url}
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BOT, env={**os.environ, **tokens}, stderr=asyncio.subprocess.DEVNULL
    )
    await workspace.socket_opened(20)
    return bot


async def test_a_killed_bot_leaves_no_socket_and_answers_when_it_is_back(workspace: RunningWorkspace) -> None:
    alice = workspace.person("U0ALICE")
    first = await start(workspace)
    try:
        ts = await alice.say("C0OPS", "<@U0SIGNOFF> hello?")
        await alice.wait_for_message("C0OPS", lambda each: each.get("thread_ts") == ts and each["text"] == "here")
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()

    async def gone() -> bool:
        return workspace.open_sockets == 0

    await alice.wait_for(gone)
    second = await start(workspace)
    try:
        ts = await alice.say("C0OPS", "<@U0SIGNOFF> again?")
        await alice.wait_for_message("C0OPS", lambda each: each.get("thread_ts") == ts and each["text"] == "here")
    finally:
        second.kill()
        await second.wait()
