"""A run that cannot go on is parked with its reason while the others go on, until a person resumes it (R17, R12)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import insert, text, update

from bot.core.call import CallState
from bot.core.emergency import by_shell
from bot.core.events import Asked, AttemptFailed, Cancelled, Event
from bot.core.journal import RULES
from bot.core.run import Run, RunState, begin
from bot.core.values import Judgement, Person, Place, RunId, Verdict
from bot.engine.door import Door, applied
from bot.engine.words import delay_text
from bot.ports import Conflict, RunLine, Writer
from bot.sql import tables
from bot.sql.chain import link
from bot.sql.store import SqlStore, open_store
from bot.sql.writer import SqlWriter
from tests.engine.world import ALICE, LIMITS, PLACE, TEAM, MoodyStore, World, approval_of, saying, wishing

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})
ELSEWHERE = Place(TEAM, "C0OPS", "2.000200")


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with world.engine.running(drain_seconds=0.2):
        yield world


@pytest.fixture
async def sql(database_url: str) -> AsyncIterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    await opened.close()


async def line(world: World) -> RunLine | None:
    """The newest run of the thread, as the listing has it."""
    lines = await world.store.read(lambda tx: tx.runs(100))
    return next((each for each in lines if each.thread == PLACE.thread), None)


async def parked(world: World) -> RunLine:
    for _ in range(600):
        found = await line(world)
        if found is not None and found.parked is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it was not parked")


async def whispered(world: World, count: int = 1) -> str:
    for _ in range(600):
        if len(world.chat.whispers) >= count:
            return world.chat.whispers[-1][1]
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was told")


async def heard(world: World) -> list[str]:
    """What the thread heard of its run's being parked; it hears it just after."""
    for _ in range(600):
        if told := [words for words in world.chat.words if "parked" in words]:
            return told
        await asyncio.sleep(0.05)
    raise AssertionError("the thread was not told")


async def elsewhere(world: World) -> None:
    await world.write("how is checkout?", place=ELSEWHERE, message="2.0")
    await world.until(lambda run: run.asked.place == ELSEWHERE and run.state is RunState.DONE, seconds=20.0)


async def with_a_card_that_breaks(world: World) -> RunLine:
    world.guard.answers["grant_access"] = ASK
    world.chat.breaks = {"grant_access"}
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    return await parked(world)


async def broken(store: SqlStore, statement: str) -> None:
    """Somebody wrote into the database."""

    async def work(tx: SqlWriter) -> None:
        await tx.connection.execute(text(statement))

    await store.write(work)


async def waiting(world: World) -> str:
    """A run waits for a click, and rests; its approval."""
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Done.")]
    await world.write("grant bob admins")
    run = await world.until(lambda run: run.call("t1c1") and run.call("t1c1").card, seconds=20.0)
    await rests(world)
    return approval_of(run)


async def rests(world: World) -> None:
    for _ in range(600):
        if not world.engine._worker._held:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not rest")


async def test_r17_a_run_whose_card_cannot_be_rendered_is_parked_with_its_reason_and_the_others_go_on(
    sql: SqlStore,
) -> None:
    world = World(sql)
    async with running(world):
        found = await with_a_card_that_breaks(world)
        assert "Something broke inside Signoff (KeyError)" in found.parked and "card" in found.parked
        tried = world.chat.rendered
        await elsewhere(world)
        assert world.chat.rendered == tried == LIMITS.breaks_before_parking
        (told,) = await heard(world)
        assert f"signoff runs resume {found.run}" in told, "the thread is told once"
    sql.clock_shift = 3_600.0  # whatever it owes is due by then
    assert found.run not in await sql.read(lambda tx: tx.due_runs(10)), "no sweep finds it"


async def test_r17_a_resumed_run_is_tried_again_and_goes_on_where_it_stood() -> None:
    world = World()
    async with running(world):
        found = await with_a_card_that_breaks(world)
        world.chat.breaks = set()
        assert await world.store.write(lambda tx: tx.resume(found.run))
        run = await world.until(lambda run: run.call("t1c1").card)
        await world.click("approve", approval_of(run))
        await world.until(lambda run: run.state is RunState.DONE)
    assert world.deeds.done == ["bob in admins"]


