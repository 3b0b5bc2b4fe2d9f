"""Where BIGHUB refuses to list what was denied, nothing starts that may have been (S23), over the real client and a server."""

from collections.abc import AsyncIterator

import pytest

from bot.bighub_oversight import BighubOversight
from bot.core.run import RunState
from tests.engine.test_overseeing import ALLOWED, ASK, asked
from tests.engine.world import World
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import Fault


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


@pytest.fixture
async def world(bighub: BighubServer) -> AsyncIterator[World]:
    oversight = BighubOversight(API_KEY, bighub.url)
    found = World(oversight=oversight)
    found.guard.answers["grant_access"] = ASK
    async with found.engine.running(0.0):
        yield found
    await oversight.close()


async def approved(world: World) -> None:
    approval = await asked(world)
    world.engine._overseer._seen_at = None
    await world.click("approve", approval)


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_s23_where_bighub_refuses_to_list_its_denials_nothing_starts_that_it_asked_people_about(
    world: World, bighub: BighubServer, status: int
) -> None:
    bighub.fail("approvals", Fault(status))
    await approved(world)
    run = await world.until(lambda run: run.trouble("act:t1c1") is not None)
    assert "whether this was denied there" in str(run.trouble("act:t1c1")) and world.deeds.done == []


async def test_s23_where_bighub_refuses_to_list_its_denials_what_it_asked_nobody_about_starts(
    world: World, bighub: BighubServer
) -> None:
    world.guard.answers["grant_access"] = ALLOWED
    bighub.fail("approvals", Fault(403))
    await approved(world)
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


@pytest.mark.parametrize("older", [0, 99, 100])
async def test_s23_a_denial_is_heard_where_bighub_refuses_so_wide_a_limit_and_behind_a_cut_list_nothing_starts(
    world: World, bighub: BighubServer, older: int
) -> None:
    bighub.widest_limit = 200
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(older)}
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "denied"}
    await approved(world)
    await world.until(lambda run: run.state is RunState.DONE or run.trouble("act:t1c1") is not None)
    assert world.deeds.done == []


async def test_s23_a_server_that_refuses_so_wide_a_limit_holds_nothing_up(world: World, bighub: BighubServer) -> None:
    bighub.widest_limit = 200
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(99)}
    await approved(world)
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


SILENT_LIMITS = [10, 20, 25, 50, 100, 200, 250, 500]


@pytest.mark.parametrize("cap", SILENT_LIMITS)
async def test_s23_behind_a_list_that_bighub_cuts_without_a_word_nothing_starts(
    world: World, bighub: BighubServer, cap: int
) -> None:
    bighub.most_listed = cap
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(cap)}
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "denied"}
    await approved(world)
    run = await world.until(lambda run: run.state is RunState.DONE or run.trouble("act:t1c1") is not None)
    assert world.deeds.done == [] and "list of denials is cut" in str(run.trouble("act:t1c1"))


async def test_s23_nor_behind_one_that_it_cuts_below_the_limit_that_it_takes(
    world: World, bighub: BighubServer
) -> None:
    bighub.widest_limit = 200
    bighub.most_listed = 50
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(50)}
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "denied"}
    await approved(world)
    await world.until(lambda run: run.state is RunState.DONE or run.trouble("act:t1c1") is not None)
    assert world.deeds.done == []


@pytest.mark.parametrize("denied", SILENT_LIMITS)
async def test_s23_a_list_that_only_looks_cut_holds_nothing_up_that_is_listed_as_approved(
    world: World, bighub: BighubServer, denied: int
) -> None:
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(denied)}
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "approved"}
    await approved(world)
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]
