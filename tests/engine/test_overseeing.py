"""BIGHUB's kill switch holds here and ours there; a denial on its dashboard ends what waits (S23), over the real client and a server."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import pytest

from bot.bighub_oversight import BighubOversight
from bot.core.call import CallState, Outcome
from bot.core.run import RunState
from bot.core.values import Judgement, Verdict
from bot.ports import Unavailable, Writer
from bot.projections import request_name
from tests.engine.world import BOB, World, approval_of, saying, wishing
from tests.servers.bighub_decisions import decision
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import Fault, Html

GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")


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


async def asked(world: World) -> str:
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    approval = approval_of(await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card))
    await looked(world)  # the watch's own first round is over by then
    return approval


async def looked(world: World) -> None:
    """A round of the watch, which comes by itself every few seconds."""
    await world.engine._overseer.watch()


async def until(holds: Callable[[], object]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


async def test_s23_bighubs_kill_switch_stops_what_was_approved_and_is_on_the_open_card(
    world: World, bighub: BighubServer
) -> None:
    approval = await asked(world)
    bighub.stop_elsewhere("breach in progress")
    await looked(world)
    run = await world.until(lambda run: ":bighub:" in run.call("t1c1").card.shows)
    assert run.call("t1c1").frozen.reason == "breach in progress"
    await world.click("approve", approval)
    await world.until(lambda run: any("kill switch" in text for _, text in world.chat.whispers))
    bighub.switches.clear()
    await looked(world)
    await world.until(lambda run: ":bighub:" not in run.call("t1c1").card.shows)
    assert await world.engine.freezes() == ()


async def test_s23_the_switch_is_asked_again_before_a_start(world: World, bighub: BighubServer) -> None:
    approval = await asked(world)
    world.engine._overseer._seen_at = None
    bighub.stop_elsewhere("breach in progress")
    await world.click("approve", approval)
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").outcome is Outcome.FROZEN and world.deeds.done == []


async def test_s23_a_switch_of_another_domain_stops_nothing_here(world: World, bighub: BighubServer) -> None:
    bighub.stop_elsewhere("trading halt", scope="domain", domain="trading")
    await looked(world)
    assert await world.engine.freezes() == ()
    bighub.stop_elsewhere("it halt", scope="domain", domain="it_actions")
    await looked(world)
    assert [each.reason for each in await world.engine.freezes()] == ["it halt"]


@pytest.mark.parametrize("fault", [Html(), Fault(500), Fault(404)])
async def test_s23_while_bighub_does_not_say_nothing_starts_that_writes_and_reading_goes_on(
    world: World, bighub: BighubServer, fault: Fault | Html
) -> None:
    approval = await asked(world)
    bighub.fail("kill_switch", fault)
    world.engine._overseer._seen_at = None
    await world.click("approve", approval)
    await world.until(lambda run: run.trouble("act:t1c1") is not None)
    world.model.turns = [wishing(("look", {"what": "checkout"})), saying("Fine.")]
    await world.write("how is checkout?", message="2.1", place=_place("2.1"))
    await until(lambda: world.deeds.done)
    assert world.deeds.done == ["looked at checkout"]
    bighub.mend("kill_switch")
    await until(lambda: "bob in admins" in world.deeds.done or any(r for r in world.chat.retries))


def _place(thread: str):  # type: ignore[no-untyped-def]
    from bot.core.values import Place

    return Place("T1", "C0OPS", thread)


async def test_s23_a_freeze_of_everything_sets_bighubs_switch_once_and_its_lifting_takes_it_back(
    world: World, bighub: BighubServer
) -> None:
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", BOB.user))
    await looked(world)
    await looked(world)
    (switch,) = bighub.switches
    assert switch["reason"].startswith("incident 7") and switch["scope"] == "global"
    assert [each.scope for each in await world.engine.freezes()] == ["all"], "our own switch is no other's"
    await world.store.write(lambda tx: tx.lift_freeze("all", "U0CAROL", "over"))
    await looked(world)
    assert bighub.switches == [] and await world.engine.freezes() == ()


async def test_s23_after_many_freezes_of_systems_our_own_switch_is_still_ours(
    world: World, bighub: BighubServer
) -> None:
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", BOB.user))
    await looked(world)

    async def others(tx: Writer) -> None:
        for n in range(30):
            await tx.set_freeze(f"system:s{n}", "moving", BOB.user)
            await tx.lift_freeze(f"system:s{n}", "U0CAROL", "moved")

    await world.store.write(others)
    await looked(world)
    assert [each.scope for each in await world.engine.freezes()] == ["all"], "our own switch is no other's"
    await world.store.write(lambda tx: tx.lift_freeze("all", "U0CAROL", "over"))
    await looked(world)
    assert bighub.switches == [] and await world.engine.freezes() == ()


async def test_s23_a_switch_whose_receipt_was_lost_is_not_set_twice(world: World, bighub: BighubServer) -> None:
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", BOB.user))
    bighub.fail("activate", Fault(500), times=1, after=True)
    for _ in range(3):  # the watch may have met the fault by itself
        with contextlib.suppress(Unavailable):
            await looked(world)
    assert len(bighub.switches) == 1 and bighub.calls["activate"] == 1
    assert (await world.store.read(lambda tx: tx.freezings(1)))[0].switch == bighub.switches[0]["switch_id"]


async def test_s23_what_others_stopped_stays_when_our_own_freeze_is_lifted(world: World, bighub: BighubServer) -> None:
    bighub.stop_elsewhere("breach in progress")
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", BOB.user))
    await looked(world)
    await world.store.write(lambda tx: tx.lift_freeze("all", "U0CAROL", "over"))
    await looked(world)
    assert [each["reason"] for each in bighub.switches] == ["breach in progress"]
    assert [each.scope for each in await world.engine.freezes()] == ["bighub"]


async def test_a_denial_on_bighubs_dashboard_ends_what_waits_and_an_approval_there_is_nobodys_vote(
    world: World, bighub: BighubServer
) -> None:
    await asked(world)
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "approved"}
    await looked(world)
    run = await world.run()
    assert run.call("t1c1").state is CallState.ASKING and not run.call("t1c1").approval.votes
    bighub.resolve_elsewhere("req_1", "denied", "not in a freeze week")
    await looked(world)
    run = await world.until(lambda run: run.state is RunState.DONE)
    call = run.call("t1c1")
    assert call.outcome is Outcome.DENIED and "BIGHUB's dashboard. not in a freeze week" in call.reason
    assert world.deeds.done == [] and call.approval.deciding_vote is None


async def test_a_denial_on_bighubs_dashboard_is_honoured_between_approval_and_start(
    world: World, bighub: BighubServer
) -> None:
    approval = await asked(world)
    world.engine._overseer._seen_at = None
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "denied"}
    await world.click("approve", approval)
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").outcome is Outcome.DENIED and world.deeds.done == []


async def test_s23_a_list_of_denials_that_happens_to_be_whole_hundreds_stops_nothing(
    world: World, bighub: BighubServer
) -> None:
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(700)}
    approval = await asked(world)
    world.engine._overseer._seen_at = None
    await world.click("approve", approval)
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


@pytest.mark.parametrize("most_listed", [1_000_000, 500, 1_000])
async def test_s23_a_denial_behind_many_older_ones_is_heard_and_where_the_list_is_cut_nothing_that_writes_starts(
    world: World, bighub: BighubServer, most_listed: int
) -> None:
    bighub.most_listed = most_listed
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(1_050)}
    approval = await asked(world)
    bighub.approvals["req_1"] = {"request_id": "req_1", "status": "denied"}
    world.engine._overseer._seen_at = None
    await world.click("approve", approval)
    if most_listed < len(bighub.approvals):
        run = await world.until(lambda run: run.trouble("act:t1c1") is not None)
        assert "list of denials is cut" in str(run.trouble("act:t1c1"))
    else:
        run = await world.until(lambda run: run.state is RunState.DONE)
        assert run.call("t1c1").outcome is Outcome.DENIED
    assert world.deeds.done == []


@pytest.fixture
def cut(bighub: BighubServer) -> BighubServer:
    """Nobody can see all that was denied there."""
    bighub.most_listed = 500
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(500)}
    return bighub


@pytest.mark.parametrize("status", ["pending", "approved"])
async def test_s23_where_the_list_of_denials_is_cut_what_is_listed_as_waiting_or_approved_starts_all_the_same(
    world: World, cut: BighubServer, status: str
) -> None:
    approval = await asked(world)
    cut.approvals["req_1"] = {"request_id": "req_1", "status": status}
    await world.click("approve", approval)
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


ALLOWED = Judgement(Verdict.ASK, "fine", "BIGHUB", request_id="req_1", decision=json.dumps(decision()))


async def test_s23_where_the_list_of_denials_is_cut_what_bighub_asked_nobody_about_starts_all_the_same(
    world: World, cut: BighubServer
) -> None:
    world.guard.answers["grant_access"] = ALLOWED
    await world.click("approve", await asked(world))
    await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


@pytest.mark.parametrize("fault", [Html(), Fault(500), Fault(403)])
async def test_s23_where_the_list_of_denials_is_cut_and_the_others_do_not_come_nothing_that_writes_starts(
    world: World, cut: BighubServer, fault: Fault | Html
) -> None:
    approval = await asked(world)
    cut.approvals["req_1"] = {"request_id": "req_1", "status": "approved"}
    cut.fail("approvals", fault)
    await world.click("approve", approval)
    run = await world.until(lambda run: run.trouble("act:t1c1") is not None)
    assert "whether this was denied there" in str(run.trouble("act:t1c1")) and world.deeds.done == []


async def test_a_denial_that_a_cut_list_shows_is_heard(world: World, cut: BighubServer) -> None:
    await asked(world)
    cut.approvals = {"req_1": {"request_id": "req_1", "status": "denied"}} | cut.approvals
    await looked(world)
    run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.call("t1c1").outcome is Outcome.DENIED


async def test_what_was_denied_is_asked_for_as_widely_as_it_took_before(bighub: BighubServer) -> None:
    oversight = BighubOversight(API_KEY, bighub.url)
    bighub.approvals |= {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(501)}
    assert len((await oversight.denials()).found) == 501 and bighub.calls["approvals"] == 2
    assert len((await oversight.denials()).found) == 501 and bighub.calls["approvals"] == 3
    await oversight.close()


async def test_denials_are_named_as_the_store_names_them(bighub: BighubServer) -> None:
    oversight = BighubOversight(API_KEY, bighub.url)
    bighub.approvals["req_9"] = {"request_id": "req_9", "status": "denied", "comment": "no"}
    (denial,) = (await oversight.denials()).found
    assert (denial.request_id, denial.opaque, denial.said) == ("req_9", request_name("req_9"), "no")
    await oversight.close()
