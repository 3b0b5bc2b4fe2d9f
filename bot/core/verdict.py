"""What BIGHUB's answer means: one reading, the strictest of all its signals. Pure; calling BIGHUB is `bighub_guard.py`'s.

Rules
1. Each signal of either generation of the API maps to allow, ask or deny; the strictest wins, contradiction or not.
2. An unknown value of a known signal is ask. A known signal of the wrong type, an answer without any recognised
   signal, or something that is no answer at all is deny.
3. Only what the SDK's own `Decision.can_run` would let run is ever an allow: a permission that only an enforced verdict
   or a flag gives is ask.
4. `allowed: false`, `can_run: false` and `blocked_by` mean "not by itself": ask where the same answer names a review or
   missing context, else deny. (BIGHUB sends `allowed: false` with `result: "requires_approval"`.)
5. A run with conditions (`constrained`, `limited`) is ask: nobody here could hold an action to BIGHUB's conditions.

`max_percentage`, `duration`, the packet and the brain explain a decision; they decide nothing.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from bot.core.events import Judgement, Verdict

SOURCE = "BIGHUB"


class _Says(IntEnum):
    """What one signal says, mildest first. ``HINT`` allows, but is not enough alone; ``UNLESS_REVIEWED`` is rule 4."""

    HINT = 0
    ALLOW = 1
    ASK = 2
    REVIEW = 3
    NEEDS_CONTEXT = 4
    UNLESS_REVIEWED = 5
    DENY = 6


_DOES = {Verdict.ALLOW: "allows this", Verdict.ASK: "wants a person to decide", Verdict.DENY: "blocks this"}
_STRICTNESS = {Verdict.ALLOW: 0, Verdict.ASK: 1, Verdict.DENY: 2}

_RECOMMENDATIONS = {
    "proceed": _Says.ALLOW,
    "proceed_with_caution": _Says.ALLOW,
    "review_recommended": _Says.REVIEW,
    "do_not_proceed": _Says.DENY,
}
_RESULTS = {
    "allowed": _Says.ALLOW,
    "approved": _Says.HINT,
    "limited": _Says.ASK,
    "requires_approval": _Says.REVIEW,
    "review": _Says.REVIEW,
    "review_required": _Says.REVIEW,
    "blocked": _Says.DENY,
    "denied": _Says.DENY,
}
_ENFORCED_VERDICTS = {
    **_RESULTS,
    **_RECOMMENDATIONS,
    "allow": _Says.HINT,
    "allowed": _Says.HINT,
    "proceed": _Says.HINT,
    "proceed_with_caution": _Says.HINT,
    "approval_required": _Says.REVIEW,
    "block": _Says.DENY,
    "deny": _Says.DENY,
}
_MODES = {
    "autonomous": _Says.ALLOW,
    "full": _Says.ALLOW,
    "allowed": _Says.ALLOW,
    "constrained": _Says.ASK,
    "limited": _Says.ASK,
    "restricted": _Says.ASK,
    "conditional": _Says.ASK,
    "shadow": _Says.ASK,
    "dry_run": _Says.ASK,
    "review": _Says.REVIEW,
    "review_required": _Says.REVIEW,
    "needs_context": _Says.NEEDS_CONTEXT,
    "blocked": _Says.DENY,
    "denied": _Says.DENY,
}
# What a ceiling forces can only forbid: a forced permission is no more than a hint.
_FORCED = {name: _Says.HINT if says is _Says.ALLOW else says for name, says in (_MODES | _RECOMMENDATIONS).items()}
_WORDS: Mapping[str, Mapping[str, _Says]] = {
    "enforced_verdict": _ENFORCED_VERDICTS,
    "recommendation": _RECOMMENDATIONS,
    "result": _RESULTS,
    "mode": _MODES,
    "execution_mode": _MODES,
}
# (what true says, what false says); None: nothing.
_FLAGS: Mapping[str, tuple[_Says | None, _Says | None]] = {
    "allowed": (_Says.ALLOW, _Says.UNLESS_REVIEWED),
    "can_run": (None, _Says.UNLESS_REVIEWED),
    "requires_approval": (_Says.REVIEW, None),
    "human_review": (_Says.REVIEW, None),
    "needs_review": (_Says.REVIEW, None),
    "needs_more_context": (_Says.NEEDS_CONTEXT, None),
    "should_not_run": (_Says.DENY, None),
    "dry_run": (_Says.ASK, None),
}
_CLARIFYING = ("clarification_needed", "needs_more_context")


@dataclass(frozen=True, slots=True)
class _Signal:
    """One signal as it was read; ``odd`` is a sentence where it was not understood."""

    name: str
    value: object
    says: _Says
    odd: str = ""


def strictest(*verdicts: Verdict) -> Verdict:
    """The strictest of ``verdicts``; deny for none at all."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.DENY)


