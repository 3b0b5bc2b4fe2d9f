"""What did not run is asked about anew, and what reports late is kept and overwrites nobody (R1, R2)."""

import json
from dataclasses import replace

import pytest

from bot.core.again import HAPPENED_AFTER_ALL, idempotency_key
from bot.core.call import MOST_ATTEMPTS, CallState, Outcome
from bot.core.effects import Judge, ShowCard, StartAction
from bot.core.events import Cancelled, Doubted, Edited, Event, Finished, Settled, Started
from bot.core.owed import pending
from bot.core.run import Run, RunState
from bot.core.transcript import items
from bot.core.values import Answer, ApprovalId, CallId, Choice, Person, Verdict
from tests.core.runs import (
    ALICE,
    CAROL,
    Story,
    binding,
    judged,
    proposal,
    replied,
    reply_delivered,
    story,
    terms,
    voted,
)

FIRST, SECOND = CallId("t1c1"), CallId("t1c1-2")
WIRE = json.dumps([{"type": "function_call", "call_id": "wire_t1c1", "name": "grant_access", "arguments": "{}"}])


def did_not_run(call: CallId = FIRST, person: Person | None = CAROL) -> Settled:
    return Settled(call, Answer.DID_NOT_RUN, person)


def started(call: CallId = FIRST, attempt: str = "attempt1") -> Started:
    return Started(call, attempt, "worker")


def doubted(call: CallId = FIRST, attempt: str = "attempt1") -> Doubted:
    return Doubted(call, attempt, ApprovalId(f"question_{call}"))


def finished(call: CallId = FIRST, attempt: str = "attempt1", *, ok: bool = True) -> Finished:
    return Finished(call, attempt, ok, '"bob is in"' if ok else "null", 2.0, "" if ok else "There is no such group.")


def approved(call: CallId = FIRST) -> Event:
    return replace(voted(Choice.APPROVE, call), via="shell")


def in_doubt(verdict: Verdict = Verdict.ASK, *more: Event) -> Story:
    told = story(replace(replied(proposal()), items=WIRE), judged(verdict=verdict))
    told.tell(*([approved()] if verdict is Verdict.ASK else []), started(), doubted(), *more)
    return told


def outputs(run: Run) -> list[dict[str, object]]:
    return [json.loads(item["output"]) for item in items(run) if item.get("type") == "function_call_output"]


def owed(run: Run, kind: type) -> list[str]:
    return [effect.key for effect in pending(run) if isinstance(effect, kind)]


def test_r2_did_not_run_opens_a_new_approval_without_votes_behind_the_old_call() -> None:
    told = in_doubt()
    run = told.tell(did_not_run())
    old, new = run.calls
    assert (old.state, old.found.person) == (CallState.FAILED, CAROL)
    assert (new.proposal.call, new.state, new.approval, new.turn) == (SECOND, CallState.PROPOSED, None, 1)
    assert new.proposal.binding == old.proposal.binding and run.state is RunState.ACTING
    assert owed(run, Judge) == ["judge:t1c1-2"]
    run = told.tell(judged(SECOND))
    assert run.call(SECOND).approval.terms.approval != old.approval.terms.approval
    assert run.call(SECOND).approval.votes == () and owed(run, StartAction) == []
    assert told.try_to(approved()) is not None, "the old vote counts for nothing"


@pytest.mark.parametrize("before", [Verdict.ASK, Verdict.ALLOW])
def test_r1_what_a_person_says_did_not_run_never_runs_without_a_new_vote(before: Verdict) -> None:
    told = in_doubt(before, did_not_run())
    allowed = judged(SECOND, Verdict.ALLOW)
    run = told.tell(allowed)
    assert run.call(SECOND).outcome is Outcome.BLOCKED, "an allowance alone does not let it run"
    asked = in_doubt(before, did_not_run())
    run = asked.tell(replace(allowed, terms=terms(SECOND)))
    assert run.call(SECOND).state is CallState.ASKING
    assert asked.tell(approved(SECOND)).call(SECOND).state is CallState.ALLOWED


def test_r1_a_probe_that_says_it_did_not_run_asks_people_where_they_had_been_asked_and_else_the_guard() -> None:
    asked = in_doubt(Verdict.ASK, did_not_run(person=None))
    assert asked.tell(judged(SECOND, Verdict.ALLOW)).call(SECOND).state is CallState.REFUSED
    allowed = in_doubt(Verdict.ALLOW, did_not_run(person=None))
    assert allowed.run.call(SECOND).state is CallState.PROPOSED, "the guard is asked again in any case"
    assert allowed.tell(judged(SECOND, Verdict.ALLOW)).call(SECOND).state is CallState.ALLOWED


def test_r17_a_probe_alone_leads_to_a_bounded_number_of_attempts() -> None:
    told, name = in_doubt(Verdict.ALLOW), FIRST
    for number in range(2, MOST_ATTEMPTS + 1):
        told.tell(did_not_run(name, None))
        name = CallId(f"t1c1-{number}")
        told.tell(judged(name, Verdict.ALLOW), started(name), doubted(name))
    run = told.tell(did_not_run(name, None))
    assert len(run.calls) == MOST_ATTEMPTS and run.state is RunState.THINKING


def test_r16_the_model_gets_one_output_for_its_call_however_often_it_is_asked_about() -> None:
    told = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND), approved(SECOND), started(SECOND, "b"))
    told.tell(doubted(SECOND, "b"), did_not_run(SECOND), judged(CallId("t1c1-3")), approved(CallId("t1c1-3")))
    run = told.tell(started(CallId("t1c1-3"), "c"), finished(CallId("t1c1-3"), "c"))
    assert run.state is RunState.THINKING and len(run.calls) == 3
    (output,) = outputs(run)
    assert (output["status"], output["output"]) == ("executed", "bob is in")


