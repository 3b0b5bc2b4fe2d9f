"""Terms that become stricter while people are asked: nothing milder ever applies again, and no vote is worth more than it was."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import approval as approvals
from bot.core.approval import Approval, Resolution, Vote, as_voted, vote_text
from bot.core.events import Tightened, Voted
from bot.core.refusal import Refused
from bot.core.terms import all_approvers, both, demanding, denied, missing, stricter
from bot.core.tightening import NOT_STRICTER, demanded_since, tighten, why_void
from bot.core.values import Choice, Person, Quorum, Terms
from tests.core.runs import ALICE, BOB, CAROL
from tests.core.test_terms import BALLOTS, PLAIN, Ballot, ballot, terms

VOTES = st.lists(st.tuples(st.sampled_from(BALLOTS), st.sampled_from(Choice), st.booleans()), max_size=6)
ROUNDS = st.lists(st.tuples(terms(), VOTES), max_size=3)


def event(asked: Terms, new: Terms, *void: str) -> Tightened:
    return Tightened(asked.approval, replace(new, approval=asked.approval), "k:seal", void)


def vote(found: Ballot, choice: Choice, comment: str = "why") -> Vote:
    return Vote(found.person, choice, comment, 10.0, "slack", "k:seal", found.counts_as)


def voted(approval: Approval, given: tuple[Ballot, Choice, bool], at: float) -> Approval:
    """As the engine has it: of those only who are approvers, and as which of them they are by then."""
    found, choice, commented = given
    named = all_approvers(approval.terms)
    counts_as = tuple(name for name in (f"user:{found.person.user}", *found.counts_as) if name in named)
    if not counts_as:
        return approval
    said = Voted(
        approval.terms.approval,
        found.person,
        choice,
        "why" if commented else "",
        "k:seal",
        "shell",
        "",
        counts_as,
    )
    after = approvals.vote(approval, said, "", at)
    return approval if isinstance(after, Refused) else after


def brought_up(approval: Approval, today: Terms, requester: Person) -> Approval:
    """As the engine does it."""
    new = both(approval.terms, today)
    if approval.resolution is not None or not stricter(new, approval.terms):
        return approval
    void = (vote.person.user for vote in approval.votes if why_void(new, vote, requester))
    after = tighten(approval, event(approval.terms, new, *void), 10.0)
    assert isinstance(after, Approval)
    return after


@given(terms(), VOTES, ROUNDS)
def test_r20_what_is_approved_is_approved_under_every_policy_that_there_was_meanwhile(
    first: Terms,
    votes: list[tuple[Ballot, Choice, bool]],
    rounds: list[tuple[Terms, list[tuple[Ballot, Choice, bool]]]],
) -> None:
    """Each policy of ``rounds`` is that of the moment in which the votes after it are cast."""
    approval, requester = Approval(first, "d" * 64, 0.0), Person("T1", "U0")
    applied: list[Terms] = [first]
    for today, cast in [(first, votes), *rounds]:
        for each in cast:
            applied += [today] if approval.resolution is None else []
            approval = voted(brought_up(approval, today, requester), each, 10.0)
    if approval.resolution is Resolution.APPROVED:
        given_ = [each for each in approval.votes if each.choice is Choice.APPROVE]
        for asked in applied:
            assert not missing(asked, given_, 10.0) and not denied(asked, approval.votes)
            assert not asked.comment_required or all(each.comment for each in given_)


@given(terms(), terms())
def test_s31_terms_are_never_made_milder_nor_others(old: Terms, new: Terms) -> None:
    after = tighten(Approval(old, "d" * 64, 0.0), event(old, new), 10.0)
    if isinstance(after, Approval):
        assert not stricter(old, after.terms) and stricter(after.terms, old)
    elif after == NOT_STRICTER:
        assert stricter(old, new) or not stricter(new, old)


@given(terms(), terms())
def test_what_is_tightened_to_both_is_as_strict_as_each_and_not_tightened_again(old: Terms, today: Terms) -> None:
    once = brought_up(Approval(old, "d" * 64, 0.0), today, ALICE)
    assert not stricter(today, once.terms) and not stricter(old, once.terms)
    assert brought_up(once, today, ALICE) is once and brought_up(once, old, ALICE) is once


TWO = replace(PLAIN, approvers=("user:U1", "user:U2"), quorum=2)
STRICT = replace(TWO, comment_required=True)


def test_tightening_is_of_this_question_only_while_it_is_open_and_unexpired() -> None:
    asked = Approval(TWO, "d" * 64, 0.0)
    assert isinstance(tighten(asked, event(TWO, STRICT), 99.0), Approval)
    assert isinstance(tighten(asked, event(TWO, STRICT), 100.0), Refused)
    assert tighten(asked, event(TWO, TWO), 10.0) == NOT_STRICTER
    assert tighten(asked, event(replace(TWO, approval="another"), STRICT), 10.0) == NOT_STRICTER
    for resolution in Resolution:
        assert isinstance(tighten(approvals.resolve(asked, resolution, 5.0), event(TWO, STRICT), 10.0), Refused)


def test_r20_a_void_approval_may_be_given_again_and_a_denial_is_never_void() -> None:
    votes = (vote(ballot("U1"), Choice.APPROVE, ""), vote(ballot("U2"), Choice.DENY))
    three = ("user:U1", "user:U2", "user:U3")
    asked = Approval(replace(TWO, approvers=three, denials=2), "d" * 64, 0.0, votes)
    after = tighten(asked, event(asked.terms, replace(STRICT, approvers=three, denials=2), "U1", "U2"), 10.0)
    assert isinstance(after, Approval)
    assert (after.void, after.votes, after.resolution) == (votes[:1], votes[1:], None)
    again = voted(after, (ballot("U1"), Choice.APPROVE, True), 11.0)
    assert again.votes[-1].person.user == "U1" and again.votes[-1].under == 1


@pytest.mark.parametrize(
    ("counts_as", "choice", "times", "again"),
    [
        (("group:S1", "group:S2"), Choice.APPROVE, 1, True),
        (("group:S2",), Choice.APPROVE, 1, True),
        (("group:S1",), Choice.APPROVE, 1, False),
        (("group:S1", "group:S3"), Choice.APPROVE, 1, False),
        (("group:S1", "group:S2"), Choice.APPROVE, 0, False),
        (("group:S1", "group:S2"), Choice.DENY, 1, False),
    ],
)
def test_r20_who_approved_before_terms_that_they_count_for_twice_may_again_and_has_one_seat_in_each(
    counts_as: tuple[str, ...], choice: Choice, times: int, again: bool
) -> None:
    one = replace(PLAIN, approvers=("group:S1",), quorum=2, denials=2)
    two = demanding(one, (Quorum(("group:S1",), 2), Quorum(("group:S2",), 1)))
    asked = Approval(one, "d" * 64, 0.0, (vote(ballot("U1", "group:S1"), choice),))
    for _ in range(times):
        after = tighten(asked, event(one, two), 10.0)
        assert isinstance(after, Approval)
        asked = after
    if not times:
        asked = replace(asked, terms=two)
    then = voted(asked, (ballot("U1", *counts_as), Choice.APPROVE, True), 11.0)
    assert (then != asked, then.again) == (again, int(again)) and len(then.votes) == 1 and then.resolution is None
    if again:
        assert then.votes[0].counts_as == counts_as and then.votes[0].under == 1
        assert voted(then, (ballot("U1", *counts_as), Choice.APPROVE, True), 12.0) is then


def test_r7_a_denial_that_is_enough_now_ends_it_and_is_the_deciding_vote() -> None:
    votes = (vote(ballot("U1"), Choice.DENY), vote(ballot("U2"), Choice.APPROVE))
    asked = Approval(replace(TWO, denials=2), "d" * 64, 0.0, votes)
    after = tighten(asked, event(asked.terms, TWO), 10.0)
    assert isinstance(after, Approval) and after.resolution is Resolution.DENIED
    assert after.deciding_vote is not None and after.deciding_vote.person.user == "U1"


@pytest.mark.parametrize(
    ("change", "who", "comment", "why"),
    [
        ({}, "U1", "", ""),
        ({"comment_required": True}, "U1", " ", "it has no comment"),
        ({"comment_required": True}, "U1", "incident", ""),
        ({"approvers": ("user:U2",)}, "U1", "", "others must approve it"),
        ({"requester_may_approve": False}, "U0ALICE", "", "whoever asked for it may not approve it"),
    ],
)
def test_why_an_approval_of_before_is_void(change: dict[str, object], who: str, comment: str, why: str) -> None:
    asked = replace(TWO, approvers=("user:U1", "user:U2", "user:U0ALICE"), requester_may_approve=True)
    asked = replace(asked, **change)
    assert why_void(asked, vote(ballot(who), Choice.APPROVE, comment), ALICE) == why
    assert why_void(asked, vote(ballot(who), Choice.DENY, comment), ALICE) == ""


def test_s31_a_vote_is_sealed_under_the_terms_of_its_moment_and_holds_under_no_others() -> None:
    """So that nobody takes the stricter terms out of the journal and keeps the votes."""
    asked = Approval(TWO, "d" * 64, 0.0, (vote(ballot("U1"), Choice.APPROVE),))
    after = tighten(asked, event(TWO, STRICT), 10.0)
    assert isinstance(after, Approval)
    before, then = after.votes[0], replace(after.votes[0], under=1)
    said = [vote_text("run", as_voted(after, each), CAROL, Choice.APPROVE, "slack") for each in (before, then)]
    assert said[0] == vote_text("run", asked, CAROL, Choice.APPROVE, "slack") != said[1]
    assert vote_text("run", after, BOB, Choice.APPROVE, "slack") != vote_text(
        "run", asked, BOB, Choice.APPROVE, "slack"
    )
    assert vote_text("run", replace(asked, terms=STRICT), BOB, Choice.APPROVE, "slack") != vote_text(
        "run", after, BOB, Choice.APPROVE, "slack"
    )


def test_what_became_stricter_is_said_in_words() -> None:
    asked = Approval(TWO, "d" * 64, 0.0)
    assert demanded_since(asked) == ()
    all_of_it = replace(STRICT, quorum=3, denials=1, expires_at=90.0, execute_within=60.0, not_alone=("U1",))
    begun = replace(asked, terms=replace(TWO, requester_may_approve=True, denials=2))
    after = tighten(begun, event(begun.terms, all_of_it), 10.0)
    assert isinstance(after, Approval)
    assert demanded_since(after) == (
        "more or other approvals",
        "not by whoever asked for it",
        "a comment with each approval",
        "fewer denials end it",
        "less time to decide",
        "less time between the approval and the run",
    )
