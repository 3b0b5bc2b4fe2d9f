"""What every store promises, in dicts, on SQLite and on Postgres (contract R4, R5, R7, R15)."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.events import AttemptFailed, CardShown, Delivered, Event, Started
from bot.core.fatigue import PastVote
from bot.core.journal import fold
from bot.core.owed import due_at
from bot.core.run import Run
from bot.core.timing import Limit, reached
from bot.core.values import CallId, Choice, Place, RunId
from bot.dict_store import DictStore
from bot.ports import LONGEST_LEASE, Conflict, Freeze, InboxRow, Lease, Reader, Writer
from bot.projections import request_name
from bot.sql.store import SqlStore, open_store
from tests.sql.samples import (
    CAROL,
    THREAD,
    applied,
    approved,
    asked,
    journal,
    judged_allow,
    judged_ask,
    proposed,
    record,
    said,
    story,
)

AnyStore = DictStore | SqlStore
R = RunId("run")
DAY = 86_400.0


@pytest.fixture(params=["dict", "sqlite", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[AnyStore]:
    if request.param == "dict":
        opened: AnyStore = DictStore()
    else:
        opened = open_store(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    await opened.close()


async def lease(store: AnyStore, owner: str, seconds: float = 10.0, run: RunId = R) -> Lease | None:
    return await store.write(lambda writer: writer.take_lease(run, owner, seconds))


async def give_back(store: AnyStore, owner: str, length: int) -> bool:
    return await store.write(lambda writer: writer.give_back(R, owner, length))


async def test_r9_a_lease_of_ones_own_that_nobody_knew_of_is_taken_over_and_renewed_it_is_not(store: AnyStore) -> None:
    async def afresh(owner: str) -> Lease | None:
        return await store.write(lambda tx: tx.take_lease(R, owner, 10.0, afresh=True))

    await record(store, R, asked())
    assert await afresh("worker") == Lease(1)
    assert await lease(store, "worker") == Lease(1)
    assert await afresh("worker") == Lease(1, taken_over=True)
    assert await afresh("another") is None
    assert await give_back(store, "worker", 1) and await afresh("another") == Lease(1)


async def due_runs(store: AnyStore) -> tuple[RunId, ...]:
    return await store.read(lambda reader: reader.due_runs(10))


async def test_r3_any_number_of_runs_and_rows_may_be_left_out_of_a_listing(store: AnyStore) -> None:
    """More than a statement may have placeholders."""
    many = [f"k{number}" for number in range(40_000)]
    await record(store, R, asked())
    await store.write(lambda tx: tx.put_inbox(InboxRow("k7", "T1", "event", "")))
    await store.write(lambda tx: tx.put_inbox(InboxRow("here", "T1", "event", "")))
    assert [row.key for row in await store.read(lambda tx: tx.open_inbox(9, many))] == ["here"]
    assert await store.read(lambda tx: tx.due_runs(9, [RunId(name) for name in many])) == (R,)
    assert await store.read(lambda tx: tx.due_runs(9, [*map(RunId, many), R])) == ()


async def test_what_started_lately_is_found_with_its_action_and_requester(store: AnyStore) -> None:
    assert await store.read(lambda tx: tx.recent_starts(0.0)) == ()
    started = Started(CallId("a-2"), "attempt", "worker", "grant_access")
    await record(store, R, *(started if isinstance(event, Started) else event for event in story()))
    await record(store, "other", asked())
    (found,) = await store.read(lambda tx: tx.recent_starts(0.0))
    assert (found.action, found.requester) == ("grant_access", "U1") and abs(found.at - time.time()) < 60
    assert await store.read(lambda tx: tx.recent_starts(found.at)) == ()


async def test_s25_of_several_who_count_starts_at_once_one_sees_none(store: AnyStore) -> None:
    """The limit is held where `Started` is appended, so two replicas do not both find room."""

    async def start(number: int) -> int:
        await record(store, f"r{number}", asked(), proposed("c"), judged_allow("c"))

        async def work(writer: Writer) -> int:
            before = fold(RunId(f"r{number}"), await writer.journal(RunId(f"r{number}")))
            count = len(await writer.recent_starts(0.0))
            await asyncio.sleep(0.05)
            after, recorded = applied(RunId(f"r{number}"), before, [Started(CallId("c"), "a", "w", "x")], writer.now)
            await writer.append(before, after, recorded)
            return count

        return await store.write(work)

    assert sorted(await asyncio.gather(*(start(number) for number in range(4)))) == [0, 1, 2, 3]


async def test_s25_whoever_is_overtaken_between_their_clock_and_the_count_counts_what_started_meanwhile(
    store: AnyStore,
) -> None:
    """Whoever came last is the first to count: what they start lies after the others' present."""
    once = Limit(1, 60, per_action=True, per_person=False)

    async def start(number: int) -> bool:
        await record(store, f"r{number}", asked(), proposed("c"), judged_allow("c"))

        async def work(writer: Writer) -> bool:
            before = fold(RunId(f"r{number}"), await writer.journal(RunId(f"r{number}")))
            await asyncio.sleep(0.3 - 0.1 * number)
            if reached(once, "x", "U1", await writer.recent_starts(writer.now - 60), writer.now):
                return False
            after, recorded = applied(RunId(f"r{number}"), before, [Started(CallId("c"), "a", "w", "x")], writer.now)
            await writer.append(before, after, recorded)
            return True

        await asyncio.sleep(0.02 * number)
        return await store.write(work)

    assert sorted(await asyncio.gather(*(start(number) for number in range(4)))) == [False, False, False, True]


