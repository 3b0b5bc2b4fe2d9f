"""An approval counts votes, and nothing else decides it."""

import json
from dataclasses import replace

from bot.core import approval as approvals
from bot.core.approval import Approval, Resolution, key_id, permission_text, seal, sealed_by, vote_text
from bot.core.refusal import Refused
from bot.core.values import Choice, Person, Quorum
from tests.core.runs import BOB, CAROL, LATE, NOON, binding, terms, voted

ERIN = Person("T1", "U0ERIN")
OPEN = Approval(terms(quorum=2), "d" * 64, NOON)


def test_a_resolved_approval_takes_no_vote_however_it_was_resolved() -> None:
    for resolution in Resolution:
        closed = approvals.resolve(OPEN, resolution, NOON)
        assert isinstance(approvals.vote(closed, voted(), "card", NOON), Refused)


def test_the_deciding_vote_is_there_only_where_a_person_decided() -> None:
    once = approvals.vote(OPEN, voted(person=CAROL), "card", NOON)
    assert isinstance(once, Approval) and once.deciding_vote is None
    twice = approvals.vote(once, voted(person=BOB), "card", NOON)
    assert isinstance(twice, Approval) and twice.resolution is Resolution.APPROVED
    assert twice.deciding_vote is not None and twice.deciding_vote.person == BOB
    assert approvals.resolve(once, Resolution.EXPIRED, NOON).deciding_vote is None


def test_a_vote_by_shell_needs_no_card_and_one_denial_ends_it() -> None:
    denied = approvals.vote(OPEN, replace(voted(Choice.DENY), via="shell", message=""), "card", NOON)
    assert isinstance(denied, Approval) and denied.resolution is Resolution.DENIED


def test_where_a_majority_is_wanted_one_denial_waits_for_the_others_and_the_approvals_may_still_be_enough() -> None:
    three = replace(OPEN, terms=replace(OPEN.terms, approvers=("group:S0SECURITY",), denials=2))
    once = approvals.vote(three, voted(Choice.DENY, person=CAROL), "card", NOON)
    assert isinstance(once, Approval) and once.resolution is None
    assert approvals.vote(once, voted(person=CAROL), "card", NOON) == Refused("You have already voted on this.")
    twice = approvals.vote(once, voted(Choice.DENY, person=BOB), "card", NOON)
    assert isinstance(twice, Approval) and twice.resolution is Resolution.DENIED
    yes = approvals.vote(once, voted(person=BOB), "card", NOON)
    assert isinstance(yes, Approval) and yes.resolution is None
    enough = approvals.vote(yes, voted(person=ERIN), "card", NOON)
    assert isinstance(enough, Approval) and enough.resolution is Resolution.APPROVED


def test_r20_who_approved_by_mistake_denies_and_that_ends_it() -> None:
    once = approvals.vote(OPEN, voted(person=CAROL), "card", NOON)
    assert isinstance(once, Approval) and once.resolution is None
    again = approvals.vote(once, voted(person=CAROL), "card", NOON)
    assert again == Refused("You have already voted on this. Deny takes your approval back.")
    denied = approvals.vote(once, voted(Choice.DENY, person=CAROL), "card", NOON)
    assert isinstance(denied, Approval) and denied.resolution is Resolution.DENIED
    assert [(vote.person, vote.choice) for vote in denied.votes] == [(CAROL, Choice.DENY)]


def test_r20_where_a_majority_is_wanted_the_denial_takes_the_approval_of_the_same_person_back_and_stays() -> None:
    three = replace(OPEN, terms=replace(OPEN.terms, denials=2))
    once = approvals.vote(three, voted(person=CAROL), "card", NOON)
    assert isinstance(once, Approval)
    back = approvals.vote(once, voted(Choice.DENY, person=CAROL), "card", NOON)
    assert isinstance(back, Approval) and back.resolution is None and (len(back.votes), back.against) == (1, 1)
    assert approvals.vote(back, voted(person=CAROL), "card", NOON) == Refused("You have already voted on this.")
    assert approvals.vote(back, voted(Choice.DENY, person=CAROL), "card", NOON) == Refused(
        "You have already voted on this."
    )
    other = approvals.vote(back, voted(person=BOB), "card", NOON)
    assert isinstance(other, Approval) and other.resolution is None


def test_an_approval_without_the_comment_that_is_wanted_is_refused_and_a_denial_is_not() -> None:
    wanted = replace(OPEN, terms=replace(OPEN.terms, comment_required=True))
    assert approvals.vote(wanted, replace(voted(), comment=" \n"), "card", NOON) == Refused(approvals.NEEDS_COMMENT)
    assert isinstance(approvals.vote(wanted, replace(voted(), comment="incident 7"), "card", NOON), Approval)
    assert isinstance(approvals.vote(wanted, voted(Choice.DENY), "card", NOON), Approval)


def test_a_vote_of_whom_no_demand_counts_is_refused() -> None:
    demand = Quorum(("group:S0SECURITY",), 1, (), ("user:U0BOB",), NOON + 60)
    later = replace(OPEN, terms=replace(OPEN.terms, quorums=(demand,)))
    assert isinstance(approvals.vote(later, voted(person=BOB), "card", NOON + 59), Refused)
    assert isinstance(approvals.vote(later, voted(person=BOB), "card", NOON + 60), Approval)


def test_r13_terms_and_votes_of_before_are_sealed_as_before() -> None:
    """What waits while Signoff is upgraded keeps its seals."""
    bound = binding()
    where = ("d" * 64, "f" * 64, "okta", "okta", "production", "high", False, "ask", [], [])
    asked = ["ap_t1c1", ["group:S0SECURITY"], 2, False, LATE]
    assert permission_text("run", "t1c1", bound, OPEN.terms) == json.dumps(["judged", "run", "t1c1", *where, asked])
    assert vote_text("run", OPEN, CAROL, Choice.APPROVE, "slack") == json.dumps(
        ["vote", "run", "ap_t1c1", "d" * 64, LATE, 2, "T1", "U0CAROL", "approve", "slack"]
    )


def test_a_seal_holds_under_any_of_the_keys_and_under_no_other() -> None:
    mark = seal(b"old", "text")
    assert mark.startswith(key_id(b"old")) and sealed_by((b"new", b"old"), "text", mark)
    assert not sealed_by((b"new",), "text", mark) and not sealed_by((b"old",), "other text", mark)
    assert not sealed_by((b"old",), "text", "") and not sealed_by((), "text", mark)
