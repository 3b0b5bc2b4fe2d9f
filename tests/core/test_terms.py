"""R20: what a quorum takes, counted person by person; and which of two terms is the stricter."""

from dataclasses import dataclass, replace
from itertools import permutations, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.terms import Lack, both, demands_of, denied, may_vote, missing, sealed_beyond, soonest, stricter
from bot.core.values import ApprovalId, Choice, Person, Quorum, Share, Terms

SRE, SEC, LEADS = "group:S1", "group:S2", "group:S3"
GROUPS = (SRE, SEC, LEADS)
PLAIN = Terms(ApprovalId("ap"), (SRE,), 2, False, 100.0)


@dataclass(frozen=True)
class Ballot:
    person: Person
    choice: Choice = Choice.APPROVE
    counts_as: tuple[str, ...] = ()
    via: str = "slack"


def ballot(user: str, *groups: str, choice: Choice = Choice.APPROVE) -> Ballot:
    return Ballot(Person("T1", user), choice, groups)


def demanding(*quorums: Quorum) -> Terms:
    names = tuple(dict.fromkeys(name for quorum in quorums for name in quorum.approvers))
    return replace(PLAIN, approvers=names, quorum=max(quorum.count for quorum in quorums), quorums=quorums)


ONE_OF_EACH = Quorum((SRE, SEC), 2, (Share(SRE, 1), Share(SEC, 1)))


def test_r20_one_of_each_of_two_groups_is_two_people_also_where_somebody_is_in_both() -> None:
    terms, both_hats = demanding(ONE_OF_EACH), ballot("U1", SRE, SEC)
    assert missing(terms, [both_hats], 0.0) == (Lack(1, (SRE, SEC)),)
    assert missing(terms, [both_hats, ballot("U2", SRE)], 0.0) == ()
    assert missing(terms, [both_hats, ballot("U2", SEC)], 0.0) == ()
    assert missing(terms, [ballot("U1", SRE), ballot("U2", SRE)], 0.0) == (Lack(1, (SEC,)),)
    assert missing(terms, [], 0.0) == (Lack(1, (SRE,)), Lack(1, (SEC,)))
    with_leads = demanding(replace(ONE_OF_EACH, approvers=(SRE, SEC, LEADS)))
    assert missing(with_leads, [both_hats, ballot("U3", LEADS)], 0.0) == (Lack(1, (SRE, SEC)),)


def test_r20_the_same_person_twice_is_one_person() -> None:
    twice = [ballot("U1", SRE), Ballot(Person("T2", "U1"), counts_as=(SEC,))]
    assert missing(demanding(ONE_OF_EACH), twice, 0.0) != ()
    assert missing(PLAIN, [ballot("U1", SRE), Ballot(Person("T2", "U1"), counts_as=(SRE,))], 0.0) == (Lack(1, (SRE,)),)


def test_r20_denials_and_people_of_no_group_count_for_nothing() -> None:
    votes = [ballot("U1", SRE), ballot("U2", SEC, choice=Choice.DENY), ballot("U3", LEADS)]
    assert missing(demanding(ONE_OF_EACH), votes, 0.0) == (Lack(1, (SEC,)),)


def test_r7_one_denial_ends_it_unless_the_terms_want_more() -> None:
    no = [ballot(f"U{n}", SRE, choice=Choice.DENY) for n in range(3)]
    assert denied(PLAIN, no[:1]) and not denied(PLAIN, [ballot("U1", SRE)]) and not denied(PLAIN, [])
    two = replace(PLAIN, denials=2)
    assert not denied(two, no[:1]) and denied(two, no[:2]) and denied(two, no)


def test_r20_two_denials_of_one_person_are_one() -> None:
    twice = [ballot("U1", SRE, choice=Choice.DENY), Ballot(Person("T2", "U1"), Choice.DENY)]
    assert not denied(replace(PLAIN, denials=2), twice)


def test_denials_end_it_where_those_who_are_left_are_too_few() -> None:
    no = [ballot("U1", choice=Choice.DENY)]
    pair, more = replace(PLAIN, approvers=("user:U1", "user:U2"), denials=2), ("user:U1", "user:U2", "user:U3")
    assert denied(pair, no) and not denied(replace(pair, approvers=more), no)
    assert not denied(replace(pair, approvers=("user:U1", SRE)), no)
    called_in = Quorum(("user:U1", "user:U2"), 2, (), ("user:U3",), 50.0)
    assert not denied(replace(demanding(called_in), denials=2), no)


def test_votes_of_before_votes_said_as_what_they_count_count_under_terms_of_before() -> None:
    assert missing(PLAIN, [ballot("U1"), ballot("U2")], 0.0) == ()
    assert missing(PLAIN, [ballot("U1", SEC), ballot("U2")], 0.0) == (Lack(1, (SRE,)),)
    assert missing(demanding(ONE_OF_EACH), [ballot("U1"), ballot("U2")], 0.0) != ()