async def test_s14_of_several_who_ask_for_one_person_at_once_each_counts_those_before(store: AnyStore) -> None:
    """Two replicas do not both find room for one more question."""

    async def ask(number: int) -> int:
        name = RunId(f"r{number}")
        await record(store, name, asked(), proposed("c"))

        async def work(writer: Writer) -> int:
            count = await writer.open_of(name, "T1", "U1")
            before = fold(name, await writer.journal(name))
            await asyncio.sleep(0.05)
            after, recorded = applied(name, before, [judged_ask("c", f"appr{number}")], writer.now)
            await writer.append(before, after, recorded)
            return count

        return await store.write(work)

    assert sorted(await asyncio.gather(*(ask(number) for number in range(4)))) == [0, 1, 2, 3]
    assert await store.read(lambda tx: tx.open_of(R, "T1", "U2")) == 0
    assert await store.read(lambda tx: tx.open_of(R, "T2", "U1")) == 0


async def test_s14_two_who_count_for_one_run_do_not_wait_for_each_other(store: AnyStore) -> None:
    """Whoever counts takes the run first, as does whoever reads its journal to write."""
    await record(store, R, asked())
    tries: list[str] = []

    async def counts_first(writer: Writer) -> None:
        tries.append("counts first")
        await writer.open_of(R, "T1", "U1")
        await asyncio.sleep(0.1)
        await writer.journal(R)

    async def reads_first(writer: Writer) -> None:
        tries.append("reads first")
        await writer.journal(R)
        await asyncio.sleep(0.1)
        await writer.open_of(R, "T1", "U1")

    await asyncio.gather(*(store.write(work) for work in (counts_first, reads_first)))
    assert sorted(tries) == ["counts first", "reads first"], "Postgres had to end one of them"


async def test_s14_who_counts_changes_no_time_that_was_sealed_with(store: AnyStore) -> None:
    await record(store, R, asked())

    async def work(writer: Writer) -> tuple[float, float]:
        sealed_with = writer.now
        await asyncio.sleep(0.01)
        await writer.open_of(R, "T1", "U1")
        return sealed_with, writer.now

    sealed_with, recorded_at = await store.write(work)
    assert sealed_with == recorded_at


async def test_s14_the_votes_of_late_are_found_with_who_gave_them_and_how_long_they_took(store: AnyStore) -> None:
    vote = replace(approved("appr"), waited=2.5)
    card = CardShown(CallId("c"), "C1", vote.message, "")
    await record(store, R, asked(), proposed("c"), judged_ask("c", vote.approval), card, vote)
    assert await store.read(lambda tx: tx.votes(0.0)) == (PastVote("T1", CAROL, Choice.APPROVE, "slack", 2.5),)
    assert await store.read(lambda tx: tx.votes(tx.now)) == ()


