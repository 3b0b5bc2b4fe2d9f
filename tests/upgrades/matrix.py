"""R13, R14, R17 and R19 as stories that can be told again and again, with a seed: each gives its faults in words, [] where all holds.

The stored databases, the changes of an action and the ways to back up are those of the tests that are named for them.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from bot.actions import Registry
from bot.core.call import CallState, Outcome
from bot.core.inputs import Wrote
from bot.core.run import ENDS, Run, RunState
from bot.core.values import Place
from bot.ports import Prompt, Reply
from bot.sql.rebuild import verify_chain
from bot.sql.schema import head, migrate, step_down
from bot.sql.store import SqlStore
from tests.engine.test_changed_actions import CHANGES, asked_and_deployed, ops
from tests.engine.world import ALICE, LIMITS, PLACE, World, approval_of, saying, wishing
from tests.restore.backups import Backups, postgres_backups, sqlite_backups
from tests.restore.test_runs import ASK, GRANT, working
from tests.sql.sample_actions import DONE
from tests.sql.test_schema import MIGRATE, ROOT, differences, in_database
from tests.sql.test_upgrades import DIE_IN_THE_LAST_STEP, REVISIONS, RUNS_ONCE, Upgraded, as_of, everything, loaded

_threads = count(1_000)


def a_place() -> Place:
    return Place(PLACE.team, PLACE.channel, f"{next(_threads)}.000100")


# --- R13 --------------------------------------------------------------------------------------------------------------


async def up_down_up(url: str, revision: str, chance: Random) -> tuple[int, list[str]]:
    """A database of that release, brought up, down to any revision and up again; how many runs it had, each worked to its end."""
    made_at = await loaded(url, revision)
    for _ in range(chance.randint(1, 3)):
        await migrate(url)
        await step_down(url, chance.choice(REVISIONS))
    await migrate(url)
    faults = [f"{revision}: the schema is not the tables': {await in_database(url, differences)}"]
    faults = faults if await in_database(url, differences) else []
    store = await as_of(url, made_at)
    before = {line.run for line in await store.read(lambda tx: tx.runs(1_000))}
    try:
        upgraded = Upgraded(store)
        await upgraded.to_the_end()
        lost = before - {run.id for run in await upgraded.world.runs()}
        faults += [f"{revision}: lost {lost}"] if lost else []
        faults += [] if sorted(DONE) == RUNS_ONCE else [f"{revision}: what ran is {sorted(DONE)}"]
        faults += [f"{revision}: the chain is broken"] if (await store.read(verify_chain)).fault else []
    except AssertionError as stuck:
        faults.append(f"{revision}: not every run came to its end: {stuck}")
    finally:
        await store.close()
    return len(before), faults


async def migrators(url: str, revision: str, chance: Random, killed: str) -> tuple[int, list[str]]:
    """Several processes bring a database with runs up at once. ``killed``: one of them dies "within" the last step (from the first
    revision), or at "any" time, or "" none. How many died, and what is not as it was."""
    await loaded(url, revision)
    before = await in_database(url, _journal)
    programs = [MIGRATE] * chance.randint(2, 3)
    if killed == "within":
        programs[0] = DIE_IN_THE_LAST_STEP + MIGRATE
    started = [await _started(programs[0], url)]
    await asyncio.sleep(chance.uniform(0.0, 0.5) if killed == "within" else 0.0)  # or it often comes when all is done
    started += [await _started(program, url) for program in programs[1:]]
    if killed == "any":
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        with suppress(ProcessLookupError):
            started[0].send_signal(signal.SIGKILL)
    ends = [(await asyncio.wait_for(each.communicate(), 120))[0].decode().strip() for each in started]
    died = sum(each.returncode == -signal.SIGKILL for each in started)
    faults = [] if set(ends[1:]) == {head()} else [f"{revision}: the others ended with {ends[1:]}"]
    if await migrate(url) != head() or await in_database(url, differences):
        faults.append(f"{revision}: the schema is not whole")
    if await in_database(url, _journal) != before:
        faults.append(f"{revision}: rows of the journal have changed")
    return died, faults


async def _started(program: str, url: str) -> asyncio.subprocess.Process:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, url, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )


def _journal(connection: Any) -> object:
    """Of the inbox what every release has stored: some have added a column."""
    found: Any = everything(connection)
    return found["events"], connection.execute(text("SELECT key, payload, done_at FROM inbox ORDER BY key")).all()


# --- R14 --------------------------------------------------------------------------------------------------------------


async def changed(store: SqlStore, what: str) -> list[str]:
    """An action is changed so, or removed, or nothing changes, between its card and the click."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        after = Registry() if what == "removed" else ops(folder, *CHANGES.get(what, ()))
        world = await asked_and_deployed(World(store), ops(folder), after, {"who": "bob"})
        run = await world.run()
        assert run is not None
        outcome, ran = run.calls[0].outcome, (folder / "deeds").exists()
    if what == "nothing":
        return [] if outcome is Outcome.EXECUTED and ran else [f"nothing changed, and it ended as {outcome}"]
    return [f"{what}: {outcome}, it ran: {ran}"] if ran or outcome is not Outcome.SUPERSEDED else []


WHAT_CHANGES = (*CHANGES, "removed", "nothing")


# --- R17 --------------------------------------------------------------------------------------------------------------


