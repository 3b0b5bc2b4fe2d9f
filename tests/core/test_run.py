"""Stories of a run: every state, every legal move, and the moves that are illegal and change nothing."""

import hashlib
import itertools
from dataclasses import replace

import pytest

from bot.core.approval import Resolution
from bot.core.call import CALL_TRANSITIONS, RESTORED, STATUSES, CallState, Outcome
from bot.core.effects import (
    AskRequester,
    CallModel,
    Expire,
    Judge,
    PostDelay,
    PostEnd,
    PostReply,
    Recover,
    ReportOutcome,
    ShowCard,
    StartAction,
    StopAsking,
    StopWaiting,
)
from bot.core.events import (
    Answered,
    AttemptFailed,
    CallRefused,
    Cancelled,
    CardShown,
    Delivered,
    Doubted,
    Event,
    Expired,
    Finished,
    Restored,
    RunFailed,
    Settled,
    Started,
)
from bot.core.faults import BrokenJournal
from bot.core.journal import RULES, fold
from bot.core.owed import due_at, pending
from bot.core.run import RUN_TRANSITIONS, RunState
from bot.core.values import Answer, ApprovalId, CallId, Choice, Ground, Verdict
from tests.core.runs import (
    ALICE,
    BOB,
    CAROL,
    LATE,
    NOON,
    RUN,
    Story,
    asked,
    judged,
    proposal,
    replied,
    reply_delivered,
    said,
    story,
    terms,
    voted,
)

CARD = CardShown(CallId("t1c1"), "C0OPS", "card", "asking:ap_t1c1:0")
STARTED = Started(CallId("t1c1"), "attempt1", "worker1")
FINISHED = Finished(CallId("t1c1"), "attempt1", True, '{"ok":true}', 2.1)
DOUBTED = Doubted(CallId("t1c1"), "attempt1", ApprovalId("question1"))


def asking() -> Story:
    return story(replied(proposal()), judged(), CARD)


def started() -> Story:
    told = asking()
    told.tell(voted(), STARTED)
    return told


def owed(told: Story) -> set[type]:
    assert told.run is not None
    return {type(effect) for effect in pending(told.run)}


def test_a_question_that_needs_no_action_is_answered_and_done() -> None:
    told = story()
    assert owed(told) == {CallModel}
    told.tell(replied(text="checkout is healthy"))
    assert told.run.state is RunState.REPLYING and owed(told) == {PostReply}
    told.tell(reply_delivered())
    assert told.run.state is RunState.DONE and due_at(told.run) is None


def test_an_approved_action_runs_once_and_the_model_goes_on() -> None:
    told = story(replied(proposal()))
    assert owed(told) == {Judge}
    told.tell(judged())
    assert owed(told) == {Expire, ShowCard}
    told.tell(CARD, voted())
    assert StartAction in owed(told)
    told.tell(STARTED)
    assert StartAction not in owed(told) and Recover in owed(told)
    assert told.try_to(Started(CallId("t1c1"), "attempt2", "worker2")) is not None
    told.tell(FINISHED)
    assert told.run.state is RunState.THINKING and CallModel in owed(told)
    assert told.run.call("t1c1").status == "executed"


def test_a_denied_action_never_starts_and_the_model_is_told_why() -> None:
    told = asking()
    told.tell(voted(Choice.DENY))
    call = told.run.call("t1c1")
    assert (call.state, call.outcome) == (CallState.REFUSED, Outcome.DENIED)
    assert told.run.state is RunState.THINKING
    assert told.try_to(STARTED) is not None


def test_the_first_vote_wins_and_the_second_is_refused() -> None:
    told = asking()
    told.tell(voted(Choice.APPROVE, person=CAROL))
    assert told.try_to(voted(Choice.DENY, person=BOB)) is not None
    assert told.run.call("t1c1").approval.deciding_vote.person == CAROL


def test_a_quorum_of_two_needs_two_different_people() -> None:
    told = story(replied(proposal()), judged(quorum=2), CARD, voted(person=CAROL))
    assert told.run.call("t1c1").state is CallState.ASKING
    assert told.try_to(voted(person=CAROL)) is not None
    told.tell(voted(person=BOB))
    assert told.run.call("t1c1").state is CallState.ALLOWED


