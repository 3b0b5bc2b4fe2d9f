"""A call: a proposal's life in a run.

Rule 1: what is no legal move (`moves.py`) changes nothing.
Rule 2: ends have no way out, except that `in_doubt` takes a person's answer or late evidence. A call starts once; only an
action declared ``on_crash="rerun"`` may be started again while its end is unknown.
Rule 3: what a person found stands. A result that comes after it is kept beside it (``late``) and changes nothing else.
Rule 4: a call in whose place somebody found that nothing had run (``must_ask``) is never allowed by a guard alone.
How calls begin with a turn and end with their run is `turns.py`'s, what becomes of a call that did not run `again.py`'s.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.core import approval as approvals
from bot.core import reminding
from bot.core.approval import Approval, Resolution
from bot.core.emergency import froze_it
from bot.core.events import (
    CallRefused,
    Doubted,
    Edited,
    Expired,
    Finished,
    FreezeNoted,
    Inquired,
    Judged,
    Reminded,
    SaferAsked,
    Settled,
    Started,
    Tightened,
    Voted,
    Withdrawn,
)
from bot.core.inquiries import Inquiry, inquire
from bot.core.moves import CALL_EVENTS as CALL_EVENTS
from bot.core.moves import CALL_TRANSITIONS as CALL_TRANSITIONS
from bot.core.moves import OPEN as OPEN
from bot.core.moves import CallEvent as CallEvent
from bot.core.moves import OfApproval as OfApproval
from bot.core.refusal import Refused
from bot.core.states import STATUSES as STATUSES
from bot.core.states import CallState as CallState
from bot.core.states import Card as Card
from bot.core.states import Outcome as Outcome
from bot.core.tightening import tighten
from bot.core.values import Answer, ApprovalId, CallId, Ground, Judgement, Proposal, Verdict

_S = CallState
MAY_HAVE_RUN = frozenset({_S.ALLOWED, _S.STARTED})

MOST_ATTEMPTS = 3
WITHDRAWN = "Whoever asked for it took it back."
RESTORED = "The database was restored from a backup. What became of this after the backup is not known here."


@dataclass(frozen=True, slots=True)
class Call:
    """``turn`` counts from 1. ``question``: the opaque id of the in-doubt buttons. ``edits``: the call that a person changed into this
    one; ``instead``: what a person did instead of deciding; ``instead_of``: what did not run, in whose place this one stands.
    ``late``: what the action reported after somebody had found what became of it. ``frozen``: the freeze that its open card tells of;
    ``seq``: of the latest event; ``rechecked``: the guard's name of what it was asked once more before the start; ``frozen_by``: the user
    whose freeze refused it."""

    turn: int
    proposal: Proposal
    state: CallState = CallState.PROPOSED
    outcome: Outcome | None = None
    reason: str = ""
    judgement: Judgement | None = None
    approval: Approval | None = None
    attempt: str = ""
    attempts: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0
    output: str = ""
    took: float = 0.0
    question: ApprovalId | None = None
    asks_until: float = 0.0
    settled: Settled | None = None
    card: Card | None = None
    edits: CallId | None = None
    instead: Edited | SaferAsked | None = None
    instead_of: CallId | None = None
    must_ask: bool = False
    late: Finished | None = None
    late_at: float = 0.0
    inquiries: tuple[Inquiry, ...] = ()
    frozen: FreezeNoted | None = None
    seq: int = 0
    rechecked: str = ""
    frozen_by: str = ""

    @property
    def answered(self) -> bool:
        """Whether the model can be told what became of it."""
        told = self.state in (CallState.EXECUTED, CallState.FAILED, CallState.REFUSED)
        return told or (self.state is CallState.IN_DOUBT and self.settled is not None)

    @property
    def found(self) -> Settled | None:
        """What a person or a probe found became of it; None where nobody was asked or nobody could tell."""
        return None if self.settled is None or self.settled.answer is Answer.UNKNOWN else self.settled

    @property
    def reported(self) -> str:
        """The output that the action gave, in time or late."""
        return self.output or (self.late.output if self.late is not None else "")

    @property
    def status(self) -> str:
        """The founding README's word for this state."""
        return STATUSES[self.state, self.outcome]

    @property
    def phase(self) -> str | None:
        """What the card must show now; None where the call needs no card."""
        if self.approval is None and self.question is None:
            return None
        if self.state is CallState.ASKING and self.approval is not None:
            asked = "".join(":?" if inquiry.answer is None else ":!" for inquiry in self.inquiries)
            asked += f":{len(self.approval.earlier)}" if self.approval.earlier else ""
            asked += f":-{self.approval.against}" if self.approval.against else ""
            held = f":{self.frozen.scope}:{self.frozen.since}" if self.frozen is not None else ""
            return f"asking:{self.approval.terms.approval}:{self.approval.given}{asked}{held}"
        if self.state is CallState.IN_DOUBT and self.settled is not None:
            return f"{self.state}:{Answer.UNKNOWN}"
        return f"{self.outcome}:late" if self.late is not None else self.outcome or self.state


