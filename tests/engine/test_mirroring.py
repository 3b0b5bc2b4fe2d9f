"""A freeze of everything is BIGHUB's kill switch too, and no other switch is taken for ours (S23): over the real client, to a server."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.bighub_oversight import BighubOversight
from bot.ports import Switch
from tests.engine.test_overseeing import looked
from tests.engine.world import BOB, CAROL, World
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub


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
