"""Promises about execution events: what a program sees of its calls, and what of it leaves for a memory."""

import dataclasses
import json

import pytest

from bot import execution_events
from bot.api.shapes import ToolExecutionEvent
from bot.core.call import Outcome
from bot.core.events import (
    Asked,
    CallRefused,
    Cancelled,
    Doubted,
    Event,
    Expired,
    Finished,
    Judged,
    ModelReplied,
    Settled,
)
from bot.core.moments import Moment, moments
from bot.core.run import begin
from bot.core.values import (
    Answer,
    ApprovalId,
    CallId,
    Choice,
    Ground,
    Judgement,
    Proposal,
    RunId,
    Verdict,
)
from bot.core.verdict import read_decision
from bot.execution_events import execution_event, in_order, memory_events
from tests.bighub_cases import ALICE, APPROVAL, BINDING, PLACE, RAN, TERMS, after, history, voted
from tests.servers.bighub_decisions import blocked, decision, needs_context, review

C1 = CallId("c1")
ALLOWED = read_decision({"request_id": "req_1", **decision(risk=0.2)})
ASKED = read_decision({"request_id": "req_1", **review()})
BOUND = dataclasses.replace(BINDING, arguments='{"token":"ghp_0123456789abcdefghij","user":"bob"}', secret=("token",))


def test_an_event_has_every_field_of_the_readme_in_its_order() -> None:
    run, _ = history(ALLOWED, *RAN)
    event = execution_event(run, moments(run)[0], 0)
    assert list(event) == [field.name for field in dataclasses.fields(ToolExecutionEvent)]
    assert json.loads(json.dumps(event)) == event


def test_an_executed_call_tells_its_arguments_output_and_decision() -> None:
    run, _ = history(ALLOWED, *RAN, binding=BOUND)
    event = execution_event(run, moments(run)[0], 3)
    wanted = {
        "tool": "grant_access",
        "call_id": "w1",
        "status": "executed",
        "arguments": {"token": "ghp_0123456789abcdefghij", "user": "bob"},
        "output": {"ok": True},
        "error": None,
        "event_id": "run1:c1:executed",
        "trace_id": "run1",
        "request_id": "req_1",
        "seq": 3,
        "schema_version": 1,
        "recommendation": "proceed",
        "risk_score": 0.2,
        "enforcement_mode": "autonomous",
    }
    assert wanted.items() <= event.items()
    assert event["decision"]["request_id"] == "req_1"


def test_a_call_that_was_asked_about_and_ran_is_two_events_in_the_order_of_time() -> None:
    run, _ = history(ASKED, voted(Choice.APPROVE), *RAN)
    events = [execution_event(run, moment, seq) for seq, moment in enumerate(in_order(run))]
    assert [(e["status"], e["output"], e["seq"]) for e in events] == [
        ("approval_required", None, 0),
        ("executed", {"ok": True}, 1),
    ]
    assert len({event["event_id"] for event in events}) == 2


def test_a_call_that_was_asked_about_and_denied_was_only_asked_about_at_first() -> None:
    run, _ = history(ASKED, voted(Choice.DENY, "no"))
    errors = [execution_event(run, moment, seq)["error"] for seq, moment in enumerate(in_order(run))]
    assert errors == [None, "It was denied: no"]


def test_what_happens_later_comes_last_whichever_call_it_happened_to() -> None:
    wishes = tuple(Proposal(CallId(name), name, "grant_access", "{}", BINDING) for name in ("c1", "c2"))
    run = begin(RunId("run1"), Asked(ALICE, PLACE, "1.0", "please"), 1.0)
    for at, event in enumerate((ModelReplied("[]", "", wishes, 1), Judged(C1, ASKED, TERMS)), 2):
        run = after(run, event, at)
    denied = Judgement(Verdict.DENY, "No.", "BIGHUB")
    before = in_order(after(run, Judged(CallId("c2"), denied), 5.0))
    run = after(after(run, Judged(CallId("c2"), denied), 5.0), voted(Choice.DENY), 6.0)
    assert in_order(run) == (*before, Moment(C1, "blocked"))