async def test_r17_a_resumed_run_that_breaks_again_is_parked_again() -> None:
    world = World()
    async with running(world):
        found = await with_a_card_that_breaks(world)
        tried = world.chat.rendered
        assert await world.store.write(lambda tx: tx.resume(found.run))
        await parked(world)
        assert world.chat.rendered == tried + 1


async def test_r17_a_click_on_a_parked_run_is_answered_and_counts_for_nothing() -> None:
    world = World()
    async with running(world):
        approval = await waiting(world)
        found = await line(world)
        assert await world.store.write(lambda tx: tx.take_lease(found.run, "w", 9.0))
        assert await world.store.write(lambda tx: tx.park(found.run, "w", "Something broke."))
        await world.click("approve", approval)
        assert "parked" in await whispered(world) and "Something broke." in world.chat.whispers[0][1]
        assert (await world.run()).call("t1c1").state is CallState.ASKING
    assert world.deeds.done == []


async def test_r17_a_parked_run_that_was_stopped_ends_in_its_thread_and_on_its_card() -> None:
    """As `signoff runs cancel` stops it."""
    world = World()
    async with running(world):
        await waiting(world)
        found = await line(world)
        assert await world.store.write(lambda tx: tx.take_lease(found.run, "w", 9.0))
        assert await world.store.write(lambda tx: tx.park(found.run, "w", "Something broke."))
        stopped = Cancelled(Person(TEAM, by_shell("U0CAROL")), "")

        async def stop(run: Run | None, tx: Writer) -> list[Event]:
            return [stopped]

        async def free(tx: Writer) -> None:
            await tx.resume(found.run)

        assert isinstance(await Door(world.store).decide(found.run, stop, also=free), Run)
        await world.until(lambda run: all(phases[-1] == "cancelled" for phases in world.chat.cards.values()), 20.0)
        assert any("Stopped by a shell (as <@U0CAROL>)" in words for words in world.chat.words)


async def test_r17_a_message_in_the_thread_of_a_parked_run_begins_a_new_one() -> None:
    world = World()
    async with running(world):
        found = await with_a_card_that_breaks(world)
        world.model.turns = []
        await world.write("how is checkout?", message="3.0")
        run = await world.until(lambda run: run.id != found.run and run.state is RunState.DONE)
    assert run.asked.previous == found.run


async def test_r9_who_is_away_parks_nothing_however_long() -> None:
    world = World()
    async with running(world):
        world.guard.absent = True
        world.model.turns = [wishing(("look", {"what": "a"}))]
        await world.write("look")
        key = "outcome:t1c1"
        await world.until(lambda run: run.trouble(key) and run.trouble(key).count > 2 * LIMITS.breaks_before_parking)
        assert (await line(world)).parked is None and (await world.run()).trouble(key).breaks == 0
        world.guard.absent = False
        await world.until(lambda run: run.delivered(key))


async def test_r2_no_run_is_parked_while_an_action_of_it_is_under_way() -> None:
    world = World()
    world.guard.answers |= {"grant_access": ASK}
    async with running(world):
        world.deeds.hold = asyncio.Event()
        world.chat.breaks = {"grant_access"}
        world.model.turns = [wishing(("sync", {}), GRANT), saying("Done.")]
        await world.write("sync and grant")
        breaks = LIMITS.breaks_before_parking
        await world.until(lambda run: run.trouble("card:t1c2") and run.trouble("card:t1c2").breaks > breaks + 1)
        assert (await line(world)).parked is None
        world.deeds.hold.set()
        await parked(world)
        run = await world.run()
    assert run.call("t1c1").state is CallState.EXECUTED


async def test_r17_a_run_whose_journal_cannot_be_read_is_parked_and_the_others_go_on(sql: SqlStore) -> None:
    world = World(sql, limits=replace(LIMITS, lease=60.0))
    async with running(world):
        approval = await waiting(world)
        await broken(sql, "UPDATE events SET body = '{}' WHERE seq = 3")
        await broken(sql, "UPDATE runs SET due_at = 0")
        world.engine._door._folded.clear()
        found = await parked(world)
        assert "Its journal cannot be read" in found.parked and "event 3" in found.parked
        await elsewhere(world)
        await world.click("approve", approval)
        assert "parked" in await whispered(world)
        assert await sql.read(lambda tx: tx.open_inbox(10)) == (), "the click is answered, not worked for ever"
        assert len(await heard(world)) == 1
        assert await sql.write(lambda tx: tx.resume(found.run))
        assert await parked(world) == found, "it is tried again, within moments although leases last a minute"


