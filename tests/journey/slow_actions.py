"""Actions for journeys that kill the bot in the middle: each leaves a line in a file before and after it waits."""

import asyncio
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
