"""S9, S14, R20: user × role × action × risk, as one table: what becomes of it, and who may then decide it."""

from collections.abc import Iterator
from itertools import chain, permutations, product

import pytest

from bot.core.approval import Approval, Resolution, vote
from bot.core.authority import counts_as, may_decide
from bot.core.events import Voted
from bot.core.inputs import Profile
from bot.core.matching import Comparison
from bot.core.policy import Case, Defaults, Match, Policy, Rule, floor, terms, verdict
from bot.core.refusal import Refused
from bot.core.terms import all_approvers, missing
from bot.core.values import ApprovalId, Choice, Person, Share, Terms, Verdict
from bot.core.verdict import strictest
from tests.core.test_terms import Ballot

HOME = "T1"
SRE, SEC = "group:SSRE", "group:SSEC"
MEMBERS = {"SSRE": frozenset({"URIA", "UBOTH"}), "SSEC": frozenset({"USUE", "UBOTH"})}
PEOPLE = {
    "sre": Profile(Person(HOME, "URIA"), "ria", HOME),
    "security": Profile(Person(HOME, "USUE"), "sue", HOME),
    "both": Profile(Person(HOME, "UBOTH"), "bo", HOME),
    "nobody": Profile(Person(HOME, "UNED"), "ned", HOME),
    "guest": Profile(Person(HOME, "URIA"), "ria", HOME, guest=True),
    "outsider": Profile(Person("T2", "URIA"), "ria", "T2"),
    "bot": Profile(Person(HOME, "URIA"), "ria", HOME, bot=True),
    "left": Profile(Person(HOME, "URIA"), "ria", HOME, deactivated=True),
}
HIGH = Comparison(">=", 0.7)
POLICY = Policy(
    Defaults(approvers=(SRE,)),
    (
        Rule("reading is free", Match(read_only=True), Verdict.ALLOW),
        Rule("staging is free", Match(environment=("staging",), weight=Comparison("<", 0.7)), Verdict.ALLOW),
        Rule("deploys", Match(action=("deploy",), environment=("production",)), Verdict.ASK, (SRE,)),
        Rule("risky deploys", Match(action=("deploy",), environment=("production",), weight=HIGH), quorum=2),
        Rule("access", Match(action=("grant",)), Verdict.ASK, (SEC,)),
        Rule("risky access", Match(action=("grant",), weight=HIGH), shares=(Share(SRE, 1), Share(SEC, 1))),
        Rule("notes", Match(action=("note",)), Verdict.ASK, (SRE,), requester_may_approve=True),
        Rule("never", Match(action=("drop",)), Verdict.DENY),
    ),
)
ALLOW, ASK, DENY = Verdict
NOBODY: set[str] = set()
SRES, SECS, TWO = {"sre", "both"}, {"security", "both"}, {"sre", "security", "both"}
READS, OWN = ("look",), ("note",)
"""What only reads, and what whoever asks for it may approve as well."""

# The guard's score, and what the action declares, which counts where there is none.
RISKS = {
    "mild": ((0.2, "critical"), (0.69, ""), (None, "low"), (None, "medium")),
    "risky": ((0.7, "low"), (1.0, "low"), (None, "high"), (None, "critical"), (None, ""), (None, "unheard of")),
}

# action, environment, risk: what becomes of it, who may vote, how many it takes
TABLE = {
    ("look", "production", "mild"): (ALLOW, NOBODY, 0),
    ("look", "production", "risky"): (ALLOW, NOBODY, 0),
    ("look", "staging", "mild"): (ALLOW, NOBODY, 0),
    ("look", "staging", "risky"): (ALLOW, NOBODY, 0),
    ("deploy", "production", "mild"): (ASK, SRES, 1),
    ("deploy", "production", "risky"): (ASK, SRES, 2),
    ("deploy", "staging", "mild"): (ALLOW, NOBODY, 0),
    ("deploy", "staging", "risky"): (ASK, SRES, 1),
    ("grant", "production", "mild"): (ASK, SECS, 1),
    ("grant", "production", "risky"): (ASK, TWO, 2),
    ("grant", "staging", "mild"): (ASK, SECS, 1),
    ("grant", "staging", "risky"): (ASK, TWO, 2),
    ("note", "production", "mild"): (ASK, SRES, 1),
    ("note", "production", "risky"): (ASK, SRES, 1),
    ("note", "staging", "mild"): (ASK, SRES, 1),
    ("note", "staging", "risky"): (ASK, SRES, 1),
    ("other", "production", "mild"): (ASK, SRES, 1),
    ("other", "production", "risky"): (ASK, SRES, 1),
    ("other", "staging", "mild"): (ALLOW, NOBODY, 0),
    ("other", "staging", "risky"): (ASK, SRES, 1),
    ("drop", "production", "mild"): (DENY, NOBODY, 0),
    ("drop", "production", "risky"): (DENY, NOBODY, 0),
    ("drop", "staging", "mild"): (DENY, NOBODY, 0),
    ("drop", "staging", "risky"): (DENY, NOBODY, 0),
}
ASKED = [row for row, (becomes, _, _) in TABLE.items() if becomes is ASK]
REQUESTERS = ("UNED", "URIA", "USUE", "UBOTH")


