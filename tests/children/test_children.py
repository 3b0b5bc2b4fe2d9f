"""R21: no process that an action started goes on when the bot is gone, whichever way it went and however the process hides."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot import guardian
from bot.actions import Registry, action, define
from bot.core.values import Person
from bot.ports import Wish
from tests.children import deploying
from tests.children.mortal import alive, mortal, until
from tests.journey.stage import DAN, staged
from tests.servers.model_server import Calls

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a guardian")


@pytest.mark.parametrize("how", deploying.HOWS)
async def test_r21_a_command_of_a_killed_bot_ends_before_it_does_anything_more(how: str, tmp_path: Path) -> None:
    async with mortal(tmp_path / "lines", how, 30.0) as bot:
        command = await bot.began()
        if how == "bare":
            await bot.looked_around()
        await bot.kill()
        await until(lambda: not alive(command))
        assert not bot.ended
        said = await bot.said()
    assert f"killed process {command}" in said
    assert ("in a session of its own" in said) == (how == "daemon")


async def test_r21_without_the_guardian_the_command_goes_on(tmp_path: Path) -> None:
    async with mortal(tmp_path / "lines", "plain", 2.0, guarded=False) as bot:
        await bot.began()
        await bot.kill()
        await until(lambda: bot.ended)


async def test_r21_another_bots_commands_are_left_alone(tmp_path: Path) -> None:
    async with mortal(tmp_path / "a", "plain", 30.0) as one, mortal(tmp_path / "b", "plain", 2.0) as other:
        command, theirs = await one.began(), await other.began()
        await one.kill()
        await until(lambda: not alive(command))
        assert f"process {theirs} " not in await one.said()
        await until(lambda: other.ended)


async def test_r21_what_is_left_when_a_bot_stops_ends_with_it(tmp_path: Path) -> None:
    async with mortal(tmp_path / "lines", "daemon", 30.0) as bot:
        command = await bot.began()
        bot.process.terminate()
        assert await bot.process.wait() == 0
        await until(lambda: not alive(command))
        assert f"killed process {command}" in await bot.said()


async def test_r21_a_guardian_that_is_gone_is_told_and_replaced(tmp_path: Path) -> None:
    async with mortal(tmp_path / "lines", "plain", 30.0) as bot:
        command, first = await bot.began(), await bot.guardian()
        os.kill(first, signal.SIGKILL)
        await until(lambda: not alive(first))
        assert await bot.guardian() != first
        await bot.kill()
        await until(lambda: not alive(command))
        assert not bot.ended


async def test_r21_signoff_run_has_a_guardian(sqlite_url: str, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    extra = {"SIGNOFF_ACTIONS": deploying.__file__, deploying.FILE_VARIABLE: str(lines)}
    async with staged(sqlite_url, tmp_path, **extra) as stage:
        stage.model.say(Calls([("deploy", {"how": "daemon", "seconds": 60.0})]))
        await stage.launch()
        card = await stage.card(await stage.mention("deploy checkout"), "deploy", seconds=60)
        await stage.click(card, "approve", who=DAN)
        await until(lambda: lines.exists() and lines.read_text())
        command = int(lines.read_text().split()[2])
        await stage.kill()
        await until(lambda: not alive(command))
    assert "ended" not in lines.read_text()


def test_r21_a_number_that_was_used_again_is_nobody_of_ours() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={}) as stranger:
        fields = guardian.fields_of(stranger.pid)
        assert fields is not None
        began = fields[guardian.START]
        assert guardian._is_ours(stranger.pid, b"cookie", {stranger.pid: began})
        assert not guardian._is_ours(stranger.pid, b"cookie", {stranger.pid: str(int(began) - 1)})
        stranger.communicate(b"\n")


def test_r21_a_process_below_two_bots_belongs_to_both_and_one_that_only_mentions_the_cookie_to_none() -> None:
    for value, ours in (("outer cookie", True), ("outer", False)):
        environment = {"SIGNOFF_PROCESS": value, "OTHER": "cookie"}
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment) as process:
            while not Path(f"/proc/{process.pid}/environ").read_bytes():
                time.sleep(0.001)  # it is just being started
            assert guardian._is_ours(process.pid, b"cookie", {}) is ours
            process.communicate(b"\n")


async def test_r21_the_cookie_reaches_no_output_that_the_model_reads() -> None:
    @action(read_only=True)
    def environment() -> dict[str, str]:
        """What the environment is."""
        return {"SIGNOFF_PROCESS": "0f1e2d3c", "HOME": "here"}

    registry = Registry([define(environment)], unspoken=("0f1e2d3c",))
    proposal = await registry.propose("c1", Wish("w1", "environment", "{}"), Person("T1", "U1"))
    ran = await registry.run(proposal, "key")
    assert ran.ok and "0f1e2d3c" not in ran.output and "here" in ran.output


async def test_a_guardian_without_a_bot_harms_nobody() -> None:
    """It is started by hand, with nothing to say and nobody to guard."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", guardian.__file__, "1", "1", stdin=asyncio.subprocess.DEVNULL, env={}
    )
    assert await asyncio.wait_for(process.wait(), 60) == 0
