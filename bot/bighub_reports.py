"""What BIGHUB is told, and what its answers to that say, in its words. Pure; sending it is the guards' (of the bot, and of
`bot.api`), judging is `core/verdict.py`'s, and an execution event is `execution_events.py`'s."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from bot.core.approval import Approval, Resolution
from bot.core.call import Call, Outcome
from bot.core.canonical import canonical_bytes, texts
from bot.core.events import Edited
from bot.core.redact import redact_text, redacted
from bot.core.run import Run
from bot.core.values import Verdict
from bot.execution_events import decision_of
from bot.ports import Question, Unavailable

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


def trajectory(question: Question) -> str:
    """BIGHUB's newest name for the trajectory that a run is; the run's own until BIGHUB has given it one."""
    named = (name for decision in reversed(question.earlier) if (name := _trajectory_named(decision)))
    return next(named, question.run)


def memory_report(run: Run, events: Sequence[dict[str, Any]], source: str, source_version: str) -> dict[str, Any]:
    """The fields of `actions.ingest_memory` besides actor and domain. ``model`` is there where a program named one."""
    report: dict[str, Any] = {
        "events": list(events),
        "source": source,
        "source_version": source_version,
        "trace_id": run.id,
        "redact": True,
        "redaction_policy": "default",
    }
    brief = _object(run.asked.brief)
    return {**report, "model": brief["model"]} if brief.get("model") else report


def listed(listing: object) -> list[dict[str, Any]]:
    """The approvals of BIGHUB's listing. `Unavailable` for a listing that is none: no reason to act blindly."""
    if isinstance(listing, dict):
        listing = next((listing[key] for key in ("approvals", "items", "results") if key in listing), None)
    if not isinstance(listing, list):
        raise Unavailable("BIGHUB's list of approvals cannot be read.")
    return [item for item in listing if isinstance(item, dict)]


def approval_in(listing: object, request_id: str) -> dict[str, Any] | None:
    """The approval of a request in BIGHUB's listing. Raises `Unavailable` as `listed` does."""
    ids = ("request_id", "validation_id")
    return next((item for item in listed(listing) if request_id in (str(item.get(name)) for name in ids)), None)


def resolution_word(approval: Approval | None) -> str:
    """BIGHUB knows two resolutions; whatever is not an approval is a denial, and the comment says why."""
    return "approved" if approval is not None and approval.resolution is Resolution.APPROVED else "denied"


def resolution_comment(approval: Approval | None, call: Call | None = None) -> str:
    """Who decided, where, and what they wrote; or why nobody did."""
    if approval is None:
        return "Refused: nobody was asked about it here."
    done = call.instead if call is not None else None
    if done is not None and approval.resolution is Resolution.SUPERSEDED:
        did = "edited" if isinstance(done, Edited) else "a safer alternative wanted"
        return f"Modified: {did} by {done.person.user}; what comes of it is judged anew."
    vote = approval.deciding_vote
    if vote is not None:
        who = ", ".join(each.person.user for each in approval.votes if each.choice is vote.choice)
        comment = _said(vote.comment)
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


def modified_action(call: Call) -> str:
    """What a person wants in the place of a call: the edited arguments, or the guard's own alternative; "" for none."""
    if call.instead is None:
        return ""
    if not isinstance(call.instead, Edited):
        return _said(call.judgement.better_action) if call.judgement is not None else ""
    binding = call.instead.proposal.binding
    try:
        shown = redacted(binding.arguments.encode(), binding.secret) if binding is not None else {}
    except ValueError:  # they were purged
        shown = {}
    return _said(f"{call.proposal.action} {canonical_bytes(shown).decode()}")


def choose_status(outcome: Outcome, known: frozenset[str]) -> str:
    """The most exact word for an outcome that BIGHUB knows; our own where it knows none of them."""
    wanted = _STATUSES[outcome]
    return next((word for word in wanted if word in known), wanted[0])


