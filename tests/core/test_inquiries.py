"""A question to the requester is no vote, its answer is what they write next, and both stop when it is decided."""

from dataclasses import replace

import pytest

from bot.core.approval import NOT_THE_CARD, Resolution
from bot.core.call import Call, CallState, Outcome
from bot.core.effects import PostInquiry, PostNotice
from bot.core.events import CardShown, Delivered, Edited, Event, Inquired, Said, Withdrawn
from bot.core.inquiries import EMPTY, MOST_INQUIRIES, TOO_MANY
from bot.core.owed import pending
from bot.core.values import ApprovalId, CallId, Choice, Person
from tests.core.runs import ALICE, BOB, CAROL, LATE, NOON, Story, judged, proposal, replied, said, story, voted

ASK = Inquired(ApprovalId("ap_t1c1"), CAROL, "Which incident?", "card")
WITHDRAW = Withdrawn(ApprovalId("ap_t1c1"), ALICE, "card")
POSTED = Delivered("inquiry:t1c1:1", "1700000000.000500")


def asking(quorum: int = 1) -> Story:
    told = story(replied(proposal()), judged(quorum=quorum))
    told.tell(CardShown(CallId("t1c1"), "C0OPS", "card", "asking"))
    return told


def call(told: Story) -> Call:
    return told.run.calls[0]


def answer(message: str, text: str = "INC-42", person: Person = ALICE) -> Said:
    return said(text, person, f"1700000000.{message}")


def refused(told: Story, event: Event, at: float = NOON) -> str:
    answer = told.try_to(event, at=at)
    return "" if answer is None else answer.reason


def owed(told: Story) -> list[str]:
    return [effect.key for effect in pending(told.run) if isinstance(effect, PostInquiry)]


def test_a_question_is_owed_to_the_thread_until_it_stands_there_and_leaves_the_call_asking() -> None:
    told = asking()
    told.tell(ASK)
    assert owed(told) == ["inquiry:t1c1:1"]
    told.tell(POSTED)
    assert owed(told) == [] and call(told).state is CallState.ASKING and call(told).approval.votes == ()
    assert (call(told).phase, call(told).inquiries[0].question) == ("asking:ap_t1c1:0:?", "Which incident?")


def test_the_answer_is_what_the_requester_writes_after_it_stood_there() -> None:
    told = asking()
    told.tell(ASK, answer("000450", "sent before"), POSTED, answer("000600", "not mine", BOB))
    assert call(told).inquiries[0].answer is None
    told.tell(answer("000700"), answer("000800", "later"))
    assert call(told).inquiries[0].answer == "INC-42" and call(told).phase == "asking:ap_t1c1:0:!"


def test_an_answer_that_came_before_the_receipt_of_the_question_counts_by_the_chats_own_clock() -> None:
    """A crash between posting and recording delays the receipt, not the answer."""
    told = asking()
    told.tell(ASK, answer("000700"), POSTED)
    assert call(told).inquiries[0].answer == "INC-42"


def test_what_could_not_be_posted_or_compared_has_no_answer() -> None:
    for ref in ("refused: The thread is gone.", "", "somewhere"):
        told = asking()
        told.tell(ASK, Delivered("inquiry:t1c1:1", ref), answer("000700"))
        assert call(told).inquiries[0].answer is None


EDIT = Edited(CallId("t1c1"), replace(proposal("t1c1e"), wire="wire_t1c1"), CAROL)


def test_what_a_call_is_edited_into_has_its_questions_and_answers_and_asks_none_twice() -> None:
    told = asking()
    told.tell(ASK, POSTED, answer("000700"), EDIT, judged("t1c1e"))
    assert [(each.question, each.answer) for each in told.run.calls[1].inquiries] == [("Which incident?", "INC-42")]
    assert owed(told) == [] and told.run.calls[1].phase == "asking:ap_t1c1e:0:!"


def test_a_question_that_is_open_when_its_call_is_edited_is_answered_on_what_it_became() -> None:
    for answered_at in (3, 4):  # while that is judged, and when people are asked about it
        told, events = asking(), [ASK, POSTED, EDIT, judged("t1c1e")]
        told.tell(*events[:answered_at], answer("000700"), *events[answered_at:])
        assert [each.answer for each in told.run.calls[1].inquiries] == ["INC-42"] and owed(told) == []
    told = asking()
    told.tell(ASK, EDIT, judged("t1c1e"))
    assert owed(told) == ["inquiry:t1c1:1"]
    told.tell(POSTED, CardShown(CallId("t1c1e"), "C0OPS", "card2", "asking"))
    told.tell(replace(ASK, approval=ApprovalId("ap_t1c1e"), message="card2", question="Until when?"))
    assert owed(told) == ["inquiry:t1c1e:2"]
    told.tell(Delivered("inquiry:t1c1e:2", "1700000000.000800"), answer("000700"), answer("000900", "noon"))
    assert [each.answer for each in told.run.calls[1].inquiries] == ["INC-42", "noon"]


def test_r7_what_is_decided_takes_no_answer_any_more() -> None:
    told = asking()
    told.tell(ASK, POSTED, voted(Choice.DENY), answer("000700"))
    assert call(told).outcome is Outcome.DENIED and call(told).inquiries[0].answer is None
    unposted = asking()
    unposted.tell(ASK, voted())
    assert owed(unposted) == []


def test_one_message_answers_every_question_that_stood_there() -> None:
    told = asking()
    told.tell(ASK, POSTED, replace(ASK, person=BOB, question="Since when?"))
    told.tell(Delivered("inquiry:t1c1:2", "1700000000.000900"), answer("001000", "INC-42, since noon"))
    assert [each.answer for each in call(told).inquiries] == ["INC-42, since noon"] * 2


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (replace(ASK, message="another"), NOT_THE_CARD),
        (replace(ASK, question=" \n"), EMPTY),
        (replace(WITHDRAW, message="another"), NOT_THE_CARD),
    ],
)
def test_s13_from_another_message_or_empty_it_is_refused(event: Inquired | Withdrawn, why: str) -> None:
    assert refused(asking(), event) == why


def test_r7_after_its_expiry_nothing_is_asked_and_after_its_end_nothing_is_withdrawn() -> None:
    assert "not asked about any more" in refused(asking(), ASK, LATE)
    told = asking()
    told.tell(voted())
    assert "too late" in refused(told, ASK) and "too late" in refused(told, WITHDRAW)


def test_s14_questions_are_bounded() -> None:
    told = asking()
    told.tell(*[ASK] * MOST_INQUIRIES)
    assert refused(told, ASK) == TOO_MANY


def test_r7_what_was_withdrawn_is_refused_with_its_approval_and_takes_no_vote() -> None:
    told = asking(quorum=2)
    told.tell(voted(), WITHDRAW)
    assert (call(told).state, call(told).outcome) == (CallState.REFUSED, Outcome.WITHDRAWN)
    assert call(told).approval.resolution is Resolution.WITHDRAWN and call(told).approval.deciding_vote is None
    assert refused(told, voted(person=BOB))


def test_what_was_withdrawn_is_told_to_nobody_once_more() -> None:
    """Whoever asked for it did that; a denial is told."""
    told, denied = asking(), asking()
    told.tell(WITHDRAW)
    denied.tell(voted(choice=Choice.DENY))
    assert [each for each in pending(told.run) if isinstance(each, PostNotice)] == []
    assert [each.about for each in pending(denied.run) if isinstance(each, PostNotice)] == ["ended:t1c1"]
