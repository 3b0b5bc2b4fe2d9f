"""R8, S22: nothing is allowed without a well-formed answer in which every signal allows."""

import json
from typing import Any

import pytest

from bot.core.values import Verdict
from bot.core.verdict import read_decision

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


def said_of(answer: object) -> tuple[str, str]:
    """BIGHUB's own words, and ours about its answer."""
    judgement = read_decision(answer)
    return judgement.reason, judgement.ours


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
        {"needs_review": False},
        {"reason": "fine"},
        {"error": "policy engine failed"},
        {"status": "requires_approval"},
        {"decision": "allow"},
        {"duration": "2h", "max_percentage": 10},
        {"enforcement_mode": "enforced"},
        {"enforcement_mode": "review"},
        {"recommendation": "proceed", "catastrophic_ceiling": "none"},
    ],
)
def test_s22_an_answer_without_a_readable_decision_is_denied(nonsense: object) -> None:
    judgement = read_decision(nonsense)
    assert judgement.verdict is Verdict.DENY
    assert judgement.ours.endswith(".")


def test_s22_an_answer_that_is_no_json_is_denied() -> None:
    endless: list[object] = []
    endless.append(endless)
    deep: dict[str, Any] = {"allowed": True}
    for _ in range(100_000):
        deep = {"allowed": True, "error": deep}
    for broken in (endless, deep, object()):
        assert read_decision({"allowed": True, "duration": broken}).verdict is Verdict.DENY


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
        ({"mode": "FULL"}, Verdict.ALLOW),
        ({"mode": "allowed"}, Verdict.ALLOW),
        ({"can_run": True}, Verdict.ASK),
        ({"mode": "constrained", "can_run": True}, Verdict.ALLOW),
        ({"mode": "CONDITIONAL", "recommendation": "proceed"}, Verdict.ASK),
        ({"mode": "CONDITIONAL", "execution_mode": "constrained", "can_run": True}, Verdict.ASK),
        ({"allowed": True, "result": "approved", "requires_approval": False}, Verdict.ALLOW),
        ({"result": "approved"}, Verdict.ASK),
        ({"allowed": False, "result": "blocked"}, Verdict.DENY),
        ({"allowed": False, "result": "requires_approval", "requires_approval": True}, Verdict.ASK),
        ({"recommendation": "review_recommended"}, Verdict.ASK),
        ({"recommendation": "proceed", "should_not_run": True, "needs_review": True}, Verdict.DENY),
        ({"enforced_verdict": "allowed"}, Verdict.ASK),
        ({"enforced_verdict": "blocked", "recommendation": "proceed"}, Verdict.DENY),
        ({"enforcement_mode": "enforced", "recommendation": "proceed"}, Verdict.ASK),
        ({"recommendation": "proceed", "catastrophic_ceiling": {"active": True}}, Verdict.ASK),
        ({"recommendation": "proceed", "catastrophic_ceiling": {"active": False}}, Verdict.ALLOW),
        ({"recommendation": "proceed", "catastrophic_ceiling": {"active": False, "forced_mode": None}}, Verdict.ALLOW),
    ],
)
def test_each_signal_of_both_generations_is_read_and_the_strictest_wins(
    answer: dict[str, Any], verdict: Verdict
) -> None:
    assert read_decision(answer).verdict is verdict


@pytest.mark.parametrize("refusal", [{"allowed": False}, {"can_run": False}, {"blocked_by": "rule_7"}])
def test_a_refusal_asks_where_the_answer_names_a_review_or_missing_context_and_only_there(
    refusal: dict[str, Any],
) -> None:
    assert read_decision({**refusal, "needs_review": True}).verdict is Verdict.ASK
    assert read_decision({**refusal, "needs_more_context": True}).verdict is Verdict.ASK
    assert read_decision({**refusal, "result": "limited"}).verdict is Verdict.DENY
    assert read_decision({**refusal, "recommendation": "unheard_of"}).verdict is Verdict.DENY
    assert read_decision({**refusal, "status": "requires_approval"}).verdict is Verdict.DENY