def test_a_click_on_another_message_than_the_recorded_card_does_not_count() -> None:
    told = asking()
    assert "not the card" in told.try_to(voted(message="older card")).reason
    unposted = story(replied(proposal()), judged())
    assert unposted.try_to(voted(message="somewhere")) is not None


def test_an_approval_takes_no_vote_at_or_after_its_expiry_and_expires_only_then() -> None:
    told = asking()
    assert told.try_to(voted(), at=LATE) is not None
    assert told.try_to(Expired(ApprovalId("ap_t1c1")), at=LATE - 0.001) is not None
    told.tell(Expired(ApprovalId("ap_t1c1")), at=LATE)
    assert told.run.call("t1c1").outcome is Outcome.EXPIRED
    on_time = asking()
    on_time.tell(voted(), at=LATE - 0.001)
    assert on_time.run.call("t1c1").state is CallState.ALLOWED


def test_when_the_guard_is_asked_again_the_old_votes_are_gone_and_the_card_is_shown_anew() -> None:
    told = asking()
    told.tell(voted(), replace(judged(), terms=replace(terms(), approval=ApprovalId("ap_new"))))
    call = told.run.call("t1c1")
    assert call.state is CallState.ASKING and call.approval.votes == () and ShowCard in owed(told)
    told.tell(CallRefused(CallId("t1c1"), Ground.BLOCKED, "no longer needed"))
    denied = asking()
    denied.tell(voted(), judged(verdict=Verdict.DENY))
    call = denied.run.call("t1c1")
    assert (
        call.outcome is Outcome.BLOCKED
        and call.approval.resolution is Resolution.SUPERSEDED
        and ShowCard in owed(denied)
    )


def test_an_allowed_action_is_not_asked_about_and_a_forbidden_one_is_blocked() -> None:
    told = story(
        replied(proposal("t1c1"), proposal("t1c2")), judged("t1c1", Verdict.ALLOW), judged("t1c2", Verdict.DENY)
    )
    assert [call.state for call in told.run.calls] == [CallState.ALLOWED, CallState.REFUSED]
    assert ShowCard not in owed(told)


def test_an_ask_without_terms_blocks_instead_of_running() -> None:
    told = story(replied(proposal()), replace(judged(), terms=None))
    assert told.run.call("t1c1").outcome is Outcome.BLOCKED


def test_the_model_goes_on_only_when_every_call_of_the_turn_has_an_output() -> None:
    told = story(
        replied(proposal("t1c1"), proposal("t1c2"), proposal("t1c3", valid=False)), judged("t1c1", Verdict.DENY)
    )
    assert told.run.state is RunState.ACTING
    told.tell(judged("t1c2", Verdict.ALLOW), Started(CallId("t1c2"), "a", "w"))
    assert told.run.state is RunState.ACTING
    told.tell(Finished(CallId("t1c2"), "a", False, '"no"', 0.1))
    assert told.run.state is RunState.THINKING


def test_missing_context_asks_the_requester_and_only_their_answer_continues() -> None:
    told = story(replied(proposal()), judged(needs_context=True))
    assert told.run.state is RunState.WAITING_FOR_REQUESTER and AskRequester in owed(told)
    told.tell(said("I think it is fine", BOB, "m2"))
    assert told.run.state is RunState.WAITING_FOR_REQUESTER
    told.tell(said("it is for incident 7", ALICE, "m3"))
    assert told.run.state is RunState.THINKING


def test_an_answer_given_before_the_turn_is_over_is_not_asked_for_again() -> None:
    told = story(
        replied(proposal("t1c1"), proposal("t1c2")), judged("t1c1", needs_context=True), said("for incident 7")
    )
    told.tell(judged("t1c2", Verdict.DENY))
    assert told.run.state is RunState.THINKING


def test_a_message_that_the_model_has_not_heard_makes_it_think_again() -> None:
    told = story(said("and make it quick"), replied(text="done", heard=1))
    assert told.run.state is RunState.THINKING and owed(told) == {CallModel, PostReply}
    late = story(replied(text="done", heard=1), said("one more thing"))
    late.tell(reply_delivered())
    assert late.run.state is RunState.THINKING


def test_the_same_message_is_heard_once() -> None:
    told = story(said("hello", message="m2"))
    assert told.try_to(said("hello", message="m2")) is not None


def test_words_of_our_own_end_a_run_without_the_model() -> None:
    told = story(Answered("Tell me what to do."))
    assert told.run.state is RunState.REPLYING
    told.tell(reply_delivered())
    assert told.run.state is RunState.DONE


