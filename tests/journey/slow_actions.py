"""Actions for journeys that kill the bot in the middle: each leaves a line in a file before and after it waits."""

import asyncio
import contextlib
import os
from pathlib import Path

from bot.actions import action

FILE_VARIABLE = "SIGNOFF_TEST_LINES"


@action(system="ci", risk="high", environment="production")
async def restart_slowly(service: str, seconds: float) -> str:
    """Restart a service, taking its time.

    Args:
        service: What to restart.
        seconds: How long it takes.
    """
    lines = Path(os.environ[FILE_VARIABLE])
    with lines.open("a") as file:
        file.write(f"began {service}\n")
    await asyncio.sleep(seconds)
    with lines.open("a") as file:
        file.write(f"ended {service}\n")
    return f"{service} was restarted"


@action(system="ci", risk="high", environment="production")
async def restart_stubbornly(service: str) -> str:
    """Restart a service that never comes back, and take no cancellation.

    Args:
        service: What to restart.
    """
    with Path(os.environ[FILE_VARIABLE]).open("a") as file:
        file.write(f"began {service}\n")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
