"""S9, S10, R20: who may ask and who may decide, and which rule holds."""

from dataclasses import replace
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.authority import may_ask, may_decide
from bot.core.inputs import Profile
from bot.core.matching import ArgumentTest, Comparison
from bot.core.policy import (
    Case,
    Defaults,
    Denials,
    Match,
    OnExpiry,
    Policy,
    Rule,
    duration,
    floor,
    terms,
    verdict,
)
from bot.core.refusal import Refused
from bot.core.terms import both, stricter
from bot.core.timing import LocalTime, Recurring
from bot.core.trial import on_trial
from bot.core.values import ApprovalId, Person, Quorum, Share, Terms, Verdict
from bot.core.verdict import strictest

HOME = "T1"
ALICE, CAROL, DAN = (Person(HOME, user) for user in ("UALICE", "UCAROL", "UDAN"))
MEMBERS = {"SSEC": frozenset({"UCAROL"}), "SSRE": frozenset({"UDAN", "UALICE"})}
CASE = Case("deploy_service", "ci", "production", "checkout", "high", False, "UALICE", "COPS")
TERMS = Terms(ApprovalId("ap1"), ("group:SSEC", "user:UDAN"), 1, False, 100.0)


def profile(person: Person = CAROL, home: str = HOME, **flags: bool) -> Profile:
    return Profile(person, person.user.lower(), home, **flags)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match(action=("deploy_*",)), True),
        (Match(action=("scale_*", "deploy_*")), True),
        (Match(action=("deploy",)), False),
        (Match(environment=("Production",)), True),
        (Match(system=("ci",), environment=("staging",)), False),
        (Match(target=("check*",)), True),
        (Match(risk=("high", "critical")), True),
        (Match(risk=("low",)), False),
        (Match(read_only=False), True),
        (Match(read_only=True), False),
        (Match(requester=("UALICE",), channel=("COPS",)), True),
        (Match(requester=("UBOB",)), False),
        (Match(domain=("it_*",)), False),
    ],
)
def test_a_rule_applies_where_every_set_field_fits(match: Match, fits: bool) -> None:
    assert match.fits(CASE) is fits


def test_the_strictest_matching_rule_wins_and_among_equals_the_first_by_name() -> None:
    rules = (Rule("a", verdict=Verdict.ALLOW), Rule("b", verdict=Verdict.ASK), Rule("c", verdict=Verdict.ASK))
    assert floor(Policy(rules=rules), CASE) == (Verdict.ASK, rules[1])
    assert floor(Policy(rules=(*rules, Rule("d", verdict=Verdict.DENY))), CASE)[0] is Verdict.DENY
    assert floor(Policy(rules=(Rule("x", Match(system=("okta",)), Verdict.DENY),)), CASE) == (None, None)


VERDICTS = st.sampled_from([None, *Verdict])


@given(st.lists(VERDICTS, max_size=6))
def test_no_combination_of_rules_is_weaker_than_its_strictest(verdicts: list[Verdict | None]) -> None:
    rules = tuple(Rule(str(number), verdict=verdict) for number, verdict in enumerate(verdicts))
    order = [None, Verdict.ALLOW, Verdict.ASK, Verdict.DENY]
    strict = max((order.index(verdict) for verdict in verdicts), default=0)
    assert floor(Policy(rules=rules), CASE)[0] is order[strict]


GROUPS = ("group:SSEC", "group:SSRE", "user:UDAN")


@st.composite
def whole_rules(draw: st.DrawFn, name: str = "rule") -> Rule:
    """A rule that states everything."""
    approvers = draw(st.lists(st.sampled_from(GROUPS), unique=True, min_size=1).map(tuple))
    shares = tuple(Share(each, 1) for each in draw(st.lists(st.sampled_from(approvers), unique=True, max_size=2)))
    minutes = st.integers(1, 5).map(lambda number: number * 60)
    expiry, escalate = draw(st.sampled_from(OnExpiry)), draw(st.booleans())
    return Rule(
        name,
        verdict=draw(VERDICTS),
        approvers=approvers,
        quorum=None if shares else draw(st.integers(1, 3)),
        shares=shares,
        requester_may_approve=draw(st.booleans()),
        editor_may_approve_alone=draw(st.booleans()),
        expires_in=draw(minutes),
        comment_required=draw(st.sampled_from((True, False, Comparison(">=", 0.7), Comparison(">=", 0.9)))),
        on_expiry=expiry,
        escalate_to=("group:SSRE",) if escalate or expiry is OnExpiry.ESCALATE else (),
        escalate_after=30 if escalate else None,
        recheck_after=draw(minutes),
        execute_within=draw(minutes),
        remind_after=draw(minutes),
        post_to=draw(st.sampled_from(("", "C1", "C2"))),
        denials=draw(st.sampled_from(Denials)),
    )


