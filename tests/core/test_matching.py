"""When a rule of the policy fits: the risk as a number, arguments by path and comparison, and what cannot be compared."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.canonical import canonical_bytes
from bot.core.matching import ArgumentTest, Case, Comparison, Match, comparison, path
from bot.core.policy import Defaults, Policy, Rule, floor, terms, verdict
from bot.core.refusal import Refused
from bot.core.terms import stricter
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
        ("spec.hosts[*].name", "*1", True),
        ("$['spec'].hosts[*]['name']", "mail*", False),
        ("spec.hosts[*].port", "absent", True),
        ("spec.hosts[*].port", "!= 22", False),
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


STAGING = tuple(
    Match(arguments=(ArgumentTest(steps, (Comparison("like", "staging-*"), Comparison("like", "dev-*"))),))
    for steps in (("hosts", None), ("hosts", None, "name"), ("groups", None, "hosts", None))
)
GOOD = st.lists(st.sampled_from(["staging-1", "Staging-2", "dev-3"]), max_size=3)
BAD = st.sampled_from(["prod-db-1", "", "a-staging-1", None, 7, True, {"x": 1}, ["staging-1"], {"name": "prod"}])


def hosts(kind: int, *names: Any) -> Case:
    """A case with these hosts, as the match of that number finds them."""
    named = {"hosts": [{"name": each} for each in names]}
    written = ({"hosts": list(names)}, named, {"groups": [{"hosts": [each]} for each in names]})
    return replace(CASE, arguments=canonical_bytes(written[kind]).decode())


@given(st.integers(0, 2), GOOD, BAD, GOOD)
def test_s1_no_list_with_one_element_that_does_not_fit_is_freed_or_asked_about_on_milder_terms(
    kind: int, before: list[str], bad: Any, after: list[str]
) -> None:
    defaults, case = Defaults(("group:SSEC",), quorum=2), hosts(kind, *before, bad, *after)
    mild = Rule("mild", STAGING[kind], Verdict.ALLOW, ("user:U2",), 1, True, 86_400, editor_may_approve_alone=True)
    asked, bare = (terms(Policy(defaults, rules), case, ApprovalId("ap"), 0.0) for rules in ((mild,), ()))
    assert verdict(Policy(defaults, (mild,)), case) is Verdict.ASK and not stricter(bare, asked)


@given(st.integers(0, 2), GOOD)
def test_a_list_is_freed_where_every_element_fits_and_there_is_one(kind: int, names: list[str]) -> None:
    free = Policy(rules=(Rule("free", STAGING[kind], Verdict.ALLOW),))
    assert verdict(free, hosts(kind, *names)) is (Verdict.ALLOW if names else Verdict.ASK)


@given(st.integers(0, 2), st.lists(BAD, max_size=3), st.lists(BAD, max_size=3))
def test_s1_one_element_that_fits_is_enough_for_what_tightens(kind: int, before: list[Any], after: list[Any]) -> None:
    strict = Policy(rules=(Rule("never", STAGING[kind], Verdict.DENY),))
    assert verdict(strict, hosts(kind, *before, "staging-1", *after)) is Verdict.DENY


@pytest.mark.parametrize(
    "arguments",
    [
        {"hosts": [{"name": "staging-1"}, {"host": "prod-db-1"}]},
        {"hosts": [{"name": "staging-1"}, "prod-db-1"]},
        {"hosts": {"a": {"name": "staging-1"}, "b": {}}},
        {"hosts": "staging-1"},
        {},
    ],
)
def test_s1_an_element_in_which_the_path_leads_nowhere_frees_nothing(arguments: dict[str, Any]) -> None:
    free = Policy(rules=(Rule("free", STAGING[1], Verdict.ALLOW),))
    assert verdict(free, replace(CASE, arguments=canonical_bytes(arguments).decode())) is Verdict.ASK


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
