"""R21: a command of an action that took too long does not go on: it ends with the action's time, and others are left alone."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.actions import action, define
from bot.actions.run import execute
from bot.ports import Ran
from tests.children.mortal import alive, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who started a process")

SCRIPT = "{before}echo $$ >> {lines}; (echo $BASHPID >> {lines}; sleep {seconds}; echo ended >> {lines}); true"


def deploying(lines: Path, seconds: float, before: str = "") -> Callable[[], None]:
    """An action that waits for a command, which has a process of its own below it."""
    script = SCRIPT.format(before=before, lines=lines, seconds=seconds)

    def deploy() -> None:
        subprocess.run(["bash", "-c", script], check=True)

    return deploy


async def ran(fn: Callable[[], None], timeout: float) -> Ran:
    return await execute(define(action(timeout=timeout)(fn)), b"{}", idempotency_key="k")


def processes(lines: Path) -> list[int]:
    return [int(line) for line in lines.read_text().split() if line.isdigit()] if lines.exists() else []


@pytest.mark.parametrize("before", ["", "trap '' TERM; "], ids=["obedient", "stubborn"])
async def test_r21_a_command_ends_with_the_time_of_its_action_and_all_below_it(tmp_path: Path, before: str) -> None:
    lines = tmp_path / "lines"
    answer = await ran(deploying(lines, 60.0, before), timeout=3.0)
    assert answer.unknown and "did not answer within 3 s" in answer.error
    assert len(processes(lines)) == 2 and not any(map(alive, processes(lines)))
    await until(lambda: not any(thread.name == "action deploy" for thread in threading.enumerate()))


async def test_r21_the_command_of_another_action_goes_on(tmp_path: Path) -> None:
    late, patient = tmp_path / "late", tmp_path / "patient"
    other = asyncio.create_task(ran(deploying(patient, 5.0), timeout=60.0))
    await until(lambda: len(processes(patient)) == 2)
    assert (await ran(deploying(late, 60.0), timeout=0.8)).unknown
    assert all(map(alive, processes(patient)))
    assert (await other).ok and "ended" in patient.read_text()


async def test_r21_what_the_bot_itself_started_is_left_alone(tmp_path: Path) -> None:
    ours = await asyncio.create_subprocess_exec("sleep", "30")
    try:
        assert (await ran(deploying(tmp_path / "lines", 60.0), timeout=0.8)).unknown
        assert ours.returncode is None and alive(ours.pid)
    finally:
        ours.kill()
        await ours.wait()
