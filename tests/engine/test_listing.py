"""What one person is shown of the open approvals, on each store: what concerns them, theirs first, and how many there are."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import ColumnElement, delete, true

from bot.core.events import CardShown, Event, Judged
from bot.core.policy import Defaults, Policy
from bot.core.values import ApprovalId, CallId, Person, Place
from bot.dict_store import DictStore
from bot.engine.listing import Listing
from bot.sql.store import SqlStore, open_store
from bot.sql.tables import events
from tests.engine.world import ALICE, BOB, CAROL, POLICY, TEAM, World
from tests.sql.samples import asked, judged_ask, proposed, record

LIMIT = 3
AnyStore = DictStore | SqlStore


@pytest.fixture(params=["dict", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[AnyStore]:
    if request.param == "dict":
        yield DictStore()
        return
    opened = open_store(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


def waiting(
    name: str,
    risk: float,
    approvers: tuple[str, ...],
    *,
    by: Person = ALICE,
    channel: str = "C1",
    own: bool = False,
) -> tuple[Event, ...]:
    """A run that waits for ``approvers``, its card posted."""
    judged: Judged = judged_ask("c", name, risk)
    assert judged.terms is not None
    terms = replace(judged.terms, approval=ApprovalId(name), approvers=approvers, requester_may_approve=own)
    return (
        asked(place=Place(TEAM, channel, name), person=by),
        proposed("c"),
        replace(judged, terms=terms),
        CardShown(CallId("c"), channel, f"card-{name}", "asking:0"),
    )


async def listed(store: AnyStore, person: Person = CAROL, limit: int = LIMIT, policy: Policy = POLICY) -> Listing:
    found = await World(store, policy=policy).engine.open_approvals(person, TEAM, limit)
    assert isinstance(found, Listing), found
    return found


def names(listing: Listing) -> tuple[list[str], list[str], int, int]:
    mine, others = ([line.approval for line in lines] for lines in (listing.first_of_mine, listing.first_of_others))
    return mine, others, listing.mine, listing.all


async def test_mine_come_first_each_riskiest_first_and_all_are_counted(store: AnyStore) -> None:
    for name, risk in {"a": 0.1, "b": 0.9, "c": 0.5}.items():
        await record(store, name, *waiting(name, risk, ("user:U0BOB",)))
    for name, risk in {"d": 0.2, "e": 0.3}.items():
        await record(store, name, *waiting(name, risk, ("user:U0CAROL", "user:U0BOB")))
    await record(store, "f", *waiting("f", 1.0, ("user:U0CAROL",), by=BOB))
    assert names(await listed(store)) == (["f", "e", "d"], [], 3, 6)
    assert names(await listed(store, limit=5)) == (["f", "e", "d"], ["b", "c"], 3, 6)
    assert names(await listed(store, BOB)) == (["b", "c", "e"], [], 5, 6)


async def test_what_i_asked_for_is_not_mine_to_decide_unless_its_terms_say_so(store: AnyStore) -> None:
    for name in ("a", "c", "d", "e"):
        await record(store, name, *waiting(name, 0.5, ("user:U0CAROL",), by=CAROL))
    assert names(await listed(store, limit=1)) == ([], ["a"], 0, 4)
    may = Policy(Defaults(approvers=("user:U0CAROL",), requester_may_approve=True))
    await record(store, "b", *waiting("b", 0.5, ("user:U0CAROL",), by=CAROL, own=True))
    assert names(await listed(store, limit=2, policy=may)) == (["b"], ["a"], 1, 5)


async def test_what_waits_in_a_direct_message_is_shown_and_counted_only_for_whom_it_concerns(store: AnyStore) -> None:
    await record(store, "a", *waiting("a", 0.5, ("user:U0CAROL",), channel="D0ALICE"))
    assert names(await listed(store, CAROL)) == (["a"], [], 1, 1), "who decides"
    assert names(await listed(store, ALICE)) == ([], ["a"], 0, 1), "who asked"
    assert names(await listed(store, BOB)) == ([], [], 0, 0)


async def test_what_the_policy_of_today_does_not_let_me_decide_is_not_shown_as_mine(store: AnyStore) -> None:
    for name in ("a", "b"):
        await record(store, name, *waiting(name, 0.5, ("user:U0CAROL", "user:U0BOB")))
    stricter = Policy(Defaults(approvers=("user:U0BOB",)))
    assert names(await listed(store, policy=stricter)) == ([], ["a", "b"], 0, 2)
    assert names(await listed(store, BOB, policy=stricter)) == (["a", "b"], [], 2, 2)


async def test_another_workspace_is_not_listed(store: AnyStore) -> None:
    elsewhere = waiting("a", 0.5, ("user:U0CAROL",))
    await record(store, "a", replace(elsewhere[0], place=Place("T2", "C1", "a")), *elsewhere[1:])  # type: ignore[call-arg]
    assert names(await listed(store)) == ([], [], 0, 0)


async def test_a_long_listing_reads_only_the_journals_of_what_it_shows_and_those_once(sqlite_url: str) -> None:
    """Journals are taken away; whoever read one that is not there any more could not say that it is theirs to decide."""
    store = open_store(sqlite_url)
    for number in range(20):
        await record(store, f"r{number:02}", *waiting(f"a{number:02}", number / 100, ("user:U0CAROL",)))
    engine = World(store).engine

    async def list_without(journals: ColumnElement[bool]) -> None:
        await store.write(lambda tx: tx.connection.execute(delete(events).where(journals)))
        found = await engine.open_approvals(CAROL, TEAM, LIMIT)
        assert isinstance(found, Listing) and names(found) == (["a19", "a18", "a17"], [], 20, 20)

    await list_without(events.c.run < "r17")
    await list_without(true())
    await store.close()
