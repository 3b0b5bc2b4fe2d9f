"""A moment of a call as the founding README's execution event, for the programs of `bot.api` and for BIGHUB's memory. Pure.

Rules
1. The fields are those of bighub-openai's `ToolExecutionEvent`, all of them, in its order; the values are JSON.
2. ``event_id`` is the same for the same moment for ever, so that whoever is told of it twice can notice.
3. What goes to a memory is redacted here; what a program sees of its own run is not.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.call import Call, Outcome
from bot.core.canonical import Refused, parse_arguments
from bot.core.moments import Moment, moments
from bot.core.redact import redact_text, redacted
from bot.core.run import Run
from bot.core.values import Binding, Judgement, Verdict

Event = dict[str, Any]
SCHEMA_VERSION = 1
SOURCE_VERSION = "signoff@0.1.0"
_ASKED = "approval_required"
_OBJECTS = (
    "decision_packet",
    "responsible_action_space",
    "salient_factors",
    "operational_intent",
    "agent_operational_body",
    "action_interpretation_layer",
    "performative_contracts",
    "catastrophic_ceiling",
    "expected_regret_vector",
    "signal_epistemology",
    "safe_novelty_lane",
)
_LISTS = ("salient_factors", "performative_contracts")
_RECOMMENDATIONS = {
    Verdict.ALLOW: "proceed",
    Verdict.ASK: "review_recommended",
    Verdict.DENY: "do_not_proceed",
}
# What is said of an outcome; ``{}``: the reason that was given, where one was.
_ERRORS: dict[Outcome, tuple[str, str]] = {
    Outcome.EXECUTED: ("", ""),
    Outcome.FAILED: ("{}", "It failed."),
    Outcome.IN_DOUBT: ("It was started, and nobody knows whether it happened: {}", "It was started, and nobody knows whether it happened."),
    Outcome.BLOCKED: ("{}", "It was blocked."),
    Outcome.NEEDS_CONTEXT: ("{}", "More context is needed to judge it."),
    Outcome.DENIED: ("It was denied: {}", "It was denied without a reason."),
    Outcome.EXPIRED: ("{}", "Nobody decided in time."),
    Outcome.WITHDRAWN: ("It was withdrawn: {}", "It was withdrawn."),
    Outcome.SUPERSEDED: ("{}", "It was superseded."),
    Outcome.FROZEN: ("{}", "Nothing may start at present."),
    Outcome.INVALID: ("{}", "It was not acceptable."),
    Outcome.CANCELLED: ("{}", "It was cancelled."),
}  # fmt: skip


def in_order(run: Run) -> tuple[Moment, ...]:
    """The moments of a run as they happened; later ones are added at the end, so an index is a moment's ``seq``."""

    def when(moment: Moment) -> float:
        call = _call(run, moment)
        return call.approval.opened_at if call.approval and moment.status == _ASKED else call.ended_at

    return tuple(sorted(moments(run), key=when))


def execution_event(run: Run, moment: Moment, seq: int) -> Event:
    """The event that tells of ``moment``. ``seq`` counts from 0 in the run. LookupError for a moment of another run.

    ``decision`` is the guard's raw decision ({} where there is none), ``arguments`` the bound ones ({} where they were not
    acceptable), ``output`` what the action returned, ``error`` a sentence where it did not happen for another reason than the
    decision itself. ``source_version`` is the teller's to fill in.
    """
    call = _call(run, moment)
    asked = moment.status == _ASKED
    decision = decision_of(call.judgement)
    return {
        "tool": call.proposal.action,
        "call_id": call.proposal.wire,
        "status": moment.status,
        "decision": decision,
        "arguments": _arguments(call.proposal.binding),
        "output": None if asked else _parsed(call.output),
        "error": None if asked else _error(call, decision),
        "event_id": f"{run.id}:{moment.id}",
        "trace_id": run.id,
        "request_id": (call.judgement.request_id or None) if call.judgement else None,
        "seq": seq,
        "schema_version": SCHEMA_VERSION,
        "source_version": None,
        **_signals(decision, call.judgement),
    }


