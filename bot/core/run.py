"""The run: a pure state machine over its journal.

Rule 1: what decides a run's or a call's state is here and in `call.py`, `again.py` and `approval.py`; `owed.py` reads off it.
Rule 2: `RUN_TRANSITIONS` and `CALL_TRANSITIONS` list every legal move; a missing key is the illegal move and changes nothing.
Rule 3: time comes in with the event (``at``, the store's clock); nothing here does I/O, chance or logging.
Rule 4: an event that is no longer legal is a `Refused`, an answer for the person who is late; a journal that holds one is broken.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.core import call as calls
from bot.core.again import after_late_report, in_place_of
from bot.core.answers import answered
from bot.core.call import CALL_EVENTS, MAY_HAVE_RUN, OPEN, Call, CallEvent, Card, Outcome
from bot.core.events import (
    Answered,
    Asked,
    AttemptFailed,
    Cancelled,
    CardShown,
    Delivered,
    Doubted,
    Edited,
    Event,
    Finished,
    Judged,
    ModelReplied,
    Reminded,
    Restored,
    Reviewed,
    RunFailed,
    Said,
    Settled,
)
from bot.core.faults import BrokenJournal
from bot.core.glass import Broken, broken_by, reviewed
from bot.core.refusal import Refused
from bot.core.states import Receipt, RunState, Trouble, Turn
from bot.core.turns import close, proposed, with_next
from bot.core.values import Answer, RunId

__all__ = ["ENDS", "RUN_TRANSITIONS", "Run", "RunState", "Turn", "apply", "begin"]

_S = RunState
_LIVE = (_S.THINKING, _S.ACTING, _S.WAITING_FOR_REQUESTER, _S.REPLYING)
_ALL = tuple(RunState)
_AFTER_CALL = frozenset({_S.ACTING, _S.THINKING, _S.WAITING_FOR_REQUESTER})
RUN_TRANSITIONS: dict[tuple[RunState, type], frozenset[RunState]] = {
    (_S.THINKING, ModelReplied): frozenset({_S.ACTING, _S.THINKING, _S.REPLYING, _S.DONE}),
    (_S.THINKING, Answered): frozenset({_S.REPLYING}),
    (_S.WAITING_FOR_REQUESTER, Said): frozenset({_S.THINKING, _S.WAITING_FOR_REQUESTER}),
    **{(state, Said): frozenset({state}) for state in (_S.THINKING, _S.ACTING, _S.REPLYING)},
    (_S.REPLYING, Delivered): frozenset({_S.REPLYING, _S.THINKING, _S.DONE}),
    **{(_S.ACTING, event): _AFTER_CALL for event in CALL_EVENTS},
    **{(end, Doubted): frozenset({end}) for end in (_S.CANCELLED, _S.FAILED)},
    **{(state, event): frozenset({state}) for state in _ALL if state is not _S.ACTING for event in (Finished, Settled)},
    **{(state, Cancelled): frozenset({_S.CANCELLED}) for state in _LIVE},
    **{(state, event): frozenset({_S.FAILED}) for state in _LIVE for event in (RunFailed, Restored)},
    **{(state, event): frozenset({state}) for state in _ALL for event in (CardShown, AttemptFailed, Reviewed)},
    **{(state, Delivered): frozenset({state}) for state in _ALL if state is not _S.REPLYING},
}
LATE_SECONDS = 60.0
ENDS = frozenset({_S.DONE, _S.CANCELLED, _S.FAILED})


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its journal tells it. ``said`` begins with the request; ``length`` is the journal's. ``tokens``: what the model
    used; ``worked``: the seconds that its model calls and actions took, added up: waiting for people is not in them; ``broken``: what one
    person decided alone; ``seqs``: where in the journal each of ``said`` stands; ``thinks_from``: where it was the model's turn last."""

    id: RunId
    asked: Asked
    asked_at: float
    state: RunState = RunState.THINKING
    said: tuple[Said, ...] = ()
    turns: tuple[Turn, ...] = ()
    calls: tuple[Call, ...] = ()
    replies: tuple[str, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    end_reason: str = ""
    ended_by: str = ""
    answered: int = 0
    length: int = 1
    last_at: float = 0.0
    tokens: int = 0
    worked: float = 0.0
    broken: tuple[Broken, ...] = ()
    seqs: tuple[int, ...] = (1,)
    thinks_from: int = 1

    def call(self, call_id: str) -> Call | None:
        return next((call for call in self.calls if call.proposal.call == call_id), None)

    def call_of(self, opaque: str) -> Call | None:
        """The call that a button's value names: an approval's id or an in-doubt question's."""
        return next((c for c in self.calls if opaque in (c.question, c.approval and c.approval.terms.approval)), None)

    def delivered(self, key: str) -> bool:
        return any(receipt.key == key for receipt in self.receipts)

    def trouble(self, key: str) -> Trouble | None:
        return next((trouble for trouble in self.troubles if trouble.key == key), None)

    @property
    def of_program(self) -> bool:
        """Whether a program asked (`bot.api`), which works its runs itself, and not a person in a chat. Nothing is posted: the
        program has everything as a return value."""
        return bool(self.asked.brief)

    @property
    def heard(self) -> int:
        """How many of ``said`` were answered: shown to the model, or met with words of our own."""
        return max(self.turns[-1].heard if self.turns else 0, self.answered)


def begin(run_id: RunId, asked: Asked, at: float) -> Run:
    """The first event makes the run."""
    return Run(run_id, asked, at, said=(Said(asked.person, asked.message, asked.text),), last_at=at)


def apply(run: Run, event: Event, at: float) -> Run | Refused:
    """The run after ``event``, or why it cannot happen any more. Nothing is changed in place."""
    legal = RUN_TRANSITIONS.get((run.state, type(event)))
    if legal is None:
        return Refused(f"The run is {run.state.replace('_', ' ')}; this is no longer possible.")
    after = _APPLY[type(event)](run, event, at)
    if isinstance(after, Refused):
        return after
    told = answered(after.calls, after.said, after.asked.person, after.receipts)
    after = _settle(after if told is after.calls else replace(after, calls=told))
    if after.state not in legal:
        raise BrokenJournal(f"{type(event).__name__} led from {run.state} to {after.state}")
    anew = after.state is RunState.THINKING and (run.state, run.turns) != (after.state, after.turns)
    since = run.length + 1 if anew else run.thinks_from
    return replace(after, length=run.length + 1, last_at=at, thinks_from=since)


def _settle(run: Run) -> Run:
    """When every call of the turn has an output, the run goes on: to the model, or to the requester first."""
    if run.state is not RunState.ACTING or not all(call.answered for call in run.calls):
        return run
    turn = len(run.turns)
    unclear = any(c.turn == turn and c.outcome is Outcome.NEEDS_CONTEXT for c in run.calls)
    if unclear and not _requester_spoke(run):
        return replace(run, state=RunState.WAITING_FOR_REQUESTER)
    return replace(run, state=RunState.THINKING)


def _requester_spoke(run: Run) -> bool:
    return any(said.person == run.asked.person for said in run.said[run.heard :])


def _said(run: Run, event: Said, at: float) -> Run | Refused:
    if any(said.message == event.message for said in run.said):
        return Refused("This message was heard already.")
    run = replace(run, said=(*run.said, event), seqs=(*run.seqs, run.length + 1))
    waiting = run.state is RunState.WAITING_FOR_REQUESTER
    return replace(run, state=RunState.THINKING) if waiting and _requester_spoke(run) else run


def _model_replied(run: Run, event: ModelReplied, at: float) -> Run | Refused:
    if event.heard > len(run.said) or {p.call for p in event.proposals} & {c.proposal.call for c in run.calls}:
        return Refused("The reply does not belong to this run.")
    turn = len(run.turns) + 1
    run = _without_trouble(run, f"model:{turn}")
    shown = max((run.thinks_from, *run.seqs[: event.heard]))
    new = Turn(event.items, event.text, event.heard, event.response, shown, event.read)
    run = replace(run, turns=(*run.turns, new), tokens=run.tokens + event.tokens, worked=run.worked + event.took)
    if event.proposals:
        wanted = (proposed(turn, proposal, at) for proposal in event.proposals)
        return replace(run, state=RunState.ACTING, calls=(*run.calls, *wanted))
    run = replace(run, replies=(*run.replies, event.text))
    if event.heard < len(run.said):
        return replace(run, state=RunState.THINKING)
    return replace(run, state=RunState.DONE if run.of_program else RunState.REPLYING)


def _answered(run: Run, event: Answered, at: float) -> Run:
    return replace(run, state=RunState.REPLYING, replies=(*run.replies, event.text), answered=len(run.said))


def _call_event(run: Run, event: CallEvent, at: float) -> Run | Refused:
    call = run.call_of(event.approval) if isinstance(event, calls.OfApproval) else run.call(event.call)
    if call is None:
        return Refused("There is no such action in this run.")
    after = calls.apply(call, event, at)
    if isinstance(after, Refused):
        return after
    run = replace(run, broken=(*run.broken, *broken_by(after.proposal.call, event, at)))
    key = f"{'judge' if isinstance(event, Judged) else 'act'}:{after.proposal.call}"
    run = _with_call(run, replace(after, seq=run.length + 1))
    return _without_trouble(run, event.key if isinstance(event, Reminded) else key)


def _reviewed(run: Run, event: Reviewed, at: float) -> Run | Refused:
    done = reviewed(run.broken, event, at)
    return done if isinstance(done, Refused) else replace(run, broken=done)


def _edited(run: Run, event: Edited, at: float) -> Run | Refused:
    """The call is superseded; what it became stands right behind it, in the same turn."""
    old, new = run.call(event.call), event.proposal
    same = old is not None and (new.wire, new.action) == (old.proposal.wire, old.proposal.action)
    if old is None or not same or new.binding is None or run.call(new.call) is not None:
        return Refused("That is no change of an action of this run.")
    after = _call_event(run, event, at)
    if isinstance(after, Refused):
        return after
    edited = replace(proposed(old.turn, new, at), edits=event.call, inquiries=old.inquiries)
    return replace(after, calls=with_next(after.calls, event.call, edited))


def _settled(run: Run, event: Settled, at: float) -> Run | Refused:
    """Somebody knows what became of a call. Where it did not run and its turn is open, another takes its place."""
    after, old = _call_event(run, event, at), run.call(event.call)
    if isinstance(after, Refused) or old is None or event.answer is not Answer.DID_NOT_RUN:
        return after
    if run.state is not RunState.ACTING or old.turn != len(run.turns):
        return after
    new = in_place_of(old, run.calls, event, at)
    return after if new is None else replace(after, calls=with_next(after.calls, event.call, new))


def _finished(run: Run, event: Finished, at: float) -> Run | Refused:
    after = _call_event(run, event, at)
    if isinstance(after, Refused):
        return after
    call = after.call(event.call)
    if call is not None and call.late is event and event.ok:
        after = replace(after, calls=after_late_report(call, after.calls, at))
    return replace(after, worked=after.worked + event.took)


def _with_call(run: Run, call: Call) -> Run:
    name = call.proposal.call
    return replace(run, calls=tuple(call if c.proposal.call == name else c for c in run.calls))


def _ended(run: Run, event: Cancelled | RunFailed | Restored, at: float) -> Run | Refused:
    if isinstance(event, Restored) and any(call.state in MAY_HAVE_RUN for call in run.calls):
        return Refused("An action of this run may have run after the backup; it must be doubted first.")
    state = RunState.CANCELLED if isinstance(event, Cancelled) else RunState.FAILED
    closed = tuple(close(c, event, at) if c.state in OPEN else c for c in run.calls)
    by = event.person.user if isinstance(event, Cancelled) else ""
    kept = tuple(trouble for trouble in run.troubles if not trouble.key.startswith(("model:", "judge:", "act:")))
    return replace(run, state=state, calls=closed, end_reason=event.reason, ended_by=by, troubles=kept)


def _card_shown(run: Run, event: CardShown, at: float) -> Run | Refused:
    call = run.call(event.call)
    if call is None:
        return Refused("There is no such action in this run.")
    trouble = run.trouble(f"card:{event.call}")
    again_at = at + LATE_SECONDS if trouble is not None and trouble.silent else 0.0
    run = _with_call(run, replace(call, card=Card(event.channel, event.message, event.shows, again_at, event.older)))
    return _without_trouble(run, f"card:{event.call}")


def _delivered(run: Run, event: Delivered, at: float) -> Run | Refused:
    replies = {f"reply:{number}" for number in range(1, len(run.replies) + 1)}
    if run.delivered(event.key) or (event.key.startswith("reply:") and event.key not in replies):
        return Refused("This is not to be delivered (any more).")
    run = _without_trouble(replace(run, receipts=(*run.receipts, Receipt(event.key, event.ref))), event.key)
    if run.state is not RunState.REPLYING or event.key != f"reply:{len(run.replies)}":
        return run
    return replace(run, state=RunState.THINKING if run.heard < len(run.said) else RunState.DONE)


def _attempt_failed(run: Run, event: AttemptFailed, at: float) -> Run:
    worked = event.took if event.key.startswith(("model:", "judge:", "act:")) else 0.0
    trouble = Trouble.after(run.trouble(event.key), event, at)
    run = _without_trouble(run, event.key)
    return replace(run, troubles=(*run.troubles, trouble), worked=run.worked + worked)


def _without_trouble(run: Run, key: str) -> Run:
    return replace(run, troubles=tuple(trouble for trouble in run.troubles if trouble.key != key))


_APPLY: dict[type, Callable[[Run, Any, float], Run | Refused]] = {
    Said: _said,
    ModelReplied: _model_replied,
    Answered: _answered,
    Cancelled: _ended,
    RunFailed: _ended,
    Restored: _ended,
    CardShown: _card_shown,
    Delivered: _delivered,
    AttemptFailed: _attempt_failed,
    **dict.fromkeys(CALL_EVENTS, _call_event),
    Reviewed: _reviewed,
    Edited: _edited,
    Settled: _settled,
    Finished: _finished,
}