def read_decision(raw: object) -> Judgement:
    """The judgement that an answer of `POST /actions/evaluate` (parsed JSON) amounts to; never raises."""
    if not isinstance(raw, dict):
        return _unreadable("BIGHUB's answer is not a decision.", "")
    text = _json(raw)
    if text is None:
        return _unreadable("BIGHUB's answer cannot be read.", "")
    signals = tuple(_signals(raw))
    if not signals:
        return replace(_unreadable("BIGHUB's answer holds no decision.", text), request_id=_request_id(raw))
    verdict, needs_context = _weigh(signals)
    return Judgement(
        verdict=verdict,
        reason=_reason(raw, signals, verdict, needs_context),
        source=SOURCE,
        risk=_risk(raw),
        better_action=_better_action(raw),
        needs_context=needs_context,
        request_id=_request_id(raw),
        decision=text,
    )


def _unreadable(reason: str, text: str) -> Judgement:
    return Judgement(Verdict.DENY, f"{reason} Nothing runs without one.", SOURCE, decision=text)


def _weigh(signals: tuple[_Signal, ...]) -> tuple[Verdict, bool]:
    said = {signal.says for signal in signals}
    explained = bool(said & {_Says.REVIEW, _Says.NEEDS_CONTEXT})
    if _Says.DENY in said or (_Says.UNLESS_REVIEWED in said and not explained):
        return Verdict.DENY, False
    if said <= {_Says.HINT, _Says.ALLOW} and _Says.ALLOW in said:
        return Verdict.ALLOW, False
    return Verdict.ASK, _Says.NEEDS_CONTEXT in said


def _signals(raw: Mapping[str, object]) -> Iterator[_Signal]:
    for name, words in _WORDS.items():
        yield from _word(name, raw.get(name), words)
    for name, (if_true, if_false) in _FLAGS.items():
        yield from _flag(name, raw.get(name), if_true, if_false)
    yield from _ceiling(raw.get("catastrophic_ceiling"))
    yield from _enforcement(raw)
    request_type = raw.get("request_type")
    if request_type is not None and not isinstance(request_type, str):
        yield _wrong_type("request_type", request_type)
    elif request_type in _CLARIFYING:
        yield _Signal("request_type", request_type, _Says.NEEDS_CONTEXT)
    if raw.get("blocked_by"):
        yield _Signal("blocked_by", raw["blocked_by"], _Says.UNLESS_REVIEWED)


def _word(name: str, value: object, words: Mapping[str, _Says]) -> Iterator[_Signal]:
    if value is None or value == "":
        return
    if not isinstance(value, str):
        yield _wrong_type(name, value)
        return
    says = words.get(value.strip().lower() if words is _MODES else value.lower())
    odd = f'Its {name} has the unknown value "{_clean(value[:60])}".' if says is None else ""
    yield _Signal(name, value, _Says.ASK if says is None else says, odd)


def _flag(name: str, value: object, if_true: _Says | None, if_false: _Says | None) -> Iterator[_Signal]:
    if value is None:
        return
    if not isinstance(value, bool):
        yield _wrong_type(name, value)
        return
    says = if_true if value else if_false
    if says is not None:
        yield _Signal(name, value, says)


