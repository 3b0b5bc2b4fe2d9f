"""Nobody knows whether it ran: who is asked, what they may say, and what comes of each answer (R1, R2)."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.call import CallState, Outcome
from bot.core.events import Finished
from bot.core.run import Run, RunState
from bot.core.values import CallId, Judgement, RunId, Verdict
from bot.ports import Store
from bot.sql.store import open_store
from tests.engine.world import ALICE, BOB, CAROL, LIMITS, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
ALLOW = replace(ASK, verdict=Verdict.ALLOW, reason="harmless")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
PUBLISH = ("publish", {"zone": "example.com"})


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with world.engine.running(drain_seconds=0.2):
        yield world


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[Store]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def killed_while(world: World, wish: tuple[str, dict[str, object]], *, approved: bool = False) -> None:
    """The model wants it, it is allowed or approved and under way, and the process dies."""
    world.deeds.hold = asyncio.Event()
    world.model.turns = [wishing(wish), saying("Done.")]
    async with running(world):
        await world.write("do it")
        if approved:
            run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=20.0)
            await world.click("approve", approval_of(run))
        await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED, seconds=20.0)
        for task in list(world.dispatch.tasks):
            task.cancel()
        await asyncio.gather(*world.dispatch.tasks, return_exceptions=True)
    world.deeds.hold = None
    world.engine = world.new_engine()


def in_doubt(call: str = "t1c1") -> Callable[[Run], object]:
    return lambda run: run.call(call) and run.call(call).state is CallState.IN_DOUBT and run.call(call).card


@pytest.mark.parametrize("guard", [ALLOW, ASK], ids=["allowed", "approved"])
async def test_r2_it_did_not_run_asks_anew_and_runs_once_after_a_new_vote(sql: Store, guard: Judgement) -> None:
    world = World(sql)
    world.guard.answers["grant_access"] = guard
    await killed_while(world, GRANT, approved=guard is ASK)
    async with running(world):
        run = await world.until(in_doubt(), seconds=20.0)
        await world.click("did_not_run", run.call("t1c1").question)
        run = await world.until(lambda run: run.call("t1c1-2") and run.call("t1c1-2").card, seconds=20.0)
        new = run.call("t1c1-2")
        assert new.state is CallState.ASKING and new.approval.votes == () and world.deeds.done == []
        assert "somebody found that it did not run" in new.judgement.ours
        assert run.call("t1c1").state is CallState.FAILED and len(world.guard.questions) == 2
        await world.click("approve", approval_of(run, "t1c1-2"), message="card-t1c1-2")
        run = await world.until(lambda run: run.state is RunState.DONE, seconds=20.0)
    assert world.deeds.done == ["bob in admins"] and run.call("t1c1-2").state is CallState.EXECUTED
    outputs = [item for item in world.model.asked[-1] if item.get("type") == "function_call_output"]
    assert len(outputs) == 1 and '"executed"' in outputs[0]["output"]


async def test_r2_an_old_vote_lets_nothing_run_again() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    await killed_while(world, GRANT, approved=True)
    async with running(world):
        run = await world.until(in_doubt())
        await world.click("did_not_run", run.call("t1c1").question)
        await world.until(lambda run: run.call("t1c1-2") and run.call("t1c1-2").card)
        await world.click("approve", approval_of(run), BOB)
        await world.until(lambda run: world.chat.whispers)
        assert world.deeds.done == [] and "approved this already" in world.chat.whispers[0][1]


async def test_r2_it_ran_is_final_and_only_who_may_approve_may_say_so() -> None:
    world = World()
    world.guard.answers["grant_access"] = ALLOW
    await killed_while(world, GRANT)
    async with running(world):
        run = await world.until(in_doubt())
        await world.click("did_not_run", run.call("t1c1").question, ALICE)
        await world.until(lambda run: world.chat.whispers)
        await world.click("did_run", run.call("t1c1").question)
        run = await world.until(lambda run: run.state is RunState.DONE)
    assert [call.state for call in run.calls] == [CallState.EXECUTED] and world.deeds.done == []


async def test_r2_s12_a_button_of_another_question_of_the_same_action_settles_nothing() -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    await killed_while(world, GRANT, approved=True)
    async with running(world):
        run = await world.until(in_doubt())
        await world.click("did_run", approval_of(run))
        run = await world.until(lambda run: world.chat.whispers)
        assert "no longer open" in world.chat.whispers[0][1]
        assert run.call("t1c1").state is CallState.IN_DOUBT and run.call("t1c1").settled is None
        await world.click("did_run", run.call("t1c1").question)
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == []


@pytest.mark.parametrize("answer", ["did_run", "did_not_run", "unknown"])
async def test_s12_s13_what_became_of_it_is_said_on_the_recorded_card_only(answer: str) -> None:
    world = World()
    world.guard.answers["grant_access"] = ASK
    await killed_while(world, GRANT, approved=True)
    async with running(world):
        run = await world.until(in_doubt(), seconds=20.0)
        question = run.call("t1c1").question
        await world.click(answer, question, message="another-message")
        run = await world.until(lambda run: world.chat.whispers, seconds=20.0)
        assert "not the card" in world.chat.whispers[0][1]
        assert run.call("t1c1").state is CallState.IN_DOUBT and run.call("t1c1").settled is None
        await world.click(answer, question)
        run = await world.until(lambda run: run.call("t1c1").settled, seconds=20.0)
    assert run.call("t1c1").settled.person == CAROL


@pytest.mark.parametrize("happened", [True, False, None])
async def test_r2_a_probe_is_believed_and_what_it_says_did_not_happen_is_judged_anew(happened: bool | None) -> None:
    world = World()
    world.deeds.happened = happened
    await killed_while(world, PUBLISH)
    async with running(world):
        if happened is None:
            run = await world.until(in_doubt())
            await world.click("did_run", run.call("t1c1").question)
        run = await world.until(lambda run: run.state is RunState.DONE)
    judged = [question.action for question in world.guard.questions]
    assert judged == (["publish", "publish"] if happened is False else ["publish"])
    assert world.deeds.done == ["published example.com"] * (2 if happened is False else 1)
    assert len(set(world.deeds.keys)) == 1, "the probe and every attempt are given one key"


async def test_r2_what_people_had_approved_needs_a_new_vote_also_when_a_probe_says_it_did_not_happen() -> None:
    world = World()
    world.guard.answers["publish"] = ASK
    world.deeds.happened = False
    await killed_while(world, PUBLISH, approved=True)
    world.guard.answers["publish"] = ALLOW
    async with running(world):
        run = await world.until(lambda run: run.call("t1c1-2") and run.call("t1c1-2").card)
        assert run.call("t1c1-2").state is CallState.ASKING and len(world.deeds.done) == 1
        await world.click("approve", approval_of(run, "t1c1-2"), message="card-t1c1-2")
        await world.until(lambda run: run.state is RunState.DONE)
    assert len(world.deeds.done) == 2


async def test_r1_an_attempt_that_took_too_long_may_happen_yet_whatever_its_probe_says() -> None:
    world = World()
    world.deeds.happened, world.deeds.hold = False, asyncio.Event()
    world.model.turns = [wishing(PUBLISH), saying("I do not know.")]
    async with running(world):
        await world.write("publish")
        run = await world.until(in_doubt(), seconds=20.0)
    assert len(run.calls) == 1 and world.deeds.done == ["published example.com"]


async def test_r1_every_rerun_of_a_call_is_given_the_same_key_and_another_call_another() -> None:
    world = World()
    await killed_while(world, ("sync", {}))
    async with running(world):
        await world.until(lambda run: run.state is RunState.DONE)
        world.model.turns = [wishing(("sync", {})), saying("Done.")]
        first = await world.run()
        await world.write("sync again", message="2.0")
        await world.until(lambda run: run.id != first.id and run.state is RunState.DONE)
    assert first.calls[0].attempts == 2 and len(world.deeds.keys) == 3
    assert world.deeds.keys[0] == world.deeds.keys[1] != world.deeds.keys[2]


async def test_r2_the_card_says_what_the_action_reported_after_somebody_had_answered() -> None:
    world = World()
    world.guard.answers["grant_access"] = ALLOW
    await killed_while(world, GRANT)
    async with running(world):
        run = await world.until(in_doubt())
        await world.click("did_run", run.call("t1c1").question)
        run = await world.until(lambda run: run.state is RunState.DONE)
        late = Finished(CallId("t1c1"), run.calls[0].attempt, False, "null", 1.0, "There is no such group.")
        await world.engine._door.record(run.id, late)
        run = await world.until(lambda run: world.chat.cards["t1c1"][-1] == "executed:late")
    assert run.calls[0].state is CallState.EXECUTED and run.calls[0].late == late


async def test_r2_a_stopped_process_is_taken_over_and_what_it_reports_when_it_goes_on_is_kept(
    sql: Store, database_url: str, tmp_path: Path
) -> None:
    """SIGSTOP for longer than the lease, a person answers, SIGCONT: a real process, and a real database between both."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engine.stopped", database_url, str(tmp_path), env={**os.environ}
    )
    world = World(sql, limits=replace(LIMITS, lease=2.0))
    world.guard.answers["grant_access"] = ALLOW
    try:
        await until(lambda: (tmp_path / "deeds").exists(), owner)
        await stopped_between_two_writes(owner, sql, (await world.run()).id)
        async with running(world):
            run = await world.until(in_doubt(), seconds=60.0)
            await world.click("did_not_run", run.call("t1c1").question, CAROL)
            run = await world.until(lambda run: run.call("t1c1-2") and run.call("t1c1-2").card, seconds=60.0)
            assert run.call("t1c1-2").state is CallState.ASKING
            (tmp_path / "go").touch()
            owner.send_signal(signal.SIGCONT)
            run = await world.until(lambda run: run.call("t1c1").late, seconds=60.0)
            settled = run.call("t1c1")
            assert (settled.state, settled.settled.person, settled.late.ok) == (CallState.FAILED, CAROL, True)
            assert run.call("t1c1-2").outcome is Outcome.SUPERSEDED, (
                "it happened after all, so nobody is asked to run it"
            )
            await world.until(lambda run: run.state is RunState.DONE, seconds=60.0)
        assert (tmp_path / "deeds").read_text().splitlines() == ["began"] and world.deeds.done == []
    finally:
        (tmp_path / "end").touch()
        with contextlib.suppress(ProcessLookupError):
            owner.send_signal(signal.SIGCONT)
            owner.kill()
        await owner.wait()


async def stopped_between_two_writes(owner: asyncio.subprocess.Process, store: Store, run: RunId) -> None:
    """Stop the process while it holds no lock of the database: nobody could write beside it otherwise."""
    for _ in range(100):
        owner.send_signal(signal.SIGSTOP)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(store.write(lambda tx: tx.journal(run)), 2.0)
            return
        owner.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.05)
    raise AssertionError("it always held a lock")


async def until(holds: Callable[[], object], owner: asyncio.subprocess.Process) -> None:
    for _ in range(1200):
        if holds():
            return
        assert owner.returncode is None, "the process ended"
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")