# --- The journal ----------------------------------------------------------------------------------------------------


async def test_what_was_appended_is_what_is_read(store: AnyStore) -> None:
    run = await record(store, R, *story())
    read = await journal(store, R)
    assert fold(R, read) == run
    assert [recorded.event for recorded in read] == list(story())
    assert [recorded.seq for recorded in read] == [1, 2, 3, 4, 5, 6, 7]
    assert await journal(store, R, after=5) == read[5:]
    assert await journal(store, R, after=7) == ()
    assert await journal(store, "unknown") == ()


async def test_texts_with_characters_that_databases_refuse_come_back_unchanged(store: AnyStore) -> None:
    text = "NUL \x00, lone surrogate \ud800, SUB \x1a0041 \x1a, 🦊, empty next"
    await record(store, R, asked(text), said(1, ""), said(2, text))
    assert [recorded.event for recorded in await journal(store, R)] == [asked(text), said(1, ""), said(2, text)]
    place = Place("T\x00", "C\ud800", "\x1a0041")
    await record(store, "odd", asked(place=place))
    assert await store.read(lambda reader: reader.latest_run(place)) == "odd"


async def test_concurrent_appends_lose_nothing(store: AnyStore) -> None:
    """R5: whoever comes second sees what the first did."""
    await record(store, R, asked())
    await asyncio.gather(*(record(store, R, said(number)) for number in range(16)))
    read = await journal(store, R)
    assert [recorded.seq for recorded in read] == list(range(1, 18))
    assert {r.event for r in read[1:]} == {said(number) for number in range(16)}
    times = [recorded.at for recorded in read]
    assert times == sorted(times)


async def test_whoever_reads_a_journal_to_write_holds_the_run_until_the_commit(store: AnyStore) -> None:
    """So that a busy run costs waiting, not works run again."""
    await record(store, R, asked())
    attempts = 0

    async def say(number: int) -> None:
        async def work(writer: Writer) -> None:
            nonlocal attempts
            attempts += 1
            before = fold(R, await writer.journal(R))
            await asyncio.sleep(0.002)
            after, recorded = applied(R, before, [said(number)], writer.now)
            await writer.append(before, after, recorded)

        await store.write(work)

    await asyncio.gather(*(say(number) for number in range(8)))
    assert attempts == 8


async def test_of_concurrent_beginnings_of_one_run_the_first_wins(store: AnyStore) -> None:
    async def begin(number: int) -> bool:
        async def work(writer: Writer) -> bool:
            if await writer.journal(R):
                return False
            run, recorded = applied(R, None, [asked(f"request {number}")], writer.now)
            await writer.append(None, run, recorded)
            return True

        return await store.write(work)

    assert sum(await asyncio.gather(*(begin(number) for number in range(8)))) == 1
    assert len(await journal(store, R)) == 1


async def test_an_append_on_an_old_state_is_a_conflict_and_the_work_runs_again(store: AnyStore) -> None:
    old = await record(store, R, asked())
    await record(store, R, said(1))
    attempts = 0

    async def with_a_cached_run(writer: Writer) -> Run:
        nonlocal attempts
        attempts += 1
        before = old if attempts == 1 else fold(R, await writer.journal(R))
        after, recorded = applied(R, before, [said(2)], writer.now)
        await writer.append(before, after, recorded)
        return after

    assert (await store.write(with_a_cached_run)).length == 3
    assert attempts == 2


async def test_a_work_that_never_catches_up_ends_in_a_conflict(store: AnyStore) -> None:
    old = await record(store, R, asked())
    await record(store, R, said(1))

    async def stubborn(writer: Writer) -> None:
        after, recorded = applied(R, old, [said(2)], writer.now)
        await writer.append(old, after, recorded)

    with pytest.raises(Conflict):
        await store.write(stubborn)
    assert len(await journal(store, R)) == 2


