"""What the engine guards in a moment that no other story passes: another channel, two processes, a stale view, the drain."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from bot.core.approval import seal, vote_text
from bot.core.call import CallState
from bot.core.events import AttemptFailed
from bot.core.inputs import Clicked, Wrote
from bot.core.policy import Defaults, Policy
from bot.core.run import Run, RunState
from bot.core.states import Trouble
from bot.core.values import Judgement, Verdict
from bot.dict_store import DictStore
from bot.ports import InboxRow, NotYet, Posted, Unavailable, Writer
from tests.engine.test_starting import KEY, approved, refusal
from tests.engine.world import ALICE, CAROL, LIMITS, PLACE, TEAM, ChatInMemory, World, approval_of, saying, wishing

T = TypeVar("T")
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    world.guard.answers.setdefault("grant_access", ASK)
    async with world.engine.running(drain_seconds=0.2):
        yield world


async def asked_for_approval(world: World) -> str:
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    return approval_of(await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card))


@pytest.mark.parametrize("elsewhere", [{"channel": "C0OTHER"}, {"team": "T2"}])
async def test_s12_a_click_from_another_channel_or_workspace_is_like_one_on_an_unknown_id(
    elsewhere: dict[str, str],
) -> None:
    async with running(World()) as world:
        approval = await asked_for_approval(world)
        channel, team = elsewhere.get("channel", PLACE.channel), elsewhere.get("team", TEAM)
        for n, value in enumerate(("0" * 32, approval), 1):
            world.inputs[f"click {n}"] = Clicked(CAROL, "approve", value, channel, "card-t1c1")
            await world.engine.receive(InboxRow(f"click {n}", team, "click", "{}"))
            await world.until(lambda run, n=n: len(world.chat.whispers) == n)
        unknown, ours = (text for _, text in world.chat.whispers)
        assert unknown == ours and world.deeds.done == []
        assert not (await world.run()).call("t1c1").approval.votes


class WatchedStore(DictStore):
    """After each commit, ``look`` sees what is stored."""

    look: Callable[[], Awaitable[None]] | None = None

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        done = await super().write(work)
        if self.look is not None:
            await self.look()
        return done


async def test_r3_a_row_is_closed_in_the_transaction_that_records_what_came_of_it() -> None:
    """So that no crash in between works it twice, or loses it: after no commit is one there without the other."""
    store = WatchedStore()
    world = World(store)
    seen: set[tuple[str, bool, bool]] = set()

    async def look() -> None:
        run, rows = await world.run(), await store.read(lambda tx: tx.open_inbox(10))
        waiting = {row.key for row in rows}
        call = run.call("t1c1") if run else None
        voted = call is not None and call.approval is not None and bool(call.approval.votes)
        seen.update((key, key in waiting, happened) for key, happened in (("m", run is not None), ("c", voted)))

    async with running(world):
        while await store.read(lambda tx: tx.sealing()) is None:  # which is the first commit of a new store
            await asyncio.sleep(0.01)
        store.look = look
        world.model.turns = [wishing(GRANT), saying("Done.")]
        world.inputs |= {"m": Wrote(ALICE, PLACE, PLACE.thread, "grant bob admins", True)}
        await world.engine.receive(InboxRow("m", TEAM, "event", "{}"))
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card)
        world.inputs["c"] = Clicked(CAROL, "approve", approval_of(run), PLACE.channel, "card-t1c1")
        await world.engine.receive(InboxRow("c", TEAM, "click", "{}"))
        await world.until(lambda run: run.state is RunState.DONE)
    assert {("m", True, False), ("m", False, True), ("c", True, False), ("c", False, True)} <= seen
    assert not {("m", True, True), ("c", True, True)} & seen
    assert ("m", False, False) not in seen and world.deeds.done == ["bob in admins"]


async def test_r4_a_message_that_comes_under_two_keys_begins_one_run() -> None:
    """Also when it comes again after its run has ended."""
    async with running(World()) as world:
        for key in ("as a mention", "as a message"):
            world.inputs[key] = Wrote(ALICE, PLACE, PLACE.thread, "how is checkout?", True)
            await world.engine.receive(InboxRow(key, TEAM, "event", "{}"))
            await rows_are_worked(world)
            await world.until(lambda run: run.state is RunState.DONE)
        assert len(await world.runs()) == 1 and len(world.model.asked) == 1


async def rows_are_worked(world: World) -> None:
    for _ in range(500):
        if not await world.store.read(lambda tx: tx.open_inbox(10)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a row of the inbox is still open")


class SlowToRead(DictStore):
    """Whoever has looked which run is a thread's newest waits until the other has looked too."""

    def __init__(self) -> None:
        super().__init__()
        self.both = asyncio.Barrier(2)
        self.to_wait = 2

    async def read(self, work: Callable[..., Awaitable[T]]) -> T:
        found = await super().read(work)
        if found is None and self.to_wait:
            self.to_wait -= 1
            await self.both.wait()
        return found