async def test_r17_a_thread_whose_last_run_cannot_be_read_can_begin_anew(sql: SqlStore) -> None:
    world = World(sql)
    async with running(world):
        await waiting(world)
        await broken(sql, "UPDATE events SET body = '{}' WHERE seq = 3")
        world.engine._door._folded.clear()
        await world.write("how is checkout?", message="3.0")
        found = None
        for _ in range(400):
            lines = await sql.read(lambda tx: tx.runs(10))
            found = next((each for each in lines if each.state == "done"), None)
            if found is not None:
                break
            await asyncio.sleep(0.05)
    assert found is not None and world.chat.words[-1] == "Done."


async def as_the_newer_release(sql: SqlStore, run: RunId, kind: str, body: str, rules: int = RULES) -> None:
    """An event that this release does not know, or takes for illegal, chained as any other, and its run is due."""

    async def work(tx: SqlWriter) -> None:
        rows = await tx.event_rows(run)
        seq, mark = len(rows) + 1, link(rows[-1].hash, len(rows) + 1, 5.0, kind, body)
        row = {"run": run, "seq": seq, "at": 5.0, "kind": kind, "body": body, "hash": mark}
        await tx.connection.execute(insert(tables.events).values(row))
        await tx.connection.execute(update(tables.runs).values(length=seq, head_hash=mark, due_at=0.0, rules=rules))

    await sql.write(work)


NEWER = [
    ("Reconsidered", "{}", RULES),
    ("Delivered", '{"key":"x","mood":"y"}', RULES),
    ("CallRefused", '{"call":"t1c1","ground":"whim","reason":"r"}', RULES),
    ("Answered", '{"text":""}', RULES + 1),
]


@pytest.mark.parametrize(("kind", "body", "rules"), NEWER, ids=["kind", "field", "word", "rule"])
async def test_r12_what_a_newer_release_wrote_is_left_to_it_and_neither_parked_nor_held(
    sql: SqlStore, kind: str, body: str, rules: int
) -> None:
    world = World(sql, limits=replace(LIMITS, lease=60.0))
    async with running(world):
        approval = await waiting(world)
        run = await world.run()
        await as_the_newer_release(sql, run.id, kind, body, rules)
        for _ in range(400):
            if run.id in world.engine._worker.newer:
                break
            await asyncio.sleep(0.05)
        await rests(world)
        assert (await line(world)).parked is None
        assert await sql.write(lambda tx: tx.take_lease(run.id, "the newer release", 60.0)), "nobody holds it"
        await world.click("approve", approval)
        await elsewhere(world)
        assert [row.key for row in await sql.read(lambda tx: tx.open_inbox(10))], "the click waits for who can read it"
        assert world.chat.whispers == [] and not any("parked" in words for words in world.chat.words)


async def test_r18_what_is_illegal_by_the_rules_that_it_was_written_by_is_parked(sql: SqlStore) -> None:
    world = World(sql)
    async with running(world):
        await waiting(world)
        run = await world.run()
        await as_the_newer_release(sql, run.id, "Answered", '{"text":""}')
        assert "Its journal cannot be read" in (await parked(world)).parked


async def test_r12_the_rules_of_a_run_are_the_newest_that_anybody_wrote_it_by(sql: SqlStore) -> None:
    world = World(sql)
    async with running(world):
        approval = await waiting(world)
        assert (await line(world)).rules == RULES
        await broken(sql, "UPDATE runs SET rules = rules + 1")
        await world.click("approve", approval)
        await world.until(lambda run: run.state is RunState.DONE, seconds=20.0)
        assert (await line(world)).rules == RULES + 1