def memory_events(run: Run, told: Sequence[Moment], source_version: str, *, outputs: bool) -> list[Event]:
    """The events of ``told`` as they may leave for BIGHUB's memory, in order: without secrets and credentials, and what an
    action returned only where ``outputs``."""
    wanted = {moment.id for moment in told}
    numbered = [(seq, moment) for seq, moment in enumerate(in_order(run)) if moment.id in wanted]
    return [_for_memory(run, moment, seq, source_version, outputs) for seq, moment in numbered]


def decision_of(judgement: Judgement | None) -> Event:
    """The raw decision behind a judgement; {} where there was none, or none that can be read."""
    decision = _parsed(judgement.decision) if judgement and judgement.decision else None
    return decision if isinstance(decision, dict) else {}


def _for_memory(run: Run, moment: Moment, seq: int, source_version: str, outputs: bool) -> Event:
    event = execution_event(run, moment, seq)
    binding = _call(run, moment).proposal.binding
    event |= {
        "arguments": _redacted(event["arguments"], binding.secret if binding else ()),
        "error": event["error"] and redact_text(event["error"]),
        "source_version": source_version,
    }
    output = event.pop("output")
    return _strict({**event, "output": _redacted({"output": output}).get("output")} if outputs else event)


def _strict(event: Event) -> Event:
    """JSON that any encoder takes: no half surrogates, no NaN."""
    text = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode()
    return dict(json.loads(text, parse_constant=lambda _: None))


def _signals(decision: Mapping[str, Any], judgement: Judgement | None) -> Event:
    """The signals of the older generation; of a decision that has only the newer one's, what that says in their words."""
    mode, said = decision.get("mode"), None
    if judgement is not None and isinstance(mode, str) and mode != "needs_context":
        said = _RECOMMENDATIONS[judgement.verdict]
    risk = _number(decision.get("risk_score"))
    return {
        "recommendation": decision.get("recommendation", said),
        "risk_score": _number(decision.get("risk")) if risk is None else risk,
        "enforcement_mode": decision.get("enforcement_mode", "review" if mode == "review" else None),
        "trajectory_health": _trajectory_health(decision),
        **{name: _list(decision.get(name)) if name in _LISTS else _object(decision.get(name)) for name in _OBJECTS},
    }


def _trajectory_health(decision: Mapping[str, Any]) -> Any:
    inner = (decision.get("decision_intelligence"), decision.get("intelligence"))
    return next((h for each in inner if isinstance(each, dict) and (h := each.get("trajectory_health"))), None)


def _error(call: Call, decision: Event) -> str | None:
    """None where it ran, and where the decision itself is what forbids it: then it says why."""
    outcome, judgement = call.outcome or Outcome.CANCELLED, call.judgement
    if outcome is Outcome.EXECUTED or (outcome is Outcome.NEEDS_CONTEXT and decision):
        return None
    if outcome is Outcome.BLOCKED and decision and judgement is not None and judgement.verdict is Verdict.DENY:
        return None
    with_reason, without = _ERRORS[outcome]
    reason = call.reason.strip()
    return with_reason.format(reason) if reason else without


def _arguments(binding: Binding | None) -> Event:
    parsed = parse_arguments(binding.arguments) if binding else None
    return {} if parsed is None or isinstance(parsed, Refused) else dict(parsed)


def _redacted(value: Event, secret: tuple[str, ...] = ()) -> Event:
    try:
        return dict(redacted(json.dumps(value).encode(), secret))
    except ValueError:
        return {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # it was purged
        return None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _object(value: object) -> Event | None:
    return value if isinstance(value, dict) else None


def _list(value: object) -> list[Event] | None:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else None


def _call(run: Run, moment: Moment) -> Call:
    call = run.call(moment.call)
    if call is None:
        raise LookupError(f"run {run.id} has no call {moment.call}")
    return call