def apply(call: Call, event: CallEvent, at: float) -> Call | Refused:
    """The call after ``event``, or why it is too late for it."""
    legal = CALL_TRANSITIONS.get((call.state, type(event)))
    if legal is None:
        return Refused(f"This action is {(call.outcome or call.state).replace('_', ' ')}; it is too late for that.")
    after = _APPLY[type(event)](call, event, at)
    if isinstance(after, Call) and after.state not in legal:
        raise AssertionError(f"{type(event).__name__} led from {call.state} to {after.state}")
    return after


def refuse(call: Call, outcome: Outcome, reason: str, at: float, resolution: Resolution | None = None) -> Call:
    """An open call that will never start; ``resolution``: what becomes of its open approval."""
    approval = call.approval
    if approval is not None and approval.resolution is None and resolution is not None:
        approval = approvals.resolve(approval, resolution, at)
    return replace(call, state=CallState.REFUSED, outcome=outcome, reason=reason, approval=approval, ended_at=at)


def _judged(call: Call, event: Judged, at: float) -> Call:
    asked_before = call.approval and approvals.resolve(call.approval, Resolution.SUPERSEDED, at)
    judged = replace(call, judgement=event.judgement, approval=asked_before)
    if event.judgement.needs_context:
        return refuse(judged, Outcome.NEEDS_CONTEXT, event.judgement.reason or event.judgement.ours, at)
    if event.judgement.verdict is Verdict.DENY:
        return refuse(judged, Outcome.BLOCKED, event.judgement.ours or event.judgement.reason, at)
    if event.judgement.verdict is Verdict.ALLOW and not call.must_ask:
        return replace(judged, state=CallState.ALLOWED, approval=None)
    binding = call.proposal.binding
    if event.terms is None or binding is None:
        return refuse(judged, Outcome.BLOCKED, "Nobody can be asked about this action.", at)
    asks = Approval(event.terms, binding.digest, at, request=event.judgement.request_id, former=asked_before)
    return replace(judged, state=_S.ASKING, approval=asks)


def _voted(call: Call, event: Voted, at: float) -> Call | Refused:
    card = call.card.message if call.card else ""
    return _with_approval(call, call.approval and approvals.vote(call.approval, event, card, at), at)


def _tightened(call: Call, event: Tightened, at: float) -> Call | Refused:
    return _with_approval(call, call.approval and tighten(call.approval, event, at), at)


def _reminded(call: Call, event: Reminded, at: float) -> Call | Refused:
    return _with_approval(call, call.approval and reminding.told(call.approval, event, at), at)


def _with_approval(call: Call, approval: Approval | Refused | None, at: float) -> Call | Refused:
    """The call with what became of its open approval."""
    if approval is None or isinstance(approval, Refused):
        return approval or Refused("Nobody was asked about this action.")
    call = replace(call, approval=approval)
    if approval.resolution is Resolution.DENIED:
        return refuse(call, Outcome.DENIED, approvals.why_denied(approval), at)
    return replace(call, state=CallState.ALLOWED) if approval.resolution is Resolution.APPROVED else call


def _expired(call: Call, event: Expired, at: float) -> Call | Refused:
    if call.approval is None or at < call.approval.terms.expires_at:
        return Refused("This approval has not expired yet.")
    return refuse(call, Outcome.EXPIRED, f"Nobody decided in time. {event.held}".strip(), at, Resolution.EXPIRED)


_GROUNDS: dict[Ground, tuple[Outcome, Resolution]] = {
    Ground.SUPERSEDED: (Outcome.SUPERSEDED, Resolution.SUPERSEDED),
    Ground.FROZEN: (Outcome.FROZEN, Resolution.SUPERSEDED),
    Ground.BLOCKED: (Outcome.BLOCKED, Resolution.SUPERSEDED),
    Ground.DENIED: (Outcome.DENIED, Resolution.DENIED),
}