@pytest.mark.parametrize("field", ["mode", "execution_mode"])
def test_constrained_runs_by_itself_only_where_bighub_also_says_that_it_can_run(field: str) -> None:
    assert read_decision({field: "constrained", "can_run": True}).verdict is Verdict.ALLOW
    assert read_decision({field: "constrained"}).verdict is Verdict.ASK
    assert read_decision({field: "constrained", "can_run": None, "recommendation": "proceed"}).verdict is Verdict.ASK
    assert read_decision({field: "constrained", "allowed": True}).verdict is Verdict.ASK
    assert read_decision({field: "constrained", "can_run": False}).verdict is Verdict.DENY
    assert read_decision({field: "constrained", "can_run": True, "needs_review": True}).verdict is Verdict.ASK


@pytest.mark.parametrize("mode", ["limited", "RESTRICTED", "conditional"])
def test_a_mode_whose_limits_nobody_here_knows_is_asked_about_whatever_else_allows_it(mode: str) -> None:
    for field in ("mode", "execution_mode"):
        assert read_decision({field: mode, "can_run": True, "recommendation": "proceed"}).verdict is Verdict.ASK


@pytest.mark.parametrize("permission", [{"mode": "constrained", "can_run": True}, {"recommendation": "proceed"}])
def test_a_condition_that_nobody_here_could_keep_is_asked_about(permission: dict[str, Any]) -> None:
    for share in (10, 0, 99.9, "10", float("nan"), True, [100]):
        assert read_decision({**permission, "max_percentage": share}).verdict is Verdict.ASK, share
    for whole in (100, 100.0, None, ""):
        assert read_decision({**permission, "max_percentage": whole}).verdict is Verdict.ALLOW, whole
    for duration in ("2h", 7200, {"hours": 2}):
        assert read_decision({**permission, "duration": duration}).verdict is Verdict.ASK, duration
    for unlimited in ("", " ", None):
        assert read_decision({**permission, "duration": unlimited}).verdict is Verdict.ALLOW, unlimited


@pytest.mark.parametrize(
    ("enforcement", "verdict"),
    [
        ({"enforcement_mode": "advisory"}, Verdict.ALLOW),
        ({"enforcement_mode": "autonomous"}, Verdict.ALLOW),
        ({"enforcement_mode": "review"}, Verdict.ASK),
        ({"enforcement_mode": "REVIEW", "recommendation": "proceed_with_caution"}, Verdict.ASK),
        ({"enforcement_mode": "review", "recommendation": "proceed"}, Verdict.ALLOW),
        ({"enforcement_mode": "enforced"}, Verdict.ASK),
        ({"enforcement_mode": "Enforced", "enforced_verdict": None}, Verdict.ASK),
        ({"enforcement_mode": "enforced", "enforced_verdict": "allowed"}, Verdict.ALLOW),
        ({"enforcement_mode": "enforced", "enforced_verdict": "requires_approval"}, Verdict.ASK),
        ({"enforcement_mode": "enforced", "enforced_verdict": "blocked"}, Verdict.DENY),
    ],
)
def test_an_autonomous_action_runs_unless_the_enforcement_wants_more(
    enforcement: dict[str, Any], verdict: Verdict
) -> None:
    assert read_decision({"mode": "autonomous", "can_run": True, **enforcement}).verdict is verdict


@pytest.mark.parametrize("active", [{"active": True}, {"active": False}, {"active": None}, {}])
@pytest.mark.parametrize(
    ("forced", "verdict"),
    [
        ({"forced_mode": "autonomous"}, Verdict.ASK),
        ({"forced_mode": "constrained"}, Verdict.ASK),
        ({"forced_mode": "review"}, Verdict.ASK),
        ({"forced_mode": "needs_context"}, Verdict.ASK),
        ({"forced_mode": "unheard_of"}, Verdict.ASK),
        ({"forced_mode": "blocked"}, Verdict.DENY),
        ({"forced_mode": 7}, Verdict.DENY),
        ({"active": "yes"}, Verdict.DENY),
        ({"forced_recommendation": "proceed"}, Verdict.ASK),
        ({"forced_recommendation": "review_recommended"}, Verdict.ASK),
        ({"forced_recommendation": "do_not_proceed"}, Verdict.DENY),
    ],
)
def test_a_catastrophic_ceiling_can_only_forbid(
    active: dict[str, Any], forced: dict[str, Any], verdict: Verdict
) -> None:
    permission = {"mode": "constrained", "can_run": True, "recommendation": "proceed"}
    assert read_decision({**permission, "catastrophic_ceiling": {**active, **forced}}).verdict is verdict


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("policy engine failed.", "policy engine failed"),
        ({"code": 7}, '{"code":7}'),
        (["late"], '["late"]'),
        (True, "true"),
    ],
)
def test_an_error_beside_a_permission_is_asked_about_and_named(error: object, words: str) -> None:
    judgement = read_decision({"allowed": True, "error": error, "reason": "Fine."})
    assert (judgement.verdict, judgement.reason) == (Verdict.ASK, "Fine.")
    assert judgement.ours == f"BIGHUB reports an error: {words}."
    assert read_decision({"allowed": False, "error": error}).verdict is Verdict.DENY


