"""What became of each question that the guard was asked about a call, under the guard's own name for it: none stays open there for ever.

Rule 1: what people were asked under a name comes to what their approval came to; to nothing (superseded) where another question took
its place before the guard was told.
Rule 2: what the guard was asked once more before a start comes to what people had decided, if the call started on its answer, and
else to nothing. Its name is noted among the run's receipts before anything comes of it, so whoever dies then leaves no question behind;
and so is that of an answer that came too late to be one.
Rule 3: what we refused ourselves is refused there, too: the guard may wait for people whom nobody asks.
Rule 4: each name comes to one end. That it is told is `owed.py`'s, how is the guard's.
Rule 5: when the guard began to be asked once more is noted before it is: whoever dies over its answer is followed by somebody who asks
under the same name, however much later, and so learns it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.core.approval import Approval, Resolution
from bot.core.call import Call, CallState
from bot.core.events import Delivered
from bot.core.run import Run
from bot.core.values import Judgement, Verdict
from bot.core.verdict import given_verdict

_NOTE = "asked:"
_BEGUN = "asking:"


@dataclass(frozen=True, slots=True)
class End:
    """What came of a question. ``name``: the guard's; ``approval``: what people were asked, with its resolution; None: nobody was."""

    name: str
    approval: Approval | None


def noted(call: Call, name: str) -> Delivered:
    """That the guard was asked about ``call`` beside what its state tells of, and calls that ``name``."""
    return Delivered(_receipt(call, name), name)


def is_note(receipt: Delivered) -> bool:
    return receipt.key.startswith(_NOTE)


def begun(run: Run, call: Call, at: float) -> Delivered:
    """That the guard is being asked about ``call`` once more, from ``at`` on (the store's clock, epoch seconds)."""
    return Delivered(f"{_begun(run, call)}{at!r}", repr(at))


def begun_at(run: Run, call: Call) -> float | None:
    """Since when the guard is being asked once more without an answer that was noted; None where it is not."""
    beginning = _begun(run, call)
    return next((float(receipt.ref) for receipt in reversed(run.receipts) if receipt.key.startswith(beginning)), None)


def asked_beside(run: Run, call: Call) -> tuple[str, ...]:
    """The guard's names that were noted, oldest first."""
    beginning = _receipt(call, "")
    return tuple(receipt.ref for receipt in run.receipts if receipt.key.startswith(beginning))


def open_beside(run: Run, call: Call) -> tuple[str, ...]:
    """Of those names the one whose question something may yet come of: the last, until the call has started or ended, unless the guard
    was told that nothing came of it when people were asked meanwhile."""
    last = asked_beside(run, call)[-1:] if call.state in (CallState.PROPOSED, CallState.ALLOWED) else ()
    return tuple(name for name in last if not run.delivered(f"resolution:{call.proposal.call}:{name}"))


def ended(run: Run, call: Call) -> dict[str, End]:
    """Each question whose end is known, by what names it among the effects."""
    found: dict[str, End] = {}
    told = {""}
    for of, end in _ends(run, call):
        if end.name not in told:
            told.add(end.name)
            found[of] = end
    return found


def as_it_stood(call: Call, end: End) -> Call:
    """The call under the guard's name for that question, with what came of it."""
    judgement = replace(call.judgement or Judgement(Verdict.ASK, "", ""), request_id=end.name)
    instead = call.instead if end.approval is call.approval else None
    return replace(call, judgement=judgement, approval=end.approval, instead=instead)


def _ends(run: Run, call: Call) -> Iterator[tuple[str, End]]:
    approval, name = call.approval, call.proposal.call
    if approval is not None and approval.resolution is not None:
        yield approval.terms.approval, End(approval.request, approval)
        yield f"{approval.terms.approval}:recheck", End(call.rechecked, approval)
    standing = call.judgement.request_id if call.judgement else ""
    questions = tuple(_questions(approval))
    if _refused_here(call) and standing not in {each.request for each in questions}:
        yield name, End(standing, None)
    for former in questions[1:]:
        if former.request not in (standing, call.rechecked):
            yield former.terms.approval, End(former.request, former)
    for other in _in_vain(run, call):
        if other not in (standing, call.rechecked):
            yield f"{name}:{other}", End(other, approval and replace(approval, resolution=Resolution.SUPERSEDED))


def _in_vain(run: Run, call: Call) -> tuple[str, ...]:
    """What the guard was asked beside, as far as nothing can come of its answer any more."""
    names = asked_beside(run, call)
    return names[:-1] if call.state in (CallState.PROPOSED, CallState.ALLOWED) else names


def _refused_here(call: Call) -> bool:
    judgement = call.judgement
    if judgement is None or call.state is not CallState.REFUSED:
        return False
    ours = judgement.verdict is Verdict.DENY and bool(judgement.ours) and given_verdict(judgement) is not Verdict.DENY
    return judgement.needs_context or ours


def _questions(approval: Approval | None) -> Iterator[Approval]:
    """The approval and those whose place it took, newest first."""
    while approval is not None:
        yield approval
        approval = approval.former


def _begun(run: Run, call: Call) -> str:
    return f"{_BEGUN}{call.proposal.call}:{len(asked_beside(run, call))}:"


def _receipt(call: Call, name: str) -> str:
    return f"{_NOTE}{call.proposal.call}:{name}"
