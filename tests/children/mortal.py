"""A bot that may be killed: its guardian, and one action that runs a command, and nothing else of it. `python -m tests.children.mortal`
is the bot; `Mortal` is how a test holds it.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.children import GUARDIAN, children_end_with_us
from bot.threads import in_thread
from tests.children.deploying import late

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


async def bot(guarded: bool, how: str, path: str, seconds: float) -> None:
    """Run the action until somebody says stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with children_end_with_us() if guarded else contextlib.nullcontext():
        work = asyncio.create_task(in_thread(lambda: late(how, path, seconds), "action"))
        await stop.wait()
        work.cancel()


@dataclass
class Mortal:
    """A running bot; ``lines``: what its command wrote so far."""

    process: asyncio.subprocess.Process
    path: Path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    async def began(self) -> int:
        """The number of the command's process, once it has begun."""
        await until(lambda: self.lines)
        return int(self.lines[0].split()[2])

    @property
    def ended(self) -> bool:
        return any(line.startswith("ended") for line in self.lines)

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def guardian(self) -> int:
        """The number of its guardian's process."""
        found: list[int] = []
        await until(lambda: found.extend(_guardians(self.process.pid)) or found)
        return found[0]

    async def looked_around(self) -> None:
        """Until the guardian has looked at all processes, from now on."""
        guardian = await self.guardian()
        for _ in range(2):
            before = _read_so_far(guardian)
            await until(lambda before=before: _read_so_far(guardian) > before)

    async def said(self) -> str:
        assert self.process.stderr is not None
        return (await self.process.stderr.read()).decode()


@asynccontextmanager
async def mortal(path: Path, how: str, seconds: float, *, guarded: bool = True) -> AsyncIterator[Mortal]:
    arguments = ("guarded" if guarded else "alone", how, str(path), str(seconds))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.children.mortal", *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield Mortal(process, path)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _guardians(parent: int) -> list[int]:
    found = []
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(each.name)
            below = int((each / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            if below and os.fsencode(GUARDIAN) in (each / "cmdline").read_bytes():
                found.append(pid)
    return found


def _read_so_far(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


async def until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(bot(sys.argv[1] == "guarded", sys.argv[2], sys.argv[3], float(sys.argv[4])))