async def test_events_that_leave_a_gap_are_refused(store: AnyStore) -> None:
    async def work(writer: Writer) -> None:
        run, recorded = applied(R, None, [asked(), said(1)], writer.now)
        await writer.append(None, run, recorded[1:])

    with pytest.raises(ValueError, match="do not lead from 0 to 2"):
        await store.write(work)


# --- All or nothing -------------------------------------------------------------------------------------------------


class Crash(Exception):
    pass


async def crash_after_everything(writer: Writer) -> None:
    run, recorded = applied(R, None, story(), writer.now)
    await writer.append(None, run, recorded)
    await writer.put_inbox(InboxRow("key", "T1", "event", "{}"))
    await writer.take_lease(R, "worker", 10)
    await writer.set_freeze("all", "incident", "U1")
    raise Crash


async def everything(reader: Reader) -> tuple[object, ...]:
    listings = (await reader.runs(10), await reader.open_approvals(), await reader.open_inbox(10))
    found = (await reader.run_of("a-approval"), await reader.next_due(), await reader.freezes())
    return (*listings, *found, await reader.journal(R))


async def test_a_failing_work_leaves_nothing(store: AnyStore) -> None:
    before = await store.read(everything)
    with pytest.raises(Crash):
        await store.write(crash_after_everything)
    assert await store.read(everything) == before
    await record(store, R, *story())
    assert await store.read(everything) != before


async def test_a_failing_work_takes_nobody_with_it(store: AnyStore) -> None:
    """They wait at the same time, so that SQLite commits them as one group."""
    works = [record(store, f"run-{n}", asked()) if n % 2 else store.write(crash_after_everything) for n in range(10)]
    ends = await asyncio.gather(*works, return_exceptions=True)
    assert [isinstance(end, Crash) for end in ends] == [True, False] * 5
    lines = await store.read(lambda reader: reader.runs(20))
    assert {line.run for line in lines} == {f"run-{n}" for n in range(1, 10, 2)}
    assert await journal(store, R) == ()


async def test_what_a_write_returned_is_there_for_every_reader(store: AnyStore) -> None:
    for number in range(5):
        await record(store, f"run-{number}", asked())
        assert len(await store.read(lambda reader: reader.runs(10))) == number + 1


# --- Time -----------------------------------------------------------------------------------------------------------


async def test_the_stores_time_is_the_worlds_and_can_be_moved(store: AnyStore) -> None:
    async def now(reader: Reader) -> float:
        return reader.now

    for run in (store.read, store.write):
        store.clock_shift = 0.0
        assert abs(await run(now) - time.time()) < 1
        store.clock_shift = 86_400.0
        assert abs(await run(now) - time.time() - 86_400) < 1


# --- Listings -------------------------------------------------------------------------------------------------------


async def test_the_newest_run_of_a_thread_is_found(store: AnyStore) -> None:
    await record(store, "older", asked())
    store.clock_shift = 5.0
    await record(store, "newer", asked())
    await record(store, "elsewhere", asked(place=replace(THREAD, thread="1700000009.000100")))
    assert await store.read(lambda reader: reader.latest_run(THREAD)) == "newer"
    assert await store.read(lambda reader: reader.latest_run(replace(THREAD, channel="C9"))) is None


async def test_runs_are_listed_newest_first_and_by_state(store: AnyStore) -> None:
    for number in range(3):
        store.clock_shift = float(number)
        await record(store, f"run-{number}", *([asked()] if number != 1 else [asked(), proposed("c")]))
    lines = await store.read(lambda reader: reader.runs(2))
    assert [line.run for line in lines] == ["run-2", "run-1"]
    (acting,) = await store.read(lambda reader: reader.runs(9, "acting"))
    assert (acting.run, acting.requester, acting.length, acting.channel) == ("run-1", "U1", 2, "C1")


