"""How a turn is worked: in which order its calls run, how many rounds there are, and what the guard's memory hears (R16, R17)."""

import asyncio
from dataclasses import replace

from bot.core.events import Asked, ModelReplied
from bot.core.run import RunState
from bot.core.values import Judgement, RunId, Verdict
from tests.engine.world import ALICE, LIMITS, PLACE, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "Look at it.", "BIGHUB", request_id="req", decision='{"mode":"review"}')
ALLOW = Judgement(Verdict.ALLOW, "Fine.", "BIGHUB", request_id="req", decision='{"mode":"autonomous"}')
LOOK_TWICE = wishing(("look", {"what": "a"}), ("look", {"what": "b"}), ("sync", {}))


async def test_the_model_may_answer_after_the_last_round_of_actions() -> None:
    """H16: with one round allowed, the tool runs and the answer counts."""
    world = World(limits=replace(LIMITS, max_tool_rounds=1))
    world.model.turns = [wishing(("look", {"what": "disk"})), saying("It is full.")]
    async with world.engine.running():
        await world.write("look at the disk")
        run = await world.until(lambda run: run.state is RunState.DONE)
    assert run.replies == ("It is full.",) and world.deeds.done == ["looked at disk"]


async def test_what_the_model_wishes_beyond_its_rounds_is_not_done() -> None:
    world = World(limits=replace(LIMITS, max_tool_rounds=1))
    world.model.turns = [wishing(("look", {"what": "disk"})), wishing(("look", {"what": "again"}))]
    async with world.engine.running():
        await world.write("look at the disk")
        run = await world.until(lambda run: run.state is RunState.FAILED)
    assert "1 round" in run.end_reason and world.deeds.done == ["looked at disk"]


async def test_one_call_at_a_time_judges_and_runs_in_the_order_of_the_turn() -> None:
    world = World(limits=replace(LIMITS, one_call_at_a_time=True))
    world.deeds.hold = asyncio.Event()
    world.model.turns = [wishing(("sync", {}), ("look", {"what": "a"}), ("look", {"what": "b"})), saying("Done.")]
    async with world.engine.running():
        await world.write("look")
        await world.until(lambda run: world.deeds.done == ["began to sync"])
        await asyncio.sleep(0.1)
        assert [question.action for question in world.guard.questions] == ["sync"]
        world.deeds.hold.set()
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["began to sync", "looked at a", "looked at b"]


async def test_a_call_that_waits_for_people_does_not_hold_up_those_behind_it() -> None:
    world = World(limits=replace(LIMITS, one_call_at_a_time=True))
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(("grant_access", {"user_id": "bob", "group": "x"}), ("look", {"what": "a"}))]
    async with world.engine.running():
        await world.write("grant")
        run = await world.until(lambda run: world.deeds.done == ["looked at a"])
    assert run.state is RunState.ACTING


async def test_the_memory_hears_of_each_moment_once_also_when_it_was_away() -> None:
    """The bot's memory is a durable effect: BIGHUB's absence delays it and loses nothing."""
    world = World()
    world.guard.answers = {"grant_access": ASK, "look": ALLOW}
    world.guard.absent = True
    world.model.turns = [wishing(("grant_access", {"user_id": "bob", "group": "x"}), ("look", {"what": "a"}))]
    async with world.engine.running():
        await world.write("grant")
        run = await world.until(lambda run: run.calls and run.calls[0].card and run.calls[1].answered)
        await world.click("approve", approval_of(run))
        await world.until(lambda run: run.trouble("memory:1"))
        assert world.guard.remembered == []
        world.guard.absent = False
        await world.until(lambda run: run.delivered("memory:1"))
    assert world.guard.remembered == ["t1c1:approval_required t1c1:executed t1c2:executed"]


async def test_a_bot_and_a_program_that_share_a_store_leave_each_others_runs_alone() -> None:
    world = World()
    program, theirs, ours = world.program(), RunId("the program's"), RunId("the bot's")
    asked = Asked(ALICE, replace(PLACE, thread="2.0"), "2.0", "hello")
    await program.programs.begin(theirs, replace(asked, brief='{"messages":[]}'))
    await program.programs.begin(ours, replace(asked, place=replace(PLACE, thread="3.0"), message="3.0"))

    async def lengths() -> tuple[int, int]:
        runs = [await world.engine.run(each) for each in (theirs, ours)]
        return tuple(run.length for run in runs if run is not None)

    await world.engine.advance(theirs)
    await program.advance(ours)
    assert await lengths() == (1, 1)
    async with world.engine.running():
        await world.engine.advance(theirs)
        async with asyncio.timeout(5):
            while (await lengths())[1] < 3:
                await asyncio.sleep(0.01)
    assert (await lengths())[0] == 1
    await program.advance(theirs)
    assert (await lengths())[0] == 2 and len(world.model.asked) == 2


async def test_the_guard_is_told_the_earlier_decisions_of_the_run_and_of_no_other() -> None:
    world = World()
    world.guard.answers["look"] = ALLOW
    world.model.turns = [wishing(("look", {"what": "a"})), wishing(("look", {"what": "b"})), saying("Done.")]
    async with world.engine.running():
        await world.write("look")
        await world.until(lambda run: run.state is RunState.DONE)
        world.model.turns = [wishing(("look", {"what": "c"})), saying("Done.")]
        await world.write("look again", message="2.0")
        await world.until(lambda run: len(world.guard.questions) == 3)
    assert [question.earlier for question in world.guard.questions] == [(), ('{"mode":"autonomous"}',), ()]


async def test_a_report_that_is_under_way_when_the_model_answers_shares_its_commit() -> None:
    world = World()
    world.guard.answers, world.guard.takes = {"look": ALLOW}, 0.03
    world.model.turns = [wishing(("look", {"what": "disk"})), saying("It is full.")]
    async with world.engine.running():
        await world.write("look at the disk")
        run = await world.until(lambda run: run.state is RunState.DONE and run.delivered("outcome:t1c1"))
    journal = await world.store.read(lambda tx: tx.journal(run.id))
    answered = [recorded.at for recorded in journal if isinstance(recorded.event, ModelReplied)][-1]
    reported = [recorded.at for recorded in journal if "outcome:t1c1" in repr(recorded.event)]
    assert reported == [answered]