def named(rules: list[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, name=f"r{number}") for number, rule in enumerate(rules))


RULES = st.lists(whole_rules(), min_size=1, max_size=4).map(named)


def agreed(*rules: Rule) -> Terms:
    return terms(Policy(rules=rules), replace(CASE, editors=("UEVE",)), ApprovalId("ap"), 1000.0)


@given(RULES)
def test_no_combination_of_rules_asks_on_milder_terms_than_any_of_them(rules: tuple[Rule, ...]) -> None:
    together = agreed(*rules)
    assert not any(stricter(agreed(rule), together) for rule in rules)


PARTS = (
    "approvers",
    "quorum",
    "requester_may_approve",
    "editor_may_approve_alone",
    "expires_in",
    "comment_required",
    "execute_within",
    "denials",
)


@given(RULES, st.lists(st.sets(st.sampled_from(PARTS)), min_size=4, max_size=4), st.integers(0, 3))
def test_a_rule_that_is_added_never_takes_back_what_the_others_state(
    rules: tuple[Rule, ...], silences: list[set[str]], last: int
) -> None:
    """Where every part is stated by somebody, so that no default fills it, one more rule can only demand more."""
    partial = [
        replace(rule, **dict.fromkeys(silence), shares=(), escalate_to=(), on_expiry=OnExpiry.DENY, escalate_after=None)
        for rule, silence in zip(rules, silences, strict=False)
    ]
    whole = replace(rules[0], name="whole")
    assert not stricter(agreed(whole), agreed(whole, *partial))
    assert not stricter(agreed(whole, *partial[:last]), agreed(whole, *partial))


@given(RULES, st.lists(st.sets(st.sampled_from((*PARTS, "verdict"))), min_size=4, max_size=4), st.booleans())
def test_s9_no_rule_takes_the_defaults_from_another_that_leaves_something_to_them(
    rules: tuple[Rule, ...], silences: list[set[str]], mild: bool
) -> None:
    """A rule that asks, forbids or names who decides stands by itself: with others it is never milder than alone."""
    bare = {"shares": (), "escalate_to": (), "on_expiry": OnExpiry.DENY, "escalate_after": None}
    partial = [replace(r, **dict.fromkeys(s), **(bare if s else {})) for r, s in zip(rules, silences, strict=False)]
    strict = Defaults(("group:SSEC",), quorum=2, expires_in=120, comment_required=True, recheck_after=60)
    lax = Defaults(("user:UDAN",), 1, True, 900, denials=Denials.MAJORITY, editor_may_approve_alone=True)
    case = replace(CASE, editors=("UEVE",))

    def asked(*some: Rule) -> Terms:
        return terms(Policy(lax if mild else strict, some), case, ApprovalId("ap"), 1000.0)

    for rule in partial:
        if rule.verdict in (Verdict.ASK, Verdict.DENY) or rule.approvers is not None or rule.shares:
            alone, together = asked(rule), asked(*partial)
            if any(each.names for each in partial) and not rule.names:  # then it is theirs to say who decides
                assert together.quorum >= alone.quorum
                alone, together = (replace(each, approvers=(), quorums=()) for each in (alone, together))
            assert not stricter(alone, together)


