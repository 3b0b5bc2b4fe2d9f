"""One life of the bot, from its start on a database until everything that was told on it is over, or until it dies.

The engine, the door, the worker and the store are the product's; the ports are those of `outside.py`, made mortal by `points.py`.
Each life begins after the lease of the one before has passed by the database's clock, so that it need not be waited for.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from bot.actions import Registry
from bot.core.call import CallState
from bot.core.events import Cancelled
from bot.core.faults import NewerJournal
from bot.core.owed import pending
from bot.core.run import ENDS, Run
from bot.core.values import RunId
from bot.engine import Engine, Limits
from bot.engine.door import Door
from bot.ports import Unavailable
from bot.sql import tables
from bot.sql.store import SqlStore, open_store
from tests.crash import flows, people
from tests.crash.flows import ALICE, POISON, POLICY
from tests.crash.naive import act_first
from tests.crash.outside import Bighub, Outside, Script, Slack
from tests.crash.people import Telling
from tests.crash.points import Mortal, MortalStore, Points

LIMITS = Limits(
    first_backoff=0.01,
    longest_backoff=0.05,
    longest_delivery_backoff=0.05,
    sweep_every=0.03,
    lease=10.0,
    patience_with_refusals=0.1,
    takeovers_before_parking=1_000,  # it is killed over and over on purpose, also before anything could come of it
)
SHORT_LEASE = replace(LIMITS, lease=1.0)
"""For a worker that does not know whether it took its lease: the life after it need not wait, but it must."""
LONGEST_SECONDS = 60.0
KEYS = (b"k" * 32,)
NOT_RECORDED = "the end of an action could not be recorded yet"
"""What the bot says when it loses its connection there; then it records it again."""
PARKED = "a run is parked until somebody resumes it"


@dataclass(frozen=True, slots=True)
class Story:
    """What is told on one database. ``outside``: the file of the world outside."""

    url: str
    outside: Path
    tellings: tuple[Telling, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a life: SIGKILL at the point ``fatal`` (0: none) or at the first that is ``named`` so; or its wire to Postgres is
    cut at the commit ``cut`` (0: none), which the server hears of if ``heard``. ``naive``: no fault, but the control (`naive.py`)."""

    fatal: int = 0
    named: str = ""
    cut: int = 0
    heard: bool = False
    naive: bool = False


NONE = Fault()


