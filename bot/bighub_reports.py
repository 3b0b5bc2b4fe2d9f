"""What BIGHUB is told about a resolution and an outcome, in its words. Pure; sending it is `bighub_guard.py`'s."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, assert_never

from bot.core.approval import Approval, Resolution
from bot.core.call import Call, Outcome
from bot.core.canonical import texts
from bot.core.events import Verdict
from bot.core.redact import redact_text

# Only what ran is a success or a failure. For the rest the taxonomy's words are not documented: the most exact first.
_NOT_RUN = ("BLOCKED", "PREVENTED", "REJECTED", "CANCELLED", "NOT_EXECUTED")
_STATUSES: dict[Outcome, tuple[str, ...]] = {
    Outcome.EXECUTED: ("SUCCESS",),
    Outcome.FAILED: ("FAILURE",),
    Outcome.IN_DOUBT: ("UNKNOWN", "PENDING"),
    Outcome.DENIED: ("DENIED", *_NOT_RUN),
    Outcome.EXPIRED: ("EXPIRED", *_NOT_RUN),
    Outcome.WITHDRAWN: ("CANCELLED", *_NOT_RUN),
    Outcome.CANCELLED: ("CANCELLED", *_NOT_RUN),
    Outcome.SUPERSEDED: ("SUPERSEDED", *_NOT_RUN),
    Outcome.BLOCKED: _NOT_RUN,
    Outcome.FROZEN: _NOT_RUN,
    Outcome.INVALID: _NOT_RUN,
    Outcome.NEEDS_CONTEXT: _NOT_RUN,
}
_LONGEST_TEXT = 1_000


def resolution_word(resolution: Resolution) -> str:
    """BIGHUB knows two resolutions; whatever is not an approval is a denial, and the comment says why."""
    return "approved" if resolution is Resolution.APPROVED else "denied"


def resolution_comment(approval: Approval) -> str:
    """Who decided, where, and what they wrote; or why nobody did."""
    vote = approval.deciding_vote
    if vote is not None:
        who = ", ".join(each.person.user for each in approval.votes if each.choice is vote.choice)
        comment = redact_text(vote.comment.strip())[:_LONGEST_TEXT]
        return f"{approval.resolution} by {who} ({vote.via}){': ' if comment else ''}{comment}"
    match approval.resolution:
        case Resolution.EXPIRED:
            return "Expired: nobody decided in time."
        case Resolution.WITHDRAWN:
            return "Withdrawn: it is no longer asked for."
        case Resolution.SUPERSEDED:
            return "Superseded: what was asked for has changed or may no longer run."
        case Resolution.APPROVED | Resolution.DENIED | None:
            return ""
        case _:
            assert_never(approval.resolution)


def choose_status(outcome: Outcome, known: frozenset[str]) -> str:
    """The most exact word for an outcome that BIGHUB knows; our own where it knows none of them."""
    wanted = _STATUSES[outcome]
    return next((word for word in wanted if word in known), wanted[0])


def outcome_report(call: Call, actor: str) -> dict[str, Any]:
    """The fields of `outcomes.report` besides status and request id."""
    binding, judgement = call.proposal.binding, call.judgement
    ran = call.outcome in (Outcome.EXECUTED, Outcome.FAILED)
    details: dict[str, Any] = {"tool": call.proposal.action, "outcome": call.outcome, "took_seconds": call.took}
    if binding is not None:
        details |= {"digest": binding.digest, "system": binding.system, "environment": binding.environment}
    if judgement is not None and judgement.risk is not None:
        details["risk_score_was"] = judgement.risk
    if call.approval is not None:
        details |= {"resolution": call.approval.resolution, "decided_by": [v.person.user for v in call.approval.votes]}
    return {
        "description": _description(call),
        "details": details,
        "production_action": call.proposal.action,
        "human_final_action": call.proposal.action if ran else "",
        "recommendation_followed": _followed(call, ran),
        "outcome_label_quality": "runtime",
        "reported_by": actor,
        "observed_at": datetime.fromtimestamp(call.ended_at, UTC).isoformat() if call.ended_at else None,
    }


def reported_statuses(known: object) -> frozenset[str]:
    """Every status that an answer about a request's outcomes names, however it is wrapped."""
    return frozenset(_statuses(known))


def words(taxonomy: object) -> frozenset[str]:
    """Every upper-case word of an answer about the taxonomy, whose shape is not documented."""
    return frozenset(word for word in texts(taxonomy) if word.isupper())


def _description(call: Call) -> str:
    outcome = (call.outcome or "").replace("_", " ")
    reason = redact_text(call.reason.strip())[:_LONGEST_TEXT]
    return f"{call.proposal.action}: {outcome}{': ' if reason else ''}{reason}"


def _followed(call: Call, ran: bool) -> bool | None:
    """An allowance was followed where it ran, an ask where it ran with an approval or not at all, a block where it did not."""
    if call.judgement is None:
        return None
    return ran if call.judgement.verdict is Verdict.ALLOW else (not ran or call.approval is not None)


def _statuses(known: object) -> Iterator[str]:
    if isinstance(known, list):
        for each in known:
            yield from _statuses(each)
    elif isinstance(known, dict):
        if isinstance(status := known.get("status"), str):
            yield status.upper()
        for key in ("outcome", "outcomes", "items"):
            yield from _statuses(known.get(key))
