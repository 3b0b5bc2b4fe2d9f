"""A running bot takes up a policy file that was changed: stricter before the very next click, and never half of one (R7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.core.call import CallState, Outcome
from bot.core.policy import Policy
from bot.local_guard import LocalGuard
from bot.policy_file import load_policy
from bot.policy_watch import PolicyWatch
from tests.engine.test_faults import GRANT, running
from tests.engine.test_terms import ended, shown
from tests.engine.world import BOB, CAROL, World, approval_of, saying, wishing
from tests.journey.stage import until

MILD = "version: 1\ndefaults: {approvers: [user:U0CAROL, user:U0BOB]}\n"
FORBIDDEN = f"{MILD}rules:\n  - {{name: never, when: {{action: 'grant_*'}}, verdict: deny}}\n"
TWO = f"{MILD}rules:\n  - {{name: two, verdict: ask, quorum: 2}}\n"


class Watched:
    """A world whose guard is the local rules of a file, which is looked at."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.yml"
        self.file.write_text(MILD)
        policy = load_policy(self.file).policy
        self.world = World(policy=policy)
        self.world.guard = self.guard = LocalGuard(policy)  # type: ignore[assignment]
        self.world.engine = self.world.new_engine()
        self.taken: list[Policy] = []
        self.watch = PolicyWatch(self.file, policy, self.take)

    def take(self, policy: Policy) -> None:
        self.taken.append(policy)
        self.guard.take_policy(policy)
        self.world.engine.take_policy(policy)

    def changed(self, written: str) -> None:
        self.file.write_text(written)
        self.watch.look()
        self.watch.look()

    async def asked(self) -> str:
        self.world.model.turns = [wishing(GRANT), saying("Told.")]
        await self.world.write("grant bob admins")
        return approval_of(await shown(self.world))


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@asynccontextmanager
async def asking(watched: Watched) -> AsyncIterator[str]:
    async with running(watched.world):
        yield await watched.asked()


async def test_r7_what_the_changed_file_forbids_is_refused_at_the_next_click(watched: Watched) -> None:
    async with asking(watched) as approval:
        watched.changed(FORBIDDEN)
        await watched.world.click("approve", approval, CAROL)
        run = await ended(watched.world)
    assert run.calls[0].outcome is Outcome.BLOCKED and "rule never" in run.calls[0].reason
    assert watched.world.deeds.done == []


async def test_r7_a_quorum_that_the_changed_file_wants_holds_from_the_next_click(watched: Watched) -> None:
    async with asking(watched) as approval:
        watched.changed(TWO)
        await watched.world.click("approve", approval, CAROL)
        run = await watched.world.until(lambda run: run.calls[0].approval.votes, 10.0)
        assert run.calls[0].state is CallState.ASKING and run.calls[0].approval.terms.quorum == 2
        await watched.world.click("approve", approval, BOB)
        await ended(watched.world)
    assert len(watched.world.deeds.done) == 1


async def test_what_comes_after_the_change_is_judged_by_the_changed_file(watched: Watched) -> None:
    watched.changed(FORBIDDEN)
    watched.world.model.turns = [wishing(GRANT), saying("Told.")]
    async with running(watched.world):
        await watched.world.write("grant bob admins")
        run = await ended(watched.world)
    assert run.calls[0].outcome is Outcome.BLOCKED and run.calls[0].approval is None


@pytest.mark.parametrize("wrong", ["rules: [{name: x, verdikt: deny}]", "rules: [", "\udcff"])
def test_a_changed_file_that_is_wrong_changes_nothing_until_it_is_mended(watched: Watched, wrong: str) -> None:
    watched.file.write_bytes(wrong.encode("utf-8", "surrogateescape"))
    for _ in range(3):
        watched.watch.look()
    assert watched.taken == []
    watched.changed(TWO)
    assert [rule.name for rule in watched.taken[0].rules] == ["two"]


def test_a_file_that_is_gone_changes_nothing_until_it_is_back(watched: Watched) -> None:
    watched.file.unlink()
    for _ in range(3):
        watched.watch.look()
    assert watched.taken == []
    watched.changed(TWO)
    assert len(watched.taken) == 1


def test_a_file_that_is_being_written_is_not_taken_for_a_milder_one(watched: Watched) -> None:
    watched.changed(FORBIDDEN)
    watched.file.write_text(MILD)  # the beginning of what follows
    watched.watch.look()
    watched.file.write_text(TWO)
    watched.watch.look()
    assert len(watched.taken) == 1
    watched.watch.look()
    assert [[rule.name for rule in each.rules] for each in watched.taken] == [["never"], ["two"]]


def test_what_was_not_changed_is_not_taken_up(watched: Watched) -> None:
    watched.changed(MILD)
    watched.changed(f"# the same\n{MILD}")
    assert watched.taken == []


async def test_a_running_bot_looks_by_itself(watched: Watched) -> None:
    looking = asyncio.create_task(watched.watch.watch(0.01))
    watched.file.write_text(TWO)
    await until(lambda: watched.taken)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert len(watched.taken) == 1