async def test_r12_a_newer_release_writes_into_a_run_whose_action_is_under_way_here_the_action_ends_and_the_run_is_let_go(
    sql: SqlStore,
) -> None:
    world = World(sql, limits=replace(LIMITS, lease=60.0))
    world.deeds.hold = asyncio.Event()
    world.model.turns = [wishing(GRANT), saying("Done.")]
    async with running(world):
        await world.write("grant bob admins")
        run = await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED, seconds=20.0)
        await as_the_newer_release(sql, run.id, *NEWER[1])
        world.engine._worker.nudge_all()
        await asyncio.sleep(0.5)
        assert not await sql.write(lambda tx: tx.take_lease(run.id, "the newer release", 60.0)), "it is under way here"
        world.deeds.hold.set()
        await rests(world)
        assert world.deeds.done == ["bob in admins"] and (await line(world)).parked is None
        assert await sql.write(lambda tx: tx.take_lease(run.id, "the newer release", 60.0)), "nobody holds it"


async def test_r17_a_parked_run_survives_a_restart_and_is_found_by_nobody() -> None:
    world = World(MoodyStore())
    async with running(world):
        await with_a_card_that_breaks(world)
    world.engine = world.new_engine()
    tried = world.chat.rendered
    async with running(world):
        await elsewhere(world)
        await world.engine.advance((await line(world)).run)
        assert world.chat.rendered == tried and (await line(world)).parked is not None


async def test_r17_who_has_lost_the_lease_parks_nothing() -> None:
    world = World()
    async with running(world):
        await waiting(world)
        found = await line(world)
        assert await world.store.write(lambda tx: tx.take_lease(found.run, "another", 60.0))
        assert not await world.store.write(lambda tx: tx.park(found.run, world.engine._worker.name, "why"))
    assert (await line(world)).parked is None


async def test_r17_a_fault_outside_of_any_effect_parks_its_run_too_and_the_others_go_on() -> None:
    store = MoodyStore()
    world = World(store)
    async with running(world):
        store.breaks = ("Door.take", KeyError("nobody thought of this"))
        await world.write("grant bob admins")
        found = await parked(world)
        assert found.parked is not None and "Something broke inside Signoff (KeyError)" in found.parked
        assert str(LIMITS.breaks_before_parking) in found.parked
        store.breaks = None
        await elsewhere(world)


async def test_a_program_hears_itself_of_a_fault_outside_of_any_effect() -> None:
    store = MoodyStore()
    program = World(store).program()
    store.breaks = ("Door.take", KeyError("nobody thought of this"))
    with pytest.raises(KeyError):
        await program.advance(RunId("run-1"))


async def test_r9_who_takes_a_run_again_that_broke_off_looks_first_for_what_it_had_posted() -> None:
    store = MoodyStore()
    world = World(store, limits=replace(LIMITS, lease=0.4, sweep_every=0.05))
    world.guard.answers["grant_access"] = ASK
    world.model.turns = [wishing(GRANT), saying("Done.")]
    world.chat.draws_for = 0.3
    async with running(world):
        await world.write("grant bob admins")
        await world.until(lambda run: world.chat.looked)
        store.breaks = ("Door.load", Conflict("the server was replaced"))
        await asyncio.sleep(0.2)
        store.breaks = None
        await world.until(lambda run: run.calls and run.calls[0].card)
    assert world.chat.looked == [False, True]


def test_r17_what_broke_inside_signoff_is_not_said_to_be_the_models_silence() -> None:
    run = begin(RunId("run-1"), Asked(ALICE, PLACE, PLACE.thread, "Please."), 0.0)
    broken = AttemptFailed("model:1", "Something broke inside Signoff (KeyError).", 1.0, 0.1, True)
    away = replace(broken, error="it is overloaded", inside=False)
    told = [delay_text(applied(run.id, run, [each], 0.5), "model:1") for each in (broken, away)]
    assert told == [
        "This takes longer: Something broke inside Signoff (KeyError). I keep trying; nothing is lost.",
        "The model does not answer at the moment (it is overloaded). I keep trying; nothing is lost.",
    ]


def test_r9_what_was_approved_and_cannot_be_checked_is_said_to_wait() -> None:
    run = begin(RunId("run-1"), Asked(ALICE, PLACE, PLACE.thread, "Please."), 0.0)
    away = AttemptFailed("act:t1c1", "BIGHUB is away", 1.0, 0.1)
    assert delay_text(applied(run.id, run, [away], 0.5), "act:t1c1") == (
        "What may run waits: it cannot be checked at the moment whether it still may (BIGHUB is away)."
        " I keep trying; nothing is lost."
    )
