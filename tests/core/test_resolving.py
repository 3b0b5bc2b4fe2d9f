"""No question that the guard was asked stays open there: each of its names comes to one end, as soon as that is known (R9)."""

from dataclasses import replace

import pytest

from bot.bighub_reports import resolution_comment, resolution_word
from bot.core.effects import ReportResolution
from bot.core.events import CallRefused, Cancelled, CardShown, Delivered, Edited, Event, Judged, RunFailed, Started
from bot.core.owed import pending
from bot.core.resolving import as_it_stood, ended, noted, open_beside
from bot.core.values import ApprovalId, CallId, Choice, Ground, Verdict
from tests.core.runs import BOB, Story, judged, proposal, replied, story, terms, voted

SHOWN = CardShown("t1c1", "C0OPS", "card", "")
STARTED = Started(CallId("t1c1"), "attempt", "worker")
FROZEN = CallRefused("t1c1", Ground.FROZEN, "Frozen.")


def asked(name: str, approval: str = "ap_t1c1") -> Judged:
    """The guard wants people to decide, and calls that ``name``."""
    event = judged()
    return replace(
        event,
        judgement=replace(event.judgement, request_id=name),
        terms=replace(terms(), approval=ApprovalId(approval)),
    )


def refused(name: str, *, ours: str = "", needs_context: bool = False) -> Judged:
    event = judged(verdict=Verdict.ASK if needs_context else Verdict.DENY, needs_context=needs_context)
    return replace(event, judgement=replace(event.judgement, request_id=name, ours=ours))


def approved(*then: Event) -> Story:
    return story(replied(proposal()), asked("first"), SHOWN, voted(), *then)


def noting(told: Story, name: str) -> Delivered:
    assert told.run is not None
    return noted(told.run.calls[0], name)


def owed(told: Story) -> dict[str, str]:
    """What is owed to the guard: its name of the question, and the word that it is told."""
    assert told.run is not None
    found = {}
    for effect in pending(told.run):
        if isinstance(effect, ReportResolution):
            named = told.run.call(effect.call)
            assert named is not None
            end = ended(told.run, named)[effect.of]
            assert end.name not in found
            found[end.name] = resolution_word(end.approval)
    return found


def test_what_was_approved_and_asked_anew_before_the_guard_heard_of_it_came_to_nothing_there() -> None:
    told = approved(asked("second", "ap_2"))
    assert owed(told) == {"first": "denied"}
    told.tell(Delivered("resolution:ap_t1c1"))
    assert owed(told) == {}


def test_what_the_guard_had_heard_is_not_told_again_when_people_are_asked_anew() -> None:
    told = approved(Delivered("resolution:ap_t1c1"), asked("second", "ap_2"))
    assert owed(told) == {}


def test_each_of_three_questions_comes_to_an_end_of_its_own() -> None:
    told = approved(asked("second", "ap_2"), replace(voted(), approval=ApprovalId("ap_2")), asked("third", "ap_3"))
    told.tell(replace(voted(Choice.DENY), approval=ApprovalId("ap_3")))
    assert owed(told) == {"first": "denied", "second": "denied", "third": "denied"}


def test_a_question_that_stands_under_the_same_name_is_not_ended_there() -> None:
    told = approved(asked("first", "ap_2"))
    assert owed(told) == {}
    told.tell(replace(voted(), approval=ApprovalId("ap_2")))
    assert owed(told) == {"first": "approved"}


def test_what_was_changed_is_modified_and_what_stood_before_it_is_not() -> None:
    told = approved(asked("second", "ap_2"), Edited("t1c1", replace(proposal("t1c2"), wire="wire_t1c1"), BOB))
    assert told.run is not None
    call = told.run.calls[0]
    then = [as_it_stood(call, end) for end in ended(told.run, call).values()]
    said = [resolution_comment(each.approval, each).partition(":")[0] for each in then]
    assert said == ["Modified", "Superseded"]


@pytest.mark.parametrize(
    "end", [FROZEN, Cancelled(BOB), RunFailed("Nobody answers.")], ids=lambda end: type(end).__name__
)
def test_what_was_asked_once_more_ends_with_the_call_that_did_not_start(end: Event) -> None:
    told = approved()
    told.tell(noting(told, "again"))
    assert owed(told) == {"first": "approved"}, "it may start on that answer yet"
    told.tell(end)
    assert owed(told) == {"first": "approved", "again": "denied"}


def test_of_what_was_asked_once_more_only_the_last_is_open_until_the_call_starts_or_the_guard_heard_of_its_end() -> (
    None
):
    told = approved()
    told.tell(noting(told, "again"), noting(told, "and again"))
    assert told.run is not None and open_beside(told.run, told.run.calls[0]) == ("and again",)
    heard = replace(told.run, receipts=(*told.run.receipts, Delivered("resolution:t1c1:and again")))
    assert open_beside(heard, heard.calls[0]) == ()
    told.tell(replace(STARTED, request="and again"))
    assert open_beside(told.run, told.run.calls[0]) == ()


def test_what_was_asked_once_more_by_whoever_died_over_it_ends_when_it_is_asked_again() -> None:
    told = approved()
    told.tell(noting(told, "again"), noting(told, "and again"))
    assert owed(told) == {"first": "approved", "again": "denied"}
    told.tell(replace(STARTED, request="and again"))
    assert owed(told) == {"first": "approved", "again": "denied", "and again": "approved"}


def test_what_was_asked_once_more_and_is_what_people_are_asked_now_stays_open() -> None:
    told = approved()
    told.tell(noting(told, "again"), asked("again", "ap_2"))
    assert owed(told) == {"first": "denied"}
    told.tell(replace(voted(Choice.DENY), approval=ApprovalId("ap_2")))
    assert owed(told) == {"first": "denied", "again": "denied"}


def test_an_answer_that_came_after_the_request_was_stopped_is_ended_too() -> None:
    told = story(replied(proposal()), Cancelled(BOB))
    told.tell(noting(told, "late"))
    assert owed(told) == {"late": "denied"}


@pytest.mark.parametrize("answer", [refused("first", ours="Too many wait."), refused("first", needs_context=True)])
def test_what_we_refuse_without_asking_anybody_is_refused_where_the_guard_may_wait_for_people(answer: Judged) -> None:
    assert owed(story(replied(proposal()), answer)) == {"first": "denied"}


def test_what_we_refuse_when_the_guard_was_asked_once_more_ends_both_questions() -> None:
    told = approved()
    told.tell(noting(told, "again"), refused("again", ours="The policy forbids it now."))
    assert owed(told) == {"first": "denied", "again": "denied"}


def test_what_the_guard_denied_by_itself_or_allowed_waits_for_nobody_there() -> None:
    assert owed(story(replied(proposal()), refused("first"))) == {}
    assert owed(story(replied(proposal()), judged(verdict=Verdict.ALLOW), STARTED)) == {}


def test_the_same_name_is_told_once_whatever_it_stood_for() -> None:
    told = approved()
    told.tell(noting(told, "first"), replace(STARTED, request="first"))
    assert owed(told) == {"first": "approved"}


def test_a_name_of_another_call_is_not_this_ones() -> None:
    told = story(replied(proposal("t1c1"), proposal("t1c11")), asked("first"), SHOWN, voted())
    assert told.run is not None
    told.tell(noted(told.run.calls[1], "other"), FROZEN)
    assert owed(told) == {"first": "approved"}
    told.tell(Cancelled(BOB))
    assert owed(told) == {"first": "approved", "other": "denied"}
