"""The Store port in dicts: for the library, for tests, for a look around. It forgets everything when the process ends.

Rule: a work gets a copy of the dicts, and the copy becomes the store's when the work succeeds; a failing work leaves nothing.
The works of one event loop run one after the other. Other loops, in other threads, may use the store as well: a work that
finds the dicts changed under it runs again.
Durability, the hash chain and several processes are `sql/`'s.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import TypeVar
from weakref import WeakKeyDictionary

from bot.core.events import Recorded
from bot.core.owed import due_at
from bot.core.run import ENDS, Run
from bot.core.values import Place, RunId
from bot.ports import Conflict, Epoch, Freeze, Freezing, InboxRow, Lease, OpenApproval, Reader, RunLine, Writer
from bot.projections import buttons, listing_order, open_approvals

T = TypeVar("T")

ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    until: float


@dataclass(frozen=True, slots=True)
class _Dicts:
    """Everything that is stored. The values are frozen, so that a shallow copy is a copy."""

    journals: dict[RunId, tuple[Recorded, ...]] = field(default_factory=dict)
    lines: dict[RunId, RunLine] = field(default_factory=dict)
    leases: dict[RunId, _Lease] = field(default_factory=dict)
    approvals: dict[str, OpenApproval] = field(default_factory=dict)
    buttons: dict[str, RunId] = field(default_factory=dict)
    inbox: dict[str, InboxRow] = field(default_factory=dict)
    open_inbox: dict[str, None] = field(default_factory=dict)
    freezes: dict[str, Freeze] = field(default_factory=dict)
    freezings: dict[int, Freezing] = field(default_factory=dict)
    ended: dict[RunId, None] = field(default_factory=dict)
    parked: dict[RunId, str] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=lambda: [Epoch()])

    def copy(self) -> "_Dicts":
        return _Dicts(*(getattr(self, each.name).copy() for each in fields(self)))

    def forget(self, most_ended: int | None) -> None:
        """Drop the runs that ended first, but none that a worker still holds."""
        while most_ended is not None and len(self.ended) > most_ended:
            run = next(iter(self.ended))
            if run in self.leases:
                return
            del self.ended[run], self.lines[run]
            self.parked.pop(run, None)
            for opaque in buttons(recorded.event for recorded in self.journals.pop(run)):
                self.buttons.pop(opaque, None)


class DictStore:
    """``clock_shift`` (seconds) moves the store's time in tests. Of the runs that have ended, the latest ``most_ended`` are kept;
    None: all."""

    def __init__(self, clock: Callable[[], float] = time.time, most_ended: int | None = None) -> None:
        self.clock_shift = 0.0
        self._clock, self._most_ended = clock, most_ended
        self._dicts = _Dicts()
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._swap = threading.Lock()

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        for _ in range(1, ATTEMPTS):
            try:
                return await self._write_once(work)
            except Conflict:
                continue
        return await self._write_once(work)

    async def _write_once(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        async with self._turn():
            while True:  # of the loops that are at it at once, one always gets through
                seen = self._dicts
                draft = seen.copy()
                result = await work(_DictWriter(draft, self._now()))
                draft.forget(self._most_ended)
                with self._swap:
                    if self._dicts is seen:
                        self._dicts = draft
                        return result

    def _turn(self) -> asyncio.Lock:
        with self._swap:
            return self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        return await work(_DictReader(self._dicts, self._now()))

    async def notice(self) -> Epoch:
        return self._dicts.epochs[-1]  # these dicts have no backup

    async def data_version(self) -> int | None:
        return None  # no other process can write here

    async def close(self) -> None:
        """Nothing is held open."""

    def _now(self) -> float:
        return self._clock() + self.clock_shift


class _DictReader:
    def __init__(self, dicts: _Dicts, now: float) -> None:
        self._dicts = dicts
        self._now = now

    @property
    def now(self) -> float:
        return self._now

    async def journal(self, run: RunId, after: int = 0) -> tuple[Recorded, ...]:
        return self._dicts.journals.get(run, ())[after:]

    async def latest_run(self, place: Place) -> RunId | None:
        there = (line for line in self._dicts.lines.values() if Place(line.team, line.channel, line.thread) == place)
        newest = max(there, key=_age, default=None)
        return newest.run if newest else None

    async def run_of(self, opaque: str) -> RunId | None:
        return self._dicts.buttons.get(opaque)

    async def open_approvals(self, team: str | None = None) -> tuple[OpenApproval, ...]:
        lines = (line for line in self._dicts.approvals.values() if team is None or line.team == team)
        return tuple(sorted(lines, key=listing_order))

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        lines = (line for line in self._dicts.lines.values() if state is None or line.state == state)
        return tuple(self._with_parking(line) for line in sorted(lines, key=_age, reverse=True)[:limit])

    async def line(self, run: RunId) -> RunLine | None:
        return self._with_parking(self._dicts.lines[run]) if run in self._dicts.lines else None

    def _with_parking(self, line: RunLine) -> RunLine:
        return replace(line, parked=self._dicts.parked.get(line.run))

    async def due_runs(self, limit: int) -> tuple[RunId, ...]:
        due = sorted((at, run) for at, run in self._due() if at <= self._now)
        return tuple(run for _, run in due[:limit])

    async def next_due(self) -> float | None:
        return min((at for at, _ in self._due()), default=None)

    def _due(self) -> Iterable[tuple[float, RunId]]:
        for line in self._dicts.lines.values():
            if line.due_at is not None and not self._held(line.run) and line.run not in self._dicts.parked:
                yield line.due_at, line.run

    def _held(self, run: RunId) -> bool:
        lease = self._dicts.leases.get(run)
        return lease is not None and lease.until >= self._now

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        hidden = frozenset(without)
        keys = (key for key in list(self._dicts.open_inbox) if key not in hidden)
        return tuple(self._dicts.inbox[key] for key in islice(keys, limit))

    async def freezes(self) -> tuple[Freeze, ...]:
        return tuple(sorted(self._dicts.freezes.values(), key=lambda freeze: (freeze.since, freeze.scope)))

    async def freezings(self, limit: int) -> tuple[Freezing, ...]:
        return tuple(reversed(self._dicts.freezings.values()))[:limit]

    async def epoch(self) -> Epoch:
        return self._dicts.epochs[-1]

    async def unended(self, limit: int, after: str = "") -> tuple[RunId, ...]:
        lines = (line for line in self._dicts.lines.values() if line.state not in ENDS or line.due_at is not None)
        return tuple(sorted(line.run for line in lines if line.run > after)[:limit])


class _DictWriter(_DictReader):
    async def append(self, before: Run | None, after: Run, events: Sequence[Recorded]) -> None:
        length = before.length if before else 0
        if [event.seq for event in events] != list(range(length + 1, after.length + 1)):
            raise ValueError(f"the events of run {after.id} do not lead from {length} to {after.length}")
        journal = self._dicts.journals.get(after.id, ())
        if len(journal) != length:
            raise Conflict(f"run {after.id} has {len(journal)} events, not {length}")
        self._dicts.journals[after.id] = (*journal, *events)
        self._dicts.lines[after.id] = _line(after)
        if after.state in ENDS:
            self._dicts.ended.setdefault(after.id)
        for opaque in buttons(recorded.event for recorded in events):
            self._dicts.buttons.setdefault(opaque, after.id)
        for old in open_approvals(before):
            self._dicts.approvals.pop(old.approval, None)
        self._dicts.approvals.update((new.approval, new) for new in open_approvals(after))

    async def put_inbox(self, row: InboxRow) -> bool:
        if row.key in self._dicts.inbox:
            return False
        self._dicts.inbox[row.key] = replace(row, received_at=self._now)
        self._dicts.open_inbox[row.key] = None
        return True

    async def close_inbox(self, key: str) -> None:
        if key in self._dicts.open_inbox:
            del self._dicts.open_inbox[key]
            self._dicts.inbox[key] = replace(self._dicts.inbox[key], payload="")

    async def take_lease(self, run: RunId, owner: str, seconds: float) -> Lease | None:
        lease = self._dicts.leases.get(run)
        anothers = lease is not None and lease.owner != owner
        if (anothers and self._held(run)) or run not in self._dicts.lines or run in self._dicts.parked:
            return None
        self._dicts.leases[run] = _Lease(owner, self._now + seconds)
        return Lease(len(self._dicts.journals[run]), taken_over=anothers)

    async def give_back(self, run: RunId, owner: str, length: int) -> bool:
        lease = self._dicts.leases.get(run)
        if lease is None or lease.owner != owner or len(self._dicts.journals.get(run, ())) != length:
            return False
        del self._dicts.leases[run]
        return True

    async def park(self, run: RunId, owner: str, reason: str) -> bool:
        lease = self._dicts.leases.get(run)
        if lease is None or lease.owner != owner or run in self._dicts.parked:
            return False
        del self._dicts.leases[run]
        self._dicts.parked[run] = reason
        return True

    async def resume(self, run: RunId) -> bool:
        return self._dicts.parked.pop(run, None) is not None

    async def set_freeze(self, scope: str, reason: str, by: str) -> bool:
        if scope in self._dicts.freezes:
            return False
        self._dicts.freezes[scope] = Freeze(scope, reason, by, self._now)
        self._note(scope, by, reason, lifted=False)
        return True

    async def lift_freeze(self, scope: str, by: str = "", reason: str = "") -> bool:
        if self._dicts.freezes.pop(scope, None) is None:
            return False
        self._note(scope, by, reason, lifted=True)
        return True

    def _note(self, scope: str, by: str, reason: str, *, lifted: bool) -> None:
        number = len(self._dicts.freezings) + 1
        self._dicts.freezings[number] = Freezing(number, self._now, scope, by, reason, lifted, False, None)

    async def mark_freezing(self, number: int, *, told: bool | None = None, switch: str | None = None) -> None:
        kept = self._dicts.freezings[number]
        done = replace(kept, told=kept.told if told is None else told, switch=kept.switch if switch is None else switch)
        self._dicts.freezings[number] = done

    async def touch(self) -> None:
        """These dicts take everything."""

    async def begin_epoch(self, reason: str) -> Epoch:
        latest = self._dicts.epochs[-1]
        if latest.settled:
            latest = Epoch(latest.number + 1, self._now, settled=False)
            self._dicts.epochs.append(latest)
        return latest

    async def settle_epoch(self, number: int) -> None:
        latest = self._dicts.epochs[-1]
        if latest.number == number:
            self._dicts.epochs[-1] = replace(latest, settled=True)


def _age(line: RunLine) -> tuple[float, str]:
    return line.asked_at, line.run


def _line(run: Run) -> RunLine:
    place, requester = run.asked.place, run.asked.person.user
    return RunLine(
        run.id, place.team, place.channel, place.thread, requester, run.state, run.asked_at, due_at(run), run.length
    )
