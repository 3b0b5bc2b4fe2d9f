"""T5: releases that take turns and die, databases of every release, actions that change under open cards, poisonous runs, backups of any
moment (contract R12, R13, R14, R17, R19), on both databases. The stories are `tests/upgrades`'s.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from structlog.testing import capture_logs

from bot.sql.schema import migrate
from bot.sql.store import open_store
from tests.databases import Postgres, running_postgres
from tests.soak.report import Line
from tests.sql.make_databases import STATES
from tests.sql.test_upgrades import REVISIONS
from tests.upgrades import matrix
from tests.upgrades.rolling import ORDERS, Rolled, stage

STORIES, ROUNDS, MIGRATIONS, CHANGED, HEALTHY, POISON, RESTORES = 40, 4, 12, 4, 120, 12, 25
"""At full size, on each database: stories of an order; up, down and up of a revision; migrations by several at once; rounds of the
changes; healthy and poisonous runs; restores."""


def soak(seed: int, share: float) -> Iterator[Line]:
    for kind in ("SQLite", "Postgres"):
        with databases(kind) as (server, folder):
            yield from rolled(kind, server, seed, share)
            for tier in (brought_up, migrated_at_once, actions_changed, poison, restores):
                began = time.monotonic()
                with capture_logs():  # a poisonous run says what it breaks, which is wanted here
                    told = asyncio.run(tier(Given(kind, server, folder), Random(seed), share))
                rows, what, work, faults, met = told
                for fault in faults:
                    print(f"T5 {rows} {kind}: {fault}", flush=True)
                yield Line("T5", rows, f"{kind}: {what}", work, len(faults), met, seed, time.monotonic() - began)


KILLED = (("within", REVISIONS[0]), ("", REVISIONS[0]), ("any", REVISIONS[1]), ("", REVISIONS[1]))
Told = tuple[str, str, str, list[str], bool]


class Given:
    """Where new databases come from."""

    def __init__(self, kind: str, server: Postgres | None, folder: Path) -> None:
        self.kind, self._server, self._folder, self._made = kind, server, folder, 0

    def empty(self) -> str:
        self._made += 1
        if self._server is not None:
            return self._server.create("template0")
        where = self._folder / str(time.monotonic_ns())
        where.mkdir()
        return f"sqlite:///{where / 'signoff.db'}"

    async def migrated(self) -> str:
        if self._server is not None:
            return self._server.create("migrated")
        url = self.empty()
        await migrate(url)
        return url

    def done_with(self, url: str) -> None:
        if self._server is not None:
            self._server.drop(url)


@contextmanager
def databases(kind: str) -> Iterator[tuple[Postgres | None, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "SQLite":
            yield None, Path(folder)
        else:
            with running_postgres() as server:
                yield server, Path(folder)


def rolled(kind: str, server: Postgres | None, seed: int, share: float) -> Iterator[Line]:
    stories = max(2, round(STORIES * share))
    with stage(server) as on:
        for order in ORDERS:
            began, found = time.monotonic(), Rolled()
            for number in range(stories):
                on.tell(seed + number, order, found)
            for fault in found.faults:
                print(f"T5 R12 {kind}: {fault}", flush=True)
            met = found.kills > 0 and found.handovers >= stories // 2 and found.effects > 0
            yield Line(
                "T5",
                "R1 R2 R12",
                f"{kind}: releases N-1 and N in the order {order}, SIGKILL at a random point or time of every life but the last",
                f"{found.stories} stories, {found.lives} lives, {found.kills} kills, {found.handovers} handovers between releases, "
                f"{found.left} runs left to the newer one, {found.runs} runs, {found.effects} effects, {found.doubts} in doubt",
                len(found.faults),
                met,
                seed,
                time.monotonic() - began,
            )


async def brought_up(given: Given, chance: Random, share: float) -> Told:
    rounds, runs, done, faults = max(1, round(ROUNDS * share)), 0, 0, list[str]()
    for revision in REVISIONS * rounds:
        url = given.empty()
        found, wrong = await matrix.up_down_up(url, revision, chance)
        runs, done, faults = runs + found, done + 1, faults + wrong
        given.done_with(url)
    work = f"{len(REVISIONS)} revisions × {len(STATES)} states of a run or a call, {done} databases, {runs} runs resumed to their end"
    what = "a database of every revision up, down to any and up again; then every run is worked to its end"
    return "R13", what, work, faults, runs >= 10 * done


async def migrated_at_once(given: Given, chance: Random, share: float) -> Told:
    least, rounds, died, kills, faults = max(2, round(MIGRATIONS * share)), 0, 0, 0, list[str]()
    for number in range(4 * least):
        if number >= least and died:
            break
        url, rounds = given.empty(), number + 1
        killed, revision = KILLED[number % len(KILLED)]
        dead, wrong = await matrix.migrators(url, revision, chance, killed)
        died, kills, faults = died + dead, kills + bool(killed), faults + wrong
        given.done_with(url)
    what = "two or three processes migrate a database with runs at once, one of them is killed in half of the cases"
    return "R13", what, f"{rounds} databases, {died} of {kills} kills came before its end", faults, died > 0


async def actions_changed(given: Given, chance: Random, share: float) -> Told:
    faults, done = list[str](), 0
    for what in chance.sample(matrix.WHAT_CHANGES, len(matrix.WHAT_CHANGES)) * max(1, round(CHANGED * share)):
        url = await given.migrated()
        store = open_store(url)
        faults += await matrix.changed(store, what)
        done += 1
        await store.close()
        given.done_with(url)
    kinds = len(matrix.WHAT_CHANGES) - 1
    work = (
        f"{done - done // (kinds + 1)} changes of {kinds} kinds, superseded all but {len(faults)}; unchanged ones ran"
    )
    what = "an action is changed or removed between its card and the click"
    return "R14", what, work, faults, done >= kinds


async def poison(given: Given, chance: Random, share: float) -> Told:
    healthy, bad, url = max(12, round(HEALTHY * share)), max(3, round(POISON * share)), await given.migrated()
    store = open_store(url)
    alone, _, faults = await matrix.poisoned(store, chance, healthy, 0)
    among, parked, more = await matrix.poisoned(store, chance, healthy, bad)
    await store.close()
    given.done_with(url)
    work = f"{healthy} healthy and {bad} poisonous runs, {parked} parked; p99 of the healthy ones {among:.1f} s, {alone:.1f} s alone"
    what = "poisonous runs among healthy ones: a card that breaks, a model that never ends, arguments that are none"
    return "R17", what, work, faults + more, parked > 0


async def restores(given: Given, chance: Random, share: float) -> Told:
    rounds, ran, ended, faults = max(2, round(RESTORES * share)), 0, 0, list[str]()
    for _ in range(rounds):
        url = await given.migrated()
        before, over, wrong = await matrix.restored(url, chance, 6)
        ran, ended, faults = ran + before, ended + over, faults + wrong
        given.done_with(url)
    work = f"{rounds} restores, {ran} effects before them, {ended} runs of the backups ended in words, 0 wanted after"
    what = "a backup of any moment of six runs is played back after they have ended"
    return "R19", what, work, faults, ran > 0 and ended > 0
