"""What one person decided alone stays with the run: it is owed an announcement and a review by somebody else (S9, S22, R10)."""

from dataclasses import replace

from bot.core.approval import Resolution
from bot.core.call import CallState, Outcome
from bot.core.effects import AnnounceGlass, ShowReview
from bot.core.events import Cancelled, CardShown, Delivered, Event, FreezeNoted, Reviewed
from bot.core.glass import BY_GLASS, NEEDS_REASON, NOTHING_BROKEN, OWN_REVIEW
from bot.core.owed import due_at, pending
from bot.core.values import ApprovalId, CallId, Choice, Person
from tests.core.runs import ALICE, BOB, CAROL, NOON, Story, judged, proposal, replied, story, voted

A, CALL, MONDAY = ApprovalId("ap_t1c1"), CallId("t1c1"), NOON + 200_000.0
ALONE = replace(voted(person=CAROL), via=BY_GLASS, comment="site is down", review_at=MONDAY)


def asking(quorum: int = 2) -> Story:
    told = story(replied(proposal()), judged(quorum=quorum))
    told.tell(CardShown(CALL, "C0OPS", "card", "asking"))
    return told


def refused(told: Story, event: Event) -> str:
    answer = told.try_to(event, at=NOON)
    return "" if answer is None else answer.reason


def owed(told: Story) -> list[AnnounceGlass | ShowReview]:
    return [each for each in pending(told.run) if isinstance(each, AnnounceGlass | ShowReview)]


def test_s22_one_who_breaks_the_glass_is_enough_also_where_others_have_voted_and_gives_a_reason() -> None:
    told = asking(quorum=3)
    told.tell(voted(person=BOB))
    assert refused(told, replace(ALONE, comment=" ")) == NEEDS_REASON
    assert refused(told, replace(ALONE, choice=Choice.DENY)) == NEEDS_REASON
    assert told.run.broken == () and told.run.calls[0].state is CallState.ASKING
    told.tell(ALONE)
    call = told.run.calls[0]
    assert call.state is CallState.ALLOWED and call.approval.resolution is Resolution.APPROVED
    assert call.approval.deciding_vote.person == CAROL


def test_r10_it_is_announced_at_once_and_reviewed_in_time_whatever_becomes_of_the_run() -> None:
    told = asking()
    told.tell(ALONE, Cancelled(ALICE))
    assert owed(told) == [AnnounceGlass(A), ShowReview(A, not_before=MONDAY)]
    told.tell(Delivered(f"glass:{A}", "C0AUDIT:1.1"))
    assert owed(told) == [ShowReview(A, not_before=MONDAY)]
    told.tell(Delivered(f"review:{A}", "C0AUDIT:2.1"))
    assert owed(told) == []
    told.tell(Reviewed(A, BOB))
    assert owed(told) == [ShowReview(A, done=True)]
    told.tell(Delivered(f"reviewed:{A}", "C0AUDIT:2.1"))
    assert owed(told) == [] and told.run.broken[0].reviewed_by == BOB


def test_s9_nobody_reviews_what_they_decided_themselves_and_nothing_is_reviewed_twice() -> None:
    told = asking()
    assert refused(told, Reviewed(A, BOB)) == NOTHING_BROKEN
    told.tell(ALONE)
    assert refused(told, Reviewed(A, CAROL)) == OWN_REVIEW
    assert refused(told, Reviewed(A, Person("T2", CAROL.user))) == OWN_REVIEW
    told.tell(Reviewed(A, BOB))
    assert refused(told, Reviewed(A, ALICE)) == "<@U0BOB> has reviewed this already."


def test_r10_an_open_card_owes_what_it_must_tell_of_a_freeze_and_a_decided_one_does_not() -> None:
    told = asking()
    told.tell(CardShown(CALL, "C0OPS", "card", told.run.calls[0].phase or ""))
    before = told.run.calls[0].phase
    told.tell(FreezeNoted(CALL, "all", "U0ERIN", NOON, "incident 7"))
    assert told.run.calls[0].phase == f"{before}:all:{NOON}" and due_at(told.run) == 0.0
    told.tell(FreezeNoted(CALL, ""))
    assert told.run.calls[0].phase == before
    told.tell(voted(Choice.DENY))
    assert told.run.calls[0].outcome is Outcome.DENIED and refused(told, FreezeNoted(CALL, "all"))