def test_r2_when_the_run_has_ended_did_not_run_only_settles() -> None:
    told = in_doubt(Verdict.ASK, Cancelled(ALICE))
    run = told.tell(did_not_run())
    assert len(run.calls) == 1 and (run.calls[0].state, run.state) == (CallState.FAILED, RunState.CANCELLED)


def test_r2_who_knew_nothing_at_first_may_say_so_later_also_when_the_run_has_gone_on_or_is_done() -> None:
    told = in_doubt(Verdict.ASK, Settled(FIRST, Answer.UNKNOWN, CAROL))
    assert told.run.state is RunState.THINKING
    thinking = told.tell(did_not_run())
    assert len(thinking.calls) == 1 and thinking.state is RunState.THINKING
    done = in_doubt(Verdict.ASK, Settled(FIRST, Answer.UNKNOWN, CAROL), replied(text="I do not know."))
    done.tell(reply_delivered())
    run = done.tell(Settled(FIRST, Answer.DID_RUN, CAROL))
    assert (run.state, run.calls[0].state) == (RunState.DONE, CallState.EXECUTED) and owed(run, ShowCard)


def test_r2_two_people_who_answer_at_once_get_one_answer() -> None:
    told = in_doubt(Verdict.ASK, Settled(FIRST, Answer.DID_RUN, CAROL))
    assert told.try_to(did_not_run()) is not None
    other = in_doubt(Verdict.ASK, did_not_run())
    assert other.try_to(Settled(FIRST, Answer.DID_RUN, CAROL)) is not None


@pytest.mark.parametrize("answer", [Answer.DID_RUN, Answer.DID_NOT_RUN])
@pytest.mark.parametrize("ok", [True, False])
def test_r2_a_late_result_is_kept_beside_a_persons_answer_and_overwrites_nothing(answer: Answer, ok: bool) -> None:
    told = in_doubt(Verdict.ASK, Settled(FIRST, answer, CAROL))
    before = told.run.call(FIRST)
    late = finished(ok=ok)
    run = told.tell(late)
    call = run.call(FIRST)
    assert (call.state, call.outcome, call.output, call.settled) == (before.state, before.outcome, "", before.settled)
    assert call.late == late and call.phase != before.phase
    assert "card:t1c1" in owed(run, ShowCard), "the card says so"


def test_r2_a_late_result_is_fenced_by_its_attempt_and_kept_once() -> None:
    told = in_doubt(Verdict.ASK, did_not_run())
    assert told.try_to(finished(attempt="another")) is not None
    told.tell(finished())
    assert told.try_to(finished(ok=False)) is not None


def test_r2_a_late_result_of_an_action_that_nobody_could_tell_about_is_the_result() -> None:
    told = in_doubt(Verdict.ASK, Settled(FIRST, Answer.UNKNOWN, CAROL))
    run = told.tell(finished())
    call = run.call(FIRST)
    assert (call.state, call.output, call.found, call.late) == (CallState.EXECUTED, '"bob is in"', None, None)
    assert outputs(run)[0]["status"] == "executed"


def test_r1_what_happened_after_all_takes_back_the_question_whether_to_run_it_again() -> None:
    told = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND))
    run = told.tell(finished())
    assert run.call(SECOND).outcome is Outcome.SUPERSEDED and run.call(SECOND).reason == HAPPENED_AFTER_ALL
    assert told.try_to(approved(SECOND)) is not None
    (output,) = outputs(run)
    assert output["status"] == "superseded" and output["earlier_attempt"]["output"] == "bob is in"
    approved_meanwhile = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND), approved(SECOND))
    assert owed(approved_meanwhile.run, StartAction) and not owed(approved_meanwhile.tell(finished()), StartAction)


def test_r1_also_what_a_person_made_of_it_meanwhile_does_not_run_any_more() -> None:
    told = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND))
    changed = replace(proposal("t1c1e"), wire="wire_t1c1", binding=binding('{"user_id":"eve"}'))
    told.tell(Edited(SECOND, changed, CAROL))
    assert told.tell(finished()).call("t1c1e").outcome is Outcome.SUPERSEDED


def test_r2_a_late_failure_leaves_the_new_question_open() -> None:
    told = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND))
    assert told.tell(finished(ok=False)).call(SECOND).state is CallState.ASKING


def test_r1_every_attempt_at_one_call_has_the_same_key_and_another_wish_has_another() -> None:
    told = in_doubt(Verdict.ASK, did_not_run(), judged(SECOND))
    run = told.run
    keys = {idempotency_key(run.id, call, run.calls) for call in run.calls}
    assert len(keys) == 1
    other = story(replied(proposal(), proposal("t1c2"))).run
    assert len({idempotency_key(other.id, call, other.calls) for call in other.calls}) == 2
    assert keys != {idempotency_key("another run", run.calls[0], run.calls)}


def test_r17_a_run_counts_its_tokens_and_the_time_it_worked_and_not_the_time_it_waited() -> None:
    told = story(replace(replied(proposal()), tokens=700, took=3.0), judged())
    told.tell(approved(), at=4_000.0)
    told.tell(started(), finished(), replace(replied(text="Done.", heard=1), tokens=50, took=1.5), at=4_900.0)
    assert (told.run.tokens, told.run.worked) == (750, 6.5)