@pytest.mark.parametrize("field", ["status", "decision"])
def test_a_status_or_decision_that_is_known_to_stop_stops_and_any_other_says_nothing(field: str) -> None:
    asks = ("requires_approval", "approval_required", "review", "review_required", "needs_context")
    denies = ("blocked", "block", "denied", "deny", " DENY ", "do_not_proceed")
    for word in (*asks, "review_recommended"):
        assert read_decision({"allowed": True, field: word}).verdict is Verdict.ASK, word
    for word in denies:
        assert read_decision({"allowed": True, field: word}).verdict is Verdict.DENY, word
    for silent in (
        "ok",
        "completed",
        "pending",
        "allow",
        "limited",
        "constrained",
        "",
        None,
        7,
        ["deny"],
        {"a": "deny"},
    ):
        assert read_decision({"allowed": True, field: silent}).verdict is Verdict.ALLOW, silent


def test_what_made_a_verdict_stricter_is_said_beside_the_given_reason_and_nothing_else_is() -> None:
    braked = {"reason": "Fine.", "duration": "2h", "max_percentage": 10, "status": "denied"}
    assert said_of({"allowed": True, **braked}) == (
        "Fine.",
        "BIGHUB names conditions that nothing here can keep: max_percentage 10, duration 2h. "
        'BIGHUB\'s status is "denied".',
    )
    assert said_of({"needs_review": True, **braked}) == ("Fine.", 'BIGHUB\'s status is "denied".')
    assert said_of({"should_not_run": True, **braked}) == ("Fine.", "")


def test_of_an_error_at_most_200_characters_are_shown() -> None:
    assert read_decision({"allowed": True, "error": "x" * 5000}).ours == f"BIGHUB reports an error: {'x' * 200}."


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
    for stop in ({"should_not_run": True}, {"status": "denied"}):
        denied = read_decision({**answer, **stop})
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
        ({"better_action": {"action": "grant", "parameters": {"h": 2}}}, '{"action":"grant","parameters":{"h":2}}'),
        ({"better_action": {"h": 2}}, '{"h":2}'),
        ({"better_action": {}}, ""),
        ({"better_action": 7}, ""),
        ({}, ""),
    ],
)
def test_a_better_action_becomes_text_whatever_its_shape(better: dict[str, Any], text: str) -> None:
    assert read_decision({"mode": "review", **better}).better_action == text


def test_what_was_not_understood_is_said_beside_the_given_reason() -> None:
    lunar, unclear = (
        {"mode": "lunar", "reason": "Looks fine."},
        'BIGHUB\'s answer is unclear. Its mode has the unknown value "lunar".',
    )
    assert said_of({"recommendation": "proceed", **lunar}) == ("Looks fine.", unclear)
    assert said_of({"recommendation": 7, "reason": "Looks fine."}) == (
        "Looks fine.",
        "BIGHUB's answer is unclear. Its recommendation is of the wrong type.",
    )
    assert said_of({"recommendation": "do_not_proceed", **lunar}) == ("Looks fine.", "")


def test_s3_what_bighub_gave_no_reason_for_is_told_in_our_words_and_not_in_its_quote() -> None:
    assert said_of({"allowed": True}) == ("", "")
    assert said_of({"needs_review": True}) == ("", "BIGHUB wants a person to decide.")
    assert said_of({"should_not_run": True}) == ("", "BIGHUB blocks this.")
    assert said_of({"result": "needs_context"})[0] == ""
    assert said_of("<html>") == ("", "BIGHUB's answer is not a decision. Nothing runs without one.")


def test_half_a_surrogate_in_an_answer_can_still_be_stored() -> None:
    judgement = read_decision({"mode": "review", "reason": "\ud800 why\0", "request_id": "r\udfff"})
    (judgement.reason + judgement.request_id + judgement.decision).encode()
    assert "\0" not in judgement.reason + judgement.decision
