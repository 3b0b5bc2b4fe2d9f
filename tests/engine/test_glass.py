"""One person decides alone: against the quorum, with a reason, announced at once, reviewed by others (S9, S22, S31)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.clocks import next_working_day
from bot.core.call import CallState
from bot.core.glass import BreakGlass
from bot.core.inputs import Profile
from bot.core.policy import Defaults, Policy
from bot.core.run import Run, RunState
from bot.core.values import Judgement, Verdict
from tests.engine.world import ALICE, BOB, CAROL, GUS, TEAM, XENA, World, approval_of, saying, wishing

GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GLASS = BreakGlass(("user:U0XENA",), "C0AUDIT", zone="Europe/Berlin")
POLICY = Policy(Defaults(approvers=("user:U0CAROL", "user:U0BOB"), quorum=2), break_glass=GLASS)
WEEK = 8 * 86_400.0


def made(policy: Policy = POLICY) -> World:
    world = World(policy=policy)
    world.guard.answers["grant_access"] = ASK
    return world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = made()
    async with found.engine.running(0.0):
        yield found


async def asked(world: World) -> str:
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    return approval_of(await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card))


async def broken(world: World) -> Run:
    """Xena decided alone, and it ran."""
    approval = await asked(world)
    await world.click("break_glass", approval, XENA, comment="site is down")
    return await world.until(lambda run: run.state is RunState.DONE and world.chat.announced)


async def told(world: World, words: str) -> None:
    for _ in range(500):
        if any(words in text for _, text in world.chat.whispers):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(world.chat.whispers)


async def test_s22_one_who_is_named_decides_alone_against_the_quorum_and_it_is_announced(world: World) -> None:
    run = await broken(world)
    assert world.deeds.done == ["bob in admins"]
    (vote,) = run.call("t1c1").approval.votes
    assert (vote.person, vote.via, vote.comment) == (XENA, "break_glass", "site is down")
    assert world.chat.announced == ["C0AUDIT: U0XENA: site is down"]


@pytest.mark.parametrize("unseen", ["  ", "\u200b", "\u2800"])
async def test_s22_nobody_else_breaks_the_glass_and_nobody_without_a_reason(world: World, unseen: str) -> None:
    approval = await asked(world)
    await world.click("break_glass", approval, CAROL, comment="site is down")
    await told(world, "Only user:U0XENA may break the glass")
    await world.click("break_glass", approval, XENA, comment=unseen)
    await told(world, "needs a reason")
    world.chat.profiles[XENA] = Profile(XENA, "xena", TEAM, guest=True)
    await world.click("break_glass", approval, XENA, comment="now then")
    await asyncio.sleep(0.05)
    run = await world.run()
    assert run.call("t1c1").state is CallState.ASKING and not run.call("t1c1").approval.votes and not run.broken


async def test_s13_the_glass_is_broken_from_the_recorded_card_only(world: World) -> None:
    approval = await asked(world)
    await world.click("break_glass", approval, XENA, message="another", comment="site is down")
    await told(world, "not the card of this approval")
    assert not (await world.run()).broken


async def test_who_was_not_enough_before_may_break_the_glass() -> None:
    world = made(replace(POLICY, break_glass=replace(GLASS, people=("user:U0CAROL",))))
    async with world.engine.running(0.0):
        approval = await asked(world)
        await world.click("approve", approval, CAROL)
        await world.until(lambda run: run.call("t1c1").approval.votes)
        await world.click("break_glass", approval, CAROL, comment="Bob does not answer")
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


def test_s31_a_vote_that_breaks_the_glass_counts_only_under_its_seal() -> None:
    from bot.core.approval import Vote
    from bot.core.values import Choice
    from bot.engine.starting import refusal_to_start
    from tests.engine.test_starting import approved

    world, run, call = approved()
    forged = Vote(XENA, Choice.APPROVE, "site is down", 0.0, "break_glass", "12345678:00")
    freeze = _freeze("all")
    opening = replace(POLICY, break_glass=replace(GLASS, while_frozen=True))
    added = replace(call, approval=replace(call.approval, votes=(*call.approval.votes, forged)))
    alone = replace(call, approval=replace(call.approval, votes=(forged,)))
    for tampered, freezes in ((added, (freeze,)), (alone, ())):
        refused = refusal_to_start(
            run, tampered, freezes=freezes, policy=opening, actions=world.registry, keys=(b"k" * 32,), now=run.last_at
        )
        assert refused is not None


def _freeze(scope: str):  # type: ignore[no-untyped-def]
    from bot.ports import Freeze

    return Freeze(scope, "incident 7", "U0BOB", 0.0)


async def test_s22_a_freeze_holds_against_the_glass_unless_the_policy_says_otherwise(world: World) -> None:
    approval = await asked(world)
    await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", "U0BOB"))
    await world.click("break_glass", approval, XENA, comment="site is down")
    await told(world, "incident 7")
    assert not (await world.run()).broken


@pytest.mark.parametrize(("scope", "runs"), [("all", True), ("bighub", False)])
async def test_s23_where_the_policy_says_so_the_glass_opens_what_is_frozen_here_and_never_what_bighub_stops(
    scope: str, runs: bool
) -> None:
    world = made(replace(POLICY, break_glass=replace(GLASS, while_frozen=True)))
    async with world.engine.running(0.0):
        approval = await asked(world)
        await world.store.write(lambda tx: tx.set_freeze(scope, "incident 7", "U0BOB"))
        await world.click("break_glass", approval, XENA, comment="site is down")
        if runs:
            await world.until(lambda run: run.state is RunState.DONE)
        else:
            await told(world, "incident 7")
    assert world.deeds.done == (["bob in admins"] if runs else [])


async def test_who_is_not_named_any_more_at_the_start_has_not_decided(world: World) -> None:
    approval = await asked(world)
    await asyncio.sleep(0.1)
    world.dispatch.lossy = True
    await world.click("break_glass", approval, XENA, comment="site is down")
    await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
    world.chat.profiles[XENA] = Profile(XENA, "xena", TEAM, deactivated=True)
    world.dispatch.lossy = False
    run = await world.until(lambda run: run.call("t1c1").approval.terms.approval != approval)
    assert world.deeds.done == [] and run.call("t1c1").state is CallState.ASKING
    await world.until(lambda run: world.chat.announced)


async def test_r9_where_the_audit_channel_is_closed_the_thread_hears_of_it() -> None:
    world = made()
    world.chat.closed_channels = {"C0AUDIT"}
    async with world.engine.running(0.0):
        await broken(world)
        assert world.chat.announced == ["thread: U0XENA: site is down"]


async def test_r7_on_the_next_working_day_others_are_asked_to_review_it_and_one_of_them_does(world: World) -> None:
    run = await broken(world)
    assert world.chat.reviews == []
    (found,) = run.broken
    world.store.clock_shift = WEEK
    await world.until(lambda run: world.chat.reviews and run.delivered(f"review:{found.approval}"))
    assert world.chat.reviews == ["C0AUDIT: nobody yet"]
    await review(world, found.approval, XENA, "somebody else must review")
    await review(world, found.approval, ALICE, "somebody else must decide")
    await review(world, found.approval, GUS, "You are not among them")
    await review(world, found.approval, CAROL, "")
    run = await world.until(lambda run: run.broken[0].reviewed_by is not None)
    assert run.broken[0].reviewed_by == CAROL
    await world.until(lambda run: world.chat.reviews[-1] == "C0AUDIT: U0CAROL")
    await review(world, found.approval, BOB, "has reviewed this already")


async def review(world: World, approval: str, who, words: str) -> None:  # type: ignore[no-untyped-def]
    from bot.core.inputs import Clicked

    what = Clicked(who, "reviewed", approval, "C0AUDIT", "review-1", "")
    await world.receive(f"reviewed{who.user}", what)
    if words:
        await told(world, words)


async def test_s12_a_review_counts_from_its_own_card_only(world: World) -> None:
    from bot.core.inputs import Clicked

    (found,) = (await broken(world)).broken
    await world.receive("forged", Clicked(CAROL, "reviewed", found.approval, "C0AUDIT", "review-1", ""))
    await told(world, "Nobody broke the glass")
    assert (await world.run()).broken[0].reviewed_by is None


async def test_r3_a_review_that_is_clicked_before_its_card_was_written_down_waits_for_that(world: World) -> None:
    (found,) = (await broken(world)).broken
    await world.until(lambda run: run.delivered(f"glass:{found.approval}"))
    world.dispatch.lossy = True
    world.store.clock_shift = WEEK
    await review(world, found.approval, CAROL, "")
    await asyncio.sleep(0.1)
    assert len(await world.store.read(lambda tx: tx.open_inbox(9))) == 1 and world.chat.whispers == []
    world.dispatch.lossy = False
    run = await world.until(lambda run: run.broken[0].reviewed_by is not None, 10.0)
    assert run.broken[0].reviewed_by == CAROL


async def test_r17_a_review_of_a_parked_run_is_answered_and_counts_for_nothing(world: World) -> None:
    run = await broken(world)
    world.store.clock_shift = WEEK
    await world.until(lambda run: run.delivered(f"review:{run.broken[0].approval}"))
    while not await world.store.write(lambda tx: tx.take_lease(run.id, "operator", 60.0)):
        await asyncio.sleep(0.01)
    await world.store.write(lambda tx: tx.park(run.id, "operator", "It breaks."))
    await review(world, run.broken[0].approval, CAROL, "This request is parked")
    assert (await world.run()).broken[0].reviewed_by is None


@pytest.mark.parametrize(
    ("broken_at", "zone", "minute", "due"),
    [
        ("2026-11-27T10:00", "UTC", 540, "2026-11-30T09:00"),  # Friday → Monday
        ("2026-11-28T10:00", "UTC", 540, "2026-11-30T09:00"),  # Saturday → Monday
        ("2026-11-29T23:30", "Europe/Berlin", 540, "2026-12-01T08:00"),  # already Monday there → Tuesday
        ("2026-03-27T10:00", "Europe/Berlin", 540, "2026-03-30T07:00"),  # the clocks are put forward in between
        ("2026-11-25T10:00", "UTC", 1439, "2026-11-26T23:59"),
    ],
)
def test_the_next_working_day_is_that_of_the_zone(broken_at: str, zone: str, minute: int, due: str) -> None:
    def at(text: str) -> float:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    assert next_working_day(at(broken_at), zone, minute) == at(due)
