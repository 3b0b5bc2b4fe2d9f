"""S31: whoever can write the database, and has no key, revives nothing: when people were asked and when they approved, where, and with
what words, is sealed; the chain of hashes, which needs no key, is computed anew each time. R12: what waits since before is accepted.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.core.call import CallState
from bot.core.policy import Defaults, Denials, Match, Policy, Rule
from bot.core.values import Judgement, Verdict
from bot.engine.voting import CHOICES
from bot.sql.store import SqlStore, open_store
from tests.engine.test_faults import ASK
from tests.engine.test_rotation import clicked_unseen
from tests.engine.test_starting import stricter
from tests.engine.world import BOB, CAROL, PLACE, World, approval_of, saying, wishing
from tests.soak.tampering import GRANT, Rows, all_rows, rechain, rests, stored, written

HOUR = 3_600.0
SOON = stricter(execute_within=60)
LOOKS_AGAIN = stricter(recheck_after=60)
COMMENTED = stricter(comment_required=True)
CLOSED_HERE = Policy(SOON.defaults, (Rule("closed", Match(channel=(PLACE.channel,)), Verdict.DENY),))
PLAIN = Policy(SOON.defaults)
DENIES = Judgement(Verdict.DENY, "not any more", "BIGHUB")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def approved(store: SqlStore, policy: Policy) -> None:
    """Carol has approved; nobody has been there to start it."""
    world = World(store, policy=policy)
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with world.engine.running(drain_seconds=0.2):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].card, 30.0)
        await rests(world)
    await clicked_unseen(world, approval_of(run))


def rows_of(rows: Rows, kind: str) -> Any:
    return next(row for row in rows["events"] if row["kind"] == kind)


def later(kind: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows_of(rows, kind)["at"] += HOUR

    return change


def said(kind: str, **changes: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        row = rows_of(rows, kind)
        row["body"] = json.dumps(json.loads(row["body"]) | changes, sort_keys=True, separators=(",", ":"))

    return change


def elsewhere(rows: Rows) -> None:
    said("Asked", place={"team": "T1", "channel": "C0QUIET", "thread": PLACE.thread})(rows)


def commented(rows: Rows) -> None:
    said("Voted", comment={"sha256": stored(rows, "incident 7")})(rows)


async def begun_after(
    store: SqlStore, database_url: str, change: Callable[[Rows], None] | None, policy: Policy, after: float
) -> World:
    """What a bot that comes up then makes of the changed rows."""
    rows = await store.read(all_rows)
    if change is not None:
        change(rows)
        rechain(rows)
        await written(store, rows)
    fresh = open_store(database_url)
    fresh.clock_shift = after
    world = World(fresh, policy=policy)
    world.dispatch.lossy = True
    world.guard.answers["grant_access"] = DENIES
    try:
        run = await world.run()
        assert run is not None
        await world.engine.advance(run.id)
        run = await world.run()
        assert run is not None and (run.calls[0].state is CallState.EXECUTED) is bool(world.deeds.done)
    finally:
        await fresh.close()
    return world


ATTACKS = {
    "when it was approved": (SOON, SOON, HOUR, later("Voted")),
    "when people were asked": (LOOKS_AGAIN, LOOKS_AGAIN, HOUR, later("Judged")),
    "where it was asked": (PLAIN, CLOSED_HERE, 0.0, elsewhere),
    "what was said with it": (PLAIN, COMMENTED, 0.0, commented),
}


@pytest.mark.parametrize("what", ATTACKS)
async def test_s31_what_would_not_start_does_not_start_either_once_this_was_changed_by_hand(
    store: SqlStore, database_url: str, what: str
) -> None:
    before, today, after, change = ATTACKS[what]
    await approved(store, before)
    rows = await store.read(all_rows)
    honest = await begun_after(store, database_url, None, today, after)
    assert honest.deeds.done == []
    await written(store, rows)
    changed = await begun_after(store, database_url, change, today, after)
    assert changed.deeds.done == []


@pytest.mark.parametrize("policy", [SOON, LOOKS_AGAIN])
async def test_s31_r7_in_time_it_starts_as_ever(store: SqlStore, database_url: str, policy: Policy) -> None:
    await approved(store, policy)
    world = await begun_after(store, database_url, None, policy, 0.0)
    assert world.deeds.done == ["bob in admins"]


@pytest.mark.parametrize("taken_away", [False, True])
async def test_s31_r20_an_approval_that_was_taken_back_counts_no_more_where_the_denial_was_taken_away_by_hand(
    store: SqlStore, database_url: str, taken_away: bool
) -> None:
    three = ("user:U0CAROL", "user:U0BOB", "user:U0GUS")
    policy = Policy(Defaults(approvers=three, quorum=2, denials=Denials.MAJORITY))
    world = World(store, policy=policy)
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Told.")]
    async with world.engine.running(drain_seconds=0.2):
        await world.write("grant bob admins")
        approval = approval_of(await world.until(lambda run: run.calls and run.calls[0].card, 30.0))
        for who, button in ((CAROL, "approve"), (CAROL, "deny"), (BOB, "approve")):
            await world.click(button, approval, who)
            vote = (who, CHOICES[button])
            await world.until(
                lambda run, vote=vote: vote in [(v.person, v.choice) for v in run.calls[0].approval.votes], 30.0
            )
        await rests(world)

    def without(rows: Rows) -> None:
        kept = [row for row in rows["events"] if '"choice":"deny"' not in row["body"]]
        rows["events"][:] = [{**row, "seq": seq} for seq, row in enumerate(kept, 1)]

    changed = await begun_after(store, database_url, without if taken_away else None, policy, 0.0)
    assert changed.deeds.done == []
