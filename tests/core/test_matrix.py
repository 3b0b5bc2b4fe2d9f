"""S9, S14, R20: user × role × action × risk, as one table: what becomes of it, and who may then decide it."""

from itertools import product

import pytest

from bot.core.authority import may_decide
from bot.core.inputs import Profile
from bot.core.matching import Comparison
from bot.core.policy import Case, Defaults, Match, Policy, Rule, floor, terms, verdict
from bot.core.terms import missing
from bot.core.values import ApprovalId, Choice, Person, Share, Verdict
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
        Rule("never", Match(action=("drop",)), Verdict.DENY),
    ),
)
LOW, RISKY = 0.2, 0.9
ALLOW, ASK, DENY = Verdict
SRES, SECS, TWO = {"sre", "both"}, {"security", "both"}, {"sre", "security", "both"}

# action, environment, reads, risk → what becomes of it, who may vote, how many it takes
TABLE = [
    ("look", "production", True, LOW, ALLOW, set(), 0),
    ("look", "production", True, RISKY, ALLOW, set(), 0),
    ("deploy", "staging", False, LOW, ALLOW, set(), 0),
    ("deploy", "staging", False, RISKY, ASK, SRES, 1),
    ("deploy", "production", False, LOW, ASK, SRES, 1),
    ("deploy", "production", False, RISKY, ASK, SRES, 2),
    ("grant", "production", False, LOW, ASK, SECS, 1),
    ("grant", "production", False, RISKY, ASK, TWO, 2),
    ("grant", "staging", False, LOW, ASK, SECS, 1),
    ("other", "production", False, LOW, ASK, SRES, 1),
    ("drop", "production", False, LOW, DENY, set(), 0),
    ("drop", "staging", False, LOW, DENY, set(), 0),
    ("drop", "production", True, RISKY, DENY, set(), 0),
]


@pytest.mark.parametrize(("action", "environment", "reads", "risk", "becomes", "who", "people"), TABLE)
def test_s9_the_matrix(
    action: str, environment: str, reads: bool, risk: float, becomes: Verdict, who: set[str], people: int
) -> None:
    for requester, said in product(("UNED", "URIA", "USUE", "UBOTH"), (None, *Verdict)):
        case = Case(action, "ci", environment, "checkout", "medium", reads, requester, "C1", score=risk)
        found = verdict(POLICY, case, said)
        ruled = floor(POLICY, case)[0] is not None
        assert found is (becomes if said is None else strictest(becomes, said) if ruled else said)
        if becomes is not ASK:
            continue
        asked = terms(POLICY, case, ApprovalId("ap"), 0.0)
        may = {
            name
            for name, profile in PEOPLE.items()
            if may_decide(profile, Person(HOME, requester), asked, MEMBERS, HOME) is None
        }
        assert may == {name for name in who if PEOPLE[name].person.user != requester}
        assert asked.quorum == people


def test_r20_the_risky_grant_takes_one_of_each_and_nobody_alone() -> None:
    case = Case("grant", "ci", "production", "okta", "high", False, "UNED", "C1", score=RISKY)
    asked = terms(POLICY, case, ApprovalId("ap"), 0.0)
    votes = {
        "sre": Ballot(Person(HOME, "URIA"), Choice.APPROVE, (SRE,)),
        "security": Ballot(Person(HOME, "USUE"), Choice.APPROVE, (SEC,)),
        "both": Ballot(Person(HOME, "UBOTH"), Choice.APPROVE, (SRE, SEC)),
    }
    for one, two in product(votes, repeat=2):
        assert (missing(asked, [votes[one], votes[two]], 0.0) == ()) is (one != two)
