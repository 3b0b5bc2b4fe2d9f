"""The plain values that events are made of: who, where, what exactly, and how it was judged. Nothing here happens or decides.

Rule: they are stored inside events, so a field may be appended with a default, never renamed, reordered or removed.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NewType

RunId = NewType("RunId", str)
CallId = NewType("CallId", str)
ApprovalId = NewType("ApprovalId", str)
CONTENT = "content"
Content = Annotated[str, CONTENT]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by id. ``team`` is the enterprise id where there is one, else the workspace id."""

    team: str
    user: str


@dataclass(frozen=True, slots=True)
class Place:
    """A thread: ``team`` is the workspace, ``thread`` the ``ts`` of its first message."""

    team: str
    channel: str
    thread: str


class Verdict(StrEnum):
    """Our reading of a decision. `verdict.strictest` knows the order."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Choice(StrEnum):
    APPROVE = "approve"
    DENY = "deny"


class Answer(StrEnum):
    """What a person says about an action of which nobody knows whether it happened."""

    DID_RUN = "did_run"
    DID_NOT_RUN = "did_not_run"
    UNKNOWN = "unknown"


class Ground(StrEnum):
    """Why a call is refused without anybody's vote. ``DENIED``: somebody denied it elsewhere, at the guard's."""

    SUPERSEDED = "superseded"
    FROZEN = "frozen"
    BLOCKED = "blocked"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Binding:
    """What exactly would run; an approval binds exactly one ``digest`` (`canonical.digest`).
    ``order`` is how a card lists the arguments, ``secret`` names those whose values it does not show."""

    arguments: Content
    digest: str
    definition: str
    target: str
    system: str
    environment: str
    risk: str
    read_only: bool
    on_crash: str
    order: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """The model's wish, as it came; ``wire`` is the model's own id for it. Without a ``binding`` it never runs; ``refusal`` says why."""

    call: CallId
    wire: str
    action: str
    raw_arguments: Content
    binding: Binding | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A guard's answer. ``decision`` is its raw JSON, ``request_id`` BIGHUB's name for it ("" from the local rules),
    ``risk`` 0..1 or None, ``seal`` the keyed hash over what is allowed or asked about (`approval.permission_text`), ``covers`` how much of
    it (`approval.py`), ``memory``: whether the guard's memory wants to hear what becomes of it, ``shadow``: the names of the policy's rules
    on trial that would have been stricter, ``ours``: why people are asked or it is denied beyond what the guard said, in our words."""

    verdict: Verdict
    reason: str
    source: str
    risk: float | None = None
    better_action: str = ""
    needs_context: bool = False
    request_id: str = ""
    rule: str = ""
    decision: Content = ""
    seal: str = ""
    memory: bool = True
    shadow: tuple[str, ...] = ()
    ours: str = ""
    covers: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """At least ``count`` of those who approve are ``approver`` (``user:U…`` or ``group:S…``)."""

    approver: str
    count: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """One demand of the policy: ``count`` different people of ``approvers``, and among them, nobody taken twice, those of ``shares``.
    From ``escalates_at`` (epoch seconds; 0 for never) on, ``escalate_to`` count like any of the approvers."""

    approvers: tuple[str, ...]
    count: int
    shares: tuple[Share, ...] = ()
    escalate_to: tuple[str, ...] = ()
    escalates_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Summons:
    """Somebody who is told in a direct message, not before their quiet hours end (epoch seconds)."""

    user: str
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an approval, from the policy that applied when it was opened. ``approvers``: ``user:U…`` or ``group:S…``, all
    who may vote; ``quorum``: how many people it takes at least. ``quorums``: every demand that must be met; () where it is just
    ``quorum`` of ``approvers``. Seconds, 0 for never: ``recheck_after`` (the guard is asked again before a start), ``execute_within``
    (of the approval), ``remind_after``. ``post_to``: the channels of the card, () for the thread. ``rules``: the names of all that
    applied, ``rule`` the strictest of them. ``denials``: how many end it. ``not_alone``: users (they changed what is asked about,
    or wrote what the turn had read) whose approval alone is not enough. ``tainted``: what the turn had read that nobody has checked
    (`taint.py`)."""

    approval: ApprovalId
    approvers: tuple[str, ...]
    quorum: int
    requester_may_approve: bool
    expires_at: float
    rule: str = ""
    quorums: tuple[Quorum, ...] = ()
    comment_required: bool = False
    recheck_after: float = 0.0
    execute_within: float = 0.0
    remind_after: float = 0.0
    post_to: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    denials: int = 1
    not_alone: tuple[str, ...] = ()
    tainted: tuple[str, ...] = ()
