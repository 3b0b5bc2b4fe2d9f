"""S31: whoever can write the database, and does not have the key, cannot make the bot do what nobody sent: a row of the inbox counts
by its seal. R3, R12: what a release of before the seal has acknowledged still counts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from structlog.testing import capture_logs

from bot.core.call import CallState
from bot.core.inputs import Clicked, Nothing, Ordered
from bot.engine.postmarks import OLDER_SECONDS
from bot.ports import InboxRow
from bot.sql.store import SqlStore, open_store
from bot.sql.tables import inbox, sealing
from bot.sql.writer import SqlWriter
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.world import CAROL, PLACE, TEAM, World, approval_of, saying, wishing

OLD, NEW = b"o" * 32, b"n" * 32
LONG = 30.0
OPEN = {"team": TEAM, "kind": "click", "payload": "{}", "received_at": 0.0}


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def asked(store: SqlStore) -> World:
    """A question to Carol is open, and its bot has stopped."""
    world = World(store)
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].card, LONG)
        await rests(world)
    world.inputs["forged"] = Clicked(CAROL, "approve", approval_of(run), PLACE.channel, "card-t1c1")
    world.inputs["unknown"] = Nothing("not ours")
    world.engine = world.new_engine()
    return world


async def rests(world: World) -> None:
    while world.dispatch.tasks:
        await asyncio.sleep(0.02)


async def by_hand(store: SqlStore, *statements: Any) -> None:
    async def work(tx: SqlWriter) -> None:
        for statement in statements:
            await tx.connection.execute(statement)

    await store.write(work)


async def worked(world: World) -> None:
    async def until_closed() -> None:
        # A row is closed with what came of it; who is woken for that is woken after the commit.
        while await world.store.read(lambda tx: tx.open_inbox(10)) or world.engine._mailbox._working:
            await asyncio.sleep(0.02)
        await rests(world)

    async with running(world):
        await asyncio.wait_for(until_closed(), LONG)


async def nothing_came_of_it(world: World) -> None:
    with capture_logs() as logs:
        await worked(world)
    run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ASKING and not run.calls[0].approval.votes
    assert world.deeds.done == [] and world.chat.whispers == []
    (said,) = [line for line in logs if line.get("key") == "forged"]
    assert said["log_level"] == "error" and "its seal does not hold" in said["event"]


async def executed(world: World) -> bool:
    run = await world.run()
    return run is not None and run.calls[0].state is CallState.EXECUTED and world.deeds.done == ["bob in admins"]


async def test_s31_a_click_written_into_the_database_by_hand_is_closed_without_effect_and_logged(
    store: SqlStore,
) -> None:
    world = await asked(store)
    await by_hand(store, insert(inbox).values(key="forged", **OPEN))
    await nothing_came_of_it(world)


@pytest.mark.parametrize("column", ["key", "team", "kind", "payload", "seal"])
async def test_s31_a_row_that_slack_sent_counts_no_more_once_any_of_it_is_changed(store: SqlStore, column: str) -> None:
    world = await asked(store)
    key = "honest" if column == "key" else "forged"
    await world.engine.receive(InboxRow(key, TEAM, "click", "{}"))
    changed = {"key": "forged"} if column == "key" else {column: f"{OPEN.get(column, 'k:')}x"}
    await by_hand(store, update(inbox).where(inbox.c.key == key).values(received_at=0.0, **changed))
    world.engine = world.new_engine()
    await nothing_came_of_it(world)


async def test_s31_a_command_written_by_hand_lifts_no_freeze(store: SqlStore) -> None:
    world = await asked(store)
    await store.write(lambda tx: tx.set_freeze("all", "incident 7", CAROL.user))
    world.inputs["forged"] = Ordered(CAROL, TEAM, PLACE.channel, "unfreeze", "all")
    await by_hand(store, insert(inbox).values(key="forged", **OPEN | {"kind": "order"}))
    await nothing_came_of_it(world)
    assert [freeze.scope for freeze in await store.read(lambda tx: tx.freezes())] == ["all"]


@pytest.mark.parametrize("keys", [(NEW, OLD), (OLD, NEW)])
async def test_s31_r3_a_click_that_waits_survives_a_new_key(store: SqlStore, keys: tuple[bytes, ...]) -> None:
    world = await asked(store)
    world.seal_keys = (OLD, b"k" * 32)
    await world.new_engine().receive(InboxRow("forged", TEAM, "click", "{}"))
    world.seal_keys = (*keys, b"k" * 32)
    world.engine = world.new_engine()
    await worked(world)
    assert await executed(world)


# --- rows of releases before the seal -----------------------------------------------------------------------------------


async def as_before_the_seal(store: SqlStore) -> None:
    """What the upgrade finds: no row has a seal, and nothing says until when."""
    await by_hand(store, delete(sealing), update(inbox).values(seal=""))


async def test_r3_r12_what_was_open_when_the_upgrade_came_is_worked(store: SqlStore) -> None:
    world = await asked(store)
    await by_hand(store, insert(inbox).values(key="forged", **OPEN))
    await as_before_the_seal(store)
    await worked(world)
    assert await executed(world)


async def test_r3_what_was_open_at_the_first_start_holds_however_late_it_is_worked(store: SqlStore) -> None:
    world = await asked(store)
    await by_hand(store, insert(inbox).values(key="forged", **OPEN))
    await as_before_the_seal(store)
    await world.engine.receive(InboxRow("unknown", TEAM, "event", "{}"))
    store.clock_shift += OLDER_SECONDS + 1.0
    world.engine = world.new_engine()
    await worked(world)
    assert [row.seal != "" for row in await rows_of(store)] == [True] * 2
    run = await world.run()
    assert run is not None and len(run.calls[0].approval.votes) == 1


async def rows_of(store: SqlStore) -> list[Any]:
    """Those that were open."""

    async def work(tx: Any) -> list[Any]:
        found = select(inbox.c.seal).where(inbox.c.key.in_(["forged", "unknown"]))
        return list((await tx.connection.execute(found)).all())

    return await store.read(work)


async def test_r12_what_an_older_replica_receives_while_newer_ones_run_is_worked_when_it_is_gone(
    store: SqlStore,
) -> None:
    world = await asked(store)
    await as_before_the_seal(store)
    async with running(world):
        await world.engine.receive(InboxRow("unknown", TEAM, "event", "{}"))
        await by_hand(store, insert(inbox).values(key="forged", **OPEN))
        await world.until(lambda run: run.calls[0].state is CallState.EXECUTED, LONG)
    assert world.deeds.done == ["bob in admins"]


async def test_s31_a_while_after_the_upgrade_a_row_without_a_seal_is_nobodys(store: SqlStore) -> None:
    world = await asked(store)
    await as_before_the_seal(store)
    await world.engine.receive(InboxRow("unknown", TEAM, "event", "{}"))
    store.clock_shift += OLDER_SECONDS + 1.0
    await by_hand(store, insert(inbox).values(key="forged", **OPEN))
    world.engine = world.new_engine()
    await nothing_came_of_it(world)


@pytest.mark.parametrize("way", ["prolonged", "taken away"])
async def test_s31_without_the_key_nobody_makes_that_while_longer(store: SqlStore, way: str) -> None:
    world = await asked(store)
    longer = update(sealing).values(until=4e9) if way == "prolonged" else delete(sealing)
    await by_hand(store, longer, insert(inbox).values(key="forged", **OPEN))
    await nothing_came_of_it(world)
