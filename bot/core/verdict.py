"""What BIGHUB's answer means: one reading, the strictest of all its signals. Pure; calling BIGHUB is `bighub_guard.py`'s.

Rules
1. Each signal of either generation of the API maps to allow, ask or deny; the strictest wins, contradiction or not.
2. An unknown value of a known signal is ask. A known signal of the wrong type, an answer without any recognised
   signal, or something that is no answer at all is deny.
3. Only what the SDK's own `Decision.can_run` would let run is ever an allow: a permission that only `enforced_verdict`,
   `can_run` or `result: "approved"` gives is ask.
4. `allowed: false`, `can_run: false` and `blocked_by` mean "not by itself": ask where the same answer names a review or
   missing context, else deny. (BIGHUB sends `allowed: false` with `result: "requires_approval"`.)
5. The mode `constrained` allows only beside `can_run: true`; `limited`, `restricted` and `conditional` always ask.
6. A catastrophic ceiling that is active, or that forces anything, asks at least, whatever it forces.
7. A brake makes an answer stricter, but is no decision, and no review that rule 4 could mean. Ask at least: explicit
   conditions (`max_percentage` below 100, a `duration`), because nobody here could hold an action to them; an `error`;
   `enforcement_mode` "enforced" without a verdict, or "review" without `recommendation: "proceed"`. A `status` or
   `decision` brakes where it is a known word of review (ask) or of blocking (deny); any other word there says nothing.

8. `Judgement.reason` is BIGHUB's own words, and nothing else. What we say of its answer stands in `ours`: what was not understood,
   what braked, and what it comes to where BIGHUB gives no reason. Why BIGHUB denies, BIGHUB alone says where it does.

The packet and the brain explain a decision; they decide nothing. The words themselves are in `signals.py`.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.core.signals import Brake, Says, Signal, brakes, json_text, signals
from bot.core.values import Judgement, Verdict

SOURCE = "BIGHUB"

_DOES = {Verdict.ASK: "wants a person to decide", Verdict.DENY: "blocks this"}
_STRICTNESS = {Verdict.ALLOW: 0, Verdict.ASK: 1, Verdict.DENY: 2}


def strictest(*verdicts: Verdict) -> Verdict:
    """The strictest of ``verdicts``; deny for none at all."""
    return max(verdicts, key=_STRICTNESS.__getitem__, default=Verdict.DENY)


def read_decision(raw: object) -> Judgement:
    """The judgement that an answer of `POST /actions/evaluate` (parsed JSON) amounts to; never raises."""
    if not isinstance(raw, dict):
        return _unreadable("BIGHUB's answer is not a decision.", "")
    text = json_text(raw)
    if text is None:
        return _unreadable("BIGHUB's answer cannot be read.", "")
    given = tuple(signals(raw))
    if not given:
        return replace(_unreadable("BIGHUB's answer holds no decision.", text), request_id=_request_id(raw))
    weighed, missing = _weigh(given)
    braking = tuple(brake for brake in brakes(raw) if strictest(weighed, brake.verdict) is not weighed)
    verdict = strictest(weighed, *(brake.verdict for brake in braking))
    needs_context = missing and verdict is Verdict.ASK
    reason = next(_reasons(raw), "")
    return Judgement(
        verdict=verdict,
        reason=reason,
        source=SOURCE,
        risk=_risk(raw),
        better_action=_better_action(raw),
        needs_context=needs_context,
        request_id=_request_id(raw),
        decision=text,
        ours=_remarks(given, braking, denied=bool(reason) and verdict is Verdict.DENY)
        or ("" if reason else _sentence(verdict, needs_context)),
    )


def given_verdict(judgement: Judgement) -> Verdict | None:
    """What BIGHUB itself answered, whatever became stricter here; None where that was not kept, or was purged."""
    try:
        return read_decision(json.loads(judgement.decision)).verdict
    except (ValueError, RecursionError):
        return None


def waits_for_people(judgement: Judgement) -> bool:
    """Whether BIGHUB opened a question to people of its own under this name."""
    given = given_verdict(judgement) or judgement.verdict
    return bool(judgement.request_id) and given is not Verdict.ALLOW


def remarks_on(judgement: Judgement) -> str:
    """What `read_decision` says of the answer that a judgement was read from; "" for a judgement of others."""
    if judgement.source != SOURCE or not judgement.decision:
        return ""
    try:
        return read_decision(json.loads(judgement.decision)).ours
    except (ValueError, RecursionError):
        return ""


def _unreadable(why: str, text: str) -> Judgement:
    return Judgement(Verdict.DENY, "", SOURCE, decision=text, ours=f"{why} Nothing runs without one.")


def _weigh(given: tuple[Signal, ...]) -> tuple[Verdict, bool]:
    """The verdict of the signals alone, and whether it asks because context is missing."""
    said = {signal.says for signal in given}
    explained = bool(said & {Says.REVIEW, Says.NEEDS_CONTEXT})
    if Says.DENY in said or (Says.UNLESS_REVIEWED in said and not explained):
        return Verdict.DENY, False
    strictest_allowance = Says.CONSTRAINED if Says.MAY_RUN in said else Says.ALLOW
    if Says.ALLOW <= max(said) <= strictest_allowance:
        return Verdict.ALLOW, False
    return Verdict.ASK, Says.NEEDS_CONTEXT in said


def _remarks(given: tuple[Signal, ...], braking: tuple[Brake, ...], *, denied: bool) -> str:
    """What was not understood, and what made the verdict stricter; "" for neither. ``denied``: and BIGHUB says why."""
    clear = tuple(signal for signal in given if not signal.odd)
    if denied and clear and _weigh(clear)[0] is Verdict.DENY:
        return ""
    odd = " ".join(dict.fromkeys(signal.odd for signal in given if signal.odd))
    unclear = f"BIGHUB's answer is unclear. {odd}" if odd else ""
    return _clean(" ".join(part for part in (unclear, *(brake.why for brake in braking)) if part))


def _reasons(raw: Mapping[str, object]) -> Iterator[str]:
    ceiling = raw.get("catastrophic_ceiling")
    if isinstance(ceiling, dict) and any(map(ceiling.get, ("active", "forced_mode", "forced_recommendation"))):
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


def _sentence(verdict: Verdict, needs_context: bool) -> str:
    if needs_context:
        return "BIGHUB needs more context to judge this."
    return "" if verdict is Verdict.ALLOW else f"BIGHUB {_DOES[verdict]}."


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
        names_arguments = value.get("arguments") or value.get("parameters")
        return (not names_arguments and next(_texts(*words), "")) or (json_text(value) or "" if value else "")
    return next(_texts(value), "")


def request_id_text(value: object) -> str:
    """A request id as it is known here: a number as text; "" for what names no request."""
    named = value and isinstance(value, str | int) and value is not True
    return _clean(str(value)) if named else ""


def _request_id(raw: Mapping[str, object]) -> str:
    ids = (request_id_text(raw.get(name)) for name in ("request_id", "validation_id", "id"))
    return next(filter(None, ids), "")


def _clean(text: str) -> str:
    """Text that any encoding can carry: half surrogates and NUL are replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").strip()
