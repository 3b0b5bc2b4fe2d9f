"""The demo as `make demo` starts it, with a person in front of its page: what the tests of this folder share. No test lives here."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page

from tests.journey.stage import free_port


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """`signoff demo`, as `make demo` starts it: its page's address, and the bot's process id."""
    port = free_port()
    command = (sys.executable, "-m", "bot", "demo", "--port", str(port), "--dir", str(folder))
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    running = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        assert running.stdout is not None
        told = ""
        while "Ctrl-C ends it" not in told:
            line = await asyncio.wait_for(running.stdout.readline(), 60)
            assert line, f"the demo ended: {told}"
            told += line.decode()
        assert "Scripted model" in told and "local rules" in told
        (pid,) = re.findall(r"kill -9 (\d+)", told)
        yield f"http://127.0.0.1:{port}", int(pid)
    finally:
        running.send_signal(signal.SIGINT)
        await asyncio.wait_for(running.wait(), 20)


async def act_as(page: Page, user: str) -> None:
    await page.get_by_test_id("act-as").select_option(user)


def faults_of(page: Page) -> list[str]:
    """What goes wrong in the page's own code, as it happens."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    return faults
