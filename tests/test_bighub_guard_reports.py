"""Promises of the BIGHUB guard when it reports, told against a real server: H8, H9, H15; R9."""

import dataclasses
from collections.abc import AsyncIterator
from importlib.metadata import version

import pytest

from bot.bighub_guard import BighubGuard
from bot.core.events import Doubted, Edited, Event, Expired, Finished, SaferAsked, Settled
from bot.core.moments import moments
from bot.core.values import Answer, ApprovalId, CallId, Choice, Judgement, Proposal, Verdict
from bot.execution_events import SOURCE_VERSION
from bot.ports import Rejected, Unavailable
from tests.bighub_cases import APPROVAL, BINDING, CAROL, RAN, history, question, voted
from tests.servers.bighub_decisions import blocked, review
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import Fault, Html


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


@pytest.fixture
async def guard(bighub: BighubServer) -> AsyncIterator[BighubGuard]:
    opened = BighubGuard(API_KEY, bighub.url)
    yield opened
    await opened.close()


async def asked(guard: BighubGuard, bighub: BighubServer) -> Judgement:
    bighub.default = review()
    return await guard.judge(question())


async def test_an_approval_is_resolved_once_however_often_it_is_reported(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE, "go ahead"))
    assert call.approval is not None
    await guard.report_resolution(run, call, call.approval)
    await guard.report_resolution(run, call, call.approval)
    request_id = bighub.evaluations[0].request_id
    sent = {"request_id": request_id, "resolution": "approved", "comment": "approved by UCAROL (shell): go ahead"}
    assert bighub.resolutions == [sent]
    assert bighub.approvals[request_id]["status"] == "approved"


@pytest.mark.parametrize(
    ("event", "comment"), [(voted(Choice.DENY, "no"), "denied by UCAROL (shell): no"), (Expired(APPROVAL), "Expired: ")]
)
async def test_whatever_is_no_approval_is_a_denial_with_its_reason(
    guard: BighubGuard, bighub: BighubServer, event: Event, comment: str
) -> None:
    run, call = history(await asked(guard, bighub), event)
    assert call.approval is not None
    await guard.report_resolution(run, call, call.approval)
    assert bighub.resolutions[0]["resolution"] == "denied"
    assert bighub.resolutions[0]["comment"].startswith(comment)


@pytest.mark.parametrize("what", ["edit", "safer"])
async def test_what_people_changed_instead_of_deciding_is_reported_as_modified_and_never_as_approved(
    guard: BighubGuard, bighub: BighubServer, what: str
) -> None:
    judgement = dataclasses.replace(await asked(guard, bighub), better_action="Grant less")
    exact = dataclasses.replace(BINDING, arguments='{"password":"hunter2","user_id":"eve"}', secret=("password",))
    new = Proposal(CallId("c1e"), "w1", "grant_access", "{}", exact)
    run, call = history(
        judgement, Edited(CallId("c1"), new, CAROL) if what == "edit" else SaferAsked(CallId("c1"), CAROL)
    )
    assert call.approval is not None
    await guard.report_resolution(run, call, call.approval)
    (sent,) = bighub.resolutions
    wanted = 'grant_access {"password":"[secret, 7 characters]","user_id":"eve"}' if what == "edit" else "Grant less"
    assert (sent["resolution"], sent["review_decision"], sent["modified_action"]) == ("denied", "modified", wanted)
    assert "UCAROL" in sent["comment"] and sent["comment"].startswith("Modified: ")
    await guard.report_outcome(run, call)
    assert bighub.outcomes[0]["status"] == "SUPERSEDED" and bighub.outcomes[0]["human_final_action"] == wanted


async def test_a_question_about_what_people_changed_names_the_one_before(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    await guard.judge(question())
    await guard.judge(dataclasses.replace(question(), key="another", supersedes="req_1"))
    assert [each.body["context"].get("supersedes") for each in bighub.evaluations] == [None, "req_1"]


async def test_r9_a_lost_receipt_is_read_before_it_is_sent_again(guard: BighubGuard, bighub: BighubServer) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE))
    assert call.approval is not None
    bighub.fail("resolve", Fault(502), times=1, after=True)
    with pytest.raises(Unavailable):
        await guard.report_resolution(run, call, call.approval)
    await guard.report_resolution(run, call, call.approval)
    assert len(bighub.resolutions) == 1
    assert bighub.calls["resolve"] == 1


async def test_r9_a_resolution_is_sent_again_where_bighub_refuses_so_wide_a_listing(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE))
    bighub.widest_limit = 200
    await guard.report_resolution(run, call, call.approval)
    await guard.report_resolution(run, call, call.approval)
    assert len(bighub.resolutions) == bighub.calls["resolve"] == 1


async def test_r9_what_is_known_is_found_in_a_listing_of_more_than_five_hundred(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    older = {f"old_{n}": {"request_id": f"old_{n}", "status": "denied"} for n in range(501)}
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE))
    bighub.resolve_elsewhere(bighub.evaluations[0].request_id, "denied")
    bighub.approvals = older | bighub.approvals
    await guard.report_resolution(run, call, call.approval)
    assert bighub.calls["resolve"] == 0


async def test_what_was_decided_on_the_dashboard_is_not_decided_again(guard: BighubGuard, bighub: BighubServer) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE))
    bighub.resolve_elsewhere(bighub.evaluations[0].request_id, "denied")
    assert call.approval is not None
    await guard.report_resolution(run, call, call.approval)
    assert bighub.resolutions == []