async def test_an_approval_is_listed_while_it_is_open(store: AnyStore) -> None:
    run = await record(store, R, *story())
    (line,) = await store.read(lambda reader: reader.open_approvals("T1"))
    assert (line.approval, line.run, line.call, line.action) == ("a-approval", R, "a-1", "grant_access")
    assert (line.target, line.environment, line.risk, line.requester) == ("okta", "production", 0.78, "U1")
    assert (line.approvers, line.requester_may_approve) == (("group:S1",), False)
    assert (line.channel, line.card, line.expires_at) == ("C1", "1700000002.000100", 4e9)
    assert run.calls[0].approval is not None
    assert line.asked_at == run.calls[0].approval.opened_at
    assert await store.read(lambda reader: reader.open_approvals("T2")) == ()
    await record(store, R, approved())
    assert await store.read(lambda reader: reader.open_approvals()) == ()


async def test_the_riskiest_approval_is_listed_first_then_the_oldest(store: AnyStore) -> None:
    for number, risk in enumerate([0.2, None, 0.9, 0.2]):
        store.clock_shift = float(-number)
        await record(store, f"run-{number}", asked(), proposed("c"), judged_ask("c", f"approval-{number}", risk))
    lines = await store.read(lambda reader: reader.open_approvals())
    assert [line.approval[-1] for line in lines] == ["2", "1", "3", "0"], (
        "without the guard's risk the declared one counts"
    )


async def test_a_button_names_its_run_for_ever(store: AnyStore) -> None:
    noted, other = Delivered("asked:c:req_2", "req_2"), Delivered("end:1", "req_3")
    await record(store, R, *story(), approved(), noted, other)
    assert await store.read(lambda reader: reader.run_of("a-approval")) == R
    assert await store.read(lambda reader: reader.run_of("a-question")) == R
    assert await store.read(lambda reader: reader.run_of(request_name("req_2"))) == R
    assert await store.read(lambda reader: reader.run_of(request_name("req_3"))) is None
    assert await store.read(lambda reader: reader.run_of("unknown")) is None


# --- What is due ----------------------------------------------------------------------------------------------------


async def test_a_run_is_due_when_its_earliest_effect_is(store: AnyStore) -> None:
    later = time.time() + 3600
    run = await record(store, R, asked(), proposed("c"), judged_ask("c", "approval", expires_at=later))
    assert due_at(run) == 0.0  # its card
    assert await due_runs(store) == (R,)
    await record(store, R, CardShown(CallId("c"), "C1", "1.1", "asking:approval:0"))
    assert await due_runs(store) == ()
    assert await store.read(lambda reader: reader.next_due()) == later
    store.clock_shift = 3601.0
    assert await due_runs(store) == (R,)


async def test_the_longest_due_comes_first(store: AnyStore) -> None:
    for number in (2, 1, 3):
        events: list[Event] = [asked(), proposed("c"), judged_ask("c", f"approval-{number}", expires_at=100.0 * number)]
        await record(store, f"run-{number}", *events, CardShown(CallId("c"), "C1", "1.1", "asking:approval:0"))
    assert await due_runs(store) == ("run-1", "run-2", "run-3")
    assert await store.read(lambda reader: reader.due_runs(1)) == ("run-1",)


async def test_a_run_that_somebody_holds_is_not_due(store: AnyStore) -> None:
    await record(store, R, asked())
    assert await lease(store, "one")
    assert await due_runs(store) == ()
    assert await store.read(lambda reader: reader.next_due()) is None
    store.clock_shift = 11.0
    assert await due_runs(store) == (R,)
    assert await store.read(lambda reader: reader.next_due()) == 0.0


# --- Leases ---------------------------------------------------------------------------------------------------------


async def test_a_lease_is_held_by_one(store: AnyStore) -> None:
    await record(store, R, asked())
    taken = await asyncio.gather(*(lease(store, f"worker-{number}") for number in range(8)))
    assert [each for each in taken if each is not None] == [Lease(1)]


async def test_a_lease_is_renewed_by_its_owner_and_expires_without(store: AnyStore) -> None:
    await record(store, R, asked())
    assert await lease(store, "one")
    store.clock_shift = 8.0
    assert await lease(store, "one")
    store.clock_shift = 16.0
    assert not await lease(store, "two")
    store.clock_shift = 19.0
    assert await lease(store, "two") == Lease(1, taken_over=True, takeovers=1)  # what "one" was doing may be done
    assert not await lease(store, "one")


