"""When a rule of the policy fits: the risk as a number, arguments by path and comparison, and what cannot be compared."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.canonical import canonical_bytes
from bot.core.matching import ArgumentTest, Case, Comparison, Match, comparison, path
from bot.core.policy import Policy, Rule, floor, terms
from bot.core.refusal import Refused
from bot.core.values import ApprovalId, Verdict

CASE = Case("deploy", "ci", "production", "checkout", "high", False, "U1", "C1")
ARGUMENTS: dict[str, Any] = {
    "replicas": 12,
    "share": 0.5,
    "duration": "48h",
    "group": "okta-prod-admins",
    "force": True,
    "note": None,
    "spec": {"hosts": [{"name": "db1"}, {"name": "web1"}], "odd name": 1},
}
SEEN = replace(CASE, arguments=canonical_bytes(ARGUMENTS).decode())


def fits(where: str, *written: Any, doubt: bool = True) -> bool:
    steps = path(where)
    tests = tuple(comparison(each) for each in written)
    assert not isinstance(steps, Refused) and not any(isinstance(each, Refused) for each in tests)
    return Match(arguments=(ArgumentTest(steps, tests),)).fits(SEEN, doubt)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "written", "fitting"),
    [
        ("replicas", ">= 12", True),
        ("replicas", "> 12", False),
        ("replicas", "< 12.5", True),
        ("replicas", 12, True),
        ("replicas", "= 12", True),
        ("replicas", "!= 12", False),
        ("$.share", "<= 0.5", True),
        ("duration", "> 24h", True),
        ("duration", "> 2d", False),
        ("duration", "= 2d", True),
        ("group", "okta-*-admins", True),
        ("group", "OKTA-*", True),
        ("group", "!= okta-prod-admins", False),
        ("group", "admins", False),
        ("force", True, True),
        ("force", False, False),
        ("spec.hosts[0].name", "db*", True),
        ("spec.hosts[1].name", "db*", False),
        ("spec.hosts[*].name", "web*", True),
        ("$['spec'].hosts[*]['name']", "mail*", False),
        ('spec["odd name"]', ">= 1", True),
        ("spec.hosts[9].name", "*", False),
        ("nothing", "*", False),
        ("nothing", "!= x", False),
        ("nothing", "absent", True),
        ("replicas", "absent", False),
        ("replicas", "present", True),
        ("note", "present", True),
    ],
)
def test_an_argument_fits_by_path_and_comparison(where: str, written: Any, fitting: bool) -> None:
    assert fits(where, written, doubt=False) is fits(where, written, doubt=True) is fitting


def test_any_one_of_a_list_of_comparisons_is_enough() -> None:
    assert fits("group", "root", "*-admins") and not fits("group", "root", "wheel")


@pytest.mark.parametrize(
    ("where", "written"), [("group", "> 5"), ("duration", "> 5"), ("spec", "x*"), ("note", "x"), ("replicas", "> 4h")]
)
def test_what_cannot_be_compared_counts_as_whoever_asks_says(where: str, written: str) -> None:
    assert fits(where, written, doubt=True) and not fits(where, written, doubt=False)


def test_what_cannot_be_compared_never_loosens_anything() -> None:
    unclear = Match(arguments=(ArgumentTest(("group",), (Comparison(">", 5),)),))
    for case in (SEEN, replace(SEEN, arguments="[removed]")):
        assert Rule("a", unclear).in_doubt(case) and not Rule("a").in_doubt(case)
        assert floor(Policy(rules=(Rule("a", unclear, Verdict.DENY),)), case)[0] is Verdict.DENY
        allowing = Rule("a", unclear, Verdict.ALLOW, requester_may_approve=True)
        assert floor(Policy(rules=(allowing,)), case)[0] is None
        assert not terms(Policy(rules=(allowing,)), case, ApprovalId("ap"), 0.0).requester_may_approve


@pytest.mark.parametrize(
    ("declared", "score", "weight"),
    [
        ("low", None, 0.25),
        ("high", None, 0.75),
        ("critical", 0.1, 0.1),
        ("", None, 1.0),
        ("odd", None, 1.0),
        ("", 0.0, 0.0),
    ],
)
def test_the_risk_is_the_guards_number_or_what_is_declared_or_the_highest(
    declared: str, score: float | None, weight: float
) -> None:
    case = replace(CASE, risk=declared, score=score)
    assert case.weight == weight
    assert Match(weight=Comparison(">=", 0.7)).fits(case) is (weight >= 0.7)


@pytest.mark.parametrize("written", ["> okta", ">= ", "< 1e5", ">= 1,5"])
def test_a_comparison_with_what_has_no_order_is_refused_or_a_glob(written: str) -> None:
    found = comparison(written)
    assert isinstance(found, Refused) or found.relation == "like"


@pytest.mark.parametrize("written", ["", "$", ".", "a..b", "a[", "a[-1]", "a[?(@.b)]", "a b", "$..a", "a['b", ".a"])
def test_a_path_of_another_grammar_is_refused(written: str) -> None:
    assert isinstance(path(written), Refused)


SCALARS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans(), st.none()
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
WRITTEN = st.sampled_from([">= 10", "< 4h", "!= x", "= 3", "*", "absent", "present", True, 5, 0.5])


@given(JSON, WRITTEN)
def test_any_comparison_with_any_value_is_yes_no_or_unclear_and_its_opposite_is_not_the_same(
    value: Any, written: Any
) -> None:
    test = comparison(written)
    assert isinstance(test, Comparison) and test.holds(value) in (True, False, None)
    opposite = {">=": "<", "<": ">=", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}.get(test.relation)
    if opposite and test.holds(value) is not None:
        assert Comparison(opposite, test.value).holds(value) is not test.holds(value)
