"""A freeze of everything is BIGHUB's kill switch too, and no other switch is taken for ours (S23): over the real client, to a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.bighub_oversight import BighubOversight
from bot.core.emergency import LONGEST_REASON
from bot.ports import Switch, Unavailable
from tests.engine.test_freezing import order
from tests.engine.test_overseeing import looked, until
from tests.engine.world import BOB, CAROL, World
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import Fault


class Overtaken(BighubOversight):
    """Whatever is in ``meanwhile`` happens between BIGHUB's answer and its arrival here."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def switches(self) -> tuple[Switch, ...]:
        found = await super().switches()
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


@pytest.fixture
async def oversight(bighub: BighubServer) -> AsyncIterator[Overtaken]:
    found = Overtaken(API_KEY, bighub.url)
    yield found
    await found.close()


@pytest.fixture
async def world(oversight: Overtaken) -> AsyncIterator[World]:
    found = World(oversight=oversight)
    async with found.engine.running(0.0):
        await looked(found)  # the watch's own first round is over by then
        yield found


async def frozen(world: World) -> list[str]:
    return [each.scope for each in await world.engine.freezes()]


async def set_and_mirrored(world: World, reason: str = "incident 7") -> None:
    await world.store.write(lambda tx: tx.set_freeze("all", reason, BOB.user))
    await looked(world)


async def lifted(world: World) -> None:
    await world.store.write(lambda tx: tx.lift_freeze("all", CAROL.user, "over"))


@pytest.mark.parametrize("reason", ["breach in progress", "the one that ours had"])
async def test_s23_a_switch_that_others_set_under_the_name_that_ours_had_stops_here(
    world: World, bighub: BighubServer, reason: str
) -> None:
    await set_and_mirrored(world)
    (ours,) = bighub.switches
    await lifted(world)
    await looked(world)
    assert bighub.switches == [] and await frozen(world) == []
    bighub.switches.append(ours if reason == "the one that ours had" else {**ours, "reason": reason})
    await looked(world)
    assert await frozen(world) == ["bighub"]


async def test_s23_the_lifting_of_a_later_freeze_leaves_what_others_set_under_the_name_that_ours_had(
    world: World, bighub: BighubServer
) -> None:
    await set_and_mirrored(world)
    (ours,) = bighub.switches
    await lifted(world)
    await looked(world)
    bighub.switches.append({**ours, "reason": "breach in progress"})
    await set_and_mirrored(world, "incident 8")
    await lifted(world)
    await looked(world)
    assert [each["reason"] for each in bighub.switches] == ["breach in progress"]
    assert await frozen(world) == ["bighub"]


async def test_s23_a_switch_of_ours_that_is_yet_to_be_taken_back_stops_nothing(
    world: World, bighub: BighubServer, oversight: Overtaken
) -> None:
    await set_and_mirrored(world)
    await lifted(world)
    await world.engine._overseer.look(0.0)
    assert bighub.switches and await frozen(world) == []


async def test_s23_a_switch_of_ours_that_another_replica_takes_back_meanwhile_stops_nothing(
    world: World, bighub: BighubServer, oversight: Overtaken
) -> None:
    other = BighubOversight(API_KEY, bighub.url)
    replica = World(world.store, oversight=other)
    await set_and_mirrored(world)
    await lifted(world)
    oversight.meanwhile = lambda: looked(replica)
    await world.engine._overseer.look(0.0)
    assert bighub.switches == [] and await frozen(world) == []
    await other.close()


async def until_unfollowed(world: World, why: str) -> None:
    for _ in range(500):
        if why in world.engine.unfollowed() and (not why or any(why in text for _, text in world.chat.whispers)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it did not come to that: {world.engine.unfollowed()} {world.chat.whispers}")


@pytest.mark.parametrize(("fault", "why"), [(Fault(403), "refused the key"), (Fault(422), "422"), (Fault(500), "500")])
async def test_s23_whoever_freezes_everything_hears_where_bighub_does_not_follow(
    world: World, bighub: BighubServer, fault: Fault, why: str
) -> None:
    bighub.fail("activate", fault)
    await order(world, BOB, "freeze", "all incident 7")
    await until_unfollowed(world, why)
    for _ in range(2):
        await looked(world)
    assert why in world.engine.unfollowed() and await frozen(world) == ["all"]
    (_, answer), (user, told) = world.chat.whispers
    assert answer.startswith("Frozen: all.") and user == BOB.user and "does not follow" in told
    bighub.mend("activate")
    await looked(world)
    assert world.engine.unfollowed() == "" and len(bighub.switches) == 1


async def test_s23_a_lifting_that_bighub_refuses_does_not_keep_the_next_freeze_from_it(
    world: World, bighub: BighubServer
) -> None:
    await order(world, BOB, "freeze", "all incident 7")
    await looked(world)
    bighub.fail("deactivate", Fault(403))
    await order(world, CAROL, "unfreeze", "all over")
    await until_unfollowed(world, "refused the key")
    await order(world, CAROL, "freeze", "all incident 8")
    await looked(world)
    assert [each["reason"].partition(" [")[0] for each in bighub.switches] == ["incident 7", "incident 8"]
    bighub.mend("deactivate")
    await order(world, BOB, "unfreeze", "all over")
    await looked(world)
    assert (bighub.switches, await frozen(world), world.engine.unfollowed()) == ([], [], "")


async def test_s23_a_freeze_of_everything_is_set_at_bighub_at_once_also_where_it_does_not_list_its_denials(
    world: World, bighub: BighubServer
) -> None:
    bighub.fail("approvals", Fault(500))
    await order(world, BOB, "freeze", "all incident 7")
    await until(lambda: bighub.switches)


async def test_s23_our_own_switch_is_known_by_its_marker_behind_the_longest_reason(
    world: World, bighub: BighubServer
) -> None:
    bighub.fail("activate", Fault(500), times=1, after=True)
    await world.store.write(lambda tx: tx.set_freeze("all", "r" * LONGEST_REASON, BOB.user))
    for _ in range(3):  # the watch may have met the fault by itself
        with contextlib.suppress(Unavailable):
            await looked(world)
    assert bighub.calls["activate"] == len(bighub.switches) == 1 and await frozen(world) == ["all"]


async def test_s23_a_reason_of_bighubs_is_kept_no_longer_than_one_of_ours(world: World, bighub: BighubServer) -> None:
    bighub.stop_elsewhere("b" * 2_000)
    await looked(world)
    (freeze,) = await world.engine.freezes()
    assert freeze.reason == "b" * LONGEST_REASON
