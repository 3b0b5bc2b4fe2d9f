"""It waits in SQL: `kill -9` at any moment, start again, and the run goes on where it stood (R1, R2, R11)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journey import slow_actions
from tests.journey.stage import CAROL, DAN, GRANT, Message, Stage, button_value, buttons, shown, staged, until
from tests.servers.bighub_decisions import review
from tests.servers.faults import Hang
from tests.servers.model_server import Calls, Text

SLOW = ("restart_slowly", {"service": "checkout", "seconds": 60.0})


@pytest.fixture
async def mortal(database_url: str, transport: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The bot is up as a process of its own, which a test may kill. Everything is asked about."""
    extra = {
        "SIGNOFF_ACTIONS": f"bot.demo.company,{slow_actions.__file__}",
        slow_actions.FILE_VARIABLE: str(tmp_path / "lines"),
    }
    async with staged(database_url, tmp_path, transport=transport, **extra) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.launch()
        yield stage


async def test_killed_while_a_card_is_pending_the_click_still_runs_it_once(mortal: Stage) -> None:
    mortal.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await mortal.mention("grant bob okta-prod-admins for 48h")
    card = await mortal.card(thread, "grant_access", seconds=20)
    await mortal.kill()
    await mortal.launch()
    await mortal.click(card, "approve")
    await mortal.see(thread, "Done: bob is in.", seconds=20)
    assert len(mortal.effects("grant_access")) == 1
    assert (await mortal.see(thread, "Executed in"))["ts"] == card["ts"]


async def test_killed_between_the_vote_and_the_action_the_action_runs_once_after_the_restart(mortal: Stage) -> None:
    mortal.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await mortal.mention("grant bob okta-prod-admins for 48h")
    card = await mortal.card(thread, "grant_access", seconds=20)
    await mortal.kill()
    await signoff(mortal, "approve", button_value(card, "approve"), "--as", CAROL, "--comment", "go ahead")
    assert mortal.effects() == []
    await mortal.launch()
    await mortal.see(thread, "Done: bob is in.", seconds=20)
    await mortal.see(thread, "go ahead", "by shell", "Executed in")
    assert len(mortal.effects("grant_access")) == 1


async def test_killed_the_moment_a_click_is_acked_the_click_is_not_lost_and_runs_nothing_twice(mortal: Stage) -> None:
    mortal.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await mortal.mention("grant bob okta-prod-admins for 48h")
    card = await mortal.card(thread, "grant_access", seconds=20)
    assert await mortal.click(card, "approve") == "ok"
    await mortal.kill()
    await mortal.launch()
    ended = await mortal.see(thread, "grant_access", seconds=20, where=told_the_end)
    assert len(mortal.effects("grant_access")) == 1 or "did_run" in buttons(ended)


def told_the_end(message: Message) -> bool:
    """A card that says that it ran, or asks whether it did (the kill may have come in the middle of the action)."""
    return "Executed in" in shown(message) or "did_run" in buttons(message)


async def test_killed_in_the_middle_of_the_models_turn_the_turn_is_asked_for_again(mortal: Stage) -> None:
    mortal.model.say(Hang(60.0), Text("checkout is healthy"))
    thread = await mortal.mention("how is checkout?")
    await until_asked(mortal, 1)
    await mortal.kill()
    await mortal.launch()
    await mortal.see(thread, "checkout is healthy", seconds=20)


async def test_killed_in_the_middle_of_the_action_people_are_asked_and_nothing_runs_again(
    mortal: Stage, tmp_path: Path
) -> None:
    mortal.model.say(Calls([SLOW]), Text("I do not know whether it was restarted."))
    thread = await mortal.mention("restart checkout")
    card = await mortal.card(thread, "restart_slowly", seconds=20)
    await mortal.click(card, "approve", who=DAN)
    lines = tmp_path / "lines"
    await until(lambda: lines.exists() and "began" in lines.read_text())
    await mortal.kill()
    await mortal.launch()
    asking = await mortal.see(thread, "restart_slowly", seconds=20, where=lambda m: "did_run" in buttons(m))
    assert asking["ts"] == card["ts"] and {"did_run", "did_not_run", "unknown"} <= set(buttons(asking))
    await mortal.click(asking, "unknown", who=DAN)
    await mortal.see(thread, "I do not know whether it was restarted.", seconds=20)
    assert lines.read_text().splitlines() == ["began checkout"]
    (output,) = mortal.model.outputs().values()
    assert output["status"] == "in_doubt"


async def test_a_term_signal_lets_what_is_under_way_finish(mortal: Stage) -> None:
    mortal.model.say(Calls([("restart_slowly", {"service": "checkout", "seconds": 0.7})]), Text("Done."))
    thread = await mortal.mention("restart checkout")
    card = await mortal.card(thread, "restart_slowly", seconds=20)
    lines = Path(mortal.settings[slow_actions.FILE_VARIABLE])
    await mortal.click(card, "approve", who=DAN)
    await until(lambda: lines.exists() and "began" in lines.read_text())
    assert mortal.process is not None
    mortal.process.terminate()
    assert await asyncio.wait_for(mortal.process.wait(), 10) == 0
    assert lines.read_text().splitlines() == ["began checkout", "ended checkout"]
    await mortal.launch()
    await mortal.see(thread, "Done.", seconds=20)


async def until_asked(stage: Stage, times: int) -> None:
    while len(stage.model.requests) < times:
        await asyncio.sleep(0.02)


async def signoff(stage: Stage, *arguments: str, ok: bool = True) -> str:
    """The `signoff` command in a shell of its own; what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **stage.settings}
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", *arguments, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )  # fmt: skip
    printed, _ = await command.communicate()
    assert (command.returncode == 0) == ok, printed.decode()
    return printed.decode()
