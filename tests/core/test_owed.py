"""What a run owes of a call that nobody was asked about and that did not run either: one notice, before the words that end it."""

import pytest

from bot.core.effects import Effect, PostEnd, PostNotice, PostReply, ReportResolution
from bot.core.events import CallRefused, Cancelled, CardShown, Delivered, Event, RunFailed, Started
from bot.core.owed import due_at, pending
from bot.core.run import RunState
from bot.core.values import CallId, Ground, Verdict
from tests.core.runs import BOB, Story, judged, proposal, replied, reply_delivered, story, voted

FORBIDDEN = (replied(proposal()), judged(verdict=Verdict.DENY))
TOLD = Delivered("ended:t1c1", "ts")


def words(told: Story) -> list[Effect]:
    assert told.run is not None
    return [each for each in pending(told.run) if isinstance(each, PostNotice | PostReply | PostEnd)]


@pytest.mark.parametrize(
    "refused",
    [(judged(verdict=Verdict.DENY),)]
    + [(judged(verdict=Verdict.ALLOW), CallRefused("t1c1", ground, "no")) for ground in Ground],
)
def test_what_is_forbidden_at_once_is_told_before_the_words_that_end_the_request(refused: tuple[Event, ...]) -> None:
    told = story(replied(proposal()), *refused, replied(text="Done: bob is in admins."))
    assert words(told) == [PostNotice("ended:t1c1")]
    told.tell(TOLD)
    assert words(told) == [PostReply(1)]
    told.tell(reply_delivered())
    assert words(told) == []


def test_each_of_a_turn_that_is_forbidden_is_told_once_and_those_that_people_are_asked_about_are_not() -> None:
    calls = ("t1c1", "t1c2", "t1c3", "t1c4")
    verdicts = (Verdict.DENY, Verdict.ASK, Verdict.DENY, Verdict.ALLOW)
    told = story(
        replied(*map(proposal, calls)), *(judged(call, each) for call, each in zip(calls, verdicts, strict=True))
    )
    assert words(told) == [PostNotice("ended:t1c1"), PostNotice("ended:t1c3")]
    told.tell(TOLD)
    assert words(told) == [PostNotice("ended:t1c3")]


@pytest.mark.parametrize("end", [RunFailed("The model is away."), Cancelled(BOB)])
def test_what_is_forbidden_is_told_also_where_the_request_fails_or_is_stopped(end: Event) -> None:
    told = story(*FORBIDDEN, end)
    assert words(told) == [PostNotice("ended:t1c1")]
    told.tell(TOLD)
    assert words(told) == [PostEnd(1)]


@pytest.mark.parametrize(
    "end",
    [
        (replied(text="No."), reply_delivered()),
        (RunFailed("The model is away."), Delivered("end:1", "ts")),
        (Cancelled(BOB), Delivered("end:1", "ts")),
    ],
)
def test_r13_a_request_that_ended_before_this_was_told_owes_it_never(end: tuple[Event, ...]) -> None:
    told = story(*FORBIDDEN, *end)
    assert told.run is not None and told.run.state in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
    assert words(told) == []


def test_what_the_model_got_wrong_is_between_it_and_us() -> None:
    told = story(replied(proposal(valid=False)), replied(text="I cannot."))
    assert words(told) == [PostReply(1)]
    assert told.run is not None and due_at(told.run) == 0.0


@pytest.mark.parametrize(
    ("name", "owed"), [("req_2", ["resolution:ap_t1c1", "resolution:ap_t1c1:recheck"]), ("", ["resolution:ap_t1c1"])]
)
def test_r9_what_the_guard_was_asked_once_more_is_resolved_too_and_not_where_nobody_wrote_its_name_down(
    name: str, owed: list[str]
) -> None:
    told = story(replied(proposal()), judged(), CardShown("t1c1", "C0OPS", "card", ""), voted())
    run = told.tell(Started(CallId("t1c1"), "attempt", "worker", "grant_access", "{}", name))
    assert [each.key for each in pending(run) if isinstance(each, ReportResolution)] == owed
