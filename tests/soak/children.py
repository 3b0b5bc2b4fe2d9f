"""R21: bots are killed while their actions run commands, at a random moment; no command does anything after that."""

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.children.deploying import HOWS
from tests.children.mortal import alive, mortal, until
from tests.soak.report import Line

KILLS = 60
AT_ONCE = 3
SECONDS = 4.0
"""After so long a command leaves its second line, unless it is ended before."""


@dataclass(frozen=True, slots=True)
class Killed:
    how: str
    went_on: bool
    took: float


def soak(seed: int, share: float) -> Iterator[Line]:
    began, number = time.monotonic(), max(3, round(KILLS * share))
    killed = asyncio.run(_all(seed, number))
    alone = asyncio.run(_all(seed, max(3, number // 10), guarded=False))
    yield Line(
        tier="R21",
        rows="R21",
        what="SIGKILL of the bot while an action's command runs: plain, as a daemon of its own session, or without the environment",
        work=f"{number} kills; the same without the guardian: {sum(each.went_on for each in alone)} of {len(alone)} commands went on",
        violations=sum(each.went_on for each in killed),
        floor_met=len(killed) == number and all(each.went_on for each in alone),
        seed=seed,
        seconds=time.monotonic() - began,
        figure=f"orphan effects {sum(each.went_on for each in killed)} of {number}, "
        f"ended within {max(each.took for each in killed):.2f} s",
    )


async def _all(seed: int, number: int, *, guarded: bool = True) -> list[Killed]:
    chance, places = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory() as folder:

        async def one(n: int, how: str, wait: float) -> Killed:
            async with places:
                return await _killed(Path(folder) / str(n), how, wait, guarded=guarded)

        return await asyncio.gather(*(one(n, chance.choice(HOWS), chance.uniform(0.0, 1.0)) for n in range(number)))


async def _killed(path: Path, how: str, wait: float, *, guarded: bool) -> Killed:
    """Kill one bot some time after its command began (one without the environment must have been seen first)."""
    async with mortal(path, how, SECONDS, guarded=guarded) as bot:
        command = await bot.began()
        if how == "bare" and guarded:
            await bot.looked_around()
        else:
            await asyncio.sleep(wait)
        at = time.monotonic()
        await bot.kill()
        await until(lambda: not alive(command))
        return Killed(how, bot.ended, time.monotonic() - at)