def test_an_interrupted_action_is_in_doubt_until_a_person_says_what_happened() -> None:
    for answer, state in (
        (Answer.DID_RUN, CallState.EXECUTED),
        (Answer.UNKNOWN, CallState.IN_DOUBT),
    ):
        told = started()
        told.tell(DOUBTED)
        assert told.run.state is RunState.ACTING and ShowCard in owed(told)
        told.tell(Settled(CallId("t1c1"), answer, CAROL))
        assert told.run.call("t1c1").state is state and told.run.state is RunState.THINKING


def test_only_an_action_that_may_be_rerun_is_started_again_and_at_most_three_times() -> None:
    told = story(replied(proposal()), judged(verdict=Verdict.ALLOW), STARTED)
    assert told.try_to(replace(STARTED, attempt="attempt2")) is not None
    rerun = replace(proposal(), binding=replace(proposal().binding, on_crash="rerun"))
    again = story(replied(rerun), judged(verdict=Verdict.ALLOW), STARTED)
    again.tell(replace(STARTED, attempt="attempt2"), replace(STARTED, attempt="attempt3"))
    assert again.try_to(replace(STARTED, attempt="attempt4")) is not None
    assert again.try_to(FINISHED) is not None, "the first attempt is not the one that counts"
    again.tell(replace(FINISHED, attempt="attempt3"))


def test_nobody_is_asked_for_ever_about_an_action_in_doubt_or_for_more_context() -> None:
    told = started()
    told.tell(replace(DOUBTED, asks_until=LATE))
    assert [effect.not_before for effect in pending(told.run) if isinstance(effect, StopAsking)] == [LATE]
    told.tell(Settled(CallId("t1c1"), Answer.UNKNOWN, None))
    assert StopAsking not in owed(told) and told.run.state is RunState.THINKING
    waiting = story(replied(proposal()), judged(needs_context=True))
    assert [e.not_before for e in pending(waiting.run) if isinstance(e, StopWaiting)] == [NOON + 86_400.0]


def test_bighub_is_told_that_nobody_knows_and_again_when_somebody_does() -> None:
    told = story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.ALLOW), STARTED, DOUBTED)
    assert ReportOutcome not in owed(told)
    told.tell(Settled(CallId("t1c1"), Answer.UNKNOWN, CAROL))
    assert [e.key for e in pending(told.run) if isinstance(e, ReportOutcome)] == ["outcome:t1c1:in_doubt"]
    told.tell(Delivered("outcome:t1c1:in_doubt"))
    assert ReportOutcome not in owed(told)
    told.tell(Settled(CallId("t1c1"), Answer.DID_RUN, CAROL))
    assert [e.key for e in pending(told.run) if isinstance(e, ReportOutcome)] == ["outcome:t1c1"]


def test_what_is_said_while_our_own_words_are_posted_reaches_the_model() -> None:
    told = story(Answered("Tell me what to do."), said("grant bob admin"))
    told.tell(reply_delivered())
    assert told.run.state is RunState.THINKING


def test_one_human_is_one_vote_also_under_two_teams() -> None:
    told = story(replied(proposal()), judged(quorum=2), CARD, voted(person=CAROL))
    assert told.try_to(voted(person=replace(CAROL, team="E1"))) is not None


def test_late_evidence_settles_a_doubt_but_never_overwrites_a_persons_answer() -> None:
    told = started()
    told.tell(DOUBTED, FINISHED)
    assert told.run.call("t1c1").state is CallState.EXECUTED
    answered = started()
    answered.tell(DOUBTED, Settled(CallId("t1c1"), Answer.DID_NOT_RUN, CAROL), FINISHED)
    call = answered.run.call("t1c1")
    assert (call.state, call.output, call.late) == (CallState.FAILED, "", FINISHED)
    assert answered.try_to(FINISHED) is not None, "it is kept once"


def test_why_nobody_knows_is_kept_until_somebody_says_what_happened() -> None:
    doubted = replace(DOUBTED, error="It did not answer within 60 s.")
    told = started()
    told.tell(doubted)
    assert told.run.call("t1c1").reason == doubted.error
    for answer, reason in (
        (Answer.UNKNOWN, doubted.error),
        (Answer.DID_RUN, ""),
        (Answer.DID_NOT_RUN, "It did not run."),
    ):
        told = started()
        told.tell(doubted, Settled(CallId("t1c1"), answer, CAROL))
        assert told.run.call("t1c1").reason == reason