def test_s9_a_rule_for_tools_frees_nothing_of_what_a_rule_for_production_leaves_to_the_defaults() -> None:
    defaults = Defaults(("group:SSRE",), quorum=2, comment_required=True)
    production = Rule("production", verdict=Verdict.ASK, approvers=("group:SSRE",))
    tools = Rule("tools", verdict=Verdict.ASK, quorum=1, requester_may_approve=True, comment_required=False)
    both_rules = terms(Policy(defaults, (production, tools)), CASE, ApprovalId("ap"), 0.0)
    assert (both_rules.quorum, both_rules.requester_may_approve, both_rules.comment_required) == (2, False, True)
    alone = terms(Policy(defaults, (tools,)), CASE, ApprovalId("ap"), 0.0)
    assert (alone.quorum, alone.requester_may_approve, alone.comment_required) == (1, True, False)


def test_s9_beside_a_rule_that_only_asks_no_other_gets_by_with_fewer_than_the_defaults_seats() -> None:
    seats = Defaults(shares=(Share("group:SSEC", 1), Share("group:SSRE", 1)))
    asks, mild = Rule("asks", verdict=Verdict.ASK), Rule("mild", approvers=("group:SALL",), quorum=1)
    together = terms(Policy(seats, (asks, mild)), CASE, ApprovalId("ap"), 0.0)
    assert together.quorum == terms(Policy(seats, (asks,)), CASE, ApprovalId("ap"), 0.0).quorum == 2


UNCLEAR = Match(arguments=(ArgumentTest(("duration",), (Comparison("<=", "8h"),)),))
ALL_PARTS = (*PARTS, "verdict", "recheck_after")
SILENT = st.lists(st.sets(st.sampled_from(ALL_PARTS)), min_size=5, max_size=5)