async def test_a_run_that_does_not_exist_cannot_be_held(store: AnyStore) -> None:
    assert not await lease(store, "one", run=RunId("unknown"))


async def test_a_lease_is_given_back_only_at_the_seen_length(store: AnyStore) -> None:
    """A click that arrives while its run is held is never lost."""
    await record(store, R, asked())
    await lease(store, "one")
    await record(store, R, said(1))
    assert not await give_back(store, "one", 1)
    assert not await lease(store, "two")
    assert not await give_back(store, "two", 2)
    assert await give_back(store, "one", 2)
    assert not await give_back(store, "one", 2)
    assert await lease(store, "two") == Lease(2)


# --- A clock that is put back ----------------------------------------------------------------------------------------


async def test_r2_the_lease_of_a_dead_worker_ends_also_where_it_was_taken_by_a_clock_that_was_put_back(
    store: AnyStore,
) -> None:
    """And not at once: whoever took it may live, and renews it."""
    await record(store, R, asked())
    store.clock_shift = DAY
    assert await lease(store, "one")
    store.clock_shift = 0.0
    assert await due_runs(store) == (R,) and not await lease(store, "two")
    assert await due_runs(store) == (), "it ends as soon as a lease can"
    store.clock_shift = LONGEST_LEASE - 1.0
    assert not await lease(store, "two")
    store.clock_shift = LONGEST_LEASE + 1.0
    assert await due_runs(store) == (R,)
    assert await lease(store, "two") == Lease(1, taken_over=True, takeovers=1)


async def test_r2_a_living_worker_keeps_its_lease_over_a_clock_that_is_put_back(store: AnyStore) -> None:
    await record(store, R, asked())
    store.clock_shift = DAY
    assert await lease(store, "one")
    store.clock_shift = 0.0
    assert not await lease(store, "two") and await lease(store, "one")
    store.clock_shift = 9.0
    assert not await lease(store, "two")
    store.clock_shift = 11.0
    assert await lease(store, "two") == Lease(1, taken_over=True, takeovers=1), "its length is its own again"


async def test_r11_what_was_handed_over_in_peace_is_anothers_at_once_also_after_the_clock_was_put_back(
    store: AnyStore,
) -> None:
    await record(store, R, asked())
    store.clock_shift = DAY
    assert await lease(store, "one")
    await store.write(lambda writer: writer.hand_over(R, "one", 0.0))
    store.clock_shift = 0.0
    assert await due_runs(store) == (R,) and await lease(store, "two") == Lease(1, taken_over=True)


# --- Who died over a run --------------------------------------------------------------------------------------------


async def takeovers(store: AnyStore, owner: str) -> int:
    """The last owner's lease is over, and the next one takes it."""
    store.clock_shift += 11.0
    taken = await lease(store, owner)
    assert taken is not None
    return taken.takeovers


async def test_r17_who_dies_over_a_run_is_counted_until_something_comes_of_it(store: AnyStore) -> None:
    await record(store, R, asked())
    assert await lease(store, "one") == Lease(1)
    assert [await takeovers(store, owner) for owner in ("two", "three")] == [1, 2]
    assert await lease(store, "three") == Lease(1, takeovers=2), "whoever renews has not died"
    await record(store, R, AttemptFailed("model:1", "away", 5.0))
    assert await takeovers(store, "four") == 3, "a failure is nothing that came of it"
    await record(store, R, said(1))
    assert await takeovers(store, "five") == 1


async def test_r17_who_gives_back_or_hands_over_a_run_has_not_died(store: AnyStore) -> None:
    await record(store, R, asked())
    assert await lease(store, "one") and await takeovers(store, "two") == 1
    await store.write(lambda writer: writer.hand_over(R, "one", 0.0))
    assert not await lease(store, "three"), "only whoever holds it hands it over"
    await store.write(lambda writer: writer.hand_over(R, "two", 5.0))
    assert not await lease(store, "three") and not await lease(store, "two")
    store.clock_shift += 6.0
    assert await lease(store, "three") == Lease(1, taken_over=True, takeovers=1)
    assert await give_back(store, "three", 1)
    assert await lease(store, "four") == Lease(1)


