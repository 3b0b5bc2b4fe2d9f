"""The signals in BIGHUB's answer, of either generation of its API: which words and flags there are, and what each says.

Weighing them against each other is `verdict.py`'s, whose rules these are. Nothing here ever raises.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from bot.core.values import Verdict


class Says(IntEnum):
    """What one signal says, mildest first.

    ``MAY_RUN`` and ``HINT`` allow, but are not enough alone; ``CONSTRAINED`` allows beside ``MAY_RUN`` and asks without;
    ``UNLESS_REVIEWED`` denies where nothing names a review or missing context.
    """

    MAY_RUN = 0
    HINT = 1
    ALLOW = 2
    CONSTRAINED = 3
    ASK = 4
    REVIEW = 5
    NEEDS_CONTEXT = 6
    UNLESS_REVIEWED = 7
    DENY = 8


_RECOMMENDATIONS = {
    "proceed": Says.ALLOW,
    "proceed_with_caution": Says.ALLOW,
    "review_recommended": Says.REVIEW,
    "do_not_proceed": Says.DENY,
}
_RESULTS = {
    "allowed": Says.ALLOW,
    "approved": Says.HINT,
    "limited": Says.ASK,
    "requires_approval": Says.REVIEW,
    "review": Says.REVIEW,
    "review_required": Says.REVIEW,
    "blocked": Says.DENY,
    "denied": Says.DENY,
}
_ENFORCED_VERDICTS = {
    **_RESULTS,
    **_RECOMMENDATIONS,
    "allow": Says.HINT,
    "allowed": Says.HINT,
    "proceed": Says.HINT,
    "proceed_with_caution": Says.HINT,
    "approval_required": Says.REVIEW,
    "block": Says.DENY,
    "deny": Says.DENY,
}
_MODES = {
    "autonomous": Says.ALLOW,
    "full": Says.ALLOW,
    "allowed": Says.ALLOW,
    "constrained": Says.CONSTRAINED,
    "limited": Says.ASK,
    "restricted": Says.ASK,
    "conditional": Says.ASK,
    "shadow": Says.ASK,
    "dry_run": Says.ASK,
    "review": Says.REVIEW,
    "review_required": Says.REVIEW,
    "needs_context": Says.NEEDS_CONTEXT,
    "blocked": Says.DENY,
    "denied": Says.DENY,
}
# A catastrophic ceiling can only forbid: what it forces asks at least, a permission too, also where it is said to be inactive.
_FORCED = {name: max(says, Says.ASK) for name, says in (_MODES | _RECOMMENDATIONS).items()}
_WORDS: Mapping[str, Mapping[str, Says]] = {
    "enforced_verdict": _ENFORCED_VERDICTS,
    "recommendation": _RECOMMENDATIONS,
    "result": _RESULTS,
    "mode": _MODES,
    "execution_mode": _MODES,
}
# (what true says, what false says); None: nothing.
_FLAGS: Mapping[str, tuple[Says | None, Says | None]] = {
    "allowed": (Says.ALLOW, Says.UNLESS_REVIEWED),
    "can_run": (Says.MAY_RUN, Says.UNLESS_REVIEWED),
    "requires_approval": (Says.REVIEW, None),
    "human_review": (Says.REVIEW, None),
    "needs_review": (Says.REVIEW, None),
    "needs_more_context": (Says.NEEDS_CONTEXT, None),
    "should_not_run": (Says.DENY, None),
    "dry_run": (Says.ASK, None),
}
_CLARIFYING = ("clarification_needed", "needs_more_context")
# Other APIs put their own words here ("ok", "pending"), so that only a known stop means anything.
_STOP_WORDS = {
    word: Verdict.DENY if says is Says.DENY else Verdict.ASK
    for word, says in (_ENFORCED_VERDICTS | _MODES).items()
    if says >= Says.REVIEW
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal as it was read; ``odd`` is a sentence where it was not understood."""

    name: str
    says: Says
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Brake:
    """What makes an answer stricter, but is no decision by itself; ``why`` is a sentence."""

    verdict: Verdict
    why: str


