"""Promises of the BIGHUB guard when it judges, told against a real server: H2, H3, H8, H12; R8, S20, S22."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.bighub_guard import BighubGuard
from bot.core.values import Verdict
from bot.errors import ConfigurationError
from bot.ports import Guard, Rejected, Unavailable
from tests.bighub_cases import question
from tests.servers.bighub_decisions import blocked, legacy_decision, needs_context, review
from tests.servers.bighub_server import API_KEY, BighubServer, running_bighub
from tests.servers.faults import BrokenJson, Empty, Fault, Hang, Html


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


@pytest.fixture
async def guard(bighub: BighubServer) -> AsyncIterator[BighubGuard]:
    opened = BighubGuard(API_KEY, bighub.url)
    yield opened
    await opened.close()


async def test_h2_the_question_carries_arguments_place_requester_and_digest(
    guard: BighubGuard, bighub: BighubServer
) -> None:
    port: Guard = guard
    judgement = await port.judge(question())
    assert judgement.verdict is Verdict.ALLOW
    sent = bighub.evaluations[0].body
    assert (sent["action"], sent["actor"], sent["domain"], sent["target"]) == (
        "grant_access",
        "signoff",
        "it_actions",
        "okta-admins",
    )
    context = sent["context"]
    assert context["arguments"] == {"user": "bob", "token": "[secret, 12 characters]"}
    wanted = {"system": "okta", "environment": "production", "requester": "UALICE", "digest": "digest1"}
    assert wanted.items() <= context.items()
    assert judgement.request_id == bighub.evaluations[0].request_id


async def test_h3_a_question_asked_again_is_the_same_question(guard: BighubGuard, bighub: BighubServer) -> None:
    first, again = await guard.judge(question()), await guard.judge(question())
    assert first == again
    assert len(bighub.evaluations) == 1
    assert bighub.replays == [first.request_id]


async def test_h23_each_run_has_its_own_trajectory(guard: BighubGuard, bighub: BighubServer) -> None:
    await guard.judge(question())
    assert bighub.evaluations[0].body["context"]["trajectory_id"] == "run1"


async def test_a_trajectory_that_bighub_named_is_gone_on_with(guard: BighubGuard, bighub: BighubServer) -> None:
    named = (
        json.dumps({"trajectory_id": "old"}),
        json.dumps({"intelligence": {"trajectory_id": "tr_1"}}),
        "purged",
        "[]",
    )
    await guard.judge(question(earlier=named))
    assert bighub.evaluations[0].body["context"]["trajectory_id"] == "tr_1"


async def test_a_question_that_differs_in_anything_has_another_key(guard: BighubGuard, bighub: BighubServer) -> None:
    await guard.judge(question())
    later = await guard.judge(question(earlier=(json.dumps({"trajectory_id": "tr_1"}),)))
    assert later.verdict is Verdict.ALLOW
    keys = [evaluation.key for evaluation in bighub.evaluations]
    assert len(set(keys)) == 2
    assert all(key and key.startswith("run1:call1:digest1:") for key in keys)


async def test_s20_a_secret_in_the_request_does_not_leave_the_house(guard: BighubGuard, bighub: BighubServer) -> None:
    await guard.judge(question(request="use ghp_0123456789abcdefghij \ud800"))
    assert "ghp_" not in json.dumps(bighub.evaluations[0].body)


async def test_each_kind_of_answer_is_read(guard: BighubGuard, bighub: BighubServer) -> None:
    bighub.default = review("Too broad.", 0.78, better_action="Grant 2h")
    asked = await guard.judge(question("k1"))
    assert (asked.verdict, asked.risk, asked.better_action, asked.reason) == (
        Verdict.ASK,
        0.78,
        "Grant 2h",
        "Too broad.",
    )
    bighub.default = blocked()
    assert (await guard.judge(question("k2"))).verdict is Verdict.DENY
    bighub.default = needs_context()
    assert (await guard.judge(question("k3"))).needs_context
    bighub.default = legacy_decision(True)
    assert (await guard.judge(question("k4"))).verdict is Verdict.ALLOW


@pytest.mark.parametrize("fault", [Html(), Empty(), BrokenJson(), Fault(200, "[]"), Fault(200, "7")])
async def test_r8_h8_an_answer_that_is_no_decision_is_denied(
    guard: BighubGuard, bighub: BighubServer, fault: Html | Empty | BrokenJson | Fault
) -> None:
    bighub.fail("evaluate", fault)
    judgement = await guard.judge(question())
    assert judgement.verdict is Verdict.DENY
    assert judgement.ours.startswith("BIGHUB's answer ")


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
async def test_s22_a_bighub_that_is_busy_or_down_is_tried_again_by_the_engine_only(
    guard: BighubGuard, bighub: BighubServer, status: int
) -> None:
    bighub.fail("evaluate", Fault(status))
    with pytest.raises(Unavailable):
        await guard.judge(question())
    assert bighub.calls["evaluate"] == 1


async def test_a_wait_that_bighub_asks_for_is_passed_on(guard: BighubGuard, bighub: BighubServer) -> None:
    bighub.fail("evaluate", Fault(429, headers={"retry-after": "7"}))
    with pytest.raises(Unavailable) as caught:
        await guard.judge(question())
    assert caught.value.retry_after == 7.0


async def test_a_bighub_that_does_not_answer_is_given_up_in_time(bighub: BighubServer) -> None:
    bighub.fail("evaluate", Hang())
    guard = BighubGuard(API_KEY, bighub.url, timeout=0.2)
    async with asyncio.timeout(3):
        with pytest.raises(Unavailable, match=r"did not answer within 0.2 s"):
            await guard.judge(question())
    await guard.close()


async def test_a_bighub_that_is_not_there_is_unavailable() -> None:
    guard = BighubGuard(API_KEY, "http://127.0.0.1:9", timeout=2)
    with pytest.raises(Unavailable):
        await guard.judge(question())
    await guard.close()


@pytest.mark.parametrize(
    ("status", "told"),
    [(401, "BIGHUB_API_KEY"), (403, "BIGHUB_API_KEY"), (400, "refused the request (400)"), (404, "BIGHUB_BASE_URL"),
     (422, "refused the request (422)"), (302, "BIGHUB_BASE_URL")],
)  # fmt: skip
async def test_a_refusal_for_good_says_what_to_do(
    guard: BighubGuard, bighub: BighubServer, status: int, told: str
) -> None:
    bighub.fail("evaluate", Fault(status))
    with pytest.raises(Rejected, match=told.replace("(", r"\(").replace(")", r"\)")):
        await guard.judge(question())


@pytest.mark.parametrize(
    ("key", "url"), [("", None), ("bh\nx", None), ("schlüssel", None), ("k", "http://bighub.example")]
)
def test_h12_a_wrong_setting_is_named_at_once(key: str, url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="BIGHUB_"):
        BighubGuard(key, url)
