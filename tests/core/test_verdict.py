"""R8, S22: nothing is allowed without a well-formed answer in which every signal allows."""

import itertools
import json
from typing import Any

import pytest
from bighub.decisions.types import Decision
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.events import Verdict
from bot.core.verdict import read_decision, strictest

ABSENT = object()
PRODUCT: dict[str, tuple[Any, ...]] = {
    "recommendation": (ABSENT, "proceed", "proceed_with_caution", "review_recommended", "do_not_proceed"),
    "enforcement_mode": (ABSENT, "advisory", "review", "enforced"),
    "enforced_verdict": (ABSENT, "allowed", "requires_approval", "blocked"),
    "allowed": (ABSENT, True, False),
    "result": (ABSENT, "allowed", "requires_approval", "blocked"),
    "mode": (ABSENT, "autonomous", "review", "needs_context"),
    "requires_approval": (False, True),
    "needs_more_context": (False, True),
}
STOPS: dict[str, tuple[Any, ...]] = {
    "recommendation": ("review_recommended", "do_not_proceed"),
    "enforced_verdict": ("requires_approval", "blocked", "denied"),
    "allowed": (False,),
    "can_run": (False,),
    "result": ("requires_approval", "blocked", "denied"),
    "mode": ("review", "needs_context", "blocked", "denied", "review_required"),
    "execution_mode": ("review", "needs_context", "blocked", "denied", "review_required"),
    "requires_approval": (True,),
    "human_review": (True,),
    "needs_review": (True,),
    "needs_more_context": (True,),
    "should_not_run": (True,),
}
SAMPLE = {
    "request_id": "req_abc123",
    "better_action": "Grant scoped Okta admin access for 2h instead of 48h",
    "mode": "review",
    "can_run": False,
    "needs_review": True,
    "needs_more_context": False,
    "should_not_run": False,
    "risk": 0.78,
    "reason": "Production admin access for 48h is broader than necessary.",
    "decision_packet": {},
    "decision_brain": {},
}


def sdk_would_run(answer: dict[str, Any]) -> bool:
    try:
        return bool(Decision.from_backend_response(answer).can_run)
    except (TypeError, ValueError, AttributeError):
        return False


def stops(answer: dict[str, Any]) -> bool:
    return any(
        answer.get(name) in values for name, values in STOPS.items() if not isinstance(answer.get(name), dict | list)
    )


def test_r8_of_15360_answers_only_those_run_in_which_every_signal_allows() -> None:
    answers = [
        {name: value for name, value in zip(PRODUCT, values, strict=True) if value is not ABSENT}
        for values in itertools.product(*PRODUCT.values())
    ]
    allowed = [answer for answer in answers if read_decision(answer).verdict is Verdict.ALLOW]
    assert len(answers) == 15_360
    assert len(allowed) > 50
    assert all(sdk_would_run(answer) for answer in allowed)
    assert not any(stops(answer) for answer in allowed)
    print(
        f"R8: {len(answers):,} answers, {len(allowed)} allowed, 0 of them with a blocking, review or missing-context signal"
    )


WORDS = sorted(
    {str(value) for values in STOPS.values() for value in values} | {"proceed", "allowed", "autonomous", "odd", ""}
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.sampled_from(WORDS), st.integers(), st.text(max_size=5), st.lists(st.none())
)
ANSWERS = st.dictionaries(
    st.sampled_from(
        [*STOPS, "enforcement_mode", "request_type", "blocked_by", "catastrophic_ceiling", "dry_run", "risk", "reason"]
    ),
    VALUES,
)


@settings(max_examples=400, deadline=None)
@given(ANSWERS)
def test_r8_what_any_answer_allows_the_sdk_would_run_too(answer: dict[str, Any]) -> None:
    judgement = read_decision(answer)
    if judgement.verdict is Verdict.ALLOW:
        assert sdk_would_run(answer)
        assert not stops(answer)
    assert judgement.reason
    judgement.reason.encode()
    assert json.loads(judgement.decision or "{}") == answer or judgement.verdict is Verdict.DENY


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_r8_any_json_is_read_without_an_exception_and_never_allowed(raw: object) -> None:
    assert read_decision(raw).verdict is Verdict.DENY


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        [],
        None,
        "proceed",
        1,
        {"hello": "world"},
        {"allowed": "yes"},
        {"allowed": 1},
        {"recommendation": ["proceed"]},
        {"recommendation": ""},
        {"recommendation": "proceed", "result": 7},
        {"can_run": True},
        {"reason": "fine"},
        {"recommendation": "proceed", "catastrophic_ceiling": "none"},
    ],
)
def test_s22_an_answer_without_a_readable_decision_is_denied(nonsense: object) -> None:
    judgement = read_decision(nonsense)
    assert judgement.verdict is Verdict.DENY
    assert judgement.reason.endswith(".")


