"""The Store port and what it keeps: journals with their projections, the inbox, leases, freezes."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.core.events import Event, Recorded
from bot.core.fatigue import PastVote
from bot.core.inputs import Input
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.timing import PastStart
from bot.core.values import ApprovalId, Place, RunId

T = TypeVar("T")

LONGEST_LEASE = 90.0
"""Seconds. A lease that ends later was taken by a clock that has been put back since, and says nothing of when its owner died."""


@dataclass(frozen=True, slots=True)
class InboxRow:
    """What Slack sent, committed before the ack. ``key`` is unique for ever; ``payload`` is Slack's JSON text; ``seal`` covers both,
    and the rest of what Slack sent."""

    key: str
    team: str
    kind: str
    payload: str
    received_at: float = 0.0
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Until when (epoch seconds) a row of the inbox may be without a seal, because an older release received it; sealed itself."""

    until: float
    seal: str


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """A line of the listing of open approvals (a projection; the journal is the truth)."""

    approval: ApprovalId
    run: RunId
    team: str
    call: str
    action: str
    target: str
    environment: str
    risk: float | None
    requester: str
    approvers: tuple[str, ...]
    requester_may_approve: bool
    asked_at: float
    expires_at: float
    channel: str
    card: str


@dataclass(frozen=True, slots=True)
class ApprovalGroup:
    """Open approvals that are alike to one reader. ``own``: the reader asked for them; ``direct``: they wait in direct messages."""

    approvers: tuple[str, ...]
    requester_may_approve: bool
    own: bool
    direct: bool
    count: int


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line of the listing of runs. ``parked``: why nobody works this run until a person resumes it; ``rules``: the newest rules
    (`core/journal.py`) that anybody wrote it by. Times in epoch seconds."""

    run: RunId
    team: str
    channel: str
    thread: str
    requester: str
    state: str
    asked_at: float
    due_at: float | None
    length: int
    parked: str | None = None
    rules: int = 0


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing starts in ``scope`` ("all", "system:NAME", "environment:NAME") until somebody lifts it. ``by``: a user's id, or what
    `emergency.by_shell` makes of it."""

    scope: str
    reason: str
    by: str
    since: float


@dataclass(frozen=True, slots=True)
class Freezing:
    """A freeze was set or (``lifted``) ended. ``told``: every open card shows it; ``switch``: the name of BIGHUB's kill switch that
    mirrors it, "" where there is none to be, None where nobody has seen to it yet."""

    number: int
    at: float
    scope: str
    by: str
    reason: str
    lifted: bool
    told: bool
    switch: str | None


@dataclass(frozen=True, slots=True)
class Epoch:
    """The time since the database was last restored from a backup. ``number``: how often that was noticed; ``since``: when (epoch
    seconds, 0.0 for never); ``settled``: whether all that the backup held has ended. Before that nothing may start."""

    number: int = 0
    since: float = 0.0
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease on a run, whose journal is ``length`` events long. ``taken_over``: its last owner never gave it back, so what that
    one was doing may be done; ``takeovers``: how many owners in a row died over it, without having got anywhere."""

    length: int
    taken_over: bool = False
    takeovers: int = 0


class Reader(Protocol):
    """Reads within one transaction. ``now`` is the store's clock, read once per transaction (epoch seconds)."""

    @property
    def now(self) -> float: ...

    async def journal(self, run: RunId, after: int = 0) -> tuple[Recorded, ...]:
        """The events of a run with ``seq > after``, in order. In a `Writer` it also locks the run until the commit."""

    async def latest_run(self, place: Place) -> RunId | None:
        """The newest run of a thread."""

    async def run_of(self, opaque: str) -> RunId | None:
        """The run that owns an approval's id or an in-doubt question's id."""

    async def open_approvals(self, team: str | None = None) -> tuple[OpenApproval, ...]:
        """Open approvals, of one workspace or (None) of all: riskiest first, then oldest."""

    async def approval_groups(self, team: str, reader: str) -> tuple[ApprovalGroup, ...]:
        """All open approvals of a workspace, counted by what ``reader`` (a user's id) need know to tell whether they concern them."""

    async def first_approvals(
        self, team: str, reader: str, groups: Collection[ApprovalGroup], limit: int
    ) -> tuple[OpenApproval, ...]:
        """At most ``limit`` of the open approvals of these groups: riskiest first, then oldest."""

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        """The newest runs."""

    async def line(self, run: RunId) -> RunLine | None:
        """One run's line, also where its journal cannot be read."""

    async def due_runs(
        self, limit: int, without: Collection[RunId] = (), woken: Collection[RunId] = ()
    ) -> tuple[RunId, ...]:
        """Runs whose ``due_at`` has passed, whom nobody holds by a lease that can be true and that are not parked, the longest due
        first, but those in ``without``, and those in ``woken`` that nobody has taken and left since; either may be any number."""

    async def next_due(self) -> float | None:
        """The earliest ``due_at`` of any run that nobody holds and that is not parked."""

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        """Rows that are not done, oldest first, but those whose keys are in ``without``, which may be any number."""

    async def sealing(self) -> Sealing | None:
        """None where nobody has sealed a row of the inbox yet."""

    async def only_unsealed(self) -> bool:
        """Whether the inbox knows rows, and none of them has a seal."""

    async def freezes(self) -> tuple[Freeze, ...]: ...

    async def recent_starts(self, since: float) -> tuple[PastStart, ...]:
        """What started after ``since`` (epoch seconds), in any run. In a `Writer` it also keeps others from starting what is limited
        before the commit."""

    async def open_of(self, run: RunId, team: str, requester: str) -> int:
        """How many approvals are open that somebody asked for in a workspace, in any run. In a `Writer` it also locks ``run``, which
        would open one more, and keeps the others from opening one of theirs before the commit."""

    async def votes(self, since: float) -> tuple[PastVote, ...]:
        """The votes after ``since`` (epoch seconds), in any run, in no order."""

    async def freezings(self, limit: int, scope: str = "") -> tuple[Freezing, ...]:
        """The newest of all freezes that were ever set and lifted (of ``scope``, if any), newest first."""

    async def epoch(self) -> Epoch:
        """The present epoch; not settled where the database was restored and nobody has noticed yet, as far as can be seen."""

    async def unended(self, limit: int, after: str = "") -> tuple[RunId, ...]:
        """Runs with ids above ``after``, in their order, that have not ended or owe something still."""


