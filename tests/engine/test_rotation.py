"""S31: the seal's key is changed while approvals wait: they survive it, or end in words where the old key is gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.approval import key_id, sealing_key
from bot.core.call import CallState, Outcome
from bot.core.inputs import Clicked
from bot.core.policy import Defaults, Policy
from bot.core.run import Run
from bot.dict_store import DictStore
from bot.ports import InboxRow
from bot.sql.store import SqlStore, open_store
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.world import ALICE, BOB, CAROL, PLACE, TEAM, World, approval_of, saying, wishing

OLD, NEW = b"o" * 32, b"n" * 32
TWO = Policy(Defaults(approvers=("user:U0CAROL", "user:U0BOB"), quorum=2))
LONG = 30.0


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def half_voted(store: SqlStore | DictStore) -> tuple[World, str]:
    """Bob has approved, under the old key; another is wanted."""
    world = World(store, policy=TWO)
    world.seal_keys, world.guard.answers["grant_access"] = (OLD,), ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    rotated(world, OLD)
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].card, LONG)
        approval = approval_of(run)
        await world.click("approve", approval, BOB)
        await world.until(lambda run: run.calls[0].approval.votes, LONG)
        while world.dispatch.tasks:
            await asyncio.sleep(0.01)
    return world, approval


async def approved(store: SqlStore | DictStore) -> World:
    """Both have approved, under the old key; nobody has been there to start it."""
    world, approval = await half_voted(store)
    await clicked_unseen(world, approval)
    return world


async def clicked_unseen(world: World, approval: str) -> None:
    """Carol's click is recorded, and no worker is there that would start what it allows."""
    world.dispatch.lossy = True
    world.inputs["click"] = Clicked(CAROL, "approve", approval, PLACE.channel, "card-t1c1")
    await world.engine._inbox.work(InboxRow("click", TEAM, "click", "{}"))
    run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ALLOWED and world.deeds.done == []


def rotated(world: World, *keys: bytes) -> None:
    """The bot is started anew with these keys, the present one first."""
    world.seal_keys = keys
    world.engine = world.new_engine()


async def ended(world: World) -> Run:
    run = await world.run()
    assert run is not None
    await world.engine.advance(run.id)
    return await world.until(lambda run: run.calls[0].answered, LONG)


async def test_s31_half_a_quorum_survives_a_new_key_and_the_other_half_is_sealed_with_it(store: SqlStore) -> None:
    world, approval = await half_voted(store)
    rotated(world, NEW, OLD)
    async with running(world):
        await world.click("approve", approval, CAROL)
        run = await world.until(lambda run: run.calls[0].state is CallState.EXECUTED, LONG)
    sealed_by = [sealing_key(vote.seal) for vote in run.calls[0].approval.votes]
    assert sealed_by == [key_id(OLD), key_id(NEW)] and world.deeds.done == ["bob in admins"]


async def test_s31_what_was_approved_and_not_started_survives_a_new_key(store: SqlStore) -> None:
    world = await approved(store)
    rotated(world, NEW, OLD)
    run = await ended(world)
    assert run.calls[0].outcome is Outcome.EXECUTED and world.deeds.done == ["bob in admins"]


async def test_s31_without_the_old_key_half_a_quorum_takes_no_vote_and_says_which_key_is_gone(store: SqlStore) -> None:
    world, approval = await half_voted(store)
    rotated(world, NEW)
    async with running(world):
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: world.chat.whispers, LONG)
        told = world.chat.whispers[-1][1]
        assert f"sealed with a key ({key_id(OLD)}) that SIGNOFF_SEAL_KEY does not hold any more" in told
        await world.click("withdraw", approval, ALICE)
        run = await world.until(lambda run: run.calls[0].answered, LONG)
    assert run.calls[0].outcome is Outcome.WITHDRAWN and world.deeds.done == []


async def test_s31_the_old_key_put_back_behind_the_new_one_revives_what_waits() -> None:
    world, approval = await half_voted(DictStore())
    rotated(world, NEW)
    async with running(world):
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: world.chat.whispers, LONG)
    rotated(world, NEW, OLD)
    async with running(world):
        await world.click("approve_reviewed", approval, CAROL)
        await world.until(lambda run: run.calls[0].state is CallState.EXECUTED, LONG)
    assert world.deeds.done == ["bob in admins"]


async def test_s31_without_the_old_key_what_was_approved_does_not_start_and_whoever_asked_hears_why(
    store: SqlStore,
) -> None:
    world = await approved(store)
    rotated(world, NEW)
    async with running(world):
        run = await world.until(lambda run: run.calls[0].answered, LONG)
        assert run.calls[0].outcome is Outcome.SUPERSEDED and key_id(OLD) in run.calls[0].reason
        assert world.deeds.done == []
        await world.until(lambda run: any("U0ALICE" in said and key_id(OLD) in said for said in world.chat.words), LONG)


@pytest.mark.parametrize("forged", ["", "k:forged", "no colon", f"{'0' * 8}:short", f"<!channel>:{'0' * 64}"])
def test_s6_s31_what_is_no_seal_names_no_key(forged: str) -> None:
    assert sealing_key(forged) == ""
