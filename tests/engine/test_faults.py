"""What goes wrong around the engine, and what must hold all the same: nothing twice, nothing lost, nothing hanging."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.core.call import CallState
from bot.core.events import Asked, Recorded
from bot.core.inputs import Profile, Wrote
from bot.core.policy import Defaults, Policy
from bot.core.run import Run, RunState, begin
from bot.core.values import Judgement, RunId, Verdict
from bot.dict_store import DictStore
from bot.engine import Limits
from bot.engine.engine import REWAKE_SWEEPS
from bot.engine.latest import run_id_of
from bot.engine.listing import Listing
from bot.engine.worker import CUT_OFF_SECONDS
from bot.ports import InboxRow, Reply, Unavailable, Writer
from tests.engine.world import ALICE, BOB, CAROL, LIMITS, PLACE, TEAM, MoodyStore, World, approval_of, saying, wishing
from tests.journey.stage import until

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
T = TypeVar("T")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


class StoreWithoutAnswer(DictStore):
    """The answer to the ``lost``-th commit is lost: it is done, and its caller hears that the store is away."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost, self.writes = lost, 0

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        result = await super().write(work)
        self.writes += 1
        if self.writes == self.lost:
            raise Unavailable("the connection was lost")
        return result


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with world.engine.running(drain_seconds=0.2):
        yield world


async def started(world: World, action: str, arguments: dict[str, object]) -> None:
    """The model wants an action that the guard allows, and it is under way."""
    world.deeds.hold = asyncio.Event()
    world.model.turns = [wishing((action, arguments)), saying("Told.")]
    await world.write("do it")
    await world.until(
        lambda run: run.calls and run.calls[0].state is CallState.STARTED and world.deeds.done is not None
    )


async def waiting_for_a_click(world: World) -> Run:
    """The card is shown and the run rests."""
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
    await asyncio.sleep(0.1)
    return run


async def approved_but_not_started(world: World) -> Run:
    """Carol's click is recorded, and every wake-up is lost; the run before the click."""
    run = await waiting_for_a_click(world)
    world.dispatch.lossy = True
    await world.click("approve", approval_of(run))
    await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
    return run


async def killed(world: World) -> None:
    """The process is gone: its tasks stop in the middle."""
    for task in list(world.dispatch.tasks):
        task.cancel()
    await asyncio.gather(*world.dispatch.tasks, return_exceptions=True)


async def test_a_database_that_is_away_for_a_moment_does_not_interrupt_a_running_action() -> None:
    world = World(MoodyStore())
    async with running(world):
        await started(world, "grant_access", GRANT[1])
        world.store.away = True
        await asyncio.sleep(0.2)
        world.deeds.hold.set()
        await asyncio.sleep(0.1)
        world.store.away = False
        run = await world.until(lambda run: run.state is RunState.DONE, seconds=8.0)
    assert run.call("t1c1").state is CallState.EXECUTED and world.deeds.done == ["bob in admins"]


async def test_a_database_that_is_away_is_not_asked_in_a_hot_loop() -> None:
    world = World(MoodyStore())
    async with running(world):
        world.store.away = True
        await asyncio.sleep(1.0)
        world.store.away = False
        assert 0 < world.store.tries < 40


async def test_a_worker_that_lost_its_lease_starts_nothing_and_does_not_spin() -> None:
    world = World(MoodyStore())
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        run = await waiting_for_a_click(world)
        assert await world.store.write(lambda tx: tx.take_lease(run.id, "somebody else", 60.0))
        await world.click("approve", approval_of(run))
        await asyncio.sleep(0.5)
        begun = world.store.tries
        await asyncio.sleep(0.2)
        assert world.deeds.done == [] and world.store.tries == begun


async def test_an_action_that_does_not_end_in_time_is_in_doubt_and_not_failed() -> None:
    world = World()
    async with running(world):
        world.model.turns = [wishing(("pay", {"whom": "bob"})), saying("I do not know.")]
        await world.write("pay bob")
        run = await world.until(
            lambda run: run.calls and run.calls[0].state is CallState.IN_DOUBT and run.calls[0].card
        )
        await world.click("did_run", run.calls[0].question, CAROL)
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["paid bob"]


async def test_a_rerun_passes_every_check_of_a_first_start_again() -> None:
    world = World()
    async with running(world):
        await started(world, "sync", {})
        await killed(world)
        await world.store.write(lambda tx: tx.set_freeze("all", "incident 7", "U0ERIN"))
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.calls[0].state is CallState.IN_DOUBT)
    assert world.deeds.done == ["began to sync"]


