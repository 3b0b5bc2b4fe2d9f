"""What should happen next, in the imperative. Read off the state by `run.pending`; done by the engine.

Every effect has a key (unique in its run, stable across crashes) and a ``not_before`` (epoch seconds; 0 is "now").
"""

from dataclasses import dataclass

from bot.core.values import ApprovalId, CallId


@dataclass(frozen=True, slots=True)
class CallModel:
    turn: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"model:{self.turn}"


@dataclass(frozen=True, slots=True)
class Judge:
    call: CallId
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"judge:{self.call}"


@dataclass(frozen=True, slots=True)
class StartAction:
    call: CallId
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"act:{self.call}"


@dataclass(frozen=True, slots=True)
class Recover:
    """A call is started and not ended. Its own worker ignores this; whoever else holds the run finds out what happened."""

    call: CallId
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"act:{self.call}"


@dataclass(frozen=True, slots=True)
class Expire:
    approval: ApprovalId
    not_before: float

    @property
    def key(self) -> str:
        return f"expire:{self.approval}"


@dataclass(frozen=True, slots=True)
class StopAsking:
    """Nobody said in time what became of an action in doubt."""

    call: CallId
    not_before: float

    @property
    def key(self) -> str:
        return f"doubt:{self.call}"


@dataclass(frozen=True, slots=True)
class StopWaiting:
    """The requester never answered: the run ends."""

    not_before: float

    @property
    def key(self) -> str:
        return "waiting"


@dataclass(frozen=True, slots=True)
class ShowCard:
    """Post the card of a call, or bring it up to date; ``shows`` is the phase that it must show."""

    call: CallId
    shows: str
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"card:{self.call}"


@dataclass(frozen=True, slots=True)
class AskRequester:
    """Post the guard's question to the requester in the thread."""

    call: CallId
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"question:{self.call}"


@dataclass(frozen=True, slots=True)
class PostInquiry:
    """Post the question of somebody who decides to the requester; ``number`` counts from 1."""

    call: CallId
    number: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"inquiry:{self.call}:{self.number}"


@dataclass(frozen=True, slots=True)
class PostReply:
    """Post the words that end a turn; ``reply`` counts from 1."""

    reply: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"reply:{self.reply}"


@dataclass(frozen=True, slots=True)
class PostDelay:
    """Tell the thread that the model, the guard or whoever is asked before a start (``waits_for``, an effect's key) does not answer and
    is tried again."""

    waits_for: str
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"delay:{self.waits_for}"


@dataclass(frozen=True, slots=True)
class PostEnd:
    """Tell the thread that the run failed (with Retry) or was cancelled; ``end`` counts from 1."""

    end: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"end:{self.end}"


@dataclass(frozen=True, slots=True)
class PostNotice:
    """Tell the thread what ``about`` names: ``ended:CALL`` (nothing ran), ``anew:APPROVAL`` (people are asked once more),
    ``placed:CALL`` (its card stands in another channel), ``shadow:CALL`` (what rules on trial would have done), ``retried`` (by whom)."""

    about: str
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return self.about


@dataclass(frozen=True, slots=True)
class Remind:
    """Tell the thread, and those who can decide, that an approval waits; ``number`` counts from 1."""

    approval: ApprovalId
    number: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"remind:{self.approval}:{self.number}"


@dataclass(frozen=True, slots=True)
class Escalate:
    """Tell the thread, and those whom the approval escalates to, that they may decide from ``at`` (epoch seconds) on."""

    approval: ApprovalId
    at: float
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"escalate:{self.approval}:{self.at:.0f}"


@dataclass(frozen=True, slots=True)
class Summon:
    """Tell one person directly what the thread was told under the key ``of``."""

    approval: ApprovalId
    of: str
    user: str
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.of}:{self.user}"


@dataclass(frozen=True, slots=True)
class ReportResolution:
    """Tell BIGHUB what became of a question that it was asked about a call; ``of`` says which (`resolving.py`)."""

    call: CallId
    of: str
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"resolution:{self.of}"


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """Tell BIGHUB what became of a call; ``in_doubt``: that nobody knows it, which an answer may still change."""

    call: CallId
    in_doubt: bool = False
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"outcome:{self.call}:in_doubt" if self.in_doubt else f"outcome:{self.call}"


@dataclass(frozen=True, slots=True)
class Remember:
    """Tell the guard's memory what happened to the run's calls since the last time; ``batch`` counts from 1."""

    batch: int
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"memory:{self.batch}"


@dataclass(frozen=True, slots=True)
class AnnounceGlass:
    """Tell the audit channel that one person decided alone."""

    approval: ApprovalId
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"glass:{self.approval}"


@dataclass(frozen=True, slots=True)
class ShowReview:
    """Ask for the review of what one person decided alone; ``done``: show that somebody reviewed it."""

    approval: ApprovalId
    done: bool = False
    not_before: float = 0.0

    @property
    def key(self) -> str:
        return f"reviewed:{self.approval}" if self.done else f"review:{self.approval}"


Effect = (
    CallModel
    | Judge
    | StartAction
    | Recover
    | Expire
    | StopAsking
    | StopWaiting
    | ShowCard
    | AskRequester
    | PostInquiry
    | PostReply
    | PostDelay
    | PostEnd
    | PostNotice
    | Remind
    | Escalate
    | Summon
    | ReportResolution
    | ReportOutcome
    | Remember
    | AnnounceGlass
    | ShowReview
)