async def test_r17_resuming_forgets_who_died(store: AnyStore) -> None:
    await record(store, R, asked())
    assert await lease(store, "one") and await takeovers(store, "two") == 1
    assert await park(store, "two") and await store.write(lambda writer: writer.resume(R))
    assert await lease(store, "three") == Lease(1, taken_over=True)


async def test_r2_what_was_woken_is_left_out_until_somebody_has_taken_it_and_left_it(store: AnyStore) -> None:
    async def due(woken: tuple[RunId, ...] = (R,), without: tuple[RunId, ...] = ()) -> tuple[RunId, ...]:
        return await store.read(lambda tx: tx.due_runs(9, without, woken))

    await record(store, R, asked())
    assert await due() == () and await due(()) == (R,)
    assert await lease(store, "one") and await due() == ()
    store.clock_shift = 11.0
    assert await due() == (R,), "whoever took it is dead"
    assert await due(without=(R,)) == ()
    assert await lease(store, "two") and await give_back(store, "two", 1)
    assert await due() == ()


# --- Parked runs ----------------------------------------------------------------------------------------------------


async def park(store: AnyStore, owner: str, reason: str = "Something broke.") -> bool:
    return await store.write(lambda writer: writer.park(R, owner, reason))


async def test_r17_a_parked_run_is_due_for_nobody_and_held_by_nobody_until_it_is_resumed(store: AnyStore) -> None:
    await record(store, R, asked())
    await lease(store, "one", 1000.0)
    assert await park(store, "one")
    assert await due_runs(store) == () and await store.read(lambda reader: reader.next_due()) is None
    assert not await lease(store, "one") and not await lease(store, "two")
    assert await store.write(lambda writer: writer.resume(R))
    assert await due_runs(store) == (R,)
    assert await lease(store, "two") == Lease(1, taken_over=True), "what it owes may be half done"


async def test_r17_only_who_holds_a_run_parks_it_and_only_once(store: AnyStore) -> None:
    await record(store, R, asked())
    assert not await park(store, "one"), "nobody holds it"
    await lease(store, "one")
    assert not await park(store, "two")
    parked = await asyncio.gather(*(park(store, "one", f"reason {number}") for number in range(8)))
    assert sum(parked) == 1
    resumed = await asyncio.gather(*(store.write(lambda writer: writer.resume(R)) for _ in range(8)))
    assert sum(resumed) == 1


async def test_r17_why_a_run_is_parked_is_in_its_line_and_what_is_appended_meanwhile_leaves_it(
    store: AnyStore,
) -> None:
    await record(store, R, asked())
    await lease(store, "one")
    reason = "odd \x00 \ud800 reason"
    await park(store, "one", reason)
    await record(store, R, said(1))
    (listed,) = await store.read(lambda reader: reader.runs(10))
    assert listed == await store.read(lambda reader: reader.line(R))
    assert (listed.parked, listed.length, listed.state) == (reason, 2, "thinking")
    await store.write(lambda writer: writer.resume(R))
    assert (await store.read(lambda reader: reader.line(R))).parked is None
    assert await store.read(lambda reader: reader.line(RunId("unknown"))) is None


# --- Inbox and freezes ----------------------------------------------------------------------------------------------


async def put(store: AnyStore, key: str, payload: str = "{}") -> bool:
    return await store.write(lambda writer: writer.put_inbox(InboxRow(key, "T1", "event", payload)))


async def test_an_inbox_key_is_taken_once_also_after_it_is_done(store: AnyStore) -> None:
    """R4: a retry is harmless, however late."""
    assert sum(await asyncio.gather(*(put(store, "key", "first") for _ in range(8)))) == 1
    await store.write(lambda writer: writer.close_inbox("key"))
    assert not await put(store, "key", "again")
    assert await store.read(lambda reader: reader.open_inbox(10)) == ()