async def test_a_rerun_happens_a_bounded_number_of_times() -> None:
    world = World()
    async with running(world):
        await started(world, "sync", {})
        await killed(world)
    for attempt in (2, 3):
        world.engine = world.new_engine()
        async with running(world):
            await world.until(lambda run, attempt=attempt: run.calls[0].attempts == attempt)
            await killed(world)
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.calls[0].state is CallState.IN_DOUBT)
    assert world.deeds.done == ["began to sync"] * 3


async def test_a_cancelled_run_reruns_nothing() -> None:
    world = World()
    async with running(world):
        await started(world, "sync", {})
        await killed(world)
    run = await world.run()
    from bot.core.events import Cancelled

    await world.engine._door.record(run.id, Cancelled(ALICE))
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.calls[0].state is CallState.IN_DOUBT)
    assert world.deeds.done == ["began to sync"]


@pytest.mark.parametrize(
    "stricter", [Defaults(approvers=("user:U0CAROL", "user:U0BOB"), quorum=2), Defaults(approvers=("user:U0BOB",))]
)
async def test_a_policy_that_became_stricter_before_the_start_asks_people_anew(stricter: Defaults) -> None:
    world = World()
    async with running(world):
        run = await approved_but_not_started(world)
    world.policy = Policy(stricter)
    world.engine = world.new_engine()
    async with running(world):
        anew = await world.until(
            lambda now: approval_of(now) != approval_of(run) and world.chat.cards["t1c1"][-1].startswith("asking")
        )
        assert anew.call("t1c1").state is CallState.ASKING and world.deeds.done == []
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: world.chat.whispers)
    assert world.deeds.done == []


async def test_an_approval_that_expired_before_anything_could_start_asks_people_anew() -> None:
    world = World()
    async with running(world):
        run = await approved_but_not_started(world)
        world.store.clock_shift = 5 * 3600.0
        world.dispatch.lossy = False
        now = await world.until(lambda now: approval_of(now) != approval_of(run))
    assert world.deeds.done == [] and "before the approval expired" in now.call("t1c1").judgement.ours


async def test_terms_that_were_changed_in_the_database_take_no_vote() -> None:
    world = World()
    async with running(world):
        run = await waiting_for_a_click(world)
        call = run.call("t1c1")
        terms = replace(call.approval.terms, requester_may_approve=True, approvers=("user:U0ALICE",))
        tampered = replace(run, calls=(replace(call, approval=replace(call.approval, terms=terms)),))
        world.engine._door._folded[run.id] = tampered
        world.engine._people.policy = Policy(Defaults(approvers=("user:U0ALICE",), requester_may_approve=True))
        await world.click("approve", approval_of(run), ALICE)
        await world.until(lambda run: world.chat.whispers)
    assert world.deeds.done == [] and "not what was judged" in world.chat.whispers[0][1]


async def test_slack_refusing_a_card_for_good_ends_the_run_and_lets_the_thread_begin_anew() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    world.chat.refuses = True
    async with running(world):
        world.model.turns = [wishing(GRANT)]
        await world.write("grant bob admins")
        failed = await world.until(lambda run: run.state is RunState.FAILED)
        assert "could not show the card" in failed.end_reason
        await world.until(lambda run: run.delivered("end:1") and run.call("t1c1").card)
        world.chat.refuses = False
        await world.write("how is checkout?", message="2.0")
        await world.until(lambda run: run.id != failed.id and run.state is RunState.DONE)


async def test_a_hundred_rows_that_cannot_be_worked_do_not_hold_up_the_next() -> None:
    world = World(limits=replace(LIMITS, first_backoff=5.0, longest_backoff=60.0))
    for number in range(120):
        await world.engine.receive(InboxRow(f"broken {number}", TEAM, "event", "{}"))
    async with running(world):
        await world.write("how is checkout?")
        await world.until(lambda run: run.state is RunState.DONE)


async def test_a_click_that_comes_before_its_card_is_recorded_waits_and_counts() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.chat.absent = True
        world.chat.absent = False
        world.model.turns = [wishing(GRANT), saying("Done.")]
        world.chat.refuses = True
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").approval)
        await world.click("approve", approval_of(run))
        await asyncio.sleep(0.05)
        assert world.chat.whispers == []
        world.chat.refuses = False
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