async def test_an_approval_that_only_the_local_rules_wanted_is_no_business_of_bighub(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    allowed = await guard.judge(question())
    tightened = Judgement(Verdict.ASK, "", "BIGHUB", request_id=allowed.request_id)
    run, call = history(tightened, voted(Choice.APPROVE))
    assert call.approval is not None
    await guard.report_resolution(run, call, call.approval)
    assert bighub.resolutions == []


@pytest.mark.parametrize("endpoint", ["approvals", "resolve"])
async def test_h8_a_page_instead_of_a_receipt_is_tried_again(
    guard: BighubGuard, bighub: BighubServer, endpoint: str
) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE))
    bighub.fail(endpoint, Html(), times=1)
    assert call.approval is not None
    with pytest.raises(Unavailable):
        await guard.report_resolution(run, call, call.approval)
    await guard.report_resolution(run, call, call.approval)
    assert len(bighub.resolutions) == 1


async def test_an_executed_call_is_reported_once_as_a_success(guard: BighubGuard, bighub: BighubServer) -> None:
    run, call = history(await asked(guard, bighub), voted(Choice.APPROVE), *RAN)
    await guard.report_outcome(run, call)
    await guard.report_outcome(run, call)
    assert len(bighub.outcomes) == 1
    report = bighub.outcomes[0]
    assert (report["status"], report["request_id"]) == ("SUCCESS", bighub.evaluations[0].request_id)
    assert report["recommendation_followed"] is True
    assert report["details"]["decided_by"] == ["UCAROL"]
    assert "output" not in report["details"]


async def test_r9_an_outcome_whose_receipt_was_lost_is_not_reported_twice(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    run, call = history(await guard.judge(question()), *RAN)
    bighub.fail("report", Html(), times=1, after=True)
    with pytest.raises(Unavailable):
        await guard.report_outcome(run, call)
    await guard.report_outcome(run, call)
    assert len(bighub.outcomes) == 1


@pytest.mark.parametrize(
    ("events", "status", "outcome"),
    [
        ((voted(Choice.DENY, "no"),), "DENIED", "denied"),
        ((Expired(APPROVAL),), "EXPIRED", "expired"),
        ((voted(Choice.APPROVE), RAN[0], Finished(CallId("c1"), "a1", False, "{}", 0.1)), "FAILURE", "failed"),
        (
            (voted(Choice.APPROVE), RAN[0], Doubted(CallId("c1"), "a1", ApprovalId("q1")),
             Settled(CallId("c1"), Answer.DID_RUN, CAROL)),
            "SUCCESS",
            "executed",
        ),
    ],
)  # fmt: skip
async def test_each_outcome_has_its_word(
    guard: BighubGuard, bighub: BighubServer, events: tuple[Event, ...], status: str, outcome: str
) -> None:
    run, call = history(await asked(guard, bighub), *events)
    await guard.report_outcome(run, call)
    assert (bighub.outcomes[0]["status"], bighub.outcomes[0]["details"]["outcome"]) == (status, outcome)


async def test_h15_a_blocked_call_is_reported_too(guard: BighubGuard, bighub: BighubServer) -> None:
    bighub.default = blocked()
    run, call = history(await guard.judge(question()))
    await guard.report_outcome(run, call)
    assert bighub.outcomes[0]["status"] == "BLOCKED"
    assert bighub.outcomes[0]["recommendation_followed"] is True


async def test_memory_is_told_what_happened_without_what_the_action_returned(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    binding = dataclasses.replace(BINDING, arguments='{"token":"hunter2hunter2","user":"bob"}', secret=("token",))
    run, _ = history(await asked(guard, bighub), voted(Choice.APPROVE), *RAN, binding=binding)
    await guard.remember(run, moments(run))
    (batch,) = bighub.memory
    wanted = {
        "source": "signoff",
        "source_version": SOURCE_VERSION,
        "actor": "signoff",
        "domain": "it_actions",
        "trace_id": "run1",
        "redact": True,
        "redaction_policy": "default",
    }
    assert wanted.items() <= batch.items()
    assert "model" not in batch
    told = [(event["event_id"], event["seq"], event["status"], event["call_id"]) for event in batch["events"]]
    assert told == [
        ("run1:c1:approval_required", 0, "approval_required", "w1"),
        ("run1:c1:executed", 1, "executed", "w1"),
    ]
    assert all("output" not in event for event in batch["events"])
    assert batch["events"][0]["arguments"] == {"token": "[secret, 14 characters]", "user": "bob"}
    assert batch["events"][0]["request_id"] == bighub.evaluations[0].request_id
    assert batch["events"][0]["decision"]["mode"] == "review"


async def test_r9_a_memory_whose_receipt_was_lost_knows_the_same_events_again(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    run, _ = history(await asked(guard, bighub), voted(Choice.APPROVE), *RAN)
    for fault in (Fault(502), Html()):
        bighub.fail("memory", fault, times=1, after=True)
        with pytest.raises(Unavailable):
            await guard.remember(run, moments(run)[:1])
    await guard.remember(run, moments(run))
    assert {event["event_id"] for event in bighub.memory_events()} == {
        "run1:c1:approval_required",
        "run1:c1:executed",
    }


async def test_a_memory_that_refuses_is_told_so(guard: BighubGuard, bighub: BighubServer) -> None:
    run, _ = history(await guard.judge(question()), *RAN)
    bighub.fail("memory", Fault(422))
    with pytest.raises(Rejected, match="422"):
        await guard.remember(run, moments(run))


def test_the_version_that_memories_are_told_is_this_one() -> None:
    assert f"signoff@{version('signoff')}" == SOURCE_VERSION


async def test_what_bighub_never_judged_is_not_reported_to_it(guard: BighubGuard, bighub: BighubServer) -> None:
    run, call = history(Judgement(Verdict.ALLOW, "", "Local rules"), *RAN)
    await guard.report_outcome(run, call)
    assert bighub.calls["report"] == bighub.calls["outcome"] == 0