def test_a_result_of_another_attempt_is_refused() -> None:
    told = started()
    assert told.try_to(Finished(CallId("t1c1"), "attempt0", True, "{}", 1.0)) is not None
    assert told.try_to(Doubted(CallId("t1c1"), "attempt0", ApprovalId("q"))) is not None


@pytest.mark.parametrize("ground", list(Ground))
def test_an_allowed_call_can_still_be_refused_and_then_never_starts(ground: Ground) -> None:
    told = asking()
    told.tell(voted(), CallRefused(CallId("t1c1"), ground, "things changed"))
    assert told.run.call("t1c1").state is CallState.REFUSED
    assert told.try_to(STARTED) is not None


@pytest.mark.parametrize("end", [Cancelled(ALICE, "enough"), RunFailed("the model is away")])
def test_an_ended_run_closes_what_is_open_and_lets_a_started_action_finish(end: Event) -> None:
    told = story(replied(proposal("t1c1"), proposal("t1c2")), judged("t1c1"), CARD, voted(), STARTED, end)
    assert told.run.call("t1c2").outcome is Outcome.CANCELLED
    assert told.run.call("t1c1").state is CallState.STARTED
    assert PostEnd in owed(told) and CallModel not in owed(told)
    told.tell(FINISHED)
    assert told.run.call("t1c1").state is CallState.EXECUTED and told.run.state in (RunState.CANCELLED, RunState.FAILED)


def test_r19_a_restore_ends_the_run_and_casts_doubt_on_what_may_have_run_after_the_backup() -> None:
    told = story(replied(proposal("t1c1"), proposal("t1c2")), judged("t1c1"), CARD, voted(), judged("t1c2"))
    restored = Restored(1, "The database was restored.")
    refused = told.try_to(restored)
    assert refused is not None and "doubted first" in refused.reason
    told.tell(replace(DOUBTED, attempt=""), restored)
    assert told.run.state is RunState.FAILED and told.run.end_reason == "The database was restored."
    assert told.run.call("t1c1").state is CallState.IN_DOUBT and told.run.call("t1c1").phase == "in_doubt"
    assert (
        told.run.call("t1c2").reason == RESTORED and told.run.call("t1c2").approval.resolution is Resolution.WITHDRAWN
    )
    assert {StartAction, CallModel, Recover, Expire} & owed(told) == set()
    assert {PostEnd, ShowCard, StopAsking} <= owed(told)
    assert told.try_to(STARTED) is not None


def test_a_card_is_owed_until_it_shows_the_present_phase() -> None:
    told = asking()
    assert ShowCard not in owed(told)
    told.tell(voted(), STARTED, FINISHED)
    (effect,) = (effect for effect in pending(told.run) if isinstance(effect, ShowCard))
    assert effect.shows == "executed"
    told.tell(CardShown(CallId("t1c1"), "C0OPS", "card", "executed"))
    assert ShowCard not in owed(told)


def test_a_failing_effect_waits_and_the_thread_hears_of_it_after_ten_seconds() -> None:
    told = story(AttemptFailed("model:1", "500", NOON + 4.0))
    effects = {type(effect): effect for effect in pending(told.run)}
    assert effects[CallModel].not_before == NOON + 4.0
    assert effects[PostDelay].not_before == NOON + 10.0
    told.tell(Delivered("delay:model:1"), AttemptFailed("model:1", "500", NOON + 20.0), at=NOON + 11)
    assert owed(told) == {CallModel}
    assert told.run.trouble("model:1").count == 2 and told.run.trouble("model:1").since == NOON


def test_r9_what_was_approved_and_waits_for_the_guard_is_told_of_after_ten_seconds() -> None:
    told = story(replied(proposal()), judged(), CARD, voted(), AttemptFailed("act:t1c1", "BIGHUB is away", NOON + 4.0))
    (delay,) = [effect for effect in pending(told.run) if isinstance(effect, PostDelay)]
    assert delay == PostDelay("act:t1c1", NOON + 10.0)


def test_success_forgets_the_trouble_of_its_own_effect_only() -> None:
    told = story(AttemptFailed("model:1", "500", 1.0), AttemptFailed("card:x", "429", 2000.0), replied(proposal()))
    assert [trouble.key for trouble in told.run.troubles] == ["card:x"]


