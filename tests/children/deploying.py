"""Actions that run commands, as people write them: each command leaves a line in a file a while after it began."""

import os
import subprocess
import sys

from bot.actions import action

FILE_VARIABLE = "SIGNOFF_TEST_LINES"
LATE = """
import os, sys, time
how, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
if how == "daemon" and os.fork():
    os._exit(0)
if how == "daemon":
    os.setsid()
    if os.fork():
        os._exit(0)
with open(path, "a") as lines:
    lines.write(f"began {how} {os.getpid()}\\n")
time.sleep(seconds)
with open(path, "a") as lines:
    lines.write(f"ended {how}\\n")
"""
HOWS = ("plain", "daemon", "bare")


def late(how: str, path: str, seconds: float) -> None:
    """Run a command that leaves its second line after so many seconds. ``how``: "plain", as a "daemon" of its own session, or
    "bare", without the environment."""
    environment = {} if how == "bare" else None
    subprocess.run([sys.executable, "-I", "-S", "-c", LATE, how, path, str(seconds)], env=environment, check=True)


@action(system="ci", risk="high", environment="production")
def deploy(how: str, seconds: float) -> str:
    """Deploy something with a command.

    Args:
        how: How the command is run.
        seconds: How long it takes.
    """
    late(how, os.environ[FILE_VARIABLE], seconds)
    return "deployed"