class Dispatch:
    """Wakes by calling: the next thing on the loop. Like the queue it loses what the database does not answer: the sweep finds it."""

    def __init__(self) -> None:
        self.advance: Callable[[RunId], Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def wake(self, run: RunId) -> None:
        if self.advance is not None:
            task = asyncio.create_task(self._advanced(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _advanced(self, run: RunId) -> None:
        with contextlib.suppress(Unavailable):
            await self.advance(run)


_threads = count(1)
_lives: list["Life"] = []
REGISTRY = Registry(flows.actions(lambda: _lives[-1]))


class Life:
    """``number`` counts from 0."""

    def __init__(self, story: Story, number: int, fault: Fault = NONE, sql: SqlStore | None = None) -> None:
        _lives.append(self)
        self.story, self.number, self.fault = story, number, fault
        self.outside = Outside(story.outside)
        self.points = Points(fault.fatal, fault.named, self._last_words)
        self.sql = sql or store_of(story.url)
        self._set_clock()
        self.store = MortalStore(self.sql, self.points)
        self.runs: dict[RunId, Run] = {}
        self._changed = asyncio.Event()
        self.outside.changed = self._changed.set
        self.dispatch = Dispatch()
        self.engine = self._engine()
        if fault.naive:
            act_first(self.engine)
        self.dispatch.advance = self.engine.advance
        report_faults_to(self.outside, self._expected)

    def _engine(self) -> Engine:
        def mortal(port: Any, *methods: str) -> Any:
            return Mortal(port, self.points, *methods)

        reports = ("report_resolution", "report_outcome", "remember")
        chat = mortal(
            Slack(self.outside, self._between_approval_and_start),
            *("profile", "show_card", "post_reply", "post_notice", "whisper", "announce_glass", "show_review"),
        )
        guard = mortal(Bighub(self.outside, flows.verdict), "judge", *reports)
        actions = mortal(REGISTRY, "propose", "run", "probe")
        return Engine(
            store=self.store,
            model=mortal(Script(self.outside, flows.script), "reply"),
            guard=guard,
            chat=chat,
            actions=actions,
            dispatch=mortal(self.dispatch, "wake"),
            translate=people.translate,
            policy=POLICY,
            seal_keys=KEYS,
            limits=replace(SHORT_LEASE if self.fault.cut else LIMITS, alone=self.story.url.startswith("sqlite")),
            watch=self._watch,
        )

    def _expected(self, line: dict[str, Any]) -> bool:
        """Whether this error is what the story is about."""
        if self.fault.cut and line["event"] == NOT_RECORDED:
            return True
        known = self.runs.get(line.get("run", ""))
        poisoned = {telling.place for telling in self.story.tellings if telling.flow.poisoned}
        wanted = line["event"] == PARKED or POISON in line.get("exception", "")
        # A run whose first commit got no answer is not known yet.
        return wanted and bool(poisoned) and (known is None or known.asked.place in poisoned)

    def _last_words(self, name: str, works: int) -> None:
        self.outside.tell("death", life=self.number, name=name, works=works)

    def _watch(self, run: Run) -> None:
        self.runs[run.id] = run
        self._changed.set()

    def _set_clock(self) -> None:
        self.sql.clock_shift = self.number * (LIMITS.lease + 1.0) + self.outside.clock

    # --- its course -------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Until everything is over. Raises TimeoutError where it never is."""
        if not self.outside.told("begun"):
            await self._empty()
            self.outside.tell("begun")
        try:
            await self._look()
            async with self.engine.running(drain_seconds=1.0):
                async with asyncio.timeout(LONGEST_SECONDS):
                    await self.people()
        except TimeoutError as endless:
            endless.add_note("\n".join(self._standing()))
            raise
        finally:
            await self.sql.close()

    def _standing(self) -> Iterator[str]:
        """Where each run stands, for whoever asks why it never ended."""
        yield f"flows {[telling.flow.name for telling in self.story.tellings]}, nobody moves the clock: {self._hurries()}"
        for run in self.runs.values():
            yield f"{run.id} {run.state}, owes {pending(run)}, {[(call.state, call.reason) for call in run.calls]}"

    async def _empty(self) -> None:
        """Take out what the story before has left on Postgres. It is the same database still: none was restored."""

        async def work(tx: Any) -> None:
            for table in set(tables.metadata.sorted_tables) - {tables.epochs}:
                await tx.connection.execute(table.delete())

        if not self.story.url.startswith("sqlite"):
            await store_of(self.story.url).write(work)

    async def _look(self) -> None:
        """The runs as they stand: an earlier life has left them, or the answer to a commit was lost and nobody told of it."""
        door = Door(self.sql)
        for line in await self.sql.read(lambda tx: tx.runs(1_000)):
            try:
                run, _ = await door.load(line.run)
            except NewerJournal:  # a newer release's life has worked it; in this one nobody sees it
                self.outside.tell("newer", run=line.run)
                continue
            if run is not None and run.length >= self.runs.get(run.id, run).length:
                self.runs[run.id] = run

    async def people(self) -> None:
        while not await self._over():
            self._changed.clear()
            if not await self._act():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LIMITS.sweep_every):
                        await self._changed.wait()
                if self.fault.cut:
                    with contextlib.suppress(Unavailable):
                        await self._look()

    async def _act(self) -> bool:
        """Do what people would do now; False where there was nothing."""
        acted = False
        for telling in self.story.tellings:
            for key, what in list(telling.inputs(self.runs.values(), self.outside)):
                if not self.outside.told("acked", key=key):
                    acted = await self.deliver(key, what) or acted
            waits = telling.waits_for_time(self.runs.values(), self.outside)
            if waits and not self._hurries():
                self.outside.tell("clock", run=waits, by=telling.flow.waits)
                self._set_clock()
                acted = True
            if telling.flow.poisoned:
                with contextlib.suppress(Unavailable):  # then the operator tries it again
                    await self._operate(telling)
        return acted

    def _hurries(self) -> bool:
        """Whether a run is under way that a moved clock would end otherwise."""
        hurried = [telling for telling in self.story.tellings if telling.flow.hurried]
        return any(run.state not in ENDS for telling in hurried for run in telling.runs(self.runs.values()))

    async def _operate(self, telling: Telling) -> None:
        """An operator finds the run parked, mends what broke, and resumes it from a shell."""
        for run in telling.runs(self.runs.values()):
            line = await self.sql.read(lambda tx, run=run: tx.line(run.id))
            if line is not None and line.parked is not None:
                self.outside.tell("mended", run=run.id)
                await self.store.write(lambda tx, run=run: tx.resume(run.id))

    async def deliver(self, key: str, what: Any) -> bool:
        """Slack delivers; only what was acked it does not deliver again."""
        try:
            await self.engine.receive(people.row(key, what))
        except Unavailable:
            return False
        self.points.passing("an ack, to be sent")
        self.outside.tell("acked", key=key)
        self.points.passing("an ack, sent")
        return True

    async def _over(self) -> bool:
        """Whether every run is at its end and owes nothing, and nothing that people did is open."""
        if not self._seems_over() or await self.sql.read(lambda tx: tx.open_inbox(1)):
            return False
        if self.engine._mailbox._working:  # a refused click is closed, and its card is put right after that
            return False
        await self._look()  # what somebody did may have been worked while it was looked for
        return self._seems_over()

    def _seems_over(self) -> bool:
        known = list(self.runs.values())
        if any(run.state not in ENDS or pending(run) for run in known):
            return False
        for telling in self.story.tellings:
            if len(telling.runs(known)) < len(telling.flow.ends):
                return False
            if not all(self.outside.told("acked", key=key) for key, _ in telling.inputs(known, self.outside)):
                return False
        return True

    async def _between_approval_and_start(self) -> None:
        """A shell stops the run, or freezes the system, when an approved call is about to start."""
        if any(telling.flow.card in ("cancel", "freeze") for telling in self.story.tellings):
            await self._look()
        for telling in self.story.tellings:
            for run in telling.runs(self.runs.values()):
                approved = any(call.state is CallState.ALLOWED and call.approval is not None for call in run.calls)
                if not approved or self.outside.told("shell", run=run.id):
                    continue
                if telling.flow.card == "cancel":
                    await Door(self.store, self._watch).record(run.id, Cancelled(ALICE, "Never mind."))
                elif telling.flow.card == "freeze":
                    await self.store.write(lambda tx: tx.set_freeze("system:frozen", "an incident", ALICE.user))
                else:
                    continue
                self.outside.tell("shell", run=run.id)


_on_postgres: dict[str, SqlStore] = {}


def store_of(url: str) -> SqlStore:
    """A store of a life's own; on Postgres it is handed down, since it remembers the statements that it has made, and no connection."""
    if url.startswith("sqlite"):
        return open_store(url)
    return _on_postgres.setdefault(url, open_store(url))


def report_faults_to(outside: Outside, expected: Callable[[dict[str, Any]], bool]) -> None:
    """What the product logs as an error is something that broke inside it, if it is not ``expected``."""

    def note(_logger: object, level: str, line: dict[str, Any]) -> Any:
        if level in ("error", "exception", "critical") and not expected(line):
            outside.tell("broken", **{key: str(value) for key, value in line.items()})
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, note], cache_logger_on_first_use=False)


def tellings(names: Sequence[str]) -> tuple[Telling, ...]:
    """Each in a thread that this process has never told anything in: its store remembers what it knew of a run."""
    return tuple(Telling(flows.FLOWS[name], next(_threads)) for name in names)
