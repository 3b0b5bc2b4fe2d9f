"""R9: what may be half done is looked for before it is done again, whoever goes on with it.

The first bot is halted, as by SIGSTOP: its whole event loop stands still. Meanwhile a second one takes its run over, posts the card and
is killed before it has recorded that.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from bot.core.call import Call, CallState
from bot.core.events import Asked
from bot.core.run import Run
from bot.core.values import Judgement, RunId, Verdict
from bot.dict_store import DictStore
from bot.ports import Posted, Writer, still_ours
from tests.engine.world import ALICE, LIMITS, PLACE, ChatInMemory, World, wishing

T = TypeVar("T")
ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
SHORT = replace(LIMITS, lease=0.3)
PATIENT = 30.0


@dataclass
class DeadlyChat(ChatInMemory):
    """The card stands, and nobody hears of it any more."""

    stands: asyncio.Event = field(default_factory=asyncio.Event)

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        await super().show_card(run, call, again=again)
        self.stands.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody wakes the dead")


@dataclass
class HaltedChat(ChatInMemory):
    """Halted once, before it posts a card."""

    halted: Callable[[], object] | None = None

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        halted, self.halted = self.halted, None
        if halted is not None:
            halted()
        await still_ours()
        return await super().show_card(run, call, again=again)


class HaltingStore(DictStore):
    """Whoever takes a run next is halted once it is taken."""

    halted: Callable[[], object] | None = None

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        done = await super().write(work)
        if self.halted is not None and "Door.take." in work.__qualname__:
            halted, self.halted = self.halted, None
            halted()
        return done


def halted_for_long(world: World) -> None:
    time.sleep(SHORT.lease + 0.1)


def clock_put_forward(world: World) -> None:
    """The store's: by our own our lease has not ended."""
    world.store.clock_shift += SHORT.lease + 0.1


def killed_meanwhile(world: World, run: Run, lease_ends: Callable[[World], None] = halted_for_long) -> World:
    """Stand still until our lease has ended, and that of another one, who posts the card and is killed."""
    lease_ends(world)
    other = World(world.store, limits=SHORT)
    other.chat = DeadlyChat()
    other.engine = other.new_engine()

    async def work() -> None:
        task = asyncio.create_task(other.engine.advance(run.id))
        await asyncio.wait_for(other.chat.stands.wait(), PATIENT)
        task.cancel()

    in_another_thread(work())
    lease_ends(world)
    return other


def in_another_thread(work: Coroutine[Any, Any, None]) -> None:
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


async def owing_a_card() -> tuple[World, Run]:
    """A run that rests, and owes its card."""
    world = World(HaltingStore(), limits=SHORT)
    world.guard.answers["grant_access"], world.model.turns = ASK, [wishing(GRANT)]

    def watch(run: Run) -> None:
        if run.calls and run.calls[0].state is CallState.ASKING:
            world.engine.stop()

    world.engine._door._watch = watch
    async with world.engine.running(drain_seconds=0.2):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].approval)
        await asyncio.sleep(0.1)
    assert run.calls[0].card is None and world.chat.cards == {}
    return world, run


async def card_shown(world: World, engine: Any) -> list[bool]:
    """Whether the card was looked for each time that it was shown, until that is recorded."""
    async with engine.running(drain_seconds=0.2):
        await world.until(lambda run: run.calls and run.calls[0].card, seconds=PATIENT)
    return world.chat.looked


async def test_r9_who_was_halted_before_the_first_effect_looks_for_the_card_that_a_dead_one_posted() -> None:
    world, run = await owing_a_card()
    others: list[World] = []
    world.store.halted = lambda: others.append(killed_meanwhile(world, run))
    assert await card_shown(world, world.new_engine()) == [True]
    assert len(others[0].chat.cards["t1c1"]) == 1


async def test_r9_who_was_halted_in_an_effect_looks_for_the_card_that_a_dead_one_posted() -> None:
    world, run = await owing_a_card()
    others: list[World] = []
    world.chat = HaltedChat(halted=lambda: others.append(killed_meanwhile(world, run)))
    assert await card_shown(world, world.new_engine()) == [True]
    assert len(others[0].chat.cards["t1c1"]) == 1


@pytest.mark.parametrize("lease_ends", [halted_for_long, clock_put_forward])
async def test_r9_who_was_halted_and_is_told_to_stop_leaves_the_look_for_a_dead_ones_card_to_the_next(
    lease_ends: Callable[[World], None],
) -> None:
    world, run = await owing_a_card()
    first = world.new_engine()

    def halted() -> None:
        killed_meanwhile(world, run, lease_ends)
        first.stop()

    world.store.halted = halted
    async with first.running(drain_seconds=0.2):
        await first.advance(run.id)
    assert world.chat.cards == {}
    assert await card_shown(world, world.new_engine()) == [True]


async def test_r9_who_takes_a_dead_ones_run_over_and_is_told_to_stop_leaves_the_look_to_the_next() -> None:
    """Told so between the takeover and the first effect."""
    world, run = await owing_a_card()
    assert await world.store.write(lambda tx: tx.take_lease(run.id, "dead", 0.0))
    second = world.new_engine()
    world.store.halted = second.stop
    async with second.running(drain_seconds=0.2):
        await second.advance(run.id)
    assert world.chat.cards == {}
    assert await card_shown(world, world.new_engine()) == [True]


async def test_r9_a_bot_that_is_woken_for_the_run_of_a_dead_program_leaves_it_as_it_was() -> None:
    world, theirs = World(), RunId("the program's")
    asked = Asked(ALICE, replace(PLACE, thread="2.0"), "2.0", "hello", brief='{"messages":[]}')
    await world.program().programs.begin(theirs, asked)
    assert await world.store.write(lambda tx: tx.take_lease(theirs, "dead", 0.0))
    await world.engine.advance(theirs)
    lease = await world.store.write(lambda tx: tx.take_lease(theirs, "the next", 60.0, afresh=True))
    assert lease is not None and lease.taken_over