def signals(raw: Mapping[str, object]) -> Iterator[Signal]:
    """Every signal of the answer that says something; none where it holds no decision."""
    for name, words in _WORDS.items():
        yield from _word(name, raw.get(name), words)
    for name, (if_true, if_false) in _FLAGS.items():
        yield from _flag(name, raw.get(name), if_true, if_false)
    yield from _ceiling(raw.get("catastrophic_ceiling"))
    request_type = raw.get("request_type")
    if request_type is not None and not isinstance(request_type, str):
        yield _wrong_type("request_type")
    elif request_type in _CLARIFYING:
        yield Signal("request_type", Says.NEEDS_CONTEXT)
    if raw.get("blocked_by"):
        yield Signal("blocked_by", Says.UNLESS_REVIEWED)


def brakes(raw: Mapping[str, object]) -> Iterator[Brake]:
    """Every brake of the answer."""
    yield from _enforcement(raw)
    if conditions := list(_conditions(raw)):
        yield Brake(Verdict.ASK, f"BIGHUB names conditions that nothing here can keep: {', '.join(conditions)}.")
    if error := raw.get("error"):
        yield Brake(Verdict.ASK, f"BIGHUB reports an error: {_short(error)}.")
    for name in ("status", "decision"):
        word = raw.get(name)
        if isinstance(word, str) and (verdict := _STOP_WORDS.get(word.strip().lower())):
            yield Brake(verdict, f'BIGHUB\'s {name} is "{word.strip()}".')


def _word(name: str, value: object, words: Mapping[str, Says]) -> Iterator[Signal]:
    if value is None or value == "":
        return
    if not isinstance(value, str):
        yield _wrong_type(name)
        return
    says = words.get(value.strip().lower() if words is _MODES else value.lower())
    odd = f'Its {name} has the unknown value "{value[:60]}".' if says is None else ""
    yield Signal(name, Says.ASK if says is None else says, odd)


def _flag(name: str, value: object, if_true: Says | None, if_false: Says | None) -> Iterator[Signal]:
    if value is None:
        return
    if not isinstance(value, bool):
        yield _wrong_type(name)
        return
    says = if_true if value else if_false
    if says is not None:
        yield Signal(name, says)


def _ceiling(ceiling: object) -> Iterator[Signal]:
    if ceiling is None or ceiling == {}:
        return
    if not isinstance(ceiling, dict) or not isinstance(ceiling.get("active"), bool | None):
        yield _wrong_type("catastrophic_ceiling")
        return
    forced = [
        *_word("forced_mode", ceiling.get("forced_mode"), _FORCED),
        *_word("forced_recommendation", ceiling.get("forced_recommendation"), _FORCED),
    ]
    if ceiling.get("active") and not forced:
        yield Signal("catastrophic_ceiling", Says.ASK, "Its catastrophic ceiling is active and forces no mode.")
    yield from forced


def _wrong_type(name: str) -> Signal:
    return Signal(name, Says.DENY, f"Its {name} is of the wrong type.")


def _enforcement(raw: Mapping[str, object]) -> Iterator[Brake]:
    """Both generations fill this field differently, so that only these two of its words mean anything."""
    mode = _lower(raw.get("enforcement_mode"))
    if mode == "enforced" and not raw.get("enforced_verdict"):
        yield Brake(Verdict.ASK, "BIGHUB enforces, but gives no verdict.")
    if mode == "review" and _lower(raw.get("recommendation")) != "proceed":
        yield Brake(Verdict.ASK, "BIGHUB wants a review of whatever it does not recommend.")


def _conditions(raw: Mapping[str, object]) -> Iterator[str]:
    """Each condition in words. What cannot be read as "no condition" is one."""
    share, duration = raw.get("max_percentage"), raw.get("duration")
    whole = isinstance(share, int | float) and share >= 100
    if share not in (None, "") and not whole:
        yield f"max_percentage {_short(share)}"
    if duration is not None and not (isinstance(duration, str) and not duration.strip()):
        yield f"duration {_short(duration)}"


def _lower(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json_text(value) or "one that cannot be read"
    return text.strip().rstrip(".")[:200]


def json_text(value: object) -> str | None:
    """The value as compact JSON; None where it has none."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return None
