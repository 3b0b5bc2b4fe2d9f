"""S31, R3: the seal's key is changed while several replicas run. What one has sealed with the new key, another that has only the old one
leaves to it; where nobody has the key, that ends in words; and a key's id that somebody made up holds up nothing."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.approval import key_id, seal, sealing_key
from bot.core.call import CallState, Outcome
from bot.core.inputs import Clicked
from bot.core.run import Run
from bot.engine.mailbox import KEY_WAITS_SECONDS, MOST_LEFT
from bot.ports import InboxRow
from tests.engine.test_editing import edit
from tests.engine.test_faults import running
from tests.engine.test_terms import asked, ended, world_of
from tests.engine.world import BOB, CAROL, LIMITS, PLACE, TEAM, World

OLD, NEW = b"o" * 32, b"n" * 32
LONG = 20.0
PATIENT = replace(LIMITS, give_up_after=60.0)


def replica(of: World, *keys: bytes, **limits: Any) -> World:
    """Another bot on the same store and in the same Slack, with these keys, the present one first."""
    other = World(of.store, policy=of.policy, limits=replace(of.limits, **limits))
    other.seal_keys, other.inputs, other.chat = keys, of.inputs, of.chat
    other.deeds, other.registry, other.guard, other.model = of.deeds, of.registry, of.guard, of.model
    other.engine = other.new_engine()
    return other


async def question(*keys: bytes) -> tuple[World, str]:
    """A question that a replica with these keys has asked; the replica has stopped."""
    world = replica(world_of(), *keys, give_up_after=PATIENT.give_up_after)
    async with running(world):
        approval = await asked(world)
    return world, approval


def as_clicked(world: World, key: str, action: str, approval: str) -> InboxRow:
    world.inputs[key] = Clicked(CAROL, action, approval, PLACE.channel, "card-t1c1")
    return InboxRow(key, TEAM, "event", "{}")


async def left_over(world: World) -> int:
    return len(await world.store.read(lambda tx: tx.open_inbox(10_000)))


async def approved_by(world: World, approval: str) -> None:
    """The replica records the click, and stops before it starts what that allows."""
    world.dispatch.lossy = True
    await world.engine._inbox.work(as_clicked(world, "vote", "approve", approval))
    run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ALLOWED


async def waits(world: World) -> Run:
    """A replica found that it does not know the key, more than once."""
    return await world.until(lambda run: [each for each in run.troubles if each.count > 1], LONG)


async def test_s31_r3_a_click_sealed_with_a_key_that_only_another_replica_has_is_left_to_it() -> None:
    old, approval = await question(OLD)
    new = replica(old, NEW, OLD)
    assert await new.engine.receive(as_clicked(old, "click", "deny", approval))
    old, new = replica(old, OLD), replica(old, NEW, OLD)
    old.store.clock_shift = 30.0
    async with running(old):
        await old.until(lambda run: old.engine._mailbox._patience, LONG)
        assert await left_over(old) == 1 and (await old.run()).calls[0].state is CallState.ASKING
        async with running(new):
            run = await ended(new)
    assert run.calls[0].outcome is Outcome.DENIED and await left_over(old) == 0


async def test_s31_r3_a_row_whose_key_nobody_has_is_closed_in_the_end_and_the_log_names_the_key() -> None:
    old, approval = await question(OLD)
    assert await replica(old, NEW).engine.receive(as_clicked(old, "click", "deny", approval))
    old = replica(old, OLD)
    old.store.clock_shift = KEY_WAITS_SECONDS + 1.0
    with capture_logs() as logs:
        async with running(old):
            await old.until(lambda run: any("closed without effect" in line["event"] for line in logs), LONG)
    assert [line["sealed_by"] for line in logs if "closed without effect" in line["event"]] == [key_id(NEW)]
    assert await left_over(old) == 0


async def test_s31_what_one_replica_sealed_with_the_new_key_another_leaves_to_it() -> None:
    old, approval = await question(OLD)
    await approved_by(replica(old, NEW, OLD), approval)
    old, new = replica(old, OLD), replica(old, NEW, OLD)
    async with running(old):
        run = await waits(old)
        assert run.calls[0].state is CallState.ALLOWED and key_id(NEW) in run.troubles[0].error
    async with running(new):
        run = await ended(new)
    assert run.calls[0].outcome is Outcome.EXECUTED and old.deeds.done == ["bob in admins"]


async def test_s31_where_no_replica_has_the_key_the_start_is_refused_and_the_refusal_names_it() -> None:
    old, approval = await question(OLD)
    await approved_by(replica(old, NEW, OLD), approval)
    old = replica(old, OLD, give_up_after=1.0)
    async with running(old):
        run = await ended(old)
    assert run.calls[0].outcome is Outcome.SUPERSEDED and key_id(NEW) in run.calls[0].reason
    assert old.deeds.done == []


async def test_s31_whoever_works_alone_waits_for_nobody_who_might_have_the_key() -> None:
    old, approval = await question(OLD)
    await approved_by(replica(old, NEW, OLD), approval)
    old = replica(old, OLD, alone=True)
    async with running(old):
        run = await ended(old)
    assert run.calls[0].outcome is Outcome.SUPERSEDED and not run.troubles


@pytest.mark.parametrize("action", ["approve", "deny", "edit"])
async def test_s31_r3_a_click_on_what_the_new_key_sealed_is_left_to_the_replica_that_has_it(action: str) -> None:
    new, approval = await question(NEW, OLD)
    old = replica(new, OLD)
    async with running(old):
        if action == "edit":
            await edit(old, approval)
        else:
            await old.click(action, approval, CAROL)
        await old.until(lambda run: old.engine._mailbox._patience, LONG)
        assert old.chat.whispers == []
        async with running(replica(new, NEW, OLD)):
            run = await new.until(lambda run: run.calls[0].state is not CallState.ASKING, LONG)
    assert old.chat.whispers == [] and await left_over(old) == 0
    assert sealing_key(run.calls[0].judgement.seal) == key_id(NEW)


async def test_s31_keys_that_somebody_made_up_hold_up_neither_rows_nor_runs() -> None:
    world, approval = await question(OLD)

    async def flood(tx: Any) -> None:
        for n in range(MOST_LEFT + 150):
            made_up = seal(str(n).encode(), "anything")
            await tx.put_inbox(InboxRow(f"forged{n}", TEAM, "event", "{}", seal=made_up))

    await world.store.write(flood)
    world = replica(world, OLD, first_backoff=10.0, longest_backoff=60.0)
    world.store.clock_shift = 30.0
    async with running(world):
        await world.click("approve", approval, BOB)
        await world.until(lambda run: run.calls[0].state is CallState.EXECUTED, LONG)
        async with asyncio.timeout(LONG):
            while await left_over(world) > MOST_LEFT:
                await asyncio.sleep(0.1)
        assert len(world.engine._mailbox._strange) == MOST_LEFT
    assert world.deeds.done == ["bob in admins"]


async def test_s31_r3_what_others_have_worked_meanwhile_takes_no_room_from_what_is_left_to_them() -> None:
    """A busy hour of a key's change: each row is left to whoever knows the key, and worked there."""
    old, approval = await question(OLD)
    keys = [f"worked{n}" for n in range(MOST_LEFT)]

    async def come(tx: Any) -> None:
        for key in keys:
            await tx.put_inbox(InboxRow(key, TEAM, "event", "{}", seal=seal(NEW, key)))

    async def go(tx: Any) -> None:
        for key in keys:
            await tx.close_inbox(key)

    await old.store.write(come)
    old = replica(old, OLD, first_backoff=10.0, longest_backoff=60.0)
    old.store.clock_shift = 30.0
    async with running(old):
        await old.until(lambda run: len(old.engine._mailbox._strange) == MOST_LEFT, LONG)
        await old.store.write(go)
        old.store.clock_shift = 120.0
        new = replica(old, NEW, OLD)
        assert await new.engine.receive(as_clicked(old, "click", "deny", approval))
        old.store.clock_shift = 150.0
        await old.until(lambda run: "click" in old.engine._mailbox._patience, LONG)
    assert await left_over(old) == 1
