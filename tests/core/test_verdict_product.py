"""R8 over every word, whole products of signals and any JSON: what executes is within what the SDK would run and every signal allows."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from bighub.decisions.types import Decision
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.values import Verdict
from bot.core.verdict import read_decision, strictest

Answer = dict[str, Any]
ABSENT = object()

OLDER: dict[str, tuple[Any, ...]] = {
    "recommendation": (ABSENT, "proceed", "proceed_with_caution", "review_recommended", "do_not_proceed"),
    "enforcement_mode": (ABSENT, "advisory", "review", "enforced"),
    "enforced_verdict": (ABSENT, "allowed", "requires_approval", "blocked"),
    "allowed": (ABSENT, True, False),
    "result": (ABSENT, "allowed", "requires_approval", "blocked"),
    "mode": (ABSENT, "autonomous", "review", "needs_context"),
    "requires_approval": (False, True),
    "needs_more_context": (False, True),
}
NEWER: dict[str, tuple[Any, ...]] = {
    "mode": (ABSENT, "autonomous", "constrained", "review", "blocked", "needs_context"),
    "can_run": (ABSENT, True, False),
    "recommendation": (ABSENT, "proceed", "proceed_with_caution", "do_not_proceed"),
    "allowed": (ABSENT, True, False),
    "enforcement_mode": (ABSENT, "advisory", "review", "enforced"),
    "needs_review": (False, True),
    "should_not_run": (False, True),
    "catastrophic_ceiling": (
        ABSENT,
        {"active": False},
        {"active": False, "forced_mode": "blocked"},
        {"active": True, "forced_mode": "blocked"},
        {"active": True, "forced_mode": "review"},
        {"active": True, "forced_mode": "constrained"},
        {"active": True, "forced_mode": "autonomous"},
    ),
    "max_percentage": (ABSENT, 25),
    "status": (ABSENT, "denied"),
}
PLAIN: tuple[Answer, ...] = (
    {"recommendation": "proceed"},
    {"recommendation": "proceed_with_caution"},
    {"mode": "autonomous"},
    {"mode": "autonomous", "can_run": True},
    {"mode": "constrained", "can_run": True},
    {"mode": "constrained", "can_run": True, "recommendation": "proceed_with_caution"},
    {"allowed": True},
    {"allowed": True, "result": "allowed"},
)
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
    "status": ("requires_approval", "review", "needs_context", "blocked", "denied", "deny"),
    "decision": ("requires_approval", "review", "needs_context", "blocked", "denied", "deny"),
}


def answers(product: dict[str, tuple[Any, ...]]) -> Iterator[Answer]:
    for values in itertools.product(*product.values()):
        yield {name: value for name, value in zip(product, values, strict=True) if value is not ABSENT}


def sdk_would_run(answer: Answer) -> bool:
    try:
        return bool(Decision.from_response(answer).can_run)
    except (TypeError, ValueError, AttributeError):
        return False


def stops(answer: Answer) -> bool:
    """Whether any signal blocks, wants a review or misses context, or a ceiling is active or forces anything."""
    ceiling = answer.get("catastrophic_ceiling")
    forced = ("active", "forced_mode", "forced_recommendation")
    if isinstance(ceiling, dict) and any(map(ceiling.get, forced)):
        return True
    return any(
        answer.get(name) in values for name, values in STOPS.items() if not isinstance(answer.get(name), dict | list)
    )


def conditional(answer: Answer) -> bool:
    """Whether a permission lacks what it needs, or comes with what nobody here could keep."""
    constrained = answer.get("mode") == "constrained" and answer.get("can_run") is not True
    enforced = answer.get("enforcement_mode") == "enforced" and "enforced_verdict" not in answer
    reviewed = answer.get("enforcement_mode") == "review" and answer.get("recommendation") != "proceed"
    return constrained or enforced or reviewed or "max_percentage" in answer


def executes(product: dict[str, tuple[Any, ...]]) -> tuple[int, list[Answer]]:
    """How many answers the product has, and those that execute."""
    total, allowed = 0, []
    for answer in answers(product):
        total += 1
        if read_decision(answer).verdict is Verdict.ALLOW:
            allowed.append(answer)
    return total, allowed


def test_r8_of_15360_answers_of_the_older_generation_only_those_run_in_which_every_signal_allows() -> None:
    total, allowed = executes(OLDER)
    assert total == 15_360
    assert len(allowed) > 50
    assert all(sdk_would_run(answer) for answer in allowed)
    assert not any(stops(answer) or conditional(answer) for answer in allowed)
    print(f"R8: {total:,} answers, {len(allowed)} allowed, 0 of them with a blocking, review or missing-context signal")


def test_r8_of_96768_answers_of_the_newer_generation_only_those_run_in_which_every_signal_allows() -> None:
    total, allowed = executes(NEWER)
    assert total == 96_768
    assert len(allowed) > 50
    assert all(sdk_would_run(answer) for answer in allowed)
    assert not any(stops(answer) or conditional(answer) for answer in allowed)
    print(f"R8: {total:,} answers, {len(allowed)} allowed, 0 of them stopped, conditional or forced by a ceiling")


def test_r8_whatever_the_sdk_would_run_and_nothing_stops_does_run() -> None:
    free = [answer for product in (OLDER, NEWER) for answer in answers(product) if not stops(answer)]
    runnable = [answer for answer in free if not conditional(answer) and sdk_would_run(answer)]
    assert len(runnable) > 100
    assert all(read_decision(answer).verdict is Verdict.ALLOW for answer in runnable)


def test_the_plain_permissions_of_either_generation_run_also_beside_signals_that_say_nothing() -> None:
    nothing = {
        "blocked_by": None,
        "enforced_verdict": None,
        "max_percentage": 100,
        "duration": None,
        "error": None,
        "status": "ok",
        "decision": {"action": "grant_access"},
        "catastrophic_ceiling": {"active": False},
        **dict.fromkeys(("needs_review", "needs_more_context", "should_not_run", "requires_approval"), False),
        **dict.fromkeys(("human_review", "dry_run"), False),
    }
    for answer in (*PLAIN, {"allowed": True, "result": "approved"}):
        assert read_decision(answer).verdict is Verdict.ALLOW, answer
        assert read_decision({**answer, **nothing}).verdict is Verdict.ALLOW, answer
        assert sdk_would_run({**answer, **nothing}), answer


SAYS: dict[str, dict[Verdict, str]] = {
    "recommendation": {
        Verdict.ALLOW: "proceed proceed_with_caution PROCEED",
        Verdict.ASK: "review_recommended unheard_of",
        Verdict.DENY: "do_not_proceed",
    },
    "result": {
        Verdict.ALLOW: "allowed approved",
        Verdict.ASK: "limited requires_approval review review_required unheard_of",
        Verdict.DENY: "blocked denied",
    },
    "enforced_verdict": {
        Verdict.ALLOW: "allow allowed approved proceed proceed_with_caution",
        Verdict.ASK: "limited requires_approval approval_required review review_required review_recommended unheard_of",
        Verdict.DENY: "block blocked deny denied do_not_proceed",
    },
    "mode": {
        Verdict.ALLOW: "autonomous full allowed constrained AUTONOMOUS",
        Verdict.ASK: "limited restricted conditional shadow dry_run review review_required needs_context unheard_of",
        Verdict.DENY: "blocked denied BLOCKED",
    },
}
SAYS["execution_mode"] = SAYS["mode"]
STOPPED_BY: dict[Verdict, tuple[Answer, ...]] = {
    Verdict.ASK: (
        *({name: True} for name in ("requires_approval", "human_review", "needs_review", "needs_more_context")),
        *({"request_type": word} for word in ("clarification_needed", "needs_more_context")),
        {"dry_run": True},
    ),
    Verdict.DENY: ({"allowed": False}, {"can_run": False}, {"should_not_run": True}, {"blocked_by": "rule_7"}),
}


@pytest.mark.parametrize("field", SAYS)
def test_every_known_word_beside_a_permission_is_read_and_an_unknown_one_asks(field: str) -> None:
    for verdict, words in SAYS[field].items():
        for word in words.split():
            assert read_decision({"allowed": True, "can_run": True, field: word}).verdict is verdict, word


@pytest.mark.parametrize("field", SAYS)
def test_a_word_of_review_explains_a_refusal_and_one_of_a_limit_does_not(field: str) -> None:
    for word in SAYS[field][Verdict.ASK].split():
        explains = "review" in word or "approval" in word or word == "needs_context"
        expected = Verdict.ASK if explains else Verdict.DENY
        assert read_decision({"allowed": False, field: word}).verdict is expected, word


def test_each_flag_stops_what_is_recommended() -> None:
    for verdict, flags in STOPPED_BY.items():
        for flag in flags:
            assert read_decision({"recommendation": "proceed", **flag}).verdict is verdict, flag
            assert read_decision({"recommendation": "proceed", **dict.fromkeys(flag)}).verdict is Verdict.ALLOW, flag


@pytest.mark.parametrize("field", ["recommendation", "mode", "allowed", "can_run", "needs_review", "request_type"])
def test_a_known_signal_of_the_wrong_type_denies_what_the_others_allow(field: str) -> None:
    assert read_decision({"result": "allowed", "execution_mode": "autonomous", field: [7]}).verdict is Verdict.DENY


WORDS = sorted(
    {str(value) for values in STOPS.values() for value in values}
    | {"proceed", "allowed", "autonomous", "constrained", "enforced", "odd", ""}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
CEILINGS = st.fixed_dictionaries(
    {},
    optional={
        "active": st.booleans() | JSON,
        "forced_mode": st.sampled_from(WORDS) | JSON,
        "forced_recommendation": JSON,
    },
)
BRAKES = ("error", "status", "decision", "max_percentage", "duration", "enforcement_mode")
FIELDS = (*STOPS, *BRAKES, "request_type", "blocked_by", "dry_run", "risk", "reason", "better_action", "decision_brain")
VALUES = st.one_of(st.booleans(), st.sampled_from(WORDS), JSON)
ANSWERS = st.builds(
    lambda plain, more, ceiling: {**plain, **more, **({} if ceiling is None else {"catastrophic_ceiling": ceiling})},
    st.sampled_from(({}, *PLAIN)),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5),
    st.none() | CEILINGS | JSON,
)


@settings(max_examples=1000, deadline=None)
@given(ANSWERS)
def test_r8_what_any_answer_allows_the_sdk_would_run_too_and_nothing_in_it_stops(answer: Answer) -> None:
    judgement = read_decision(answer)
    if judgement.verdict is Verdict.ALLOW:
        assert sdk_would_run(answer)
        assert not stops(answer)
        assert not answer.get("error")
    assert judgement.reason or judgement.ours or judgement.verdict is Verdict.ALLOW
    f"{judgement.reason}{judgement.ours}".encode()
    assert judgement.decision == json.dumps(answer, separators=(",", ":"))


@settings(max_examples=500, deadline=None)
@given(ANSWERS, st.sampled_from(BRAKES), VALUES)
def test_a_brake_can_only_make_an_answer_stricter(answer: Answer, name: str, value: Any) -> None:
    without = read_decision({field: given for field, given in answer.items() if field != name}).verdict
    braked = read_decision({**answer, name: value}).verdict
    assert strictest(without, braked) is braked


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i)
    )
)
def test_r8_any_json_is_read_without_an_exception_and_never_allowed(raw: object) -> None:
    assert read_decision(raw).verdict is Verdict.DENY


def test_the_strictest_of_no_verdict_at_all_is_deny() -> None:
    assert strictest() is Verdict.DENY
    assert strictest(Verdict.ALLOW, Verdict.ASK) is Verdict.ASK
    assert strictest(Verdict.DENY, Verdict.ALLOW, Verdict.ASK) is Verdict.DENY
