"""R19: after a restore nothing executes again without a person. Real backups of real databases, an engine before and one after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.call import RESTORED, CallState
from bot.core.events import Restored
from bot.core.run import Run, RunState
from bot.core.values import Judgement, Person, Place, RunId, Verdict
from bot.engine.door import Door
from bot.engine.restoring import REASON, Restoring
from bot.ports import Epoch, Reply, Store, Unavailable
from bot.sql.rebuild import verify_chain
from bot.sql.store import SqlStore, open_store
from tests.engine.world import ALICE, LIMITS, PLACE, World, approval_of, saying, wishing
from tests.restore.backups import Backups, is_open_here, path_of, postgres_backups, sqlite_backups
from tests.sql.samples import asked, journal, record

ASK = Judgement(Verdict.ASK, "broad", "BIGHUB", 0.8, request_id="req_1")
GRANT = ("grant_access", {"user_id": "bob", "group": "admins"})


class Unhurried(World):
    async def until(self, holds: Callable[[Run], object], seconds: float = 30.0) -> Run:
        return await super().until(holds, seconds)


@pytest.fixture(params=["sqlite", "postgres"])
def backups(request: pytest.FixtureRequest, tmp_path: Path) -> Backups:
    make = {"sqlite": sqlite_backups, "postgres": postgres_backups}[request.param]
    return make(request.getfixturevalue(f"{request.param}_url"), tmp_path)


@asynccontextmanager
async def working(world: World, url: str) -> AsyncIterator[World]:
    """A bot that was just started on this database; it works as long as the block."""
    world.store = open_store(url)
    world.engine = world.new_engine()
    await world.engine.settle_restore()
    async with world.engine.running(drain_seconds=0.5):
        yield world
    for task in list(world.dispatch.tasks):
        task.cancel()
    await asyncio.gather(*world.dispatch.tasks, return_exceptions=True)
    await world.store.close()
    await until(lambda: not url.startswith("sqlite") or not is_open_here(path_of(url)))


async def asked_for(world: World, action: tuple[str, dict[str, object]], verdict: Judgement | None = None) -> None:
    if verdict is not None:
        world.guard.answers[action[0]] = verdict
    world.model.turns = [wishing(action), saying("Done.")]
    await world.write("please")


async def thinking(world: World) -> None:
    """The model is away for as long as the backup takes."""
    hold = world.deeds.hold = asyncio.Event()

    def away_or_not() -> Reply:
        if hold.is_set():
            return wishing(GRANT)
        world.model.turns.insert(0, away_or_not)
        raise Unavailable("away")

    world.model.turns = [away_or_not, saying("Done.")]
    await world.write("please")
    await world.until(lambda run: run.troubles)


async def waiting_for_a_click(world: World) -> None:
    await asked_for(world, GRANT, ASK)
    await world.until(lambda run: run.calls and run.calls[0].card)


async def approved(world: World) -> None:
    await waiting_for_a_click(world)
    world.dispatch.lossy = True
    await world.click("approve", approval_of(await world.until(lambda run: run.calls)))
    await world.until(lambda run: run.calls[0].state is CallState.ALLOWED)


async def under_way(world: World, action: tuple[str, dict[str, object]] = GRANT) -> None:
    world.deeds.hold = asyncio.Event()
    await asked_for(world, action)
    await world.until(lambda run: run.calls and run.calls[0].state is CallState.STARTED)


async def under_way_and_may_run_twice(world: World) -> None:
    await under_way(world, ("sync", {}))


Moment = Callable[[World], object]
MOMENTS: list[Moment] = [thinking, waiting_for_a_click, approved, under_way, under_way_and_may_run_twice]
PATIENT = replace(LIMITS, give_up_after=60.0)
IN_DOUBT = (approved, under_way, under_way_and_may_run_twice)


async def go_on(world: World) -> Run:
    """The run comes to its end, after the backup was made."""
    if world.deeds.hold is not None:
        world.deeds.hold.set()
    world.dispatch.lossy = False
    run = await world.until(
        lambda run: run.state is RunState.DONE or (run.calls and run.calls[0].state is CallState.ASKING)
    )
    if run.state is not RunState.DONE:
        await world.click("approve", approval_of(run))
    return await world.until(lambda run: run.state is RunState.DONE)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
async def test_r19_a_backup_of_any_moment_executes_nothing_again_and_asks_what_may_have_run(
    backups: Backups, moment: Moment
) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await moment(world)  # type: ignore[misc]
        backups.take()
        assert (await go_on(world)).calls[0].state is CallState.EXECUTED
    done, world.deeds.hold = list(world.deeds.done), None
    async with working(world, backups.play_back()):
        run = await world.until(lambda run: run.state is RunState.FAILED and run.delivered("end:1"))
        assert run.end_reason == REASON and any(REASON in words for words in world.chat.words)
        for call in run.calls:
            in_doubt = moment in IN_DOUBT
            assert call.state is (CallState.IN_DOUBT if in_doubt else CallState.REFUSED)
            await world.until(lambda run: run.calls[0].card and run.calls[0].card.shows == run.calls[0].phase)
            assert call.question is not None or call.reason == RESTORED
        assert await world.store.read(lambda tx: tx.open_approvals()) == ()
        await asyncio.sleep(0.3)
        assert world.deeds.done == done
        assert (await world.store.read(verify_chain)).fault is None
        await settled_and_retried(world, run)


async def settled_and_retried(world: World, run: Run) -> None:
    """People answer, and whoever asked tries again: then, and only then, something runs."""
    for call in run.calls:
        if call.question is not None:
            await world.click("did_run", call.question)
            await world.until(lambda run: run.calls[0].state is CallState.EXECUTED)
    before = len(world.deeds.done)
    world.model.turns = [wishing(("look", {"what": "okta"})), saying("Looked.")]
    await world.click("retry", run.id, who=ALICE)
    again = await world.until(lambda new: new.id != run.id and new.state is RunState.DONE)
    assert again.calls[0].state is CallState.EXECUTED and len(world.deeds.done) == before + 1


@pytest.mark.parametrize("moment", IN_DOUBT, ids=lambda moment: moment.__name__)
async def test_r19_what_people_do_in_a_shell_before_the_bot_starts_makes_nothing_execute_again(
    backups: Backups, moment: Moment
) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await moment(world)  # type: ignore[misc]
        backups.take()
        await go_on(world)
    done, world.deeds.hold = list(world.deeds.done), None
    shell = open_store(backups.play_back())
    for number in range(20):
        await shell.write(lambda tx, number=number: tx.set_freeze(f"system:{number}", "after the restore", "U1"))
    await shell.close()
    async with working(world, backups.url):
        run = await world.until(lambda run: run.state is RunState.FAILED and run.delivered("end:1"))
        assert run.end_reason == REASON and run.calls[0].state is CallState.IN_DOUBT
        assert world.deeds.done == done


async def test_r19_an_old_click_on_a_card_is_explained_and_counts_for_nothing(backups: Backups) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await waiting_for_a_click(world)
        old = approval_of(await world.until(lambda run: run.calls))
        backups.take()
        await go_on(world)
    async with working(world, backups.play_back()):
        await world.until(lambda run: run.state is RunState.FAILED)
        await world.click("approve", old, message="card-t1c1", comment="again")
        await until(lambda: any(RESTORED in text for _, text in world.chat.whispers))
        assert world.deeds.done == ["bob in admins"]


async def test_r19_what_lay_in_the_inbox_begins_nothing_by_itself(backups: Backups) -> None:
    """An acked mention becomes a run that failed with Retry, an acked click is explained."""
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await waiting_for_a_click(world)
        run = await world.until(lambda run: run.calls)
    world.store = open_store(backups.url)
    world.engine = world.new_engine()  # it does not run: what comes in stays there
    await world.click("approve", approval_of(run))
    await world.click("retry", run.id)
    elsewhere = Place(PLACE.team, PLACE.channel, "2.000100")
    await world.receive("m2", written(elsewhere))
    backups.take()
    await world.store.write(lambda tx: tx.set_freeze("system:other", "so that something is lost", "U1"))
    await world.store.close()
    async with working(world, backups.play_back()):
        new = await world.until(lambda new: new.asked.place == elsewhere and new.delivered("end:1"))
        assert new.state is RunState.FAILED and "older than the backup" in new.end_reason
        await until(lambda: sum("does not count" in text for _, text in world.chat.whispers) == 2)
        await until_done(world.store)
        assert world.deeds.done == [] and len(await world.runs()) == 2


async def test_r19_a_message_that_slack_delivers_again_after_the_restore_begins_nothing_by_itself(
    backups: Backups,
) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        backups.take()
        await asked_for(world, GRANT)
        await world.until(lambda run: run.state is RunState.DONE)
    async with working(world, backups.play_back()):
        assert await world.runs() == []
        await world.write("please")
        run = await world.until(lambda run: run.delivered("end:1"))
        assert run.state is RunState.FAILED and world.deeds.done == ["bob in admins"]


async def test_r19_what_is_written_after_the_restore_is_worked_as_ever(backups: Backups) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await thinking(world)
        backups.take()
        await go_on(world)
    async with working(world, backups.play_back()):
        world.model.turns = [wishing(GRANT), saying("Done.")]
        now = await world.store.read(now_of)
        await world.write("again", message=f"{now + 1:.6f}")
        run = await world.until(lambda run: run.state is RunState.DONE)
        assert run.calls[0].state is CallState.ASKING or world.deeds.done == ["bob in admins"] * 2


async def test_r19_replicas_that_start_at_once_end_each_run_once_in_one_epoch(backups: Backups) -> None:
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        world.guard.answers["grant_access"] = ASK
        world.model.turns = [wishing(GRANT) for _ in range(5)]
        for number in range(5):
            await world.receive(f"m{number}", written(Place(PLACE.team, PLACE.channel, f"{number + 10}.000100")))
        await until_async(lambda: all_wait(world, 5))
        backups.take()
        await world.store.write(lambda tx: tx.set_freeze("system:other", "so that something is lost", "U1"))
    url = backups.play_back()
    stores = [open_store(url) for _ in range(4)]
    engines = []
    for store in stores:
        world.store = store
        engines.append(world.new_engine())
    ended = await asyncio.gather(*(engine.settle_restore() for engine in engines))
    assert sum(number or 0 for number in ended) == 5
    for run in await world.runs():
        events = [recorded.event for recorded in await journal(world.store, run.id)]
        assert [event.epoch for event in events if isinstance(event, Restored)] == [1]
    assert [(await store.notice()).number for store in stores] == [1, 1, 1, 1]
    for store in stores:
        await store.close()


async def test_r19_between_the_notice_and_the_end_of_the_runs_nothing_starts(database_url: str) -> None:
    """A worker holds an approved run at the moment when somebody notices; it ends the runs instead."""
    world = Unhurried(limits=PATIENT)
    async with working(world, database_url):
        await approved(world)
    world.store = open_store(database_url)
    worker = world.new_engine()
    await world.store.write(lambda tx: tx.begin_epoch("a test"))
    (run,) = await world.runs()
    await worker.advance(run.id)
    (run,) = await world.runs()
    assert world.deeds.done == [] and run.calls[0].state is CallState.IN_DOUBT and run.state is RunState.FAILED
    assert (await world.store.read(lambda tx: tx.epoch())).settled
    await world.store.close()


class LookedEarlier:
    """A store to somebody who is slow: what it notices is how things stood a while ago."""

    def __init__(self, store: SqlStore, epoch: Epoch) -> None:
        self.read, self.write, self._epoch = store.read, store.write, epoch

    async def notice(self) -> Epoch:
        return self._epoch

    async def data_version(self) -> int | None:
        return None

    async def close(self) -> None: ...


async def test_r19_a_slow_replica_does_not_end_what_began_after_the_runs_were_ended(database_url: str) -> None:
    store = open_store(database_url)
    await record(store, "old", asked())
    epoch = await store.write(lambda tx: tx.begin_epoch("a test"))
    slow = LookedEarlier(store, epoch)
    assert await Restoring(store, Door(store), LIMITS).settle() == 1
    await record(store, "new", asked())
    assert await Restoring(slow, Door(slow), LIMITS).settle() == 0
    assert [line.state for line in await store.read(lambda tx: tx.runs(9, "thinking"))] == ["thinking"]
    await store.close()


async def test_r19_a_replica_that_lives_on_lets_nothing_start_and_ends_the_runs_itself(
    postgres_url: str, tmp_path: Path
) -> None:
    backups = postgres_backups(postgres_url, tmp_path)
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await approved(world)
        backups.take()
        await go_on(world)
        await asyncio.to_thread(backups.play_back)  # it waits for transactions of this very bot
        run = await world.until(lambda run: run.state is RunState.FAILED)
        assert run.calls[0].state is CallState.IN_DOUBT and world.deeds.done == ["bob in admins"]


async def test_r19_a_journal_that_is_shorter_than_what_is_remembered_is_a_restore(backups: Backups) -> None:
    """The witness and the name say nothing here: only the memory of the engine does."""
    world = Unhurried(limits=PATIENT)
    async with working(world, backups.url):
        await approved(world)
        run = await world.run()
        assert run is not None
        await cut(world.store, run.id, run.length - 1)
        await world.click("deny", approval_of(run))
        await until_async(lambda: epoch_is(world.store, 1))
        assert (await world.until(lambda run: run.state is RunState.FAILED)).calls[0].state is CallState.REFUSED
        assert world.deeds.done == []


async def cut(store: Store, run: RunId, length: int) -> None:
    """What an older copy of the file would hold of this run."""
    from sqlalchemy import delete, update

    from bot.sql.tables import events, runs

    async def work(tx: object) -> None:
        connection = tx.connection  # type: ignore[attr-defined]
        await connection.execute(delete(events).where(events.c.run == run, events.c.seq > length))
        head = await connection.scalar(
            events.select().with_only_columns(events.c.hash).where(events.c.run == run, events.c.seq == length)
        )
        await connection.execute(update(runs).where(runs.c.run == run).values(length=length, head_hash=head))

    await store.write(work)


def written(place: Place, who: Person = ALICE) -> object:
    from bot.core.inputs import Wrote

    return Wrote(who, place, place.thread, "please", True)


async def now_of(tx: object) -> float:
    return tx.now  # type: ignore[attr-defined,no-any-return]


async def epoch_is(store: Store, number: int) -> bool:
    return (await store.read(lambda tx: tx.epoch())).number == number


async def all_wait(world: World, count: int) -> bool:
    return sum(bool(run.calls and run.calls[0].card) for run in await world.runs()) == count


async def until_done(store: Store) -> None:
    async def empty() -> bool:
        return await store.read(lambda tx: tx.open_inbox(10)) == ()

    await until_async(empty)


async def until(condition: Callable[[], object]) -> None:
    async def holds() -> object:
        return condition()

    await until_async(holds)


async def until_async(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not await condition():  # type: ignore[misc]
        assert asyncio.get_running_loop().time() < end, "it did not come true"
        await asyncio.sleep(0.02)