@given(st.lists(whole_rules(), min_size=1, max_size=3).map(named), SILENT, st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_s10_a_rule_that_fits_only_in_doubt_is_never_milder_than_with_it_and_than_without_it(
    rules: tuple[Rule, ...], silences: list[set[str]], doubts: int
) -> None:
    bare = {"shares": (), "escalate_to": (), "on_expiry": OnExpiry.DENY, "escalate_after": None}
    given_rules = [replace(r, **dict.fromkeys(s), **(bare if s else {})) for r, s in zip(rules, silences, strict=False)]
    unclear = [replace(rule, match=UNCLEAR) for rule in given_rules[:doubts]]
    case = replace(CASE, arguments='{"duration":"400d"}', editors=("UEVE",))
    ask = {"approvers": ("group:SSEC",), "quorum": 2, "denials": Denials.MAJORITY, "expires_in": 120}
    for defaults in (
        Defaults(**ask),
        Defaults(("user:UDAN",), requester_may_approve=True, editor_may_approve_alone=True),
    ):
        doubtful = Policy(defaults, (*unclear, *given_rules[doubts:]))
        for fitting in product((True, False), repeat=len(unclear)):
            sure = [replace(rule, match=Match()) for rule, fits in zip(unclear, fitting, strict=True) if fits]
            clear = Policy(defaults, (*sure, *given_rules[doubts:]))
            mild, strict = (terms(each, case, ApprovalId("ap"), 1000.0) for each in (clear, doubtful))
            assert not stricter(mild, strict)
            for said, reads in product((None, *Verdict), (True, False)):
                at = replace(case, read_only=reads)
                assert strictest(verdict(clear, at, said), verdict(doubtful, at, said)) is verdict(doubtful, at, said)


@pytest.mark.parametrize("duration", ["400d", "52w", "48 hours", "9h"])
def test_s10_a_mild_rule_for_what_is_short_does_not_replace_the_defaults_for_what_cannot_be_compared(
    duration: str,
) -> None:
    rule = Rule("short", UNCLEAR, approvers=("group:SALL",), quorum=1)
    policy = Policy(Defaults(("group:SSEC",), quorum=2), (rule,))
    asked = terms(policy, replace(CASE, arguments=f'{{"duration":"{duration}"}}'), ApprovalId("ap"), 0.0)
    assert not stricter(terms(Policy(policy.defaults), CASE, ApprovalId("ap"), 0.0), asked)


def test_s10_a_rule_that_forbids_forbids_in_doubt_whatever_else_it_states() -> None:
    many = Match(arguments=(ArgumentTest(("replicas",), (Comparison(">", 10),)),))
    rule = Rule("many", many, Verdict.DENY, editor_may_approve_alone=True, requester_may_approve=True)
    assert floor(Policy(rules=(rule,)), replace(CASE, arguments='{"replicas":"100"}')) == (Verdict.DENY, rule)


@given(RULES, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter_and_a_rule_twice_is_that_rule(rules: tuple[Rule, ...], random: Any) -> None:
    shuffled = random.sample(rules, len(rules))
    assert agreed(*shuffled) == agreed(*rules)
    assert floor(Policy(rules=tuple(shuffled)), CASE) == floor(Policy(rules=rules), CASE)
    again = agreed(*rules, *(replace(rule, name=f"{rule.name} again") for rule in rules))
    assert replace(again, rules=(), rule="") == replace(agreed(*rules), rules=(), rule="")


@given(RULES)
def test_rules_together_demand_what_both_of_their_terms_demand(rules: tuple[Rule, ...]) -> None:
    together = agreed(rules[0])
    for rule in rules[1:]:
        together = both(together, agreed(rule))
    assert replace(agreed(*rules), rule="") == replace(both(together, together), rule="")


@given(st.lists(VERDICTS, max_size=5), st.sampled_from(Verdict), st.booleans())
def test_r8_rules_never_loosen_what_a_guard_said(verdicts: list[Verdict | None], said: Verdict, reads: bool) -> None:
    policy = Policy(rules=tuple(Rule(str(number), verdict=each) for number, each in enumerate(verdicts)))
    assert strictest(verdict(policy, replace(CASE, read_only=reads), said), said) is verdict(
        policy, replace(CASE, read_only=reads), said
    )


def test_no_rule_is_the_safe_default() -> None:
    assert verdict(Policy(), CASE) is Verdict.ASK and verdict(Policy(), replace(CASE, read_only=True)) is Verdict.ALLOW
    assert agreed() == Terms(ApprovalId("ap"), (), 1, False, 15_400.0, not_alone=("UEVE",))


def test_a_quorum_without_approvers_holds_for_all_that_are_named() -> None:
    many = Rule("many", quorum=2)
    two = agreed(many, Rule("a", approvers=("group:SSEC",)), Rule("b", approvers=("group:SSRE",), quorum=1))
    assert two.quorums == (Quorum(("group:SSEC",), 2), Quorum(("group:SSRE",), 2))
    own = agreed(Rule("a", approvers=("group:SSEC",), quorum=2), Rule("b", approvers=("group:SSRE",)))
    assert own.quorums == (Quorum(("group:SSEC",), 2), Quorum(("group:SSRE",), 1))


def test_a_rule_that_names_nobody_leaves_it_to_nobody() -> None:
    nobody = agreed(Rule("a", approvers=("group:SSEC",)), Rule("b", approvers=()))
    assert (nobody.approvers, nobody.quorums) == ((), ())


@pytest.mark.parametrize(
    ("rule", "expires", "escalates"),
    [
        (Rule("a", expires_in=60), 1060.0, 0.0),
        (Rule("a", expires_in=60, on_expiry=OnExpiry.KEEP), 1000.0 + 365 * 86_400, 0.0),
        (
            Rule(
                "a", approvers=("group:SSEC",), expires_in=60, on_expiry=OnExpiry.ESCALATE, escalate_to=("user:UDAN",)
            ),
            1120.0,
            1060.0,
        ),
        (
            Rule("a", approvers=("group:SSEC",), expires_in=60, escalate_to=("user:UDAN",), escalate_after=20),
            1060.0,
            1020.0,
        ),
    ],
)
def test_what_happens_at_expiry_is_settled_when_the_approval_is_opened(
    rule: Rule, expires: float, escalates: float
) -> None:
    asked = agreed(rule)
    assert (asked.expires_at, max((q.escalates_at for q in asked.quorums), default=0.0)) == (expires, escalates)


def monday(zone: str) -> LocalTime:
    return LocalTime(600, "2026-11-30T10:00")


DECIDERS = Defaults(("group:SSEC",))
ALL_DAY = Recurring(0, 1_440, 1_440, "UTC", "all day")


@pytest.mark.parametrize(
    "change", [{"quorum": 2}, {"comment_required": True}, {"windows": (ALL_DAY,)}, {"expires_in": 60}]
)
def test_a_rule_on_trial_is_named_where_it_would_ask_on_stricter_terms_or_close_a_window(
    change: dict[str, Any],
) -> None:
    trial = Rule("trial", shadow=True, **change)
    assert on_trial(Policy(DECIDERS, (trial,)), CASE, Verdict.ASK, monday) == ("trial",)
    assert (
        on_trial(Policy(DECIDERS, (trial, replace(trial, name="real", shadow=False))), CASE, Verdict.DENY, monday) == ()
    )
    milder = Rule("milder", shadow=True, quorum=1, expires_in=86_400, comment_required=False)
    assert on_trial(Policy(DECIDERS, (milder,)), CASE, Verdict.ASK, monday) == ()
    allowed = ("trial",) if "windows" in change else ()
    assert on_trial(Policy(DECIDERS, (trial,)), CASE, Verdict.ALLOW, monday) == allowed


def test_a_rule_on_trial_changes_nothing_and_is_named_where_it_would_have_been_stricter() -> None:
    trial = Rule("trial", verdict=Verdict.DENY, approvers=(), quorum=9, shadow=True)
    assert floor(Policy(rules=(trial,)), CASE) == (None, None) and agreed(trial) == agreed()
    assert on_trial(Policy(rules=(trial,)), CASE, Verdict.ASK, monday) == ("trial",)
    assert on_trial(Policy(rules=(trial,)), CASE, Verdict.DENY, monday) == ()
    assert on_trial(Policy(rules=(replace(trial, match=Match(system=("okta",))),)), CASE, Verdict.ASK, monday) == ()


@pytest.mark.parametrize(("score", "wanted"), [(0.69, False), (0.7, True), (None, True)])
def test_a_comment_can_be_wanted_above_a_risk(score: float | None, wanted: bool) -> None:
    rule = Rule("a", comment_required=Comparison(">=", 0.7))
    case = replace(CASE, score=score)
    assert terms(Policy(rules=(rule,)), case, ApprovalId("ap"), 0.0).comment_required is wanted


def test_what_the_winning_rule_leaves_open_comes_from_the_next_and_then_from_the_defaults() -> None:
    rules = (
        Rule("who", approvers=("group:SSEC",), expires_in=60),
        Rule("floor", verdict=Verdict.ASK, quorum=2),
    )
    policy = Policy(Defaults(("user:UDAN",), quorum=3, requester_may_approve=True, expires_in=600), rules)
    assert terms(policy, CASE, ApprovalId("ap"), 1000.0) == Terms(
        ApprovalId("ap"), ("group:SSEC",), 3, True, 1060.0, "floor", rules=("floor", "who")
    )
    assert terms(Policy(), CASE, ApprovalId("ap"), 0.0) == Terms(ApprovalId("ap"), (), 1, False, 14_400.0, "")


@pytest.mark.parametrize(
    ("stated", "default", "alone"),
    [((), False, False), ((), True, True), ((True,), False, True), ((True, False), True, False), ((None,), True, True)],
)
def test_r20_whoever_edits_may_approve_alone_only_where_the_policy_says_so_and_the_strictest_rule_wins(
    stated: tuple[bool | None, ...], default: bool, alone: bool
) -> None:
    rules = tuple(Rule(f"r{n}", editor_may_approve_alone=each) for n, each in enumerate(stated))
    policy = Policy(Defaults(("user:UDAN",), editor_may_approve_alone=default), rules)
    asked = terms(policy, replace(CASE, editors=("UDAN",)), ApprovalId("ap"), 0.0)
    assert asked.not_alone == (() if alone else ("UDAN",))
    assert terms(policy, CASE, ApprovalId("ap"), 0.0).not_alone == ()


OUTSIDE = {
    "a bot": (profile(bot=True), "A bot"),
    "a deactivated account": (profile(deactivated=True), "A deactivated account"),
    "a stranger": (profile(stranger=True), "Somebody from outside"),
    "another team": (profile(home="T2"), "Somebody from outside"),
    "an unknown home": (profile(home=""), "Somebody from outside"),
}


def test_s10_where_another_company_reads_along_nobody_asks_unless_the_policy_says_so() -> None:
    assert isinstance(may_ask(Policy(), profile(ALICE), HOME, shared=True), Refused)
    assert may_ask(Policy(), profile(ALICE), HOME) is None
    assert may_ask(Policy(shared_channels=True), profile(ALICE), HOME, shared=True) is None
    outsider = profile(ALICE, home="T2")
    told = may_ask(Policy(shared_channels=True), outsider, HOME, shared=True)
    assert isinstance(told, Refused) and "outside this workspace" in told.reason


@pytest.mark.parametrize("who", OUTSIDE)
def test_s10_outsiders_neither_ask_nor_decide(who: str) -> None:
    person, begins = OUTSIDE[who]
    lenient = Policy(guests_may_ask=True)
    for refused in (may_ask(lenient, person, HOME), may_decide(person, ALICE, TERMS, MEMBERS, HOME)):
        assert isinstance(refused, Refused)
        assert refused.reason.startswith(begins)


def test_s10_without_a_known_home_nobody_may_do_anything() -> None:
    nowhere = profile(home="")
    assert isinstance(may_ask(Policy(), nowhere, ""), Refused)
    assert isinstance(may_decide(nowhere, ALICE, TERMS, MEMBERS, ""), Refused)


def test_s10_a_guest_never_decides_and_asks_only_where_the_policy_says_so() -> None:
    guest = profile(guest=True)
    assert isinstance(may_ask(Policy(), guest, HOME), Refused)
    assert may_ask(Policy(guests_may_ask=True), guest, HOME) is None
    assert isinstance(may_decide(guest, ALICE, TERMS, MEMBERS, HOME), Refused)
    assert may_ask(Policy(), profile(ALICE), HOME) is None


def test_an_approver_by_name_or_by_group_may_decide() -> None:
    assert may_decide(profile(CAROL), ALICE, TERMS, MEMBERS, HOME) is None
    assert may_decide(profile(DAN), ALICE, TERMS, MEMBERS, HOME) is None


def test_s9_the_requester_decides_only_where_the_policy_says_so() -> None:
    refused = may_decide(profile(CAROL), CAROL, TERMS, MEMBERS, HOME)
    assert refused == Refused(
        "You asked for this yourself, so somebody else must decide it. Only group:SSEC or user:UDAN may decide this."
    )
    assert may_decide(profile(CAROL), CAROL, replace(TERMS, requester_may_approve=True), MEMBERS, HOME) is None
    elsewhere = Person("T9", CAROL.user)
    assert isinstance(may_decide(profile(CAROL), elsewhere, TERMS, MEMBERS, HOME), Refused)


def test_a_refusal_says_who_may_decide() -> None:
    only_group = replace(TERMS, approvers=("group:SSEC",))
    assert may_decide(profile(DAN), ALICE, only_group, MEMBERS, HOME) == Refused(
        "Only group:SSEC may decide this. You are not in it."
    )
    bob = profile(Person(HOME, "UBOB"))
    assert may_decide(bob, ALICE, TERMS, MEMBERS, HOME) == Refused(
        "Only group:SSEC or user:UDAN may decide this. You are not among them."
    )


def test_a_group_whose_members_are_unknown_lets_nobody_in() -> None:
    refused = may_decide(profile(CAROL), ALICE, TERMS, {}, HOME)
    assert refused == Refused("Slack does not tell me right now who is in group:SSEC. Please try again in a minute.")


def test_without_an_approver_nobody_may_decide() -> None:
    nobody = replace(TERMS, approvers=())
    refused = may_decide(profile(CAROL), ALICE, nobody, MEMBERS, HOME)
    assert refused == Refused("No approver is configured for this; ask whoever keeps policy.yml.")


def test_s9_s10_of_all_combinations_exactly_full_members_who_are_approvers_and_not_the_requester_may_decide() -> None:
    names = ("bot", "deactivated", "guest", "stranger")
    everybody = (ALICE, CAROL, DAN, Person("T2", "UCAROL"))
    approvers = [each for size in range(4) for each in combinations(("group:SSEC", "group:SSRE", "user:UDAN"), size)]
    for person, home, approving, own in product(everybody, (HOME, "T2", ""), approvers, (False, True)):
        asked = replace(TERMS, approvers=approving, requester_may_approve=own)
        among = f"user:{person.user}" in approving or any(
            f"group:{group}" in approving and person.user in users for group, users in MEMBERS.items()
        )
        for flags in product((False, True), repeat=len(names)):
            may = may_decide(profile(person, home, **dict(zip(names, flags, strict=True))), ALICE, asked, MEMBERS, HOME)
            stranger = home != HOME or any(flags)
            assert (may is None) is (not stranger and among and (own or person.user != ALICE.user))


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("4h", 14_400), ("2d", 172_800), ("365d", 31_536_000)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "4", "4 h", "-1h", "1.5h", "4H", "366d", "99999d", "٣h", "4h\n"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert isinstance(duration(text), Refused)


MAJORITY = Denials.MAJORITY


@pytest.mark.parametrize(
    ("rules", "needed"),
    [
        ((), 1),
        ((Rule("a", quorum=3),), 1),
        ((Rule("a", quorum=1, denials=MAJORITY),), 1),
        ((Rule("a", quorum=2, denials=MAJORITY),), 2),
        ((Rule("a", quorum=3, denials=MAJORITY),), 2),
        ((Rule("a", quorum=4, denials=MAJORITY),), 3),
        ((Rule("a", shares=(Share("group:SSRE", 1), Share("group:SSEC", 1)), denials=MAJORITY),), 2),
        ((Rule("a", quorum=4, denials=MAJORITY), Rule("b", quorum=2)), 2),
        ((Rule("a", quorum=4, denials=MAJORITY), Rule("b", denials=Denials.ONE)), 1),
        ((Rule("a", approvers=("group:SSRE",), denials=MAJORITY), Rule("b", approvers=("group:SSRE",), quorum=2)), 1),
        ((Rule("a", quorum=4, denials=MAJORITY), Rule("b", approvers=("group:SSRE",))), 1),
        ((Rule("a", quorum=4), Rule("b", denials=MAJORITY)), 1),
        ((Rule("a", quorum=4, denials=MAJORITY), Rule("b", comment_required=True)), 3),
    ],
)
def test_a_majority_of_denials_is_more_than_half_of_the_smallest_demand_and_one_is_stricter(
    rules: tuple[Rule, ...], needed: int
) -> None:
    assert agreed(*rules).denials == needed


DEMANDS = st.sampled_from(
    [{}, {"quorum": 1}, {"quorum": 2}, {"quorum": 4}, {"shares": (Share("group:SSRE", 1), Share("group:SSEC", 2))}]
)
DENYING = st.builds(
    lambda demand, who, denials: Rule("r", verdict=Verdict.ASK, approvers=who, denials=denials, **demand),
    DEMANDS,
    st.sampled_from([None, ("group:SSEC", "group:SSRE")]),
    st.sampled_from([None, MAJORITY]),
)


@given(st.lists(DENYING, min_size=1, max_size=4).map(named), DEMANDS)
def test_r7_rules_of_a_majority_never_take_more_denials_together_than_any_of_them_alone(
    rules: tuple[Rule, ...], demand: dict[str, Any]
) -> None:
    defaults = Defaults(("group:SSRE", "group:SSEC"), denials=MAJORITY, **demand)
    together, *alone = (
        terms(Policy(defaults, each), CASE, ApprovalId("ap"), 0.0).denials
        for each in (rules, *((rule,) for rule in rules))
    )
    assert together == min(alone)


def test_a_majority_by_default_is_of_the_demand_by_default() -> None:
    for defaults, needed in ((Defaults(quorum=3), 2), (Defaults(shares=(Share("group:SSRE", 4),)), 3)):
        policy = Policy(replace(defaults, denials=MAJORITY))
        assert terms(policy, CASE, ApprovalId("ap"), 0.0).denials == needed
