"""What the listings hold about a run: pure functions that every store writes its projections with. No store lives here."""

import hashlib
from collections.abc import Iterable

from bot.core.call import Call, CallState
from bot.core.events import Delivered, Doubted, Event, Judged
from bot.core.journal import RULES
from bot.core.owed import due_at
from bot.core.resolving import is_note
from bot.core.run import Run
from bot.ports import ApprovalGroup, OpenApproval, RunLine

DECLARED_RISK = {"low": 0.2, "medium": 0.5, "high": 0.7, "critical": 0.9}


def run_line(run: Run) -> RunLine:
    """A run's line in a listing, but for what only a store knows of it."""
    place, requester = run.asked.place, run.asked.person.user
    where = (place.team, place.channel, place.thread)
    return RunLine(run.id, *where, requester, run.state, run.asked_at, due_at(run), run.length, rules=RULES)


def open_approvals(run: Run | None) -> tuple[OpenApproval, ...]:
    """The lines of a run's open approvals: those without a resolution whose call is still asking."""
    if run is None:
        return ()
    lines = (_line(run, call) for call in run.calls if call.state is CallState.ASKING)
    return tuple(line for line in lines if line is not None)


def buttons(events: Iterable[Event]) -> tuple[str, ...]:
    """The opaque ids that buttons carry, of approvals and of in-doubt questions, and the guard's own names of what was asked.
    They name their run for ever."""
    found: list[str] = []
    for event in events:
        if isinstance(event, Judged) and event.terms is not None:
            found.append(event.terms.approval)
            if event.judgement.request_id:
                found.append(request_name(event.judgement.request_id))
        elif isinstance(event, Delivered) and is_note(event):
            found.append(request_name(event.ref))
        elif isinstance(event, Doubted):
            found.append(event.question)
    return tuple(found)


def request_name(request_id: str) -> str:
    """How a guard's request id is kept among the opaque ids, so that it can never be mistaken for one of ours."""
    return f"request:{hashlib.sha256(request_id.encode('utf-8', 'replace')).hexdigest()[:32]}"


def listing_order(line: OpenApproval) -> tuple[float, float, str]:
    """Riskiest first (an unknown risk last), then oldest."""
    return (-1.0 if line.risk is None else line.risk) * -1, line.asked_at, line.approval


def group_of(line: OpenApproval, reader: str) -> ApprovalGroup:
    """To which group an approval belongs for ``reader``; its count is 0."""
    own, direct = line.requester == reader, line.channel.startswith("D")
    return ApprovalGroup(line.approvers, line.requester_may_approve, own, direct, 0)


def risk_of(call: Call) -> float | None:
    """The guard's risk (0..1); where it names none, the declared one as a number, so that a list can be ordered."""
    judged = call.judgement.risk if call.judgement else None
    return (
        judged if judged is not None else DECLARED_RISK.get(call.proposal.binding.risk if call.proposal.binding else "")
    )


def _line(run: Run, call: Call) -> OpenApproval | None:
    approval, binding = call.approval, call.proposal.binding
    if approval is None or approval.resolution is not None or binding is None:
        return None
    return OpenApproval(
        approval=approval.terms.approval,
        run=run.id,
        team=run.asked.place.team,
        call=call.proposal.call,
        action=call.proposal.action,
        target=binding.target,
        environment=binding.environment,
        risk=risk_of(call),
        requester=run.asked.person.user,
        approvers=approval.terms.approvers,
        requester_may_approve=approval.terms.requester_may_approve,
        asked_at=approval.opened_at,
        expires_at=approval.terms.expires_at,
        channel=call.card.channel if call.card else "",
        card=call.card.message if call.card else "",
    )
