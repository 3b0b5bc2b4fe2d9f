"""What the Store port keeps in dicts, and the Reader port over it. It only reads; `dict_store.py` adds the writing."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, fields, replace
from itertools import islice

from bot.core.events import Recorded, Started, Voted
from bot.core.fatigue import PastVote
from bot.core.run import ENDS
from bot.core.timing import PastStart
from bot.core.values import Place, RunId
from bot.ports import (
    LONGEST_LEASE,
    ApprovalGroup,
    Epoch,
    Freeze,
    Freezing,
    InboxRow,
    OpenApproval,
    RunLine,
    Sealing,
)
from bot.projections import buttons, group_of, listing_order


@dataclass(frozen=True, slots=True)
class DictLease:
    """``owner`` "": whoever held it left it to others; ``takeovers`` as in `Lease`."""

    owner: str
    until: float
    takeovers: int = 0


@dataclass(frozen=True, slots=True)
class Dicts:
    """Everything that is stored. The values are frozen, so that a shallow copy is a copy."""

    journals: dict[RunId, tuple[Recorded, ...]] = field(default_factory=dict)
    lines: dict[RunId, RunLine] = field(default_factory=dict)
    leases: dict[RunId, DictLease] = field(default_factory=dict)
    approvals: dict[str, OpenApproval] = field(default_factory=dict)
    buttons: dict[str, RunId] = field(default_factory=dict)
    inbox: dict[str, InboxRow] = field(default_factory=dict)
    open_inbox: dict[str, None] = field(default_factory=dict)
    sealing: list[Sealing] = field(default_factory=list)
    freezes: dict[str, Freeze] = field(default_factory=dict)
    freezings: dict[int, Freezing] = field(default_factory=dict)
    ended: dict[RunId, None] = field(default_factory=dict)
    parked: dict[RunId, str] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=lambda: [Epoch()])

    def copy(self) -> "Dicts":
        return Dicts(*(getattr(self, each.name).copy() for each in fields(self)))

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


class DictReader:
    def __init__(self, dicts: Dicts, now: float) -> None:
        self._dicts = dicts
        self._now = now

    @property
    def now(self) -> float:
        return self._now

    async def journal(self, run: RunId, after: int = 0) -> tuple[Recorded, ...]:
        return self._dicts.journals.get(run, ())[after:]

    async def latest_run(self, place: Place) -> RunId | None:
        there = (line for line in self._dicts.lines.values() if Place(line.team, line.channel, line.thread) == place)
        newest = max(there, key=age, default=None)
        return newest.run if newest else None

    async def run_of(self, opaque: str) -> RunId | None:
        return self._dicts.buttons.get(opaque)

    async def open_approvals(self, team: str | None = None) -> tuple[OpenApproval, ...]:
        lines = (line for line in self._dicts.approvals.values() if team is None or line.team == team)
        return tuple(sorted(lines, key=listing_order))

    async def approval_groups(self, team: str, reader: str) -> tuple[ApprovalGroup, ...]:
        counted = Counter(group_of(line, reader) for line in await self.open_approvals(team))
        return tuple(replace(group, count=count) for group, count in counted.items())

    async def first_approvals(
        self, team: str, reader: str, groups: Collection[ApprovalGroup], limit: int
    ) -> tuple[OpenApproval, ...]:
        alike = {replace(group, count=0) for group in groups}
        lines = await self.open_approvals(team)
        return tuple(islice((line for line in lines if group_of(line, reader) in alike), limit))

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        lines = (line for line in self._dicts.lines.values() if state is None or line.state == state)
        return tuple(self._with_parking(line) for line in sorted(lines, key=age, reverse=True)[:limit])

    async def line(self, run: RunId) -> RunLine | None:
        return self._with_parking(self._dicts.lines[run]) if run in self._dicts.lines else None

    def _with_parking(self, line: RunLine) -> RunLine:
        return replace(line, parked=self._dicts.parked.get(line.run))

    async def due_runs(
        self, limit: int, without: Collection[RunId] = (), woken: Collection[RunId] = ()
    ) -> tuple[RunId, ...]:
        hidden = frozenset(without) | (frozenset(woken) - self._dicts.leases.keys())
        due = sorted((at, run) for at, run in self._due() if at <= self._now and run not in hidden)
        return tuple(run for _, run in due[:limit])

    async def next_due(self) -> float | None:
        return min((at for at, _ in self._due()), default=None)

    def _due(self) -> Iterable[tuple[float, RunId]]:
        for line in self._dicts.lines.values():
            if line.due_at is not None and not self._held(line.run) and line.run not in self._dicts.parked:
                yield line.due_at, line.run

    def _held(self, run: RunId) -> bool:
        lease = self._dicts.leases.get(run)
        return lease is not None and self._now <= lease.until <= self._now + LONGEST_LEASE

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        hidden = frozenset(without)
        keys = (key for key in list(self._dicts.open_inbox) if key not in hidden)
        return tuple(self._dicts.inbox[key] for key in islice(keys, limit))

    async def sealing(self) -> Sealing | None:
        return next(iter(self._dicts.sealing), None)

    async def only_unsealed(self) -> bool:
        return bool(self._dicts.inbox) and not any(row.seal for row in self._dicts.inbox.values())

    async def freezes(self) -> tuple[Freeze, ...]:
        return tuple(sorted(self._dicts.freezes.values(), key=lambda freeze: (freeze.since, freeze.scope)))

    async def freezings(self, limit: int, scope: str = "") -> tuple[Freezing, ...]:
        rows = reversed(self._dicts.freezings.values())
        return tuple(row for row in rows if scope in ("", row.scope))[:limit]

    async def recent_starts(self, since: float) -> tuple[PastStart, ...]:
        return tuple(
            PastStart(recorded.event.action, self._dicts.lines[run].requester, recorded.at)
            for run, journal in self._dicts.journals.items()
            for recorded in journal
            if isinstance(recorded.event, Started) and recorded.at > since
        )

    async def open_of(self, run: RunId, team: str, requester: str) -> int:
        lines = self._dicts.approvals.values()
        return sum((line.team, line.requester) == (team, requester) for line in lines)

    async def votes(self, since: float) -> tuple[PastVote, ...]:
        return tuple(
            PastVote(self._dicts.lines[run].team, vote.person, vote.choice, vote.via, vote.waited)
            for run, journal in self._dicts.journals.items()
            for recorded in journal
            if isinstance(vote := recorded.event, Voted) and recorded.at > since
        )

    async def epoch(self) -> Epoch:
        return self._dicts.epochs[-1]

    async def unended(self, limit: int, after: str = "") -> tuple[RunId, ...]:
        lines = (line for line in self._dicts.lines.values() if line.state not in ENDS or line.due_at is not None)
        return tuple(sorted(line.run for line in lines if line.run > after)[:limit])


def age(line: RunLine) -> tuple[float, str]:
    return line.asked_at, line.run