def cases(action: str, environment: str, risk: str) -> Iterator[Case]:
    """Every case of a row, by everybody."""
    for requester, (score, declared) in product(REQUESTERS, RISKS[risk]):
        reads = action in READS
        yield Case(action, "ci", environment, "checkout", declared, reads, requester, "C1", score=score)


def asked_about(case: Case) -> Terms:
    return terms(POLICY, case, ApprovalId("ap"), 0.0)


def may(profile: Profile, case: Case) -> bool:
    return may_decide(profile, Person(HOME, case.requester), asked_about(case), MEMBERS, HOME) is None


def test_s9_the_matrix_names_every_action_in_every_environment_at_every_risk() -> None:
    named = {action for rule in POLICY.rules for action in rule.match.action}
    assert set(TABLE) == set(product({*named, *READS, "other"}, ("production", "staging"), RISKS))
    assert {becomes for becomes, _, _ in TABLE.values()} == set(Verdict)


@pytest.mark.parametrize("row", TABLE, ids="-".join)
def test_s9_what_becomes_of_it_whatever_the_guard_says(row: tuple[str, str, str]) -> None:
    becomes, _, _ = TABLE[row]
    for case, said in product(cases(*row), (None, *Verdict)):
        ruled = floor(POLICY, case)[0] is not None
        expected = becomes if said is None else strictest(becomes, said) if ruled else said
        assert verdict(POLICY, case, said) is expected, (case, said)


@pytest.mark.parametrize("row", ASKED, ids="-".join)
def test_s9_s10_who_may_decide_it_whoever_asked(row: tuple[str, str, str]) -> None:
    _, who, people = TABLE[row]
    for case in cases(*row):
        own = {name for name in who if PEOPLE[name].person.user == case.requester and row[0] not in OWN}
        assert {name for name, profile in PEOPLE.items() if may(profile, case)} == who - own, case
        assert asked_about(case).quorum == people


@pytest.mark.parametrize("row", ASKED, ids="-".join)
def test_r20_it_is_approved_by_exactly_so_many_of_those_and_by_nobody_twice(row: tuple[str, str, str]) -> None:
    """Every group of people, each in every order, and each clicking twice."""
    _, _, people = TABLE[row]
    for case in cases(*row):
        voters = [profile for profile in PEOPLE.values() if may(profile, case)]
        for some in chain.from_iterable(permutations(voters, size) for size in range(len(voters) + 1)):
            approval = Approval(asked_about(case), "d" * 64, 0.0)
            for number, profile in enumerate((*some, *some)):
                assert (approval.resolution is Resolution.APPROVED) is (min(number, len(some)) >= people), (case, some)
                approval = after_click(approval, profile)


def after_click(approval: Approval, profile: Profile) -> Approval:
    user = profile.person.user
    as_what = counts_as(user, all_approvers(approval.terms), MEMBERS)
    clicked = Voted(ApprovalId("ap"), profile.person, Choice.APPROVE, "", "k:seal", "slack", "card", as_what)
    after = vote(approval, clicked, "card", 1.0)
    return approval if isinstance(after, Refused) else after


def test_r20_the_risky_grant_takes_one_of_each_and_nobody_alone() -> None:
    case = Case("grant", "ci", "production", "okta", "high", False, "UNED", "C1", score=0.9)
    asked = terms(POLICY, case, ApprovalId("ap"), 0.0)
    votes = {
        "sre": Ballot(Person(HOME, "URIA"), Choice.APPROVE, (SRE,)),
        "security": Ballot(Person(HOME, "USUE"), Choice.APPROVE, (SEC,)),
        "both": Ballot(Person(HOME, "UBOTH"), Choice.APPROVE, (SRE, SEC)),
    }
    for one, two in product(votes, repeat=2):
        assert (missing(asked, [votes[one], votes[two]], 0.0) == ()) is (one != two)