async def test_r16_two_messages_of_one_thread_in_two_processes_are_one_run() -> None:
    world = World(SlowToRead())
    first, second = world.engine, world.new_engine()
    rows = [InboxRow(key, TEAM, "event", "{}") for key in ("one", "two")]
    for number, row in enumerate(rows, 1):
        world.inputs[row.key] = Wrote(ALICE, PLACE, f"{number}.0", f"message {number}", True)
        await world.engine.receive(row)
    both = asyncio.gather(first._inbox.work(rows[0]), second._inbox.work(rows[1]))
    await asyncio.wait_for(both, 20)
    (run,) = await world.runs()
    assert {said.text for said in run.said} == {"message 1", "message 2"}


async def test_r1_a_rerun_that_was_seen_too_late_starts_nothing() -> None:
    """The worker's view of the run is old: the call was started once more meanwhile, by somebody whose lease is over too."""
    world = World()
    world.deeds.hold = asyncio.Event()
    async with running(world):
        world.model.turns = [wishing(("sync", {})), saying("Told.")]
        await world.write("sync it")
        seen = await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED and world.deeds.done)
        for task in list(world.dispatch.tasks):
            task.cancel()
        await asyncio.gather(*world.dispatch.tasks, return_exceptions=True)
    other = world.new_engine()
    world.store.clock_shift = 3600.0
    restart = asyncio.create_task(other._worker._doer._start(seen, seen.calls[0]))
    now = await world.until(lambda run: run.calls[0].attempts == 2 and len(world.deeds.done) == 2)
    world.store.clock_shift = 7200.0
    late = world.new_engine()
    too_late = asyncio.create_task(late._worker._doer._start(seen, seen.calls[0]))
    await asyncio.wait({too_late}, timeout=5.0)
    assert len(world.deeds.done) == 2 and (await world.run()).calls[0].attempt == now.calls[0].attempt
    world.deeds.hold.set()
    await asyncio.gather(restart, too_late)
    assert (await world.run()).calls[0].state is CallState.EXECUTED


async def test_r11_a_worker_that_lost_its_lease_lets_go_of_the_run() -> None:
    """The action that it had begun goes on to its end; what comes after is somebody else's to begin."""
    async with running(World(limits=replace(LIMITS, lease=0.3))) as world:
        world.guard.answers["grant_access"] = replace(ASK, verdict=Verdict.ALLOW)
        world.deeds.hold = asyncio.Event()
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED)
        world.store.clock_shift = 61.0
        assert await world.store.write(lambda tx: tx.take_lease(run.id, "somebody else", 600.0))
        (holding,) = world.engine._worker._held.values()
        await eventually(lambda: holding.lost)
        world.dispatch.lossy = True
        world.deeds.hold.set()
        await world.until(lambda run: run.calls[0].state is CallState.EXECUTED)
        await eventually(lambda: not world.engine._worker._held)
    assert len(world.model.asked) == 1 and world.deeds.done == ["bob in admins"]


