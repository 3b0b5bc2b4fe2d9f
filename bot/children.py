"""No process that an action starts outlives the bot (R21): a cookie that they inherit, and a guardian that ends them.

The guardian (`guardian.py`) is a process of its own, since a bot that is killed can do nothing any more. It holds a pipe of the
bot's: when that ends, it ends whoever carries the cookie. One that is gone itself is replaced.

Not covered: a process that another program starts for the action (a container, a cron job); one of another user, if the bot may not
kill it; and one that was given an environment of its own and lost its parent, or the bot, within half a second of its start.
"""

import asyncio
import contextlib
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bot.logger import log

VARIABLE: Final = "SIGNOFF_PROCESS"
COOKIE: Final = "SIGNOFF_COOKIE"
GUARDIAN: Final = Path(__file__).with_name("guardian.py")
LEAVE_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 0.5


@asynccontextmanager
async def children_end_with_us() -> AsyncIterator[tuple[str, ...]]:
    """What is started within the block ends with it, or with this process, whichever way that ends. Yields the words in the
    environment by which it is known, which nobody needs to read."""
    if sys.platform != "linux":
        log.warning(
            "if the bot is killed, processes that its actions started go on: only Linux has a guardian for them"
        )
        yield ()
        return
    cookie, before = secrets.token_hex(16), os.environ.get(VARIABLE, "")
    # Below another bot a process has two cookies, and each guardian ends what is its own.
    os.environ[VARIABLE] = f"{before} {cookie}".strip()
    guardian = _Guardian(cookie, await _started(cookie))
    watch = asyncio.create_task(guardian.replaced())
    try:
        yield (cookie,)
    finally:
        watch.cancel()
        await guardian.leave()


async def _started(cookie: str) -> Process:
    """A guardian that knows the cookie from its first moment. It inherits no environment, or it would be one of those it ends."""
    arguments = ("-I", "-S", str(GUARDIAN), str(os.getpid()), str(os.getsid(0)))
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=DEVNULL, env={COOKIE: cookie}, start_new_session=True
    )


class _Guardian:
    """The guardian of the moment."""

    def __init__(self, cookie: str, process: Process) -> None:
        self._cookie, self._process = cookie, process

    async def replaced(self) -> None:
        """Start another whenever it is gone."""
        while True:
            status = await self._process.wait()
            log.error("the guardian of the actions' processes is gone; another one is started", status=status)
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                self._process = await _started(self._cookie)
            except OSError as failed:
                log.error("there is no guardian: processes would outlive a killed bot", why=str(failed))

    async def leave(self) -> None:
        """Let it end what is left, and itself."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), LEAVE_SECONDS)