async def test_open_rows_of_the_inbox_come_in_their_order(store: AnyStore) -> None:
    keys = [f"key-{number}" for number in (3, 1, 2, 5, 4)]
    for key in keys:
        await put(store, key, f"payload of {key} \x00")
    await store.write(lambda writer: writer.close_inbox("key-2"))
    rows = await store.read(lambda reader: reader.open_inbox(10))
    assert [row.key for row in rows] == ["key-3", "key-1", "key-5", "key-4"]
    assert [row.payload for row in rows] == [f"payload of {row.key} \x00" for row in rows]
    assert all(abs(row.received_at - time.time()) < 10 for row in rows)
    assert len(await store.read(lambda reader: reader.open_inbox(2))) == 2


async def test_a_freeze_stands_until_it_is_lifted(store: AnyStore) -> None:
    assert await store.write(lambda writer: writer.set_freeze("all", "incident", "U1"))
    assert not await store.write(lambda writer: writer.set_freeze("all", "worse", "U2"))
    (freeze,) = await store.read(lambda reader: reader.freezes())
    assert freeze == Freeze("all", "incident", "U1", freeze.since)
    assert abs(freeze.since - time.time()) < 10
    assert await store.write(lambda writer: writer.freezes()) == (freeze,)
    assert await store.write(lambda writer: writer.lift_freeze("all"))
    assert not await store.write(lambda writer: writer.lift_freeze("all"))
    assert await store.read(lambda reader: reader.freezes()) == ()


async def test_a_freeze_is_put_over_another_in_one_step_and_both_are_listed(store: AnyStore) -> None:
    await store.write(lambda writer: writer.set_freeze("all", "incident", "shell:U1"))
    assert await store.write(lambda writer: writer.set_freeze("all", "worse", "U2", over=True))
    assert [(each.by, each.reason) for each in await store.read(lambda reader: reader.freezes())] == [("U2", "worse")]
    noted = await store.read(lambda reader: reader.freezings(10))
    assert [(each.by, each.lifted, each.told) for each in noted] == [("U2", False, False), ("shell:U1", False, False)]


async def test_every_freeze_that_was_set_and_lifted_is_listed_with_what_was_done_about_it(store: AnyStore) -> None:
    await store.write(lambda writer: writer.set_freeze("all", "incident", "U1"))
    await store.write(lambda writer: writer.set_freeze("all", "worse", "U2"))
    await store.write(lambda writer: writer.touch())
    await store.write(lambda writer: writer.lift_freeze("all", "U2", "over"))
    lifted, frozen = await store.read(lambda reader: reader.freezings(10))
    assert (frozen.scope, frozen.by, frozen.reason, frozen.lifted) == ("all", "U1", "incident", False)
    assert (lifted.scope, lifted.by, lifted.reason, lifted.lifted) == ("all", "U2", "over", True)
    assert (frozen.told, frozen.switch) == (False, None) and frozen.number < lifted.number
    await store.write(lambda writer: writer.mark_freezing(frozen.number, switch="ks_1"))
    await store.write(lambda writer: writer.mark_freezing(frozen.number, told=True))
    marked = (await store.read(lambda reader: reader.freezings(10)))[1]
    assert (marked.told, marked.switch) == (True, "ks_1")
    assert (await store.read(lambda reader: reader.freezings(1))) == (lifted,)
    await store.write(lambda tx: tx.set_freeze("system:dns", "moving", "U0ERIN"))
    assert (await store.read(lambda reader: reader.freezings(1, frozen.scope)))[0].scope == frozen.scope
    assert not await store.read(lambda reader: reader.freezings(9, "system:none"))


async def test_no_freeze_is_set_between_its_check_and_the_commit(store: AnyStore) -> None:
    """R7: when `freeze` returned, nothing starts that had not started."""
    checked, order = asyncio.Event(), []

    async def start(writer: Writer) -> None:
        assert await writer.freezes() == ()
        checked.set()
        await asyncio.sleep(0.05)
        order.append("started")

    async def freeze() -> None:
        await checked.wait()
        await store.write(lambda writer: writer.set_freeze("all", "incident", "U1"))
        order.append("frozen")

    await asyncio.gather(store.write(start), freeze())
    assert order == ["started", "frozen"]
