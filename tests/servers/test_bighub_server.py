"""Promises of the programmable BIGHUB, told through the unmodified bighub SDK."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from bighub import AsyncBighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubTimeoutError, BighubValidationError

from tests.servers.bighub_decisions import blocked, decision, legacy_decision, needs_context, review
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import BrokenJson, Empty, Fault, Hang, Html


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


def connect(server: BighubServer, api_key: str = API_KEY, **options: Any) -> Any:
    return AsyncBighubClient(base_url=server.url, api_key=api_key, **{"max_retries": 0, **options})


@pytest.fixture
async def client(bighub: BighubServer) -> AsyncIterator[Any]:
    async with connect(bighub) as opened:
        yield opened


async def evaluate(client: Any, action: str = "grant_access", **options: Any) -> dict[str, Any]:
    context = {"arguments": {"user_id": "bob"}}
    answer: dict[str, Any] = await client.decisions.evaluate(action=action, context=context, raw=True, **options)
    return answer


async def test_one_idempotency_key_is_one_evaluation_with_one_answer(bighub: BighubServer, client: Any) -> None:
    first = await evaluate(client, idempotency_key="call-1:abc")
    assert await evaluate(client, idempotency_key="call-1:abc") == first
    other = await evaluate(client, idempotency_key="call-2:abc")
    assert other["request_id"] != first["request_id"]
    assert [each.key for each in bighub.evaluations] == ["call-1:abc", "call-2:abc"]
    assert bighub.replays == [first["request_id"]]
    assert bighub.evaluations[0].body["context"]["arguments"] == {"user_id": "bob"}
    with pytest.raises(BighubValidationError):
        await evaluate(client, "deploy_service", idempotency_key="call-1:abc")


@pytest.mark.parametrize(
    ("answer", "flag"),
    [
        (decision(), "can_run"),
        (decision("constrained"), "can_run"),
        (review(better_action="2h instead of 48h"), "needs_review"),
        (blocked(), "should_not_run"),
        (needs_context(), "needs_more_context"),
        (legacy_decision(True), "can_run"),
        (legacy_decision(False), "should_not_run"),
        (legacy_decision(False, result="requires_approval", requires_approval=True), "needs_review"),
    ],
)
async def test_the_sdk_reads_each_kind_of_answer_as_it_is_meant(
    bighub: BighubServer, client: Any, answer: dict[str, Any], flag: str
) -> None:
    bighub.default = answer
    read = await client.decisions.evaluate(action="grant_access")
    flags = ("can_run", "needs_review", "needs_more_context", "should_not_run")
    assert [name for name in flags if getattr(read, name)] == [flag]
    assert read.better_action == answer.get("better_action")
    assert read.request_id == bighub.evaluations[0].request_id


async def test_rules_decide_by_what_was_asked() -> None:
    def rules(body: dict[str, Any]) -> dict[str, Any] | Fault | None:
        if body["action"] == "deploy_service":
            return Fault(503)
        return review() if body["action"] == "grant_access" else None

    async with running_bighub(default=blocked(), rules=rules) as bighub, connect(bighub) as client:
        assert (await evaluate(client))["mode"] == "review"
        assert (await evaluate(client, "scan_image"))["mode"] == "blocked"
        with pytest.raises(BighubAPIError):
            await evaluate(client, "deploy_service")


async def test_a_review_opens_an_approval_that_is_resolved_once(bighub: BighubServer, client: Any) -> None:
    bighub.default = review()
    request_id = (await evaluate(client))["request_id"]
    assert [item["request_id"] for item in await client.approvals.list()] == [request_id]
    await client.approvals.resolve(request_id, resolution="approved", comment="go ahead")
    assert bighub.resolutions == [{"request_id": request_id, "resolution": "approved", "comment": "go ahead"}]
    assert await client.approvals.list() == []
    assert [item["status"] for item in await client.approvals.list(status_filter="approved")] == ["approved"]
    with pytest.raises(BighubAPIError) as conflict:
        await client.approvals.resolve(request_id, resolution="denied")
    assert conflict.value.status_code == 409
    with pytest.raises(BighubAPIError) as unknown:
        await client.approvals.resolve("req_unknown", resolution="denied")
    assert unknown.value.status_code == 404


async def test_a_decision_on_the_dashboard_shows_in_the_list(bighub: BighubServer, client: Any) -> None:
    bighub.default = review()
    request_id = (await evaluate(client))["request_id"]
    bighub.resolve_elsewhere(request_id, "denied")
    assert [item["request_id"] for item in await client.approvals.list(status_filter="denied")] == [request_id]
    assert bighub.resolutions == []


async def test_a_dry_run_leaves_no_trace(bighub: BighubServer, client: Any) -> None:
    bighub.default = review()
    assert (await evaluate(client, dry_run=True))["dry_run"] is True
    assert (bighub.evaluations, bighub.approvals) == ([], {})


async def test_outcomes_are_kept_as_sent_and_can_be_read_back(bighub: BighubServer, client: Any) -> None:
    with pytest.raises(BighubAPIError) as missing:
        await client.outcomes.get("req_1")
    assert missing.value.status_code == 404
    await client.outcomes.report(status="SUCCESS", request_id="req_1", description="done")
    assert (await client.outcomes.get("req_1"))["status"] == "SUCCESS"
    await client.outcomes.report(status="SUCCESS", request_id="req_1", description="done")
    assert len(bighub.outcomes) == 2


async def test_memory_counts_each_event_id_once_and_keeps_every_batch(bighub: BighubServer, client: Any) -> None:
    batch = {
        "source": "signoff",
        "events": [{"event_id": "e1", "seq": 1, "tool": "grant_access", "status": "executed"}],
    }
    await client.actions.ingest_memory(**batch)
    answer = await client.actions.ingest_memory(**batch)
    assert (answer["accepted"], answer["total_stored"]) == (1, 1)
    assert len(bighub.memory_events()) == 2


async def test_the_kill_switch_says_what_the_test_set(bighub: BighubServer, client: Any) -> None:
    assert (await client.kill_switch.status())["is_active"] is False
    bighub.switches.append({"switch_id": "ks_1", "scope": "global", "reason": "drill"})
    assert (await client.kill_switch.status())["is_active"] is True


async def test_a_wrong_key_is_refused_everywhere(bighub: BighubServer) -> None:
    async with connect(bighub, api_key="bh_wrong") as client:
        for request in (evaluate(client), client.approvals.list(), client.actions.status()):
            with pytest.raises(BighubAuthError):
                await request
    assert bighub.evaluations == []


@pytest.mark.parametrize("fault", [Html(), BrokenJson(), Empty()])
async def test_nonsense_with_a_200_reaches_the_caller_as_an_empty_answer(
    bighub: BighubServer, client: Any, fault: Html | BrokenJson | Empty
) -> None:
    bighub.fail("evaluate", fault)
    assert await evaluate(client) == {}
    assert bighub.evaluations == []


async def test_a_fault_lasts_as_often_as_it_was_set_for(bighub: BighubServer) -> None:
    bighub.fail("evaluate", Fault(503), times=1)
    async with connect(bighub, max_retries=1) as client:
        assert (await evaluate(client, idempotency_key="k"))["can_run"] is True
    assert bighub.calls["evaluate"] == 2
    assert len(bighub.evaluations) == 1


async def test_an_answer_can_be_lost_after_the_work_was_done(bighub: BighubServer, client: Any) -> None:
    bighub.fail("report", Fault(502), after=True)
    with pytest.raises(BighubAPIError):
        await client.outcomes.report(status="SUCCESS", request_id="req_1")
    bighub.mend("report")
    assert (await client.outcomes.get("req_1"))["status"] == "SUCCESS"


async def test_a_hanging_bighub_times_out_at_the_client(bighub: BighubServer) -> None:
    bighub.fail("kill_switch", Hang(60))
    async with connect(bighub, timeout=0.1) as client:
        with pytest.raises(BighubTimeoutError):
            await client.kill_switch.status()


async def test_a_fault_for_an_unknown_endpoint_is_a_mistake_of_the_test(bighub: BighubServer) -> None:
    with pytest.raises(ValueError, match="evaluate"):
        bighub.fail("evaluation", Fault(500))