def test_r20_one_person_who_edited_is_not_enough_alone_and_with_anybody_else_is() -> None:
    asked = replace(PLAIN, approvers=(SRE, "user:U1"), quorum=1, not_alone=("U1", "U3"))
    carol, dan, eve = ballot("U1", SRE), ballot("U2", SRE), ballot("U3", SRE)
    assert missing(asked, [carol], 0.0) == (Lack(1, (SRE,)),)
    assert missing(asked, [dan], 0.0) == missing(asked, [carol, dan], 0.0) == missing(asked, [carol, eve], 0.0) == ()
    twice = [carol, Ballot(Person("T2", "U1"), counts_as=(SRE,))]
    assert missing(asked, twice, 0.0) == missing(asked, [carol, replace(dan, choice=Choice.DENY)], 0.0) != ()


def test_two_rules_may_be_served_by_one_person_who_may_approve_under_both() -> None:
    terms = demanding(Quorum((SRE,), 1), Quorum((SEC,), 1))
    assert missing(terms, [ballot("U1", SRE, SEC)], 0.0) == ()
    assert missing(terms, [ballot("U1", SRE)], 0.0) == (Lack(1, (SEC,)),)
    assert demands_of(terms) == ((1, (SRE,)), (1, (SEC,)))


def test_an_escalation_group_counts_from_its_time_on_and_not_before() -> None:
    terms = demanding(Quorum((SRE, SEC, LEADS), 2, (Share(SRE, 1), Share(SEC, 1)), (LEADS,), 50.0))
    votes = [ballot("U1", SRE), ballot("U3", LEADS)]
    assert missing(terms, votes, 49.9) == (Lack(1, (SEC,)),)
    assert missing(terms, votes, 50.0) == ()
    later = demanding(Quorum((SRE,), 1, (), (LEADS,), 50.0))
    assert not may_vote(later, "U3", (LEADS,), 49.9) and may_vote(later, "U3", (LEADS,), 50.0)


def test_from_an_escalation_on_whoever_it_calls_in_is_wanted_for_every_empty_seat() -> None:
    terms = demanding(Quorum((SRE, SEC), 2, (Share(SRE, 1), Share(SEC, 1)), (LEADS,), 50.0))
    assert missing(terms, [], 49.9) == (Lack(1, (SRE,)), Lack(1, (SEC,)))
    assert missing(terms, [], 50.0) == (Lack(1, (SRE, LEADS)), Lack(1, (SEC, LEADS)))
    assert missing(terms, [ballot("U1", SRE)], 50.0) == (Lack(1, (SEC, LEADS)),)


BALLOTS = [ballot(f"U{n}", *groups) for n, groups in enumerate([(SRE,), (SEC,), (SRE, SEC), (SEC, LEADS), (LEADS,)])]
VOTERS = st.lists(st.sampled_from(BALLOTS), unique=True, max_size=5)
APPROVERS = st.lists(st.sampled_from((*GROUPS, "user:U0", "user:U4")), unique=True, min_size=1, max_size=4).map(tuple)


@st.composite
def quorums(draw: st.DrawFn) -> Quorum:
    approvers = draw(APPROVERS)
    shares = draw(st.dictionaries(st.sampled_from(approvers), st.integers(1, 2), max_size=2))
    seats = tuple(Share(name, count) for name, count in shares.items())
    count = max(draw(st.integers(1, 3)), sum(shares.values()))
    escalates_at = draw(st.sampled_from((0.0, 50.0, 80.0)))
    return Quorum(approvers, count, seats, draw(APPROVERS) if escalates_at else (), escalates_at)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    seconds = st.sampled_from((0.0, 60.0, 120.0))
    demanded = demanding(*draw(st.lists(quorums(), min_size=1, max_size=3)))
    more = {name: draw(seconds) for name in ("recheck_after", "execute_within", "remind_after")}
    more |= {"requester_may_approve": draw(st.booleans()), "comment_required": draw(st.booleans())}
    more |= {"denials": draw(st.integers(1, 3))}
    more |= {"not_alone": tuple(draw(st.sets(st.sampled_from(("U0", "U1", "U2")))))}
    more |= {"tainted": tuple(draw(st.sets(st.sampled_from(("output:look", "user:U1")))))}
    return replace(demanded, expires_at=draw(st.sampled_from((100.0, 200.0))), **more)


def seated(quorum: Quorum, voters: list[Ballot], at: float) -> bool:
    """By trying all ways: the plainest reading of the rule."""
    called = quorum.escalate_to if quorum.escalates_at and at >= quorum.escalates_at else ()
    may = [v for v in voters if {f"user:{v.person.user}", *v.counts_as} & {*quorum.approvers, *called}]
    seats = [share.approver for share in quorum.shares for _ in range(share.count)]
    fits = any(
        all({f"user:{v.person.user}", *v.counts_as} & {seat, *called} for seat, v in zip(seats, way, strict=True))
        for way in permutations(may, len(seats))
    )
    return fits and len(may) >= quorum.count


