"""The Store port in dicts: for the library, for tests, for a look around. It forgets everything when the process ends.

Rule: a work gets a copy of the dicts, and the copy becomes the store's when the work succeeds; a failing work leaves nothing.
The works of one event loop run one after the other. Other loops, in other threads, may use the store as well: a work that
finds the dicts changed under it runs again.
Durability, the hash chain and several processes are `sql/`'s.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar
from weakref import WeakKeyDictionary

from bot.core.events import Recorded
from bot.core.journal import is_progress
from bot.core.run import ENDS, Run
from bot.core.values import RunId
from bot.dict_reader import DictLease, DictReader, Dicts
from bot.ports import LONGEST_LEASE, Conflict, Epoch, Freeze, Freezing, InboxRow, Lease, Reader, Sealing, Writer
from bot.projections import buttons, open_approvals, run_line

T = TypeVar("T")

ATTEMPTS = 10


class DictStore:
    """``clock_shift`` (seconds) moves the store's time in tests. Of the runs that have ended, the latest ``most_ended`` are kept;
    None: all."""

    def __init__(self, clock: Callable[[], float] = time.time, most_ended: int | None = None) -> None:
        self.clock_shift = 0.0
        self._clock, self._most_ended = clock, most_ended
        self._dicts = Dicts()
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
        return await work(DictReader(self._dicts, self._now()))

    async def notice(self) -> Epoch:
        return self._dicts.epochs[-1]  # these dicts have no backup

    async def data_version(self) -> int | None:
        return None  # no other process can write here

    async def close(self) -> None:
        """Nothing is held open."""

    def _now(self) -> float:
        return self._clock() + self.clock_shift


class _DictWriter(DictReader):
    async def append(self, before: Run | None, after: Run, events: Sequence[Recorded]) -> None:
        length = before.length if before else 0
        if [event.seq for event in events] != list(range(length + 1, after.length + 1)):
            raise ValueError(f"the events of run {after.id} do not lead from {length} to {after.length}")
        journal = self._dicts.journals.get(after.id, ())
        if len(journal) != length:
            raise Conflict(f"run {after.id} has {len(journal)} events, not {length}")
        self._dicts.journals[after.id] = (*journal, *events)
        self._dicts.lines[after.id] = run_line(after)
        lease = self._dicts.leases.get(after.id)
        if lease is not None and is_progress(events):
            self._dicts.leases[after.id] = replace(lease, takeovers=0)
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

    async def seal_inbox(self, key: str, seal: str) -> None:
        if key in self._dicts.open_inbox and not self._dicts.inbox[key].seal:
            self._dicts.inbox[key] = replace(self._dicts.inbox[key], seal=seal)

    async def begin_sealing(self, sealing: Sealing) -> None:
        if not self._dicts.sealing:
            self._dicts.sealing.append(sealing)

    async def take_lease(self, run: RunId, owner: str, seconds: float, *, afresh: bool = False) -> Lease | None:
        lease = self._dicts.leases.get(run)
        anothers = lease is not None and lease.owner != owner
        if lease is not None and anothers and lease.until >= self._now:
            self._dicts.leases[run] = replace(lease, until=min(lease.until, self._now + LONGEST_LEASE))
            return None
        if run not in self._dicts.lines or run in self._dicts.parked:
            return None
        takeovers = 0 if lease is None else lease.takeovers + (lease.owner not in ("", owner))
        self._dicts.leases[run] = DictLease(owner, self._now + seconds, takeovers)
        return Lease(len(self._dicts.journals[run]), anothers or (afresh and lease is not None), takeovers)

    async def hand_over(self, run: RunId, owner: str, seconds: float) -> None:
        lease = self._dicts.leases.get(run)
        if lease is not None and lease.owner == owner:
            self._dicts.leases[run] = replace(lease, owner="", until=self._now + seconds if seconds else 0.0)

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
        if self._dicts.parked.pop(run, None) is None:
            return False
        self._dicts.leases[run] = DictLease("", 0.0, 0)
        return True

    async def set_freeze(self, scope: str, reason: str, by: str, *, over: bool = False) -> bool:
        if scope in self._dicts.freezes and not over:
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