async def eventually(holds: Callable[[], object]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


class ChatThatTellsHow(ChatInMemory):
    """``sent``: of each reply, whether what may stand already was to be looked for; the first ``lost`` have no answer."""

    def __init__(self, lost: int = 0) -> None:
        super().__init__()
        self.sent: list[bool] = []
        self.lost, self.holds = lost, asyncio.Event()

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        self.sent.append(again)
        if len(self.sent) <= self.lost:
            raise Unavailable("the answer was lost")
        if len(self.sent) == 1:
            await self.holds.wait()
        return await super().post_reply(run, key, text, again=again)


async def test_r9_what_failed_or_was_left_by_another_worker_is_looked_for_before_it_is_sent_again() -> None:
    world = World()
    world.chat = ChatThatTellsHow(lost=2)
    world.engine = world.new_engine()
    async with running(world):
        await world.write("how is checkout?")
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.chat.sent == [False, True, True]
    left = World()
    left.chat = chat = ChatThatTellsHow()
    left.engine = left.new_engine()
    async with running(left):
        await left.write("how is checkout?")
        await left.until(lambda run: chat.sent)
        for task in list(left.dispatch.tasks):
            task.cancel()
        await asyncio.gather(*left.dispatch.tasks, return_exceptions=True)
    left.engine = left.new_engine()
    async with running(left):
        await left.until(lambda run: run.state is RunState.DONE)
    assert chat.sent == [False, True]


class CrowdedChat(ChatInMemory):
    """``meets``: what the next posts meet, first to last; then they are posted."""

    def __init__(self, *meets: Unavailable) -> None:
        super().__init__()
        self.meets = list(meets)

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        if self.meets:
            raise self.meets.pop(0)
        return await super().post_reply(run, key, text, again=again)


async def test_r9_whoever_waits_for_a_turn_comes_when_it_is_told_however_often_that_is() -> None:
    world = World(limits=replace(LIMITS, first_backoff=0.3, longest_delivery_backoff=300.0))
    world.chat = CrowdedChat(*(NotYet("a full channel", 0.01) for _ in range(10)), Unavailable("away"))
    world.engine = world.new_engine()
    async with running(world):
        await world.write("how is checkout?")
        run = await world.until(lambda run: run.state is RunState.DONE)
    waits = [
        recorded
        for recorded in await world.store.read(lambda tx: tx.journal(run.id))
        if isinstance(recorded.event, AttemptFailed)
    ]
    assert [recorded.event.waits for recorded in waits] == [True] * 10 + [False]
    delays = [recorded.event.not_before - recorded.at for recorded in waits]
    assert delays == pytest.approx([0.01] * 10 + [0.3])
    assert run.troubles == () and world.chat.words


def test_r9_the_time_in_which_a_turn_was_waited_for_takes_nothing_from_the_patience_with_a_refusal() -> None:
    trouble = None
    for at in (100.0, 500.0, 1000.0):
        trouble = Trouble.after(trouble, AttemptFailed("card:c1", "a full channel", at + 1.0, waits=True), at)
    assert trouble is not None and (trouble.since, trouble.count) == (100.0, 0)
    refused = Trouble.after(trouble, AttemptFailed("card:c1", "refused", 1190.0), 1100.0)
    assert (refused.since, refused.count) == (1100.0, 1)
    again = Trouble.after(refused, AttemptFailed("card:c1", "refused", 1290.0), 1200.0)
    assert (again.since, again.count) == (1100.0, 2)


async def test_r11_a_worker_that_drains_starts_nothing_new() -> None:
    world = World()
    world.guard.answers["grant_access"] = replace(ASK, verdict=Verdict.ALLOW)
    world.deeds.hold = asyncio.Event()
    async with world.engine.running(drain_seconds=5.0):
        world.model.turns = [wishing(GRANT), wishing(("look", {"what": "checkout"})), saying("Done.")]
        await world.write("grant bob admins")
        await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED)
        draining = asyncio.create_task(world.engine._worker.drain(5.0))
        await asyncio.sleep(0)
        world.deeds.hold.set()
        await draining
    run = await world.run()
    assert run.calls[0].state is CallState.EXECUTED and len(world.model.asked) == 1
    assert world.deeds.done == ["bob in admins"] and run.state is RunState.THINKING


async def test_r9_a_wait_that_was_asked_for_is_waited() -> None:
    async with running(World(limits=replace(LIMITS, give_up_after=900.0))) as world:
        world.model.turns = [Unavailable("429", 120.0), saying("Done.")]
        await world.write("how is checkout?")
        run = await world.until(lambda run: run.trouble("model:1"))
        trouble = run.trouble("model:1")
        assert trouble.not_before - run.last_at == pytest.approx(120.0)
        world.store.clock_shift = 119.0
        await asyncio.sleep(0.1)
        assert len(world.model.asked) == 1
        world.store.clock_shift = 121.0
        await world.until(lambda run: run.state is RunState.DONE)


@pytest.mark.parametrize("lets", [False, True])
async def test_s9_a_shell_decides_nothing_where_the_policy_does_not_let_it(lets: bool) -> None:
    world = World(policy=Policy(Defaults(approvers=("user:U0CAROL",)), shell_may_decide=lets))
    async with running(world):
        approval = await asked_for_approval(world)
        outcome = await world.engine._inbox.vote_by_name(approval, "U0CAROL", "approve", "", via="shell")
        assert isinstance(outcome, Run) is lets and (lets or "shell_may_decide" in outcome.reason)


def test_r6_votes_for_other_bytes_start_nothing_however_well_they_are_sealed() -> None:
    world, run, call = approved()
    other = replace(call.approval, digest="0" * 64)
    (vote,) = other.votes
    given = (vote.at, vote.comment, vote.after)
    mark = seal(KEY, vote_text(run.id, other, vote.person, vote.choice, vote.via, vote.counts_as, given))
    voted = replace(call, approval=replace(other, votes=(replace(vote, seal=mark),)))
    assert refusal(world, run, call) is None
    assert refusal(world, run, voted) is not None


def test_r8_what_the_guard_asked_about_does_not_start_without_an_approval() -> None:
    world, run, call = approved(Verdict.ALLOW)
    asked = replace(call, judgement=replace(call.judgement, verdict=Verdict.ASK))
    assert refusal(world, run, call) is None
    assert refusal(world, run, asked) is not None