@given(terms(), VOTERS, st.sampled_from((0.0, 50.0, 99.0)))
def test_r20_votes_are_enough_exactly_where_each_demand_can_be_seated(
    asked: Terms, voters: list[Ballot], at: float
) -> None:
    enough = all(seated(quorum, voters, at) for quorum in asked.quorums)
    alone = len(voters) == 1 and voters[0].person.user in asked.not_alone
    assert (missing(asked, voters, at) == ()) is (enough and not alone)


@given(terms(), terms(), VOTERS, st.sampled_from((0.0, 50.0, 99.0)))
def test_what_meets_both_meets_each_and_the_other_way_round(
    one: Terms, other: Terms, voters: list[Ballot], at: float
) -> None:
    """`both` demands exactly what each demands: nothing is lost, and nothing is invented."""
    each = missing(one, voters, at) == () and missing(other, voters, at) == ()
    assert (missing(both(one, other), voters, at) == ()) is each


@given(terms(), terms(), VOTERS)
def test_what_denies_one_of_two_terms_denies_both(one: Terms, other: Terms, voters: list[Ballot]) -> None:
    denials = [replace(each, choice=Choice.DENY) for each in voters]
    if denied(one, denials) or denied(other, denials):
        assert denied(both(one, other), denials)


def rules_apart(asked: Terms) -> Terms:
    """Without what `both` takes from its first."""
    return replace(asked, approval=ApprovalId(""), rule="")


def unordered(asked: Terms) -> tuple[object, ...]:
    """What terms demand. Neither reminders, what a turn had read nor the order of names are any of it."""
    quorums = frozenset(
        (frozenset(each.approvers), each.count, frozenset(each.shares), frozenset(each.escalate_to), each.escalates_at)
        for each in asked.quorums
    )
    plain = rules_apart(replace(asked, remind_after=0.0, tainted=(), approvers=(), quorums=()))
    return plain, frozenset(asked.approvers), quorums


@given(terms(), terms(), terms())
def test_both_is_commutative_associative_and_idempotent(one: Terms, two: Terms, three: Terms) -> None:
    assert rules_apart(both(one, two)) == rules_apart(both(two, one))
    assert rules_apart(both(both(one, two), three)) == rules_apart(both(one, both(two, three)))
    once = both(one, one)
    assert both(once, once) == once and not stricter(one, one)


@given(terms(), terms())
@example(PLAIN, replace(PLAIN, tainted=("user:U1",)))
def test_stricter_is_defined_for_any_two_terms_and_what_is_in_both_is_as_strict_as_each(one: Terms, two: Terms) -> None:
    together = both(one, two)
    assert not stricter(one, together) and not stricter(two, together)
    if not stricter(one, two) and not stricter(two, one):
        assert unordered(both(one, one)) == unordered(both(two, two))


STRICTER = {
    "one more person": {"quorum": 3},
    "fewer may approve": {"approvers": ("user:U1",)},
    "others approve": {"approvers": (SEC,)},
    "nobody may": {"approvers": ()},
    "one of each": {"approvers": (SRE, SEC), "quorums": (ONE_OF_EACH,)},
    "a comment": {"comment_required": True},
    "fewer denials end it": {"denials": 1},
    "not an editor alone": {"not_alone": ("U1",)},
    "it expires sooner": {"expires_at": 99.0},
    "it runs soon or not at all": {"execute_within": 60.0},
    "the guard is asked again": {"recheck_after": 60.0},
}


@pytest.mark.parametrize("what", STRICTER)
def test_terms_are_stricter_where_they_demand(what: str) -> None:
    assert stricter(replace(PLAIN, **STRICTER[what]), replace(PLAIN, denials=2))


def test_terms_are_not_stricter_where_they_allow_more_or_only_remind() -> None:
    milder = replace(PLAIN, approvers=(SEC, SRE), quorum=1, requester_may_approve=True, expires_at=200.0)
    assert not stricter(milder, PLAIN) and stricter(PLAIN, milder)
    assert not stricter(replace(PLAIN, remind_after=60.0, post_to=("C1",), rules=("a",), tainted=("user:U1",)), PLAIN)
    assert not stricter(replace(PLAIN, approvers=(SEC, SRE)), replace(PLAIN, approvers=(SRE, SEC)))


def test_the_soonest_of_times_ignores_never() -> None:
    for one, two in product((0.0, 5.0, 9.0), repeat=2):
        assert soonest(one, two) == (min(one, two) or max(one, two))


def test_s31_a_seal_covers_every_term_and_terms_of_before_are_sealed_as_before() -> None:
    assert sealed_beyond(PLAIN) == []
    for change in (
        {"quorums": (ONE_OF_EACH,)},
        {"comment_required": True},
        {"denials": 2},
        {"execute_within": 1.0},
        {"recheck_after": 1.0},
        {"not_alone": ("U1",)},
        {"tainted": ("output:look",)},
    ):
        assert len(sealed_beyond(replace(PLAIN, **change))) == 1
