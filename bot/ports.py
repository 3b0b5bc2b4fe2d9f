"""The ports: what the engine needs of the world, as Protocols. Adapters implement them; nothing here does anything."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.events import ApprovalId, Binding, Event, Judgement, Person, Place, Proposal, Recorded, RunId
from bot.core.inputs import Input, Profile
from bot.core.refusal import Refused
from bot.core.run import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InboxRow:
    """What Slack sent, committed before the ack. ``key`` is unique for ever; ``payload`` is Slack's JSON text."""

    key: str
    team: str
    kind: str
    payload: str
    received_at: float = 0.0


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
class RunLine:
    """A line of the listing of runs. Times in epoch seconds."""

    run: RunId
    team: str
    channel: str
    thread: str
    requester: str
    state: str
    asked_at: float
    due_at: float | None
    length: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """Nothing starts in ``scope`` ("all", "system:NAME", "environment:NAME") until somebody lifts it."""

    scope: str
    reason: str
    by: str
    since: float


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

    async def runs(self, limit: int, state: str | None = None) -> tuple[RunLine, ...]:
        """The newest runs."""

    async def due_runs(self, limit: int) -> tuple[RunId, ...]:
        """Runs whose ``due_at`` has passed and whom nobody holds, the longest due first."""

    async def next_due(self) -> float | None:
        """The earliest ``due_at`` of any run that nobody holds."""

    async def open_inbox(self, limit: int, without: Collection[str] = ()) -> tuple[InboxRow, ...]:
        """Rows that are not done, oldest first, but those whose keys are in ``without``."""

    async def freezes(self) -> tuple[Freeze, ...]: ...


class Writer(Reader, Protocol):
    """Writes within one transaction: all of it is committed, or none."""

    async def append(self, before: Run | None, after: Run, events: Sequence[Recorded]) -> None:
        """Append ``events`` (their ``seq`` continues ``before``'s length) and write the projections of ``after``: the run's row
        with ``due_at``, its approvals, the ids of its questions, the chain's hash. Raises `Conflict` where somebody was first."""

    async def put_inbox(self, row: InboxRow) -> bool:
        """Keep a row; False where its key is known already, done or not."""

    async def close_inbox(self, key: str) -> None:
        """The row is done: its payload is emptied, its key stays."""

    async def take_lease(self, run: RunId, owner: str, seconds: float) -> bool:
        """Take or renew the lease on a run; False while somebody else's holds."""

    async def give_back(self, run: RunId, owner: str, length: int) -> bool:
        """Give the lease back, if the journal is still ``length`` long; False (and the lease stays) where it has grown."""

    async def set_freeze(self, scope: str, reason: str, by: str) -> None: ...

    async def lift_freeze(self, scope: str) -> bool: ...


class Conflict(Exception):
    """Somebody else appended first; `Store.write` runs the work again."""


class Store(Protocol):
    """Runs a piece of work in a transaction. The work may run more than once: it must do nothing outside the transaction."""

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T: ...

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T: ...

    async def data_version(self) -> int | None:
        """A number that changes when another process has written (SQLite); None where the database wakes workers itself."""

    async def close(self) -> None: ...


# --- Model ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """A function call as the model wrote it."""

    wire: str
    action: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete model response. ``items``: its output list as JSON text, to be replayed; ``tokens``: total used."""

    items: str
    text: str
    wishes: tuple[Wish, ...]
    tokens: int = 0


class Unavailable(Exception):
    """The other side is down, slow or answers nonsense: worth another attempt. ``retry_after`` in seconds, where it said so."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Rejected(Exception):
    """The other side refuses for good (wrong key, unknown model, bad request); the message is for the person."""


class Model(Protocol):
    async def reply(self, items: Sequence[object], tools: Sequence[object]) -> Reply:
        """One stateless call: the whole input item list in, one response out. Raises `Unavailable`, `Rejected`."""


# --- Guard ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What a guard judges. ``arguments`` are redacted JSON text; ``key`` is the same for the same run, call and digest."""

    run: RunId
    key: str
    action: str
    arguments: str
    binding: Binding
    requester: Person
    place: Place
    request: str


class Guard(Protocol):
    """Whoever decides. ``name`` is what cards call it ("BIGHUB", "Local rules")."""

    name: str

    async def judge(self, question: Question) -> Judgement:
        """Raises `Unavailable` (try again) or `Rejected` (blocked: never an allowance)."""

    async def report_resolution(self, run: Run, call: Call, approval: Approval) -> None:
        """Deliver what people decided; reads before it sends again. Raises `Unavailable`, `Rejected`."""

    async def report_outcome(self, run: Run, call: Call) -> None:
        """Deliver what became of a call; reads before it sends again. Raises `Unavailable`, `Rejected`."""


# --- Chat -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands."""

    channel: str
    message: str


class Gone(Exception):
    """The message that was to be changed is no longer there."""


class Chat(Protocol):
    """The people and their threads. Every method raises `Unavailable` (try again, after ``retry_after``) or `Rejected`."""

    async def profile(self, person: Person) -> Profile | Refused: ...

    async def members(self, team: str, group: str) -> frozenset[str] | Refused:
        """The user ids of a user group."""

    async def show_card(self, run: Run, call: Call) -> Posted:
        """Post the call's card, or update it in place; after an ambiguous failure it adopts the message that is already there."""

    async def post_reply(self, run: Run, key: str, text: str) -> Posted:
        """Post the model's words in the run's thread, all of them. ``key`` names the effect, for reconciling."""

    async def post_notice(self, run: Run, key: str, text: str, retry: RunId | None = None) -> Posted:
        """Post a sentence of Signoff's own; with ``retry`` it carries a Retry button."""

    async def show_thinking(self, run: Run) -> None:
        """Decoration: the thread shows that the model is at it. Never raises, and nothing depends on it."""

    async def whisper(self, person: Person, channel: str, thread: str, text: str) -> None:
        """Tell one person something privately. Never the only record of anything."""


# --- Actions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """What an action returned: ``output`` is JSON text, ``ok`` False with an ``error`` sentence where it raised;
    ``unknown``: it did not end in time, so nobody knows whether it happened."""

    ok: bool
    output: str
    error: str = ""
    unknown: bool = False


class Actions(Protocol):
    def offered(self) -> tuple[dict[str, object], ...]:
        """The tools of the Responses API."""

    def propose(self, call: str, wish: Wish, requester: Person) -> Proposal:
        """Validate and bind a wish; a proposal without a binding says why."""

    def redacted(self, proposal: Proposal) -> str:
        """The bound arguments as JSON text, without secrets."""

    def current_definition(self, action: str) -> str | None:
        """The digest of an action's present definition; None where there is no such action."""

    async def run(self, proposal: Proposal, idempotency_key: str) -> Ran:
        """Run the action with exactly the bound bytes."""

    async def probe(self, proposal: Proposal, idempotency_key: str) -> bool | None:
        """Whether an interrupted attempt happened; None where nobody can tell."""


class Dispatch(Protocol):
    """Wakes the workers. A lost or doubled wake-up is harmless."""

    async def wake(self, run: RunId) -> None: ...


Translate = Callable[[InboxRow], Input]
Decide = Callable[[Run | None, Writer], Awaitable[Sequence[Event] | Refused]]
