"""R1, R2, R9: a process that was halted in the middle of an effect, for longer than its lease, sends nothing and runs nothing
when it goes on, if another one worked the run meanwhile.

The whole event loop stands still, as after SIGSTOP, while another loop in another thread works the same store.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.core.call import Call, CallState
from bot.core.effects import CallModel
from bot.core.run import Run, RunState
from bot.core.values import Judgement, Verdict
from bot.ports import Posted, fenced, still_ours
from tests.engine.world import ChatInMemory, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
PATIENT = 30.0


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with world.engine.running(drain_seconds=0.2):
        yield world


def halted_while(world: World, holds: Callable[[Run], object]) -> World:
    """Stand still until another process has taken the run over, has worked it so far, and lets go of it."""
    other = World(world.store)
    other.guard.answers = dict(world.guard.answers)

    async def work() -> None:
        async with running(other):
            await other.until(holds, seconds=PATIENT)
            while other.engine._worker._held:
                await asyncio.sleep(0.01)

    in_another_thread(work())
    return other


def in_another_thread(work: Coroutine[Any, Any, None]) -> None:
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    thread.join()


@dataclass
class HaltedChat(ChatInMemory):
    """Halted once, between having looked whether the card stands and posting it."""

    halted: Callable[[], object] | None = None

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        halted, self.halted = self.halted, None
        if halted is not None:
            halted()
        await still_ours()
        return await super().show_card(run, call, again=again)


async def test_r9_a_card_that_another_worker_posted_meanwhile_is_not_posted_again() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    others: list[World] = []
    world.chat = HaltedChat(halted=lambda: others.append(halted_while(world, lambda run: run.calls[0].card)))
    world.engine = world.new_engine()
    world.model.turns = [wishing(GRANT), saying("Done.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=PATIENT)
        assert len(others[0].chat.cards["t1c1"]) == 1 and world.chat.cards == {}
        await world.click("approve", approval_of(run))
        await world.until(lambda run: run.state is RunState.DONE, seconds=PATIENT)
    assert world.deeds.done == ["bob in admins"] and len([*others[0].deeds.done, *world.deeds.done]) == 1


async def test_r1_an_action_that_people_are_asked_about_meanwhile_does_not_run_and_that_is_recorded() -> None:
    """Halted between the commit of `Started` and the action."""
    world = World()
    halts = [lambda: halted_while(world, lambda run: run.calls[0].state is CallState.IN_DOUBT and run.calls[0].card)]

    def watch(run: Run) -> None:
        if run.calls and run.calls[0].state is CallState.STARTED and halts:
            halts.pop()()

    world.engine._door._watch = watch
    world.model.turns = [wishing(GRANT), saying("It did not run.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.state is RunState.DONE, seconds=PATIENT)
    assert world.deeds.done == [] and run.calls[0].state is CallState.FAILED
    assert run.calls[0].question is not None and "It did not run" in run.calls[0].reason


async def no() -> bool:
    return False


async def test_r16_the_model_is_not_asked_about_a_run_that_is_not_ours() -> None:
    world = World()
    doer = world.engine._worker._doer
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT)]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=PATIENT)
    asked, length = len(world.model.asked), run.length
    with fenced(no):
        assert await doer.do(run, CallModel(2), again=False) is False
    assert len(world.model.asked) == asked
    assert (await world.run()).length == length, "nothing is recorded of a run that is not ours"
