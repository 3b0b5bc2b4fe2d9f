"""The ports that Signoff asks and tells: Model, Guard, Chat, Actions, Dispatch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.glass import Broken
from bot.core.inputs import Profile
from bot.core.moments import Moment
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Binding, Judgement, Person, Place, Proposal, RunId

# --- Model ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """A function call as the model wrote it."""

    wire: str
    action: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything that one model call is given: ``items`` and ``tools`` as they go on the wire. ``brief`` is the caller's own
    request where a program asked (`Asked.brief`), else ""."""

    run: RunId
    items: Sequence[object]
    tools: Sequence[object] = ()
    brief: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete model response. ``items``: its output list as JSON text, to be replayed; ``tokens``: total used;
    ``response``: OpenAI's id of it, "" where it has none."""

    items: str
    text: str
    wishes: tuple[Wish, ...]
    tokens: int = 0
    response: str = ""


LONGEST_RETRY_AFTER = 3600.0


class Unavailable(Exception):
    """The other side is down, slow or answers nonsense: worth another attempt. ``retry_after`` in seconds, where it said so;
    nobody is waited for longer than an hour at a time, whatever they ask."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = min(max(0.0, retry_after), LONGEST_RETRY_AFTER) if retry_after == retry_after else 0.0


class NotYet(Unavailable):
    """Nobody was asked: the caller's turn comes in ``retry_after`` seconds, and is kept for whoever comes then. No failure."""


class Rejected(Exception):
    """The other side refuses for good (wrong key, unknown model, bad request); the message is for the person."""


class Model(Protocol):
    async def reply(self, prompt: Prompt) -> Reply:
        """One stateless call: the whole input item list in, one response out. Raises `Unavailable`, `Rejected`."""


# --- Guard ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What a guard judges. ``arguments`` are redacted JSON text; ``key`` is the same for the same run, call and digest;
    ``earlier``: the raw decisions (JSON) about the run's other calls, oldest first; ``supersedes``: the guard's name for the question
    about the call in whose place a person or the model put this one."""

    run: RunId
    key: str
    action: str
    arguments: str
    binding: Binding
    requester: Person
    place: Place
    request: str
    earlier: tuple[str, ...] = ()
    supersedes: str = ""


class Guard(Protocol):
    """Whoever decides. ``name`` is what cards call it ("BIGHUB", "Local rules")."""

    name: str

    async def judge(self, question: Question) -> Judgement:
        """Raises `Unavailable` (try again) or `Rejected` (blocked: never an allowance)."""

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        """Deliver what became of the question that ``call`` names (None: we refused it, and nobody was asked); reads first where it
        may have been sent before (``again``). Raises `Unavailable`, `Rejected`."""

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        """Deliver what became of a call; ``again`` and errors as above."""

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        """Deliver what happened to the run's calls to the guard's memory, each under a stable id. Raises as above."""


# --- Oversight ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Switch:
    """A kill switch that is on at the guard's: its name there ("" where it says none), why (whole: ours has its marker at the
    end), and of which domain ("" for all)."""

    id: str
    reason: str
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Denial:
    """A request that was denied at the guard's. ``opaque``: its name among ours (`Reader.run_of`); ``said``: what was said with it."""

    request_id: str
    opaque: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Denials:
    """What was denied at the guard's, as far as it is listed. ``cut``: why there may be more, as a sentence; "" where that is all."""

    found: tuple[Denial, ...]
    cut: str = ""


class Oversight(Protocol):
    """What people do at the guard's own place. Each method raises `Unavailable` or `Rejected`; an answer that cannot be read is
    `Unavailable`."""

    async def switches(self) -> tuple[Switch, ...]:
        """The kill switches that are on."""

    async def activate(self, reason: str) -> str:
        """Set the kill switch for everything; its name."""

    async def deactivate(self, switch: str, reason: str) -> None: ...

    async def denials(self) -> Denials:
        """What was denied there, whoever did it."""

    async def stands(self, request_id: str) -> bool:
        """Whether this is listed there as waiting for people, or as approved."""


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

    async def show_card(self, run: Run, call: Call, *, again: bool = True) -> Posted:
        """Post the call's card, or update it in place. Where it may have been posted before (``again``), the message that is
        already there is adopted."""

    async def post_reply(self, run: Run, key: str, text: str, *, again: bool = True) -> Posted:
        """Post the model's words in the run's thread, all of them. ``key`` names the effect, for reconciling (``again``)."""

    async def post_notice(
        self,
        run: Run,
        key: str,
        text: str,
        retry: RunId | None = None,
        *,
        ends: ApprovalId | None = None,
        names: bool = False,
        again: bool = True,
    ) -> Posted:
        """Post a sentence of Signoff's own; with ``retry`` it carries a Retry button, with ``ends`` Withdraw and Stop of that approval.
        ``names``: it is Signoff's own to the last word, so everybody and every group that it names is mentioned."""

    async def tell(self, run: Run, call: Call, user: str, key: str, text: str, *, again: bool = True) -> Posted:
        """Tell one person in a direct message, with a link to the call's card. ``key`` and ``again`` as above."""

    async def announce_glass(self, run: Run, key: str, broken: Broken, channel: str, *, again: bool = True) -> Posted:
        """Tell a channel ("" for the run's thread) that one person decided alone."""

    async def show_review(
        self, run: Run, key: str, broken: Broken, channel: str, stands: tuple[str, str] | None, *, again: bool = True
    ) -> Posted:
        """Post the card that asks for a review there, or bring the one up to date that ``stands`` (channel and message)."""

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

    async def propose(self, call: str, wish: Wish, requester: Person) -> Proposal:
        """Validate and bind a wish; a proposal without a binding says why. Functions of the action's that may block are
        not asked on the event loop."""

    def schema(self, action: str) -> Mapping[str, object] | None:
        """The JSON schema of an action's arguments; None where there is no such action."""

    def fitted(self, action: str, arguments: str) -> str | Mapping[str, str]:
        """Arguments as they would be bound (JSON text, defaults filled in); or what is wrong, by the argument's name ("": as a whole)."""

    def redacted(self, proposal: Proposal) -> str:
        """The bound arguments as JSON text, without secrets."""

    def scopes(self) -> frozenset[str]:
        """What there is to freeze: `system:NAME` and `environment:NAME` of what changes something; `environment:{ARGUMENT}` where an
        argument says it."""

    def is_defined_as(self, action: str, definition: str) -> bool:
        """Whether an action is still what the digest ``definition`` says; False where there is no such action."""

    async def run(self, proposal: Proposal, idempotency_key: str) -> Ran:
        """Run the action with exactly the bound bytes."""

    async def probe(self, proposal: Proposal, idempotency_key: str) -> bool | None:
        """Whether an interrupted attempt happened; None where nobody can tell."""


class Dispatch(Protocol):
    """Wakes the workers. A lost or doubled wake-up is harmless."""

    async def wake(self, run: RunId) -> None: ...