class Writer(Reader, Protocol):
    """Writes within one transaction: all of it is committed, or none."""

    async def append(self, before: Run | None, after: Run, events: Sequence[Recorded]) -> None:
        """Append ``events`` (their ``seq`` continues ``before``'s length) and write the projections of ``after``: the run's row
        with ``due_at``, its approvals, the ids of its questions, the chain's hash. Raises `Conflict` where somebody was first."""

    async def put_inbox(self, row: InboxRow) -> bool:
        """Keep a row; False where its key is known already, done or not."""

    async def close_inbox(self, key: str) -> None:
        """The row is done: its payload is emptied, its key stays."""

    async def seal_inbox(self, key: str, seal: str) -> None:
        """Seal an open row that has no seal."""

    async def begin_sealing(self, sealing: Sealing) -> None:
        """Keep it, where nobody was first."""

    async def take_lease(self, run: RunId, owner: str, seconds: float, *, afresh: bool = False) -> Lease | None:
        """Take or renew the lease on a run; None while somebody else's holds, or while the run is parked. Whoever takes over one
        that just ended counts a takeover, until the journal says of anything but failures, or the lease is given back. Somebody
        else's that ends later than any can ends in `LONGEST_LEASE` from now on: whoever has it and lives renews it before.
        ``afresh``: ``owner`` knows of no lease of its own, so one that it has all the same (the answer to its commit was lost, or
        a work broke) is taken over like a dead one's, but counts none."""

    async def hand_over(self, run: RunId, owner: str, seconds: float) -> None:
        """Whoever holds the lease lets it end in ``seconds`` (0: now, by any clock), and does not give it back: what was under way may be
        half done. Nobody has died of it: whoever takes it over counts no takeover."""

    async def give_back(self, run: RunId, owner: str, length: int) -> bool:
        """Give the lease back, if the journal is still ``length`` long; False (and the lease stays) where it has grown."""

    async def park(self, run: RunId, owner: str, reason: str) -> bool:
        """Whoever holds the lease gives it back and leaves the run to people, with the reason; False where it is not held so."""

    async def resume(self, run: RunId) -> bool:
        """A parked run may be worked again, by somebody who takes it over; no takeover of before counts any more. False where it is not
        parked."""

    async def touch(self) -> None:
        """Write something that is gone again with the commit: where the database takes nothing, this or the commit fails."""

    async def set_freeze(self, scope: str, reason: str, by: str, *, over: bool = False) -> bool:
        """Freeze a scope; False where it is frozen already: whoever was first stands, unless this one is put ``over`` theirs."""

    async def lift_freeze(self, scope: str, by: str = "", reason: str = "") -> bool:
        """End a freeze; False where there is none."""

    async def mark_freezing(self, number: int, *, told: bool | None = None, switch: str | None = None) -> None:
        """What was done about a freeze that was set or lifted."""

    async def begin_epoch(self, reason: str) -> Epoch:
        """The database was restored from a backup: a new epoch, not settled. Where one is not settled yet, that goes on."""

    async def settle_epoch(self, number: int) -> None:
        """All that the backup held has ended."""


class Conflict(Exception):
    """Somebody else appended first; `Store.write` runs the work again."""


class Rewound(Exception):
    """The store does not hold what was read from it before: an older database was put in its place."""


class Store(Protocol):
    """Runs a piece of work in a transaction. The work may run more than once: it must do nothing outside the transaction."""

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T: ...

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T: ...

    async def notice(self) -> Epoch:
        """Look whether the database was restored from a backup since somebody last looked; if so, a new epoch begins."""

    async def data_version(self) -> int | None:
        """A number that changes when another process has written (SQLite); None where the database wakes workers itself."""

    async def close(self) -> None: ...


Translate = Callable[[InboxRow], Input]
Decide = Callable[[Run | None, Writer], Awaitable[Sequence[Event] | Refused]]