async def test_a_slow_decoration_does_not_hold_up_the_answer() -> None:
    world = World()
    world.chat.thinks_for = 30.0
    async with running(world):
        await world.write("how is checkout?")
        await world.until(lambda run: run.state is RunState.DONE, seconds=2.0)


async def test_the_same_vote_worked_by_two_processes_is_not_held_against_its_own_author() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    other = None
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(world))
        run = await waiting_for_a_click(world)
        first, other = world.engine, world.new_engine()
        world.engine = first
        await stack.enter_async_context(other.running(drain_seconds=0.2))
        await world.click("approve", approval_of(run))
        (row,) = await world.store.read(lambda tx: tx.open_inbox(10))
        await other._inbox.work(row)
        await world.until(lambda run: run.state is RunState.DONE)
        await asyncio.sleep(0.2)
    assert world.chat.whispers == [] and world.deeds.done == ["bob in admins"]


async def test_a_message_while_a_card_waits_is_answered_at_once_and_is_no_vote() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.write("grant bob admins")
        await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
        await world.write("approved, go ahead", BOB, message="2.0", mentioned=False)
        await world.until(lambda run: world.chat.whispers and len(run.said) == 2)
    assert "only a click" in world.chat.whispers[0][1] and world.deeds.done == []


async def test_a_guest_gets_no_listing_of_what_waits() -> None:
    from bot.core.refusal import Refused

    world = World()
    world.chat.profiles[BOB] = Profile(BOB, "bob", TEAM, guest=True)
    assert isinstance(await world.engine.open_approvals(BOB, TEAM, 20), Refused)
    assert await world.engine.open_approvals(CAROL, TEAM, 20) == Listing()


def test_limits_back_off_up_to_a_bound() -> None:
    assert [Limits().backoff(n, 10.0) for n in (0, 1, 2, 9)] == [1.0, 2.0, 4.0, 10.0]


async def test_a_worker_that_does_not_hold_the_run_casts_no_doubt_on_a_running_action() -> None:
    world = World()
    async with running(world):
        await started(world, "grant_access", GRANT[1])
        run = await world.run()
        first, other = world.engine, world.new_engine()
        await other._worker._doer._recover(run, run.calls[0])
        world.engine = first
        assert (await world.run()).calls[0].state is CallState.STARTED
        world.deeds.hold.set()
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


async def test_a_worker_whose_lease_was_taken_over_starts_nothing_any_more() -> None:
    world = World()
    async with running(world):
        run = await approved_but_not_started(world)
        run = await world.run()
        assert await world.store.write(lambda tx: tx.take_lease(run.id, "somebody else", 60.0))
        await world.engine._worker._doer._start(run, run.calls[0])
        assert (await world.run()).calls[0].state is CallState.ALLOWED
    assert world.deeds.done == []


async def test_a_worker_whose_lease_was_taken_over_in_the_middle_leaves_without_spinning() -> None:
    world = World(MoodyStore(), limits=replace(LIMITS, lease=60.0))
    async with running(world):
        await started(world, "grant_access", GRANT[1])
        run = await world.run()
        world.store.clock_shift = 61.0
        assert await world.store.write(lambda tx: tx.take_lease(run.id, "somebody else", 60.0))
        world.model.turns = []
        world.deeds.hold.set()
        await world.until(lambda run: run.calls[0].state is CallState.EXECUTED)
        await asyncio.sleep(0.2)
        before = world.store.writes
        await asyncio.sleep(0.2)
        assert world.store.writes - before < 20 and not world.engine._worker._held


async def test_r2_a_long_action_keeps_its_run_from_every_other_worker_until_it_has_ended() -> None:
    world = World(limits=replace(LIMITS, lease=0.9, sweep_every=30.0))
    async with running(world):
        await started(world, "grant_access", GRANT[1])
        world.model.turns, world.limits = [], replace(world.limits, sweep_every=0.1)
        second = world.new_engine()
        async with second.running(drain_seconds=0.2):
            await asyncio.sleep(3 * world.limits.lease)
            run = await world.run()
            assert run.calls[0].state is CallState.STARTED, "nobody takes it for dead"
            world.deeds.hold.set()
            await world.until(lambda run: run.state is RunState.DONE)
    assert len(world.deeds.done) == 1


