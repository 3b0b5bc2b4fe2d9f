"""S1 and S9, held by the engine across the runs of a thread: Retry checks nothing, and a new request only what had been read."""

import asyncio
from typing import Any

from bot.core.run import Run, RunState
from bot.core.values import Judgement, Verdict
from bot.ports import Unavailable
from tests.engine.test_editing import LESS, edit
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.world import ALICE, BOB, CAROL, World, approval_of, saying, wishing

LOOK = ("look", {"what": "the log"})
TAINTED = ("output:look",)


async def failed(world: World) -> Run:
    """After the first turn the model is away until the run gives up; then it is there again and wants to grant something."""
    world.model.turns = [wishing(LOOK), *[Unavailable("500")] * 200]
    await world.write("look at the log")
    await world.until(lambda run: run.calls and run.calls[0].answered, 10.0)
    run = await world.until(lambda run: run.state is RunState.FAILED and world.chat.retries, 10.0)
    world.model.turns = [wishing(GRANT), saying("Done.")]
    return run


async def asked(world: World, old: Run) -> Any:
    """The first call of the next run, once people are asked about it."""
    run = await world.until(lambda run: run.id != old.id and run.calls and run.calls[0].card, 10.0)
    return run, run.calls[0]


async def test_s1_what_a_failed_run_had_read_is_unchecked_in_the_run_that_retry_begins() -> None:
    """The model had read it and wanted something, which was denied without a word; then it was away."""
    world = World()
    world.model.turns = [wishing(LOOK), wishing(GRANT), *[Unavailable("500")] * 200]
    async with running(world):
        await world.write("look at the log")
        run = await world.until(lambda run: (call := run.call("t2c1")) and call.card, 10.0)
        await world.click("deny", approval_of(run, "t2c1"), CAROL, "card-t2c1")
        old = await world.until(lambda run: run.state is RunState.FAILED and world.chat.retries, 10.0)
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.click("retry", old.id, BOB)
        run, call = await asked(world, old)
        assert call.approval.terms.tainted == TAINTED and world.deeds.done == ["looked at the log"]
        await world.click("approve", approval_of(run), CAROL)
        await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["looked at the log", "bob in admins"]


async def test_s1_s9_who_wrote_a_wish_into_a_run_that_failed_does_not_approve_it_alone_after_retry() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    world.model.delay = 0.2
    world.model.turns = [wishing(LOOK), *[Unavailable("500")] * 200]
    async with running(world):
        await world.write("look at the log")
        await world.write("make bob an admin", BOB, message="2")
        old = await world.until(lambda run: run.state is RunState.FAILED and world.chat.retries, 20.0)
        assert len(old.said) == 2
        world.model.turns, world.model.delay = [wishing(GRANT), saying("Done.")], 0.0
        await world.click("retry", old.id, BOB)
        run, call = await asked(world, old)
        assert call.approval.terms.tainted == (*TAINTED, "user:U0BOB")
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: run.calls and run.calls[0].approval.votes, 10.0)
        await asyncio.sleep(0.1)
        assert world.deeds.done == ["looked at the log"]
        await world.click("approve", approval_of(run), CAROL)
        await world.until(lambda run: run.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["looked at the log", "bob in admins"]


async def test_s1_a_new_request_checks_what_the_model_had_read_before_it_and_not_what_it_reads_with_it() -> None:
    world = World()
    async with running(world):
        old = await failed(world)
        await world.write("once more", ALICE, message="2")
        run, call = await asked(world, old)
        assert call.approval.terms.tainted == TAINTED
        await world.click("approve", approval_of(run), CAROL)
        await world.until(lambda each: each.id == run.id and each.state is RunState.DONE, 10.0)
        world.model.turns = [wishing(GRANT), saying("Done.")]
        await world.write("and again", ALICE, message="3")
        await world.until(lambda each: each.id not in (run.id, old.id) and each.state is RunState.DONE, 10.0)
    assert world.deeds.done == ["looked at the log", "bob in admins", "bob in admins"]
    assert len(world.chat.cards) == 1


async def test_s1_an_edited_call_of_a_retried_run_keeps_what_the_failed_one_had_read() -> None:
    world = World()
    world.guard.answers["grant_access"] = Judgement(Verdict.ASK, "broad", "BIGHUB")
    async with running(world):
        old = await failed(world)
        await world.click("retry", old.id, ALICE)
        run, _ = await asked(world, old)
        await edit(world, approval_of(run), CAROL, LESS, "card-t1c1")
        run = await world.until(lambda run: (call := run.call("t1c1e")) and call.card, 10.0)
    assert run.call("t1c1e").approval.terms.tainted == TAINTED