def _ceiling(ceiling: object) -> Iterator[_Signal]:
    if ceiling is None or ceiling == {}:
        return
    if not isinstance(ceiling, dict) or not isinstance(ceiling.get("active"), bool | None):
        yield _wrong_type("catastrophic_ceiling", ceiling)
        return
    if ceiling.get("active") is False:
        return
    forced = [
        *_word("forced_mode", ceiling.get("forced_mode"), _FORCED),
        *_word("forced_recommendation", ceiling.get("forced_recommendation"), _FORCED),
    ]
    if ceiling.get("active") and not forced:
        yield _Signal("catastrophic_ceiling", True, _Says.ASK, "Its catastrophic ceiling is active and forces no mode.")
    yield from forced


def _enforcement(raw: Mapping[str, object]) -> Iterator[_Signal]:
    """Not a signal by itself (both generations fill it differently), but it sharpens two others."""
    mode = raw.get("enforcement_mode")
    if mode == "enforced" and not raw.get("enforced_verdict"):
        yield _Signal("enforcement_mode", mode, _Says.ASK, "It enforces, but gives no verdict.")
    if mode == "review" and raw.get("recommendation") == "proceed_with_caution":
        yield _Signal("enforcement_mode", mode, _Says.REVIEW)


def _wrong_type(name: str, value: object) -> _Signal:
    return _Signal(name, value, _Says.DENY, f"Its {name} is of the wrong type.")


def _reason(raw: Mapping[str, object], signals: tuple[_Signal, ...], verdict: Verdict, needs_context: bool) -> str:
    odd = " ".join(dict.fromkeys(signal.odd for signal in signals if signal.odd))
    given = next(_reasons(raw), "")
    if not given and not odd:
        given = _verdict_sentence(verdict, needs_context)
    return " ".join(part for part in (given, f"BIGHUB's answer is unclear. {odd}" if odd else "") if part)


def _reasons(raw: Mapping[str, object]) -> Iterator[str]:
    ceiling = raw.get("catastrophic_ceiling")
    if isinstance(ceiling, dict) and ceiling.get("active"):
        yield from _texts(ceiling.get("reason"))
    yield from _texts(raw.get("reason"))
    for part, names in (
        ("decision_brain", ("review_reason", "reasoning_summary")),
        ("decision_intelligence", ("rationale",)),
    ):
        inner = raw.get(part)
        if isinstance(inner, dict):
            yield from _texts(*(inner.get(name) for name in names))


def _texts(*values: object) -> Iterator[str]:
    yield from (_clean(value) for value in values if isinstance(value, str) and value.strip())


def _verdict_sentence(verdict: Verdict, needs_context: bool) -> str:
    if needs_context:
        return "BIGHUB needs more context to judge this."
    return f"BIGHUB {_DOES[verdict]}."


def _risk(raw: Mapping[str, object]) -> float | None:
    """The higher of both fields, where they are numbers from 0 to 1."""
    given = (raw.get("risk"), raw.get("risk_score"))
    numbers = [float(n) for n in given if isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n <= 1]
    return max((n for n in numbers if math.isfinite(n)), default=None)


def _better_action(raw: Mapping[str, object]) -> str:
    packet, intelligence = raw.get("decision_packet"), raw.get("decision_intelligence")
    found = [raw.get("better_action"), raw.get("recommended_action")]
    if isinstance(packet, dict):
        found.append(packet.get("better_action"))
    if isinstance(intelligence, dict) and isinstance(alternatives := intelligence.get("alternatives"), list):
        found.extend(alternatives[:1])
    return next(filter(None, map(_action_text, found)), "")


def _action_text(value: object) -> str:
    if isinstance(value, dict):
        words = (value.get(name) for name in ("better_action", "action", "description", "summary"))
        return next(_texts(*words), "") if not value.get("arguments") else _json(value) or ""
    return next(_texts(value), "")


def _request_id(raw: Mapping[str, object]) -> str:
    ids = (raw.get(name) for name in ("request_id", "validation_id", "id"))
    found = next((value for value in ids if value and isinstance(value, str | int) and value is not True), "")
    return _clean(str(found))


def _json(raw: object) -> str | None:
    try:
        return json.dumps(raw, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return None


def _clean(text: str) -> str:
    """Text that any encoding can carry: half surrogates and NUL are replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").strip()