async def test_r2_what_somebody_took_and_died_over_is_woken_by_the_next_sweep_after_its_lease() -> None:
    """Not only when the wake-up of before is old enough to be given again."""
    world = World(limits=replace(LIMITS, lease=0.3, sweep_every=0.6))
    run_id, woken = RunId("run-1"), list[float]()
    begun = begin(run_id, Asked(ALICE, PLACE, PLACE.thread, "Please."), time.time())

    class Elsewhere:
        """Whoever takes the first wake-up dies with the run in its hands."""

        async def wake(self, run: RunId) -> None:
            woken.append(time.monotonic())
            await world.store.write(lambda tx: tx.take_lease(run, f"dead{len(woken)}", world.limits.lease))

    async def put(tx: Writer) -> None:
        await tx.append(None, begun, [Recorded(1, tx.now, begun.asked)])

    await world.store.write(put)
    async with world._engine(Elsewhere(), world.limits).running(drain_seconds=0.1):
        for _ in range(200):
            if len(woken) > 1:
                break
            await asyncio.sleep(0.02)
    assert woken[1] - woken[0] < (REWAKE_SWEEPS - 1) * world.limits.sweep_every


async def test_r11_a_worker_that_stops_lets_what_is_under_way_finish_and_starts_nothing_new() -> None:
    world = World(limits=replace(LIMITS, lease=60.0))
    async with running(world):
        await started(world, "grant_access", GRANT[1])
        world.engine.stop()
        world.deeds.hold.set()
    run = await world.run()
    assert run.calls[0].state is CallState.EXECUTED and run.state is RunState.THINKING
    assert await world.store.read(lambda tx: tx.due_runs(10)) == (run.id,)


async def test_r11_a_worker_that_stops_gives_the_lease_of_a_run_whose_model_hangs_to_the_next_at_once() -> None:
    world = World(limits=replace(LIMITS, lease=60.0))
    world.model.delay = 60.0
    async with running(world):
        await world.write("how is checkout?")
        await world.until(lambda run: world.model.asked)
    world.model.delay = 0.0
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.state is RunState.DONE, seconds=3.0)
    assert len(world.model.asked) == 2


async def test_r2_nobody_asks_about_an_action_that_was_cut_off_before_the_process_that_ran_it_has_surely_ended() -> (
    None
):
    """It may go on in a thread until then; its probe would say that it did not happen."""
    world = World(limits=replace(LIMITS, lease=60.0))
    async with running(world):
        await started(world, "grant_access", GRANT[1])
    assert await world.store.read(lambda tx: tx.due_runs(10)) == ()
    world.store.clock_shift = CUT_OFF_SECONDS
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.calls[0].state is CallState.IN_DOUBT)
    assert world.deeds.done == []


async def test_r4_what_one_process_received_no_other_works_until_its_receiver_is_gone() -> None:
    """Or each of them would tell people the same."""
    world = World(limits=replace(LIMITS, lease=0.5))
    world.chat.profiles[BOB] = Profile(BOB, "bob", TEAM, guest=True)
    gone = world.engine
    world.engine = world.new_engine()
    async with running(world):
        world.inputs["left"] = Wrote(BOB, PLACE, "7.0", "restart checkout", mentioned=True)
        assert await gone.receive(InboxRow("left", TEAM, "event", "{}"))
        await asyncio.sleep(0.25)
        assert world.chat.whispers == []
        await until(lambda: world.chat.whispers)
    assert len(world.chat.whispers) == 1


async def test_r17_a_row_for_which_slack_takes_long_holds_up_no_other() -> None:
    world = World()
    async with running(world):
        world.chat.slow[BOB] = 60.0
        elsewhere = replace(PLACE, thread="9.0")
        await world.receive("slow", Wrote(BOB, elsewhere, "9.0", "how is checkout?", mentioned=True))
        await asyncio.sleep(0.1)
        await world.write("how is search?")
        await world.until(lambda run: run.state is RunState.DONE, seconds=3.0)


async def test_r11_a_process_that_stops_works_what_it_received_first() -> None:
    world = World()
    async with world.engine.running(drain_seconds=5.0):
        world.engine.stop()
        await world.write("how is checkout?")
    assert (await world.run()).state is RunState.THINKING


