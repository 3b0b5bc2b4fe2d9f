"""Promises of the library's guard when it tells BIGHUB: outcomes, memory, resolutions. H6, H9, H15, H22, H24, H25; S20."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from bighub.exceptions import BighubAPIError, BighubNetworkError
from structlog.testing import capture_logs

from bot.api.guard import approved
from bot.core.call import Call
from bot.core.events import Doubted, Event, Expired, Finished, Settled
from bot.core.moments import moments
from bot.core.run import Run
from bot.core.values import Answer, ApprovalId, CallId, Choice, Judgement, Verdict
from bot.core.verdict import read_decision
from bot.ports import Rejected
from tests.api.bighub_fakes import PROCEED, Actions, Approvals, FakeBighub, OnlyActions, Outcomes
from tests.api.guard_cases import CLIENTS, Opened, guard_over, open_guard
from tests.bighub_cases import APPROVAL, BINDING, RAN, history, question, voted
from tests.servers.bighub_decisions import blocked, decision, needs_context, review
from tests.servers.bighub_server import BighubServer, running_bighub
from tests.servers.faults import Fault, Hang, Html

C1 = CallId("c1")
BRIEF = json.dumps({"messages": [], "model": "gpt-5.1"})
ALLOWED = read_decision(PROCEED)
ASKED = read_decision({"request_id": "req_1", **review()})
BLOCKED = read_decision({"request_id": "req_1", **blocked()})


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


def executed(judgement: Judgement = ALLOWED, **more: Any) -> tuple[Run, Call]:
    return history(judgement, *RAN, brief=BRIEF, **more)


async def test_a_fake_gets_the_outcome_as_the_published_adapter_reports_it() -> None:
    fake = FakeBighub()
    await guard_over(fake).report_outcome(*executed())
    (report,) = fake.outcomes.reported
    wanted = {
        "request_id": "req_1",
        "status": "SUCCESS",
        "production_action": "grant_access",
        "human_final_action": "grant_access",
        "recommendation_followed": True,
        "outcome_label_quality": "runtime",
        "reported_by": "ops-agent",
    }
    assert wanted.items() <= report.items()
    assert report["details"]["tool"] == "grant_access"
    assert (report["details"]["recommendation"], report["details"]["risk_score_was"]) == ("proceed", 0.1)
    assert not {"decision_snapshot", "correction_needed"} & report.keys()


async def test_a_failed_tool_needs_correction_and_bighub_gets_its_snapshot_back() -> None:
    judgement = read_decision({**PROCEED, "decision_packet": {"metadata": {"snapshot": 1}}})
    fake = FakeBighub()
    failed = Finished(C1, "a1", False, "null", 0.1, "ValueError: sk-0123456789abcdefghij")
    await guard_over(fake).report_outcome(*history(judgement, RAN[0], failed))
    (report,) = fake.outcomes.reported
    assert (report["status"], report["correction_needed"]) == ("FAILURE", True)
    assert report["decision_snapshot"] == {"snapshot": 1}
    assert report["details"]["error"] == "ValueError: [redacted API key]"


@pytest.mark.parametrize(
    ("judgement", "events", "status"),
    [
        (BLOCKED, (), "BLOCKED"),
        (ASKED, (voted(Choice.DENY, "no"),), "DENIED"),
        (ASKED, (Expired(APPROVAL),), "EXPIRED"),
        (ASKED, (voted(Choice.APPROVE), *RAN), "SUCCESS"),
        (
            ALLOWED,
            (RAN[0], Doubted(C1, "a1", ApprovalId("q1")), Settled(C1, Answer.UNKNOWN, None)),
            "UNKNOWN",
        ),
    ],
)
async def test_h15_every_outcome_is_reported(judgement: Judgement, events: tuple[Event, ...], status: str) -> None:
    fake = FakeBighub()
    await guard_over(fake).report_outcome(*history(judgement, *events))
    assert [report["status"] for report in fake.outcomes.reported] == [status]


async def test_nothing_is_reported_that_nobody_judged_or_that_the_program_keeps_to_itself() -> None:
    fake = FakeBighub()
    await guard_over(fake).report_outcome(*executed(Judgement(Verdict.ALLOW, "", "BIGHUB", decision="{}")))
    await guard_over(fake, outcome_reporting=False).report_outcome(*executed())
    await guard_over(fake).report_outcome(*history(ASKED))
    assert fake.outcomes.reported == []


def kinds(value: Any) -> set[type]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*map(kinds, inner))


async def test_a_client_is_told_in_plain_values() -> None:
    """No word of ours is of a kind of its own, which a client might show or store as such."""
    fake = FakeBighub()
    run, call = history(ASKED, voted(Choice.APPROVE), *RAN)
    await guard_over(fake).report_outcome(run, call)
    await guard_over(fake).remember(run, moments(run))
    told = {"outcomes": fake.outcomes.reported, "memory": fake.actions.remembered}
    assert kinds(told) <= {dict, list, str, int, float, bool, type(None)}


@pytest.mark.parametrize("opened", CLIENTS.values(), ids=CLIENTS)
async def test_each_client_of_the_sdk_reports_when_it_happened_too(opened: Opened, bighub: BighubServer) -> None:
    async with open_guard(bighub, None, opened) as guard:
        await guard.report_outcome(*executed())
    assert bighub.outcomes[0]["status"] == "SUCCESS"
    assert bighub.outcomes[0]["observed_at"].startswith("1970-01-01")


@pytest.mark.parametrize("failed", [ConnectionError("no route"), TypeError("report() got …"), RuntimeError("down")])
async def test_an_outcome_that_could_not_be_told_is_logged_and_raised_only_where_it_is_required(
    failed: Exception,
) -> None:
    fake = FakeBighub()
    fake.outcomes = Outcomes(raised=failed)
    with capture_logs() as logs:
        await guard_over(fake).report_outcome(*executed())
    assert [entry["log_level"] for entry in logs] == ["warning"]
    with pytest.raises(Rejected, match=str(failed).replace("(", r"\(").replace(")", r"\)")):
        await guard_over(fake, outcome_required=True).report_outcome(*executed())


@pytest.mark.parametrize("fault", [Html(), Fault(500), Fault(401)], ids=repr)
async def test_h8_a_required_report_without_a_receipt_has_failed(bighub: BighubServer, fault: Any) -> None:
    bighub.fail("report", fault)
    async with open_guard(bighub, outcome_required=True) as guard:
        with pytest.raises(Rejected):
            await guard.report_outcome(*executed())


async def test_what_a_client_of_somebodys_own_returns_for_a_report_says_nothing() -> None:
    fake = FakeBighub()
    await guard_over(fake, outcome_required=True).report_outcome(*executed())
    assert len(fake.outcomes.reported) == 1


async def test_h24_a_slow_synchronous_client_does_not_hold_up_the_run() -> None:
    fake = FakeBighub()
    fake.outcomes, fake.actions = Outcomes(seconds=1.5), Actions(seconds=1.5)
    guard = guard_over(fake, report_timeout_seconds=0.1)
    run, call = executed()
    began = time.monotonic()
    await guard.report_outcome(run, call)
    await guard.remember(run, moments(run))
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("endpoint", ["report", "memory"])
async def test_h24_a_bighub_that_hangs_does_not_hold_up_the_run(bighub: BighubServer, endpoint: str) -> None:
    bighub.fail(endpoint, Hang())
    run, call = executed()
    async with open_guard(bighub, report_timeout_seconds=0.1) as guard, asyncio.timeout(1):
        await guard.report_outcome(run, call)
        await guard.remember(run, moments(run))


async def test_memory_gets_every_event_with_outputs_and_without_secrets() -> None:
    binding = dataclasses.replace(BINDING, arguments='{"token":"hunter2hunter2","user":"bob"}', secret=("token",))
    fake = FakeBighub()
    run, _ = history(ASKED, voted(Choice.APPROVE), *RAN, binding=binding, brief=BRIEF)
    await guard_over(fake).remember(run, moments(run))
    (batch,) = fake.actions.remembered
    events = batch.pop("events")
    assert batch == {
        "source": "openai_adapter",
        "source_version": "signoff@test",
        "actor": "ops-agent",
        "domain": "it_actions",
        "model": "gpt-5.1",
        "trace_id": "run1",
        "redact": True,
        "redaction_policy": "default",
    }
    assert [(event["status"], event["seq"], event["output"]) for event in events] == [
        ("approval_required", 0, None),
        ("executed", 1, {"ok": True}),
    ]
    assert all(event["arguments"] == {"token": "[secret, 14 characters]", "user": "bob"} for event in events)
    assert {event["source_version"] for event in events} == {"signoff@test"}


async def test_a_call_that_could_not_be_judged_is_remembered_too() -> None:
    fake = FakeBighub(PROCEED, ConnectionError("no route"))
    judgement = await guard_over(fake, evaluate_retries=0).judge(question())
    run, _ = history(judgement)
    await guard_over(fake).remember(run, moments(run))
    (event,) = fake.actions.remembered[0]["events"]
    assert (event["status"], event["decision"]["allowed"]) == ("blocked", False)
    assert fake.actions.remembered[0]["model"] is None


async def test_no_memory_is_told_where_there_is_none_or_it_is_not_wanted() -> None:
    run, _ = executed()
    fake = FakeBighub()
    await guard_over(fake, memory_enabled=False).remember(run, moments(run))
    await guard_over(fake).remember(run, ())
    assert fake.actions.remembered == []
    with capture_logs() as logs:
        await guard_over(OnlyActions()).remember(run, moments(run))
    assert logs == []


async def test_a_memory_that_fails_is_logged_and_nothing_more() -> None:
    fake = FakeBighub()
    fake.actions = Actions(raised=ValueError("nonsense"))
    run, _ = executed()
    with capture_logs() as logs:
        await guard_over(fake, outcome_required=True).remember(run, moments(run))
    assert [entry["log_level"] for entry in logs] == ["warning"]


@pytest.mark.parametrize("opened", CLIENTS.values(), ids=CLIENTS)
async def test_each_client_of_the_sdk_resolves_and_its_receipt_is_an_approval(
    opened: Opened, bighub: BighubServer
) -> None:
    bighub.default = review()
    async with open_guard(bighub, None, opened) as guard:
        request_id = (await guard.judge(question())).request_id
        receipt = await guard.resolve(request_id, "approved", "go ahead")
        run, call = history(ASKED, voted(Choice.APPROVE))
        assert call.approval is not None
        await guard.report_resolution(run, call, call.approval)
    assert approved(receipt, "approved") == (True, "")
    assert bighub.resolutions == [{"request_id": request_id, "resolution": "approved", "comment": "go ahead"}]
    assert bighub.calls["resolve"] == 1


@pytest.mark.parametrize("widest_limit", [1_000_000, 200])
@pytest.mark.parametrize("elsewhere", ["approved", "denied"])
async def test_what_was_decided_on_the_dashboard_is_the_receipt(
    bighub: BighubServer, elsewhere: str, widest_limit: int
) -> None:
    bighub.default, bighub.widest_limit = review(), widest_limit
    async with open_guard(bighub) as guard:
        request_id = (await guard.judge(question())).request_id
        bighub.resolve_elsewhere(request_id, elsewhere)
        wanted = "denied" if elsewhere == "approved" else "approved"
        receipt = await guard.resolve(request_id, wanted, None)
    assert (receipt["request_id"], receipt["status"]) == (request_id, elsewhere)
    assert not approved(receipt, wanted)[0]


@pytest.mark.parametrize("fault", [Fault(500), Html(), None], ids=repr)
async def test_a_conflict_that_cannot_be_looked_into_stays_a_conflict(bighub: BighubServer, fault: Any) -> None:
    bighub.fail("resolve", Fault(409))
    if fault is not None:
        bighub.fail("approvals", fault)
    async with open_guard(bighub) as guard:
        with pytest.raises(BighubAPIError) as caught:
            await guard.resolve("req_1", "approved", None)
    assert caught.value.status_code == 409


async def test_a_fake_without_a_listing_has_its_conflict_raised() -> None:
    fake = FakeBighub()
    fake.approvals = Approvals(None, BighubAPIError("first", 409))
    with pytest.raises(BighubAPIError):
        await guard_over(fake).resolve("req_1", "approved", None)


@pytest.mark.parametrize("error", [BighubNetworkError("no route"), KeyError("x"), RuntimeError("down")], ids=repr)
async def test_whatever_else_a_client_raises_is_raised_as_it_is(error: Exception) -> None:
    fake = FakeBighub()
    fake.approvals = Approvals(None, error)
    with pytest.raises(type(error)) as caught:
        await guard_over(fake).resolve("req_1", "approved", "ok")
    assert caught.value is error


async def test_a_resolution_that_takes_too_long_is_a_timeout(bighub: BighubServer) -> None:
    bighub.fail("resolve", Hang())
    async with open_guard(bighub, timeout_seconds=0.1) as guard:
        with pytest.raises(TimeoutError, match=r"BIGHUB did not answer within 0.1 s\."):
            await guard.resolve("req_1", "approved", None)


async def test_a_receipt_that_is_no_object_is_an_empty_one() -> None:
    fake = FakeBighub()
    fake.approvals = Approvals(SimpleNamespace(status="approved"))
    assert await guard_over(fake).resolve("req_1", "approved", None) == {}


@pytest.mark.parametrize(
    "receipt",
    [
        {"status": "approved"},
        {"status": "APPROVED", "resolution": "Approved"},
        {"status": "approved", "resolution": None},
    ],
    ids=repr,
)
def test_a_clear_approval_is_one(receipt: dict[str, Any]) -> None:
    assert approved(receipt, "approved") == (True, "")


@pytest.mark.parametrize(
    ("receipt", "said"),
    [
        ({}, "neither a status nor a resolution"),
        ({"resolution": "approved"}, 'resolution "approved"'),
        ({"status": "resolved"}, 'status "resolved"'),
        ({"status": True}, "status true"),
        ({"status": "approved", "resolution": "denied"}, 'status "approved", resolution "denied"'),
        ({"status": "approved", "resolution": "modified"}, 'resolution "modified"'),
        ({"status": "pending"}, 'status "pending"'),
    ],
)
def test_h22_h25_anything_else_is_no_approval_and_is_quoted(receipt: dict[str, Any], said: str) -> None:
    agreed, why = approved(receipt, "approved")
    assert not agreed
    assert said in why


def test_h22_a_denial_that_was_asked_for_is_never_an_approval() -> None:
    assert not approved({"status": "approved"}, "denied")[0]


def test_the_decisions_of_these_tests_are_what_they_seem() -> None:
    verdicts = [read_decision(each).verdict for each in (PROCEED, decision(), review(), blocked(), needs_context())]
    assert verdicts == [Verdict.ALLOW, Verdict.ALLOW, Verdict.ASK, Verdict.DENY, Verdict.ASK]