def _refused_on_ground(call: Call, event: CallRefused | Edited | SaferAsked, at: float) -> Call:
    if isinstance(event, CallRefused):
        by = event.by or (froze_it(event.reason) if event.ground is Ground.FROZEN else "")
        outcome, resolution = _GROUNDS[event.ground]
        return refuse(replace(call, frozen_by=by), outcome, event.reason, at, resolution)
    did = "changed the arguments" if isinstance(event, Edited) else "wants a safer alternative"
    reason = f"<@{event.person.user}> {did}; what comes of it is judged anew."
    return refuse(replace(call, instead=event), Outcome.SUPERSEDED, reason, at, Resolution.SUPERSEDED)


def _started(call: Call, event: Started, at: float) -> Call | Refused:
    """The first start; or another attempt at an action that may be run again, a bounded number of times."""
    again = call.state is CallState.STARTED
    binding = call.proposal.binding
    if again and (binding is None or binding.on_crash != "rerun" or call.attempts >= MOST_ATTEMPTS):
        return Refused("It was started already, and is not to be run again.")
    call = replace(call, rechecked=event.request or call.rechecked)
    return replace(call, state=CallState.STARTED, attempt=event.attempt, attempts=call.attempts + 1, started_at=at)


def _finished(call: Call, event: Finished, at: float) -> Call | Refused:
    if event.attempt != call.attempt:
        return Refused("That attempt is not the one that started.")
    if call.state in (CallState.EXECUTED, CallState.FAILED):
        known = call.found is None or call.late is not None
        return Refused("Its end is known already.") if known else replace(call, late=event, late_at=at)
    state, outcome = (CallState.EXECUTED, Outcome.EXECUTED) if event.ok else (CallState.FAILED, Outcome.FAILED)
    ended = replace(call, state=state, outcome=outcome, output=event.output, reason=event.error)
    return replace(ended, took=event.took, ended_at=at)


def _settled(call: Call, event: Settled, at: float) -> Call | Refused:
    if call.settled is not None and event.answer is Answer.UNKNOWN:
        return Refused("This was answered already.")
    settled = replace(call, settled=event, ended_at=at)
    match event.answer:
        case Answer.DID_RUN:
            return replace(settled, state=CallState.EXECUTED, outcome=Outcome.EXECUTED, reason="")
        case Answer.DID_NOT_RUN:
            return replace(settled, state=CallState.FAILED, outcome=Outcome.FAILED, reason="It did not run.")
    return settled


def _doubted(call: Call, event: Doubted, at: float) -> Call | Refused:
    if event.attempt != call.attempt:
        return Refused("That attempt is not the one that started.")
    doubt = replace(call, state=CallState.IN_DOUBT, outcome=Outcome.IN_DOUBT, question=event.question)
    return replace(doubt, asks_until=event.asks_until, reason=event.error)


def _inquired(call: Call, event: Inquired, at: float) -> Call | Refused:
    asked = inquire(
        call.proposal.call, call.approval, call.inquiries, event, call.card.message if call.card else "", at
    )
    return asked if isinstance(asked, Refused) else replace(call, inquiries=asked)


def _withdrawn(call: Call, event: Withdrawn, at: float) -> Call | Refused:
    if event.message != (call.card.message if call.card else ""):
        return Refused(approvals.NOT_THE_CARD)
    return refuse(call, Outcome.WITHDRAWN, WITHDRAWN, at, Resolution.WITHDRAWN)


def _freeze_noted(call: Call, event: FreezeNoted, at: float) -> Call:
    return replace(call, frozen=event if event.scope else None)


_APPLY: dict[type, Callable[[Call, Any, float], Call | Refused]] = {
    Judged: _judged,
    Voted: _voted,
    Expired: _expired,
    Inquired: _inquired,
    Withdrawn: _withdrawn,
    Tightened: _tightened,
    Reminded: _reminded,
    CallRefused: _refused_on_ground,
    Edited: _refused_on_ground,
    SaferAsked: _refused_on_ground,
    Started: _started,
    Finished: _finished,
    Doubted: _doubted,
    Settled: _settled,
    FreezeNoted: _freeze_noted,
}