def test_an_illegal_event_is_refused_and_nothing_happens() -> None:
    done = story(replied(text="done"), reply_delivered())
    before = done.run
    for event in (
        replied(text="again"),
        judged(),
        voted(),
        STARTED,
        FINISHED,
        said("too late"),
        Cancelled(ALICE),
        Answered("x"),
    ):
        refused = done.try_to(event)
        assert refused is not None and refused.reason
        assert done.run == before


def test_every_pair_of_call_state_and_event_outside_the_table_is_refused() -> None:
    events = {
        type(e): e
        for e in (
            judged(),
            voted(),
            Expired(ApprovalId("ap_t1c1")),
            STARTED,
            FINISHED,
            DOUBTED,
            CallRefused(CallId("t1c1"), Ground.FROZEN, "f"),
            Settled(CallId("t1c1"), Answer.DID_RUN, CAROL),
        )
    }
    stories = {
        CallState.PROPOSED: lambda: story(replied(proposal(), proposal("t1c2"))),
        CallState.ASKING: lambda: story(replied(proposal(), proposal("t1c2")), judged(), CARD),
        CallState.ALLOWED: lambda: story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.ALLOW)),
        CallState.STARTED: lambda: story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.ALLOW), STARTED),
        CallState.EXECUTED: lambda: story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.ALLOW), STARTED, FINISHED),
        CallState.IN_DOUBT: lambda: story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.ALLOW), STARTED, DOUBTED),
        CallState.REFUSED: lambda: story(replied(proposal(), proposal("t1c2")), judged(verdict=Verdict.DENY)),
    }  # fmt: skip
    for (state, make), (kind, event) in itertools.product(stories.items(), events.items()):
        told = make()
        before = told.run
        at = LATE if kind is Expired else NOON
        if (state, kind) == (CallState.ALLOWED, Doubted):
            event = replace(DOUBTED, attempt="")  # what a restore says of a call that was about to start
        refused = told.try_to(event, at=at)
        only_by_more = {(CallState.STARTED, Started), (CallState.EXECUTED, Finished), (CallState.FAILED, Finished)}
        if (state, kind) in CALL_TRANSITIONS and (state, kind) not in only_by_more:
            assert refused is None, (state, kind, refused)
        else:
            assert refused is not None and told.run == before, (state, kind)


def test_every_reachable_state_and_outcome_has_a_status_of_the_founding_readme() -> None:
    assert set(STATUSES.values()) == {"executed", "blocked", "approval_required", "tool_error"}


def test_ends_have_no_way_out() -> None:
    for (state, _), targets in RUN_TRANSITIONS.items():
        if state in (RunState.DONE, RunState.CANCELLED, RunState.FAILED):
            assert targets == {state}


LEGAL = {
    1: "c1511074949d33cc59b3a08a2b3e51e8379a90ef007068678404e2ce81bdc60e",
    2: "343fb76a9c506994a39558c698e79a108c5de73569aff9081e178dab25d2957c",
    3: "343fb76a9c506994a39558c698e79a108c5de73569aff9081e178dab25d2957c",
    4: "343fb76a9c506994a39558c698e79a108c5de73569aff9081e178dab25d2957c",
}
"""The rules of each number: a digest over both tables, which a condition less (3: who approved may deny; 4: or approve again, once the
terms were tightened) does not change. One that was released is never changed."""


def test_r12_whoever_changes_what_may_happen_raises_the_number_of_the_rules() -> None:
    moves = sorted(
        (type(state).__name__, state, event.__name__, sorted(after))
        for table in (RUN_TRANSITIONS, CALL_TRANSITIONS)
        for (state, event), after in table.items()
    )
    digest = hashlib.sha256(repr([[*map(str, move)] for move in moves]).encode()).hexdigest()
    assert max(LEGAL) == RULES and LEGAL[RULES] == digest


def test_a_journal_tells_the_same_run_again_and_a_broken_one_is_refused() -> None:
    told = started()
    told.tell(FINISHED)
    assert fold(RUN, told.journal) == told.run
    with pytest.raises(BrokenJournal):
        fold(RUN, told.journal[:2] + told.journal[3:])
    with pytest.raises(BrokenJournal):
        fold(RUN, told.journal[1:])
    assert fold(RUN, []) is None and asked().person == ALICE