class Told:
    """A model that does what its run was asked for: "look" once; "grant", whose card breaks; "endless"; a wish that is no JSON."""

    async def reply(self, prompt: Prompt) -> Reply:
        said = " ".join(str(i["content"]) for i in prompt.items if isinstance(i, dict) and i.get("role") == "user")
        had = any(isinstance(item, dict) and item.get("type") == "function_call_output" for item in prompt.items)
        if "endless" in said:
            return wishing(("look", {"what": "more"}))
        if had:
            return saying("Done.")
        if "garbage" in said:
            return wishing(("look", "{not json"))
        return wishing(GRANT if "grant" in said else ("look", {"what": "okta"}))


POISONS = ("grant", "endless", "garbage")


async def poisoned(store: SqlStore, chance: Random, healthy: int, poison: int) -> tuple[float, int, list[str]]:
    """Poisonous runs among healthy ones: the p99 of the seconds that a healthy one took, and how many runs were parked."""
    world = World(store, limits=replace(LIMITS, lease=10.0))
    world.model, world.chat.breaks = Told(), {"grant_access"}  # type: ignore[assignment]
    world.guard.answers["grant_access"] = ASK
    engine, began, took = world.new_engine(), {}, {}
    words = ["look"] * healthy + [POISONS[n % len(POISONS)] for n in range(poison)]
    chance.shuffle(words)
    world.engine = engine
    async with engine.running(drain_seconds=1.0):
        places = {a_place(): word for word in words}
        for place, word in places.items():
            began[place.thread] = time.monotonic()
            await world.receive(f"m{place.thread}", Wrote(ALICE, place, place.thread, f"please {word}", True))
        end = time.monotonic() + 90.0
        while time.monotonic() < end:
            lines = [line for line in await store.read(lambda tx: tx.runs(1_000)) if line.thread in began]
            over = [line for line in lines if line.state in ENDS or line.parked is not None]
            for line in over:
                took.setdefault(line.thread, time.monotonic() - began[line.thread])
            if len(over) == len(words):
                break
            await asyncio.sleep(0.02)
    faults = []
    for line in lines:
        word = places[Place(line.team, line.channel, line.thread)]
        if word == "look" and (line.state != RunState.DONE or line.parked):
            faults.append(f"a healthy run is {line.state}, parked: {line.parked}")
        if word == "grant" and not line.parked:
            faults.append(f"a run whose card breaks is {line.state} and not parked")
        if word != "grant" and line.state not in ENDS:
            faults.append(f"{word} is {line.state}, parked: {line.parked}")
    faults += [] if len(lines) == len(words) else [f"{len(lines)} runs of {len(words)}"]
    of_healthy = sorted(took.get(place.thread, 90.0) for place, word in places.items() if word == "look")
    return of_healthy[int(len(of_healthy) * 0.99)], sum(line.parked is not None for line in lines), faults


# --- R19 --------------------------------------------------------------------------------------------------------------


async def restored(url: str, chance: Random, runs: int) -> tuple[int, int, list[str]]:
    """Some runs, allowed or asked about, a backup at any moment while they are worked, all of them to their end, and the backup
    played back: nothing runs again. How much had run before, and how many runs of the backup were ended."""
    with tempfile.TemporaryDirectory() as folder:
        backups: Backups = (sqlite_backups if url.startswith("sqlite") else postgres_backups)(url, Path(folder))
        world = World()
        world.model = Told()  # type: ignore[assignment]
        world.guard.answers["grant_access"] = ASK
        async with working(world, url):
            places = [a_place() for _ in range(runs)]
            work = asyncio.create_task(_worked(world, places, chance))
            await asyncio.sleep(chance.uniform(0.0, 0.6))
            await asyncio.to_thread(backups.take)
            await work
        done = list(world.deeds.done)
        async with working(world, backups.play_back()):
            ended = await _rest(world)
            await asyncio.sleep(0.2)
            faults = [] if world.deeds.done == done else [f"it ran again: {world.deeds.done[len(done) :]}"]
            faults += [f"run {run.id} is {run.state}" for run in await world.runs() if run.state not in ENDS]
            faults += ["the chain is broken"] if (await world.store.read(verify_chain)).fault else []
    return len(done), ended, faults


async def _worked(world: World, places: list[Place], chance: Random) -> None:
    for place in places:
        word = chance.choice(("look", "grant"))
        await world.receive(f"m{place.thread}", Wrote(ALICE, place, place.thread, f"please {word}", True))
        await asyncio.sleep(chance.uniform(0.0, 0.1))
    clicked: set[str] = set()
    async with asyncio.timeout(60.0):
        while True:
            runs = await world.runs()
            for run in runs:
                await _approved(world, run, clicked)
            if len(runs) == len(places) and all(run.state in ENDS for run in runs):
                return
            await asyncio.sleep(0.02)


async def _approved(world: World, run: Run, clicked: set[str]) -> None:
    for call in run.calls:
        if call.state is CallState.ASKING and call.card is not None and run.id not in clicked:
            clicked.add(run.id)
            await world.click("approve", approval_of(run), message=call.card.message)


async def _rest(world: World) -> int:
    """Until nothing is under way; how many runs were ended by the restore."""
    async with asyncio.timeout(60.0):
        while any(run.state not in ENDS for run in await world.runs()):
            await asyncio.sleep(0.05)
    return sum(run.state is RunState.FAILED for run in await world.runs())