@pytest.mark.parametrize("answer", [blocked("Never."), needs_context("Why?")])
def test_a_call_that_bighub_itself_blocked_has_its_reason_in_the_decision(answer: dict[str, object]) -> None:
    run, _ = history(read_decision(answer))
    event = execution_event(run, moments(run)[0], 0)
    assert (event["status"], event["error"], event["output"]) == ("blocked", None, None)
    assert event["decision"]["reason"]


@pytest.mark.parametrize("answer", ["<html>", {}])
def test_a_call_that_was_blocked_without_a_decision_says_so(answer: object) -> None:
    run, _ = history(read_decision(answer))
    event = execution_event(run, moments(run)[0], 0)
    assert event["decision"] == {}
    assert "Nothing runs without one." in event["error"]


@pytest.mark.parametrize(
    ("events", "status", "error"),
    [
        ((voted(Choice.DENY, "too broad"),), "blocked", "It was denied: too broad"),
        ((voted(Choice.DENY),), "blocked", "It was denied without a reason."),
        ((Expired(APPROVAL),), "blocked", "Nobody decided in time."),
        ((Cancelled(ALICE),), "blocked", "The whole request was stopped."),
        ((CallRefused(C1, Ground.FROZEN, "Frozen: incident."),), "blocked", "Frozen: incident."),
        ((CallRefused(C1, Ground.SUPERSEDED, "It changed."),), "blocked", "It changed."),
        ((CallRefused(C1, Ground.BLOCKED, "A rule forbids it now."),), "blocked", "A rule forbids it now."),
        ((voted(Choice.APPROVE), RAN[0], Finished(C1, "a1", False, "null", 0.1, "It raised {x}.")), "tool_error", "It raised {x}."),
        (
            (voted(Choice.APPROVE), RAN[0], Doubted(C1, "a1", ApprovalId("q1")), Settled(C1, Answer.UNKNOWN, None)),
            "tool_error",
            "It was started, and nobody knows whether it happened.",
        ),
    ],
)  # fmt: skip
def test_whatever_else_ended_a_call_is_a_sentence(events: tuple[Event, ...], status: str, error: str) -> None:
    run, _ = history(ASKED, *events)
    event = execution_event(run, moments(run)[-1], 0)
    assert (event["status"], event["error"], event["output"]) == (status, error, None)
    assert event["decision"]["mode"] == "review"


def test_arguments_that_were_never_acceptable_are_none_and_the_error_says_why() -> None:
    run, _ = history(ALLOWED, binding=None)
    event = execution_event(run, moments(run)[0], 0)
    assert (event["status"], event["arguments"], event["decision"], event["error"]) == (
        "blocked",
        {},
        {},
        "user is missing.",
    )


def test_every_outcome_has_words() -> None:
    assert set(execution_events._ERRORS) == set(Outcome)


def test_signals_of_the_wrong_shape_are_left_out() -> None:
    odd = {
        "recommendation": "proceed",
        "risk_score": "0.25",
        "decision_packet": [],
        "salient_factors": [{"factor": "a"}, 7],
        "performative_contracts": "x",
        "decision_intelligence": [],
        "intelligence": {"trajectory_health": "good"},
    }
    run, _ = history(dataclasses.replace(ALLOWED, decision=json.dumps(odd)), *RAN)
    event = execution_event(run, moments(run)[0], 0)
    assert (event["risk_score"], event["trajectory_health"]) == (0.25, "good")
    assert (event["decision_packet"], event["performative_contracts"]) == (None, None)
    assert event["salient_factors"] == [{"factor": "a"}]


