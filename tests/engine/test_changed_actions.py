"""R14: an action that changes or goes away while its card is open: the card is superseded, and the new code never runs on the
old approval. A deploy in between: the bot that worked the click is another one than that which showed the card."""

from pathlib import Path

import pytest

from bot.actions import Registry
from bot.core.call import CallState, Outcome
from bot.core.run import RunState
from bot.core.values import Judgement, Verdict
from bot.sql.store import open_store
from tests.engine.world import World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
OPS = '''
from pathlib import Path

from bot import action


@action(system="okta", risk="high", environment="production", target="who")
def widen(who: str, hours: int = 1) -> str:
    """Give somebody more access."""
    with Path({path!r}).open("a") as deeds:
        deeds.write(f"{{who}} for {{hours}} h\\n")
    return "widened"
'''
CHANGES = {
    "description": ("Give somebody more access.", "Take all access from somebody."),
    "a parameter more": ("hours: int = 1", "hours: int = 1, group: str = 'admins'"),
    "a parameter's type": ("who: str", "who: int"),
    "a default": ("hours: int = 1", "hours: int = 1000"),
    "risk": ('risk="high"', 'risk="low"'),
    "environment": ('environment="production"', 'environment="staging"'),
    "target": (', target="who"', ""),
    "what happens after a crash": ('risk="high"', 'risk="high", on_crash="rerun"'),
    "body": ('return "widened"', 'Path("/").exists()\n    return "widened"'),
    "name": ("def widen", "def widen_more"),
}


def ops(folder: Path, *change: str) -> Registry:
    """The actions of a deploy."""
    text = OPS.format(path=str(folder / "deeds"))
    if change:
        assert change[0] in text
        text = text.replace(*change)
    path = folder / f"ops_{len(list(folder.glob('ops_*')))}.py"
    path.write_text(text)
    return Registry.load(str(path))


async def asked_and_deployed(world: World, before: Registry, after: Registry, arguments: dict[str, object]) -> World:
    """The card is shown by one bot; the next one has other actions, and gets Carol's click."""
    world.registry = before
    world.engine = world.new_engine()
    world.guard.answers["widen"] = ASK
    world.model.turns = [wishing(("widen", arguments)), saying("It was not done.")]
    async with world.engine.running(drain_seconds=0.2):
        await world.write("more for bob")
        run = await world.until(lambda run: run.calls and run.calls[0].card)
    world.registry = after
    world.engine = world.new_engine()
    async with world.engine.running(drain_seconds=0.2):
        await world.click("approve", approval_of(run))
        await world.until(lambda run: run.state is RunState.DONE)
        await world.until(lambda run: run.calls[0].card.shows == run.calls[0].phase)
    return world


@pytest.mark.parametrize("what", CHANGES)
async def test_r14_a_change_between_card_and_click_supersedes_the_card_and_runs_nothing(
    what: str, tmp_path: Path
) -> None:
    world = await asked_and_deployed(World(), ops(tmp_path), ops(tmp_path, *CHANGES[what]), {"who": "bob"})
    (run,) = await world.runs()
    call = run.calls[0]
    assert (call.state, call.outcome) == (CallState.REFUSED, Outcome.SUPERSEDED) and "changed or removed" in call.reason
    assert world.chat.cards["t1c1"][-1] == Outcome.SUPERSEDED
    assert not (tmp_path / "deeds").exists()
    assert "superseded" in str(world.model.asked[-1])


async def test_r14_an_action_that_was_removed_between_card_and_click_runs_nothing(
    database_url: str, tmp_path: Path
) -> None:
    store = open_store(database_url)
    world = await asked_and_deployed(World(store), ops(tmp_path), Registry(), {"who": "bob"})
    assert (await world.runs())[0].calls[0].outcome is Outcome.SUPERSEDED and not (tmp_path / "deeds").exists()
    await store.close()


async def test_r14_a_deploy_that_changes_nothing_runs_what_was_approved(database_url: str, tmp_path: Path) -> None:
    store = open_store(database_url)
    same = ("from pathlib import Path\n\n", "from pathlib import Path\n\n# a comment elsewhere\n")
    world = await asked_and_deployed(World(store), ops(tmp_path), ops(tmp_path, *same), {"who": "bob"})
    assert (await world.runs())[0].calls[0].state is CallState.EXECUTED
    assert (tmp_path / "deeds").read_text() == "bob for 1 h\n"
    await store.close()