def outcome_report(call: Call, actor: str) -> dict[str, Any]:
    """The fields of `outcomes.report` besides status and request id."""
    binding, judgement = call.proposal.binding, call.judgement
    ran = call.outcome in (Outcome.EXECUTED, Outcome.FAILED)
    outcome = call.outcome.value if call.outcome else None
    details: dict[str, Any] = {"tool": call.proposal.action, "outcome": outcome, "took_seconds": call.took}
    if binding is not None:
        details |= {"digest": binding.digest, "system": binding.system, "environment": binding.environment}
    if judgement is not None and judgement.risk is not None:
        details["risk_score_was"] = judgement.risk
    if call.approval is not None:
        resolution = call.approval.resolution.value if call.approval.resolution else None
        details |= {"resolution": resolution, "decided_by": [v.person.user for v in call.approval.votes]}
    return {
        "description": _description(call),
        "details": details,
        "production_action": call.proposal.action,
        "human_final_action": call.proposal.action if ran else modified_action(call),
        "recommendation_followed": _followed(call, ran),
        "outcome_label_quality": "runtime",
        "reported_by": actor,
        "observed_at": datetime.fromtimestamp(call.ended_at, UTC).isoformat() if call.ended_at else None,
    }


def plain_outcome_report(call: Call, actor: str) -> dict[str, Any]:
    """All fields of `outcomes.report` but the request id, for a client of somebody's own: none but those that bighub-openai
    0.1.0b5 passes (and ``observed_at``), and its optional ones only where they have a value."""
    report = outcome_report(call, actor)
    decision = decision_of(call.judgement)
    details = {name: value for name, value in report["details"].items() if value is not None}
    if decision.get("recommendation"):
        details["recommendation"] = decision["recommendation"]
    else:
        report["recommendation_followed"] = None
    if call.outcome is Outcome.FAILED:
        details["error"] = _said(call.reason)
        report["correction_needed"] = True
    if snapshot := _snapshot(decision):
        report["decision_snapshot"] = snapshot
    status = choose_status(call.outcome, frozenset()) if call.outcome else ""
    return {**report, "status": status, "details": details}


def reported_statuses(known: object) -> frozenset[str]:
    """Every status that an answer about a request's outcomes names, however it is wrapped."""
    return frozenset(_statuses(known))


def words(taxonomy: object) -> frozenset[str]:
    """Every upper-case word of an answer about the taxonomy, whose shape is not documented."""
    return frozenset(word for word in texts(taxonomy) if word.isupper())


def _description(call: Call) -> str:
    outcome = (call.outcome or "").replace("_", " ")
    reason = _said(call.reason)
    return f"{call.proposal.action}: {outcome}{': ' if reason else ''}{reason}"


def _said(text: str) -> str:
    """What a person or an action said, as it may leave the house: no credentials, not too long, valid Unicode."""
    return redact_text(text.strip())[:_LONGEST_TEXT].encode("utf-8", "replace").decode()


def _snapshot(decision: dict[str, Any]) -> dict[str, Any]:
    """What BIGHUB wants back to learn from, where it gave it."""
    packet = decision.get("decision_packet")
    given = (decision.get("learning_snapshot"), packet.get("metadata") if isinstance(packet, dict) else None)
    return next((each for each in given if isinstance(each, dict)), {})


def _followed(call: Call, ran: bool) -> bool | None:
    """An allowance was followed where it ran, an ask where it ran with an approval or not at all, a block where it did not."""
    if call.judgement is None:
        return None
    return ran if call.judgement.verdict is Verdict.ALLOW else (not ran or call.approval is not None)


def _trajectory_named(decision: str) -> str:
    raw = _object(decision)
    inner = raw.get("intelligence")
    given = (inner.get("trajectory_id") if isinstance(inner, dict) else None, raw.get("trajectory_id"))
    return next((name for name in given if isinstance(name, str) and name), "")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:  # it is empty, or was purged
        return {}
    return value if isinstance(value, dict) else {}


def _statuses(known: object) -> Iterator[str]:
    if isinstance(known, list):
        for each in known:
            yield from _statuses(each)
    elif isinstance(known, dict):
        if isinstance(status := known.get("status"), str):
            yield status.upper()
        for key in ("outcome", "outcomes", "items"):
            yield from _statuses(known.get(key))