async def test_r10_a_card_that_was_being_shown_when_the_lease_was_lost_is_recorded_as_it_stands() -> None:
    """Whoever holds the run now sees from it what must be put right."""
    world = World(MoodyStore(), limits=replace(LIMITS, lease=0.3))
    world.guard.answers["grant_access"] = ASK
    world.chat.draws_for = 1.0
    async with world.engine.running(drain_seconds=0.2):
        world.model.turns = [wishing(GRANT)]
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].state is CallState.ASKING)
        world.store.clock_shift = 1.0
        assert await world.store.write(lambda tx: tx.take_lease(run.id, "somebody else", 60.0))
        world.engine = world.new_engine()  # who knows only what is stored
        await world.until(lambda run: run.calls[0].card)


async def test_r5_a_vote_on_a_question_that_is_asked_anew_meanwhile_does_not_count_for_the_new_one() -> None:
    """Carol clicks; until Slack has said who she is, Bob has approved, the approval has expired, and people are asked anew."""
    world = World()
    async with running(world):
        run = await waiting_for_a_click(world)
        world.dispatch.lossy = True
        world.chat.slow[CAROL] = 1.0
        await world.click("approve", approval_of(run))
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: run.call("t1c1").state is CallState.ALLOWED)
        world.store.clock_shift = 5 * 3600.0
        world.dispatch.lossy = False
        await world.until(lambda now: approval_of(now) != approval_of(run))
        await world.until(lambda run: world.chat.whispers)
        anew = await world.run()
    assert anew.call("t1c1").state is CallState.ASKING and not anew.call("t1c1").approval.votes
    assert world.deeds.done == [] and "newest card" in world.chat.whispers[0][1]


async def test_r11_a_stop_at_the_very_moment_that_mail_comes_is_a_stop() -> None:
    world = World()

    async def a_short_life() -> None:
        async with running(world):
            await asyncio.sleep(0.01)
            await world.write("how is checkout?")

    async with asyncio.timeout(5.0):
        await a_short_life()


async def test_r15_what_was_recorded_although_nobody_heard_of_the_commit_has_not_failed() -> None:
    """The connection is lost between the commit and its answer, of every commit in turn: nobody is told that somebody is away."""
    for lost in range(1, 40):
        world = World(StoreWithoutAnswer(lost))
        world.guard.answers["grant_access"] = ASK
        async with running(world):
            world.model.turns = [wishing(GRANT), saying("Done.")]
            with contextlib.suppress(Unavailable):
                await world.write("grant bob admins")
            run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
            assert not run.troubles, f"commit {lost}: {run.troubles}"
        if world.store.writes < lost:
            return
    raise AssertionError("it never came to its end")


async def test_r9_whoever_does_not_hear_that_it_took_a_dead_ones_run_over_looks_first_all_the_same() -> None:
    """The dead one may have posted the card. The answer to each commit in turn is lost, that of the takeover too."""
    for lost in range(1, 6):
        looked = await looked_after_a_death(lost)
        assert looked and all(looked), f"commit {lost}"


async def looked_after_a_death(lost: int) -> list[bool]:
    """Whether the next worker looked first, each time that it showed the card; the answer to its ``lost``-th commit is lost."""
    world = World(StoreWithoutAnswer(0))
    world.guard.answers["grant_access"], world.chat.draws_for = ASK, 60.0
    async with running(world):
        world.model.turns = [wishing(GRANT)]
        await world.write("grant bob admins")
        run = await world.until(lambda run: world.chat.looked)
    assert world.chat.looked == [False] and not run.calls[0].card
    assert await world.store.write(lambda tx: tx.take_lease(run.id, "dead", 0.0))
    world.store.clock_shift, world.store.lost, world.chat.draws_for = 1.0, world.store.writes + lost, 0.0
    world.engine = world.new_engine()
    async with running(world):
        await world.until(lambda run: run.calls[0].card)
    return world.chat.looked[1:]


async def test_r9_a_process_that_was_halted_for_longer_than_its_lease_says_nothing_before_it_has_asked() -> None:
    """Somebody else goes on with the run by then, and has said it."""
    world = World(limits=replace(LIMITS, lease=0.3))
    others = list[asyncio.Task[object]]()

    def halted() -> Reply:
        run = run_id_of(PLACE, PLACE.thread)
        work = world.store.write(lambda tx: tx.take_lease(run, "somebody else", 60.0))
        others.append(asyncio.create_task(work))
        time.sleep(0.5)  # the whole process stands still
        return saying("Checkout is fine.")

    async with running(world):
        world.model.turns = [halted]
        await world.write("how is checkout?")
        await until(lambda: others and others[0].done())
        await asyncio.sleep(0.3)
    assert world.chat.words == []