@pytest.mark.parametrize(
    ("answer", "verdict", "recommendation", "enforcement_mode"),
    [
        ({"mode": "review", "can_run": False, "needs_review": True, "risk": 0.78}, Verdict.ASK, "review_recommended", "review"),
        ({"mode": "autonomous", "risk": 0.78}, Verdict.ALLOW, "proceed", None),
        ({"mode": "autonomous", "should_not_run": True, "risk": 0.78}, Verdict.DENY, "do_not_proceed", None),
        ({"mode": "needs_context", "needs_more_context": True, "risk": 0.78}, Verdict.ASK, None, None),
        ({"allowed": True, "risk": 0.78}, Verdict.ALLOW, None, None),
    ],
)  # fmt: skip
def test_a_decision_of_the_newer_generation_has_the_older_signals_too(
    answer: dict[str, object], verdict: Verdict, recommendation: str | None, enforcement_mode: str | None
) -> None:
    judgement = read_decision(answer)
    assert judgement.verdict is verdict
    run, _ = history(judgement, *(RAN if verdict is Verdict.ALLOW else ()))
    event = execution_event(run, moments(run)[0], 0)
    signals = (event["recommendation"], event["risk_score"], event["enforcement_mode"])
    assert signals == (recommendation, 0.78, enforcement_mode)
    given = {**answer, "recommendation": "proceed", "risk_score": 0.1, "enforcement_mode": "advisory"}
    run, _ = history(
        dataclasses.replace(judgement, decision=json.dumps(given)), *(RAN if verdict is Verdict.ALLOW else ())
    )
    event = execution_event(run, moments(run)[0], 0)
    assert (event["recommendation"], event["risk_score"], event["enforcement_mode"]) == ("proceed", 0.1, "advisory")


@pytest.mark.parametrize("risk", [True, "high", float("nan"), [], 10**400])
def test_a_risk_that_is_no_number_is_none(risk: object) -> None:
    judgement = dataclasses.replace(ALLOWED, decision=json.dumps({"risk_score": risk}))
    run, _ = history(judgement, *RAN)
    assert execution_event(run, moments(run)[0], 0)["risk_score"] is None


def test_s20_what_goes_to_a_memory_has_no_secrets_and_no_output_unless_it_is_wanted() -> None:
    leaky = Finished(C1, "a1", True, '{"key":"ghp_0123456789abcdefghij"}', 0.1)
    run, _ = history(ALLOWED, RAN[0], leaky, binding=BOUND)
    (event,) = memory_events(run, moments(run), "signoff@1", outputs=False)
    assert event["arguments"] == {"token": "[secret, 24 characters]", "user": "bob"}
    assert "output" not in event
    assert event["source_version"] == "signoff@1"
    (event,) = memory_events(run, moments(run), "signoff@1", outputs=True)
    assert event["output"] == {"key": "[redacted GitHub token]"}


def test_a_memory_is_told_no_credentials_in_an_error_either() -> None:
    run, _ = history(ALLOWED, RAN[0], Finished(C1, "a1", False, "null", 0.1, "sk-0123456789abcdefghij is wrong"))
    (event,) = memory_events(run, moments(run), "signoff@1", outputs=True)
    assert event["error"] == "[redacted API key] is wrong"


def test_a_memory_is_told_nothing_that_no_encoder_takes() -> None:
    odd = dataclasses.replace(ALLOWED, decision='{"recommendation":"proceed","x":NaN,"y":"\\ud800"}')
    run, _ = history(odd, *RAN)
    events = memory_events(run, moments(run), "signoff@1", outputs=True)
    json.dumps(events, allow_nan=False, ensure_ascii=False).encode()
    assert (events[0]["decision"]["x"], events[0]["decision"]["y"]) == (None, "?")


def test_a_memory_that_is_told_the_rest_is_told_the_same_places() -> None:
    run, _ = history(ASKED, voted(Choice.APPROVE), *RAN)
    everything = memory_events(run, moments(run), "v", outputs=True)
    rest = memory_events(run, moments(run)[1:], "v", outputs=True)
    assert rest == everything[1:]


def test_a_moment_of_another_run_is_no_moment() -> None:
    run, _ = history(ALLOWED, *RAN)
    with pytest.raises(LookupError):
        execution_event(run, Moment(CallId("c9"), "executed"), 0)