def test_the_founding_readme_sample_asks_with_its_risk_and_its_better_action() -> None:
    judgement = read_decision(SAMPLE)
    assert judgement.verdict is Verdict.ASK
    assert judgement.risk == 0.78
    assert judgement.better_action == "Grant scoped Okta admin access for 2h instead of 48h"
    assert judgement.reason == "Production admin access for 48h is broader than necessary."
    assert (judgement.request_id, judgement.source, judgement.needs_context) == ("req_abc123", "BIGHUB", False)
    assert json.loads(judgement.decision) == SAMPLE


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"recommendation": "proceed"}, Verdict.ALLOW),
        ({"recommendation": "proceed_with_caution", "enforcement_mode": "advisory"}, Verdict.ALLOW),
        ({"recommendation": "proceed_with_caution", "enforcement_mode": "review"}, Verdict.ASK),
        ({"mode": "autonomous", "can_run": True}, Verdict.ALLOW),
        ({"mode": "constrained", "can_run": True}, Verdict.ASK),
        ({"mode": "CONDITIONAL", "recommendation": "proceed"}, Verdict.ASK),
        ({"allowed": True, "result": "approved", "requires_approval": False}, Verdict.ALLOW),
        ({"result": "approved"}, Verdict.ASK),
        ({"allowed": False, "result": "blocked"}, Verdict.DENY),
        ({"allowed": False}, Verdict.DENY),
        ({"allowed": False, "result": "requires_approval", "requires_approval": True}, Verdict.ASK),
        ({"recommendation": "review_recommended"}, Verdict.ASK),
        ({"recommendation": "proceed", "human_review": True}, Verdict.ASK),
        ({"recommendation": "maybe"}, Verdict.ASK),
        ({"recommendation": "proceed", "mode": "brand_new"}, Verdict.ASK),
        ({"recommendation": "proceed", "should_not_run": True, "needs_review": True}, Verdict.DENY),
        ({"recommendation": "proceed", "blocked_by": "rule_7"}, Verdict.DENY),
        ({"enforced_verdict": "allowed"}, Verdict.ASK),
        ({"enforced_verdict": "blocked", "recommendation": "proceed"}, Verdict.DENY),
        ({"enforcement_mode": "enforced", "recommendation": "proceed"}, Verdict.ASK),
        ({"recommendation": "proceed", "dry_run": True}, Verdict.ASK),
        (
            {"recommendation": "proceed", "catastrophic_ceiling": {"active": True, "forced_mode": "blocked"}},
            Verdict.DENY,
        ),
        ({"recommendation": "proceed", "catastrophic_ceiling": {"forced_mode": "review"}}, Verdict.ASK),
        ({"recommendation": "proceed", "catastrophic_ceiling": {"active": True}}, Verdict.ASK),
        (
            {"recommendation": "proceed", "catastrophic_ceiling": {"active": False, "forced_mode": "blocked"}},
            Verdict.ALLOW,
        ),
    ],
)
def test_each_signal_of_both_generations_is_read_and_the_strictest_wins(
    answer: dict[str, Any], verdict: Verdict
) -> None:
    assert read_decision(answer).verdict is verdict


@pytest.mark.parametrize(
    "answer",
    [
        {"mode": "needs_context"},
        {"needs_more_context": True, "recommendation": "proceed"},
        {"request_type": "clarification_needed"},
        {"allowed": False, "mode": "needs_context"},
    ],
)
def test_missing_context_is_asked_of_the_requester_unless_something_denies(answer: dict[str, Any]) -> None:
    judgement = read_decision(answer)
    assert (judgement.verdict, judgement.needs_context) == (Verdict.ASK, True)
    denied = read_decision({**answer, "should_not_run": True})
    assert (denied.verdict, denied.needs_context) == (Verdict.DENY, False)


@pytest.mark.parametrize(
    ("risk", "read"),
    [
        ({"risk": 0.4}, 0.4),
        ({"risk_score": 1}, 1.0),
        ({"risk": 0.2, "risk_score": 0.6}, 0.6),
        ({"risk": "0.4"}, None),
        ({"risk": True}, None),
        ({"risk": 7}, None),
        ({"risk": float("nan")}, None),
        ({}, None),
    ],
)
def test_a_risk_is_a_number_from_0_to_1_or_nothing(risk: dict[str, Any], read: float | None) -> None:
    assert read_decision({"recommendation": "proceed", **risk}).risk == read


@pytest.mark.parametrize(
    ("better", "text"),
    [
        ({"better_action": {"action": "Grant 2h", "rationale": "shorter"}}, "Grant 2h"),
        ({"better_action": {"action": "grant", "arguments": {"h": 2}}}, '{"action":"grant","arguments":{"h":2}}'),
        ({"decision_intelligence": {"alternatives": [{"action": "Wait"}]}}, "Wait"),
        ({"decision_packet": {"better_action": "Scope it"}}, "Scope it"),
        ({"better_action": 7}, ""),
        ({}, ""),
    ],
)
def test_a_better_action_becomes_text_whatever_its_shape(better: dict[str, Any], text: str) -> None:
    assert read_decision({"mode": "review", **better}).better_action == text


def test_what_was_not_understood_is_said_beside_the_given_reason() -> None:
    reason = read_decision({"recommendation": "proceed", "mode": "lunar", "reason": "Looks fine."}).reason
    assert reason == 'Looks fine. BIGHUB\'s answer is unclear. Its mode has the unknown value "lunar".'


def test_half_a_surrogate_in_an_answer_can_still_be_stored() -> None:
    judgement = read_decision({"mode": "review", "reason": "\ud800 why\0", "request_id": "r\udfff"})
    (judgement.reason + judgement.request_id + judgement.decision).encode()
    assert "\0" not in judgement.reason + judgement.decision


def test_the_strictest_of_no_verdict_at_all_is_deny() -> None:
    assert strictest() is Verdict.DENY
    assert strictest(Verdict.ALLOW, Verdict.ASK) is Verdict.ASK
    assert strictest(Verdict.DENY, Verdict.ALLOW, Verdict.ASK) is Verdict.DENY
