"""What can happen to a run, in the past tense. Nothing here decides; `run.py` does.

Rule 1: every change of a run is exactly one of these, and the journal holds nothing else.
Rule 2: stored events live as long as the database: a field may be appended with a default, never renamed, reordered or removed.
Rule 3: text that must be purgeable (words, arguments, outputs) is `Content`: the journal keeps its digest, `contents` its bytes.
What was told outside, or could not be, is `deliveries.py`'s.
"""

from dataclasses import dataclass

from bot.core.deliveries import AttemptFailed as AttemptFailed
from bot.core.deliveries import CardShown as CardShown
from bot.core.deliveries import Delivered as Delivered
from bot.core.deliveries import Reminded as Reminded
from bot.core.values import (
    Answer,
    ApprovalId,
    CallId,
    Choice,
    Content,
    Ground,
    Judgement,
    Person,
    Place,
    Proposal,
    RunId,
    Terms,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A person asked: the run begins. ``previous`` is the run before it in the same thread. ``brief``: where a program asked, its whole
    request as JSON, shown to the model instead of ``text``. ``retried_by``: who had a failed request of ``person`` begin anew."""

    person: Person
    place: Place
    message: str
    text: Content
    previous: RunId | None = None
    brief: Content = ""
    retried_by: Person | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A later message in the run's thread."""

    person: Person
    message: str
    text: Content


@dataclass(frozen=True, slots=True)
class ModelReplied:
    """One model response. ``items`` is its output list as JSON; ``heard`` is how many messages the model had been shown;
    ``response`` is OpenAI's id of it, ``took`` the seconds that it took; ``read``: what of earlier runs is unchecked (`taint.py`)."""

    items: Content
    text: Content
    proposals: tuple[Proposal, ...]
    heard: int
    tokens: int = 0
    response: str = ""
    took: float = 0.0
    read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """Signoff replied in its own words, without the model."""

    text: Content


@dataclass(frozen=True, slots=True)
class Judged:
    """The guard answered. ``terms`` are there exactly when people are asked."""

    call: CallId
    judgement: Judgement
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Voted:
    """One person's click. ``via`` is "slack", "shell", "program" or "break_glass" (`glass.py`: one person decided alone); ``message``
    the card's ``ts`` it was clicked on ("" from a shell); ``counts_as``: which of the approvers the person was at that moment;
    ``review_at`` (epoch seconds): when others review what was decided alone; ``waited``: how many seconds the question could be read
    before the click, None where unknown; ``covers``: how much ``seal`` does (`approval.py`)."""

    approval: ApprovalId
    person: Person
    choice: Choice
    comment: Content
    seal: str
    via: str = "slack"
    message: str = ""
    counts_as: tuple[str, ...] = ()
    review_at: float = 0.0
    waited: float | None = None
    covers: int = 0


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed what is asked about: the call is superseded by ``proposal``, which is judged anew and has no votes."""

    call: CallId
    proposal: Proposal
    person: Person


@dataclass(frozen=True, slots=True)
class SaferAsked:
    """A person wants the guard's safer alternative: the call is superseded, and the model is asked for one (`changes.py`)."""

    call: CallId
    person: Person


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody decided in time. ``held``: what kept it from being approved when its time was over, as sentences."""

    approval: ApprovalId
    held: str = ""


@dataclass(frozen=True, slots=True)
class CallRefused:
    """A call that was not started will never start. ``by``: the user whose freeze it was, if it was one's."""

    call: CallId
    ground: Ground
    reason: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """Committed before the effect; only its writer runs the action; a second one is a rerun (``on_crash``). ``action``: its name, which
    limits count; ``rechecked``: the guard's raw answer where it was asked once more before, and ``request`` its name for that."""

    call: CallId
    attempt: str
    worker: str
    action: str = ""
    rechecked: Content = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The action ended. ``output``: JSON text for the model; ``error``: the sentence of one that failed; ``took`` in seconds."""

    call: CallId
    attempt: str
    ok: bool
    output: Content
    took: float
    error: Content = ""


@dataclass(frozen=True, slots=True)
class Doubted:
    """Nobody knows whether the action happened. ``question`` is the opaque id of its buttons, ``asks_until`` (epoch seconds)
    when nobody is asked any more; ``error``: the sentence of an attempt that did not answer in time."""

    call: CallId
    attempt: str
    question: ApprovalId
    asks_until: float = 0.0
    error: Content = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """A person (or a probe: ``person`` None) said what became of an action in doubt."""

    call: CallId
    answer: Answer
    person: Person | None
    note: Content = ""


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run gave up; ``reason`` is for the person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A person stopped the run."""

    person: Person
    reason: Content = ""


@dataclass(frozen=True, slots=True)
class Inquired:
    """Somebody who may decide asked the requester something first. ``message``: the card's ``ts`` it was clicked on."""

    approval: ApprovalId
    person: Person
    question: Content
    message: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The requester took back what people were asked about. ``message`` as in `Inquired`."""

    approval: ApprovalId
    person: Person
    message: str = ""


@dataclass(frozen=True, slots=True)
class FreezeNoted:
    """A freeze stops what an open card asks about, and the card must say so: which (``scope``), by whom, since when (epoch
    seconds), why; ``scope`` "" once nothing does any more."""

    call: CallId
    scope: str
    by: str = ""
    since: float = 0.0
    reason: Content = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Somebody else reviewed what one person had decided alone (`glass.py`)."""

    approval: ApprovalId
    person: Person


@dataclass(frozen=True, slots=True)
class Restored:
    """The database was restored from an older backup: the run ends, and what happened to it after the backup is not known.
    ``epoch`` counts the restores that were noticed; ``reason`` is for the person."""

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tightened:
    """The policy had become stricter while people were asked: ``terms`` hold from now on, ``seal`` covers them. ``void``: the users
    whose approvals of before do not hold under them."""

    approval: ApprovalId
    terms: Terms
    seal: str
    void: tuple[str, ...] = ()


Event = (
    Asked | Said | ModelReplied | Answered | Judged | Voted | Edited | Expired | CallRefused | Started | Finished | Doubted | Settled
    | CardShown | Delivered | AttemptFailed | RunFailed | Cancelled | Restored | Inquired
    | Withdrawn | SaferAsked | Reminded | FreezeNoted | Reviewed | Tightened
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in its place: ``seq`` counts from 1, ``at`` is the store's clock (epoch seconds)."""

    seq: int
    at: float
    event: Event
