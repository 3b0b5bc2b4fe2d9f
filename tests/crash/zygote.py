"""Forks lives. This process has imported everything and has no loop, no thread and no connection while it forks: those are the
children's.

A child ends by itself (its story is over: it judges it before it goes) or dies by SIGKILL, at a point or at any time.
"""

import asyncio
import gc
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.sql.store import open_store
from tests.crash.life import NONE, Fault, Life, Story, store_of, tellings
from tests.crash.outside import Outside
from tests.crash.people import Telling
from tests.crash.verdict import faults
from tests.crash.wire import Wire

OVER, DIED, BROKEN = "over", "died", "broken"
HUNG_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Scene:
    """Where stories are told, one after the other. ``template``: a migrated SQLite file, None where ``url`` is Postgres's."""

    url: str
    folder: Path
    template: Path | None

    def begin(self, told: Sequence[Telling]) -> Story:
        """A story on an empty database."""
        outside = self.folder / "outside.jsonl"
        outside.unlink(missing_ok=True)
        if self.template is not None:
            for old in self.folder.glob("signoff.db*"):
                old.unlink()
            shutil.copy(self.template, self.folder / "signoff.db")
        return Story(self.url, outside, tuple(told))


@dataclass(frozen=True, slots=True)
class Told:
    """A story to its end. ``ended``: how each life did; ``faults``: what does not hold."""

    ended: tuple[str, ...]
    faults: tuple[str, ...]
    outside: Outside


def tell(story: Story, lives: Sequence[tuple[Fault, float | None]]) -> Told:
    """Tell a story through lives that get these faults (or are killed after so many seconds), then one that gets none."""
    ended: list[str] = []
    for number, (fault, kill_after) in enumerate((*lives, (NONE, None))):
        ended.append(one_life(story, number, fault, kill_after))
        if ended[-1] != DIED:
            break
    outside = Outside(story.outside)
    outside.close()
    found = [line["what"] for line in outside.lines["fault"]]
    if ended[-1] == BROKEN:
        found.append("R2 the last life did not come to its end; its traceback is on stderr")
    return Told(tuple(ended), tuple(found), outside)


def one_life(story: Story, number: int, fault: Fault, kill_after: float | None) -> str:
    assert threading.active_count() == 1, "a process with threads is not forked"
    child = os.fork()
    if child == 0:
        signal.alarm(HUNG_SECONDS)
        _as_child(lambda: asyncio.run(_lived(story, number, fault)))
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return DIED
    return OVER if status == 0 else BROKEN


def _as_child(work: Callable[[], object]) -> None:
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # the outermost edge of the child: whatever it was, it must be seen
        traceback.print_exc()
    finally:
        os._exit(code)


async def _lived(story: Story, number: int, fault: Fault) -> None:
    if not fault.cut:
        await _lived_on(Life(story, number, fault))
        return
    outside = Outside(story.outside)
    wire = Wire(story.url, fault.cut, lambda: outside.tell("wire", cut=fault.cut, heard=fault.heard), heard=fault.heard)
    async with wire.laid() as url:
        await _lived_on(Life(story, number, fault, open_store(url)))


async def _lived_on(life: Life) -> None:
    await life.live()
    judge = store_of(life.story.url)
    try:
        for fault in await faults(judge, life.outside, life.story.tellings):
            life.outside.tell("fault", what=fault)
    finally:
        await judge.close()
    life.outside.tell("over", points=life.points.passed)


def settle(scene: Scene) -> None:
    """Live once in this very process, so that all that is imported, defined and compiled is there before the first fork; nothing of
    it stays open. What is here then is shared with the children, and no collection unshares it."""
    story = scene.begin(tellings(["mixed", "expired", "retry", "rerun"]))
    asyncio.run(_lived(story, 0, NONE))
    gc.collect()
    gc.freeze()
    gc.disable()
