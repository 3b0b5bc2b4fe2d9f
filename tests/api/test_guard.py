"""Promises of the library's guard when it judges: over the real SDK against a real server, and over clients of programs' own.

H1, H2, H3, H4, H8, H23; S20.
"""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import trustme
from bighub import AsyncBighubClient, BighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubNetworkError
from structlog.testing import capture_logs

from bot.api.facts import Facts
from bot.api.options import Options
from bot.api.parts import guard_of
from bot.api.tools import Tools
from bot.core.values import Judgement, Verdict
from bot.errors import AdapterConfigurationError
from bot.ports import Guard, Question
from tests.api.bighub_fakes import PROCEED, FakeBighub, OnlyActions
from tests.api.guard_cases import CLIENTS, Opened, guard_over, open_guard, said
from tests.bighub_cases import question
from tests.servers.bighub_decisions import blocked, needs_context, review
from tests.servers.bighub_server import BighubServer, running_bighub
from tests.servers.faults import Fault, Hang, Html


@pytest.fixture
async def bighub() -> AsyncIterator[BighubServer]:
    async with running_bighub() as server:
        yield server


def raw(judgement: Judgement) -> dict[str, Any]:
    decision: dict[str, Any] = json.loads(judgement.decision)
    return decision


@pytest.mark.parametrize("opened", CLIENTS.values(), ids=CLIENTS)
async def test_h2_h3_each_client_of_the_sdk_sends_the_arguments_and_a_key(opened: Opened, bighub: BighubServer) -> None:
    async with open_guard(bighub, said(metadata={"ticket": "INC-7"}), opened) as opened_guard:
        guard: Guard = opened_guard
        judgement = await guard.judge(question())
        await guard.judge(question())
    (asked,) = bighub.evaluations
    wanted = {"action": "grant_access", "value": 48.0, "target": "bob", "actor": "ops-agent", "domain": "it_actions"}
    assert wanted.items() <= asked.body.items()
    assert asked.body["context"]["arguments"] == {"user": "bob", "token": "[secret, 12 characters]"}
    assert {"ticket": "INC-7", "digest": "digest1", "run": "run1"}.items() <= asked.body["context"].items()
    assert asked.key is not None and asked.key.startswith("run1:call1:digest1:")
    assert bighub.replays == [judgement.request_id]
    assert judgement.verdict is Verdict.ALLOW


async def test_a_fake_gets_exactly_what_the_published_adapter_passes() -> None:
    fake = FakeBighub()
    judgement = await guard_over(fake).judge(question())
    assert (judgement.verdict, raw(judgement)) == (Verdict.ALLOW, PROCEED)
    (asked,) = fake.decisions.asked
    assert asked["raw"] is True
    assert asked["value"] == 48.0


async def test_a_client_without_decisions_is_asked_by_submit() -> None:
    client = OnlyActions()
    assert (await guard_over(client, said(value=None)).judge(question())).verdict is Verdict.ALLOW
    assert client.actions.submitted[0]["value"] is None


async def test_a_payload_leaves_out_the_value_that_there_is_not() -> None:
    client = OnlyActions()
    guard = guard_over(client, said(value=None, mode="submit_payload"))
    assert (await guard.judge(question())).verdict is Verdict.ALLOW
    await guard_over(client, decision_mode="submit_payload").judge(question())
    first, second = client.actions.payloads
    assert set(first) == {"action", "target", "domain", "actor", "context"}
    assert second["value"] == 48.0


async def test_a_payload_carries_the_key_where_the_client_takes_one(bighub: BighubServer) -> None:
    async with open_guard(bighub, decision_mode="submit_payload") as guard:
        await guard.judge(question())
    assert bighub.evaluations[0].key is not None


async def test_a_decision_object_of_the_sdk_is_read_by_what_it_was_made_of() -> None:
    answer = SimpleNamespace(raw=review("Too broad."), can_run=True)
    judgement = await guard_over(FakeBighub(answer)).judge(question())
    assert (judgement.verdict, judgement.reason) == (Verdict.ASK, "Too broad.")


async def test_a_tool_may_have_its_own_actor_and_domain() -> None:
    fake = FakeBighub()
    await guard_over(fake, said(actor="robot", domain="okta")).judge(question())
    assert (fake.decisions.asked[0]["actor"], fake.decisions.asked[0]["domain"]) == ("robot", "okta")


async def test_the_programs_own_context_goes_out_but_cannot_stand_for_what_is_judged() -> None:
    fake = FakeBighub()
    metadata = {
        "objective": "speed",
        "arguments": "none",
        "digest": "x",
        "session_id": "s",
        "when": datetime(2026, 1, 2),
    }
    metadata |= {"cost": Decimal("1.5"), "note": "token ghp_0123456789abcdefghij"}
    await guard_over(fake, said(metadata=metadata)).judge(question())
    context = fake.decisions.asked[0]["context"]
    assert (context["objective"], context["model_selection"]) == ("speed", "auto")
    assert (context["digest"], context["arguments"]["user"]) == ("digest1", "bob")
    assert (context["when"], context["cost"]) == ("2026-01-02T00:00:00", "1.5")
    assert context["note"] == "token [redacted GitHub token]"


async def test_h23_runs_share_no_session_and_no_trajectory_unless_the_program_names_one() -> None:
    fake = FakeBighub()
    await guard_over(fake).judge(question())
    await guard_over(fake, session_id="mine").judge(question(earlier=('{"intelligence":{"trajectory_id":"tr_1"}}',)))
    seen = [(asked["context"]["session_id"], asked["context"]["trajectory_id"]) for asked in fake.decisions.asked]
    assert seen == [("run1", "run1"), ("mine", "tr_1")]


async def test_where_bighub_needs_more_context_the_call_is_denied_because_nobody_waits() -> None:
    judgement = await guard_over(FakeBighub(needs_context("Why now?"))).judge(question())
    assert (judgement.verdict, judgement.needs_context) == (Verdict.DENY, False)
    assert judgement.reason == "BIGHUB needs more context: Why now?"


def callback_raising(error: Exception) -> Callable[[Question], Any]:
    def facts(_: Question) -> Any:
        raise error

    return facts


NOT_JUDGED = {
    "closed": "Evaluation failed (fail_closed): ",
    "open": 'Evaluation failed (fail_mode="open" lets only an unreachable BIGHUB pass): ',
}


@pytest.mark.parametrize("fail_mode", ["open", "closed"])
@pytest.mark.parametrize("error", [KeyError("amount"), ConnectionError("my database"), RuntimeError("x")], ids=repr)
async def test_h1_a_callback_that_fails_blocks_the_call_whatever_the_fail_mode(
    fail_mode: str, error: Exception
) -> None:
    fake = FakeBighub()
    judgement = await guard_over(fake, callback_raising(error), fail_mode=fail_mode).judge(question())
    assert judgement.verdict is Verdict.DENY
    assert judgement.reason.startswith(NOT_JUDGED[fail_mode]) and type(error).__name__ in judgement.reason
    assert (raw(judgement)["allowed"], raw(judgement)["reason"]) == (False, judgement.reason)
    assert fake.decisions.asked == []


async def test_h1_the_callback_is_named() -> None:
    wrong = AdapterConfigurationError("tool grant: value_from_args failed: KeyError: 'amount'")
    judgement = await guard_over(FakeBighub(), callback_raising(wrong)).judge(question())
    assert judgement.reason == f"Evaluation failed (fail_closed): {wrong.tell}"


async def test_a_callback_that_says_nonsense_blocks_the_call() -> None:
    for nonsense in (None, said(metadata=7)):
        guard = guard_over(FakeBighub(), lambda _, facts=nonsense: facts, fail_mode="open")
        judgement = await guard.judge(question())
        assert judgement.verdict is Verdict.DENY


async def test_a_callback_that_waits_does_not_hold_up_the_loop() -> None:
    beats: list[str] = []

    def facts(_: Question) -> Facts:
        time.sleep(0.2)
        return said()

    judging = asyncio.create_task(guard_over(FakeBighub(), facts).judge(question()))
    while not judging.done():
        beats.append(threading.current_thread().name)
        await asyncio.sleep(0.01)
    assert len(beats) > 5


AWAY = [BighubNetworkError("no route"), BighubAPIError("down", 503), ConnectionError("refused"), RuntimeError("down")]
PRESENT = [
    BighubAuthError("bad key"),
    BighubAPIError("bad", 400),
    BighubAPIError("first", 409),
    BighubAPIError("wait", 429),
]
PRESENT += [TypeError("t"), ValueError("v"), AttributeError("a"), KeyError("k"), NotImplementedError("n")]


@pytest.mark.parametrize("error", AWAY, ids=repr)
async def test_an_unreachable_bighub_is_bypassed_only_in_fail_mode_open_and_says_so(error: Exception) -> None:
    closed = await guard_over(FakeBighub(PROCEED, *[error] * 3)).judge(question())
    assert closed.verdict is Verdict.DENY
    assert raw(closed) == {
        "allowed": False,
        "result": "blocked",
        "recommendation": "do_not_proceed",
        "enforcement_mode": "advisory",
        "reason": closed.reason,
    }
    assert closed.reason.startswith("Evaluation failed (fail_closed): ")
    with capture_logs() as logs:
        opened = await guard_over(FakeBighub(PROCEED, *[error] * 3), fail_mode="open").judge(question())
    assert opened.verdict is Verdict.ALLOW
    assert raw(opened) == {
        "allowed": True,
        "result": "allowed",
        "recommendation": "proceed",
        "enforcement_mode": "advisory",
        "reason": opened.reason,
        "evaluation": "bypassed",
    }
    assert opened.reason.startswith("Evaluation bypassed (fail_open): ")
    assert str(error) in opened.reason or "503" in opened.reason
    assert any(entry["log_level"] == "warning" and entry.get("why") == opened.reason for entry in logs)


@pytest.mark.parametrize("error", PRESENT, ids=repr)
async def test_h1_every_other_fault_is_blocked_at_once_in_fail_mode_open_too(error: Exception) -> None:
    fake = FakeBighub(PROCEED, error)
    judgement = await guard_over(fake, fail_mode="open").judge(question())
    assert judgement.verdict is Verdict.DENY
    assert judgement.reason.startswith(NOT_JUDGED["open"])
    assert len(fake.decisions.asked) == 1


async def test_an_unreachable_bighub_is_asked_again_as_often_as_the_program_says() -> None:
    fake = FakeBighub(PROCEED, RuntimeError("down"), ConnectionError("down"))
    assert (await guard_over(fake, evaluate_retries=2).judge(question())).verdict is Verdict.ALLOW
    assert len(fake.decisions.asked) == 3
    never = FakeBighub(PROCEED, RuntimeError("down"))
    assert (await guard_over(never, evaluate_retries=0).judge(question())).verdict is Verdict.DENY


async def test_h3_an_answer_that_was_lost_is_asked_for_again_under_the_same_key(bighub: BighubServer) -> None:
    bighub.fail("evaluate", Fault(502), times=1, after=True)
    async with open_guard(bighub) as guard:
        judgement = await guard.judge(question())
    assert (len(bighub.evaluations), bighub.replays) == (1, [judgement.request_id])


@pytest.mark.parametrize("answer", [None, [], "proceed", 7, {}, {"reason": "hm"}, {"recommendation": 1}], ids=repr)
async def test_h8_an_unreadable_answer_is_never_bypassed(answer: object) -> None:
    judgement = await guard_over(FakeBighub(answer), fail_mode="open").judge(question())
    assert judgement.verdict is Verdict.DENY


async def test_h8_a_page_instead_of_a_decision_is_never_bypassed(bighub: BighubServer) -> None:
    bighub.fail("evaluate", Html())
    async with open_guard(bighub, fail_mode="open") as guard:
        assert (await guard.judge(question())).verdict is Verdict.DENY


@pytest.mark.parametrize("opened", CLIENTS.values(), ids=CLIENTS)
async def test_a_client_that_does_not_return_is_left_in_time(opened: Opened, bighub: BighubServer) -> None:
    bighub.fail("evaluate", Hang())
    short: dict[str, Any] = {"fail_mode": "open", "evaluate_retries": 0, "timeout_seconds": 0.2}
    async with open_guard(bighub, None, opened, **short) as guard, asyncio.timeout(2):
        judgement = await guard.judge(question())
    assert judgement.verdict is Verdict.ALLOW
    assert "did not answer within 0.2 s" in judgement.reason


async def test_a_client_with_a_limit_of_its_own_is_waited_for() -> None:
    class Slow:
        async def submit(self, **_: Any) -> Any:
            await asyncio.sleep(10.2)  # longer than BIGHUB's own client may take
            return PROCEED

    client = SimpleNamespace(actions=Slow())
    options = Options(openai_client=object(), bighub=client)
    tools = Tools()
    tools.register("grant_access", lambda: None, "Grant.", parameters_schema={"type": "object"}, strict=False)
    assert (await guard_of(options, tools).judge(question())).verdict is Verdict.ALLOW
    short = replace(options, bighub_timeout_seconds=0.1, evaluate_retries=0)
    judgement = await guard_of(short, tools).judge(question())
    assert judgement.verdict is Verdict.DENY and "did not answer within 0.1 s" in judgement.reason


async def test_a_decision_may_hold_what_json_does_not_know() -> None:
    answer = {**PROCEED, "risk_score": Decimal("0.25"), "evaluated_at": datetime(2026, 1, 2), "seen": {1}}
    judgement = await guard_over(FakeBighub(answer)).judge(question())
    assert (judgement.verdict, judgement.risk) == (Verdict.ALLOW, 0.25)
    assert raw(judgement) == {**PROCEED, "risk_score": 0.25, "evaluated_at": "2026-01-02T00:00:00", "seen": [1]}
    shares = [{**PROCEED, "max_percentage": Decimal(share)} for share in (50, 100)]
    verdicts = [(await guard_over(FakeBighub(each)).judge(question())).verdict for each in shares]
    assert verdicts == [Verdict.ASK, Verdict.ALLOW]
    endless: dict[str, Any] = dict(PROCEED)
    endless["self"] = endless
    for unwritable in (endless, {**PROCEED, (1, 2): 3}):
        assert (await guard_over(FakeBighub(unwritable), fail_mode="open").judge(question())).verdict is Verdict.DENY


@pytest.mark.parametrize("kind", [AsyncBighubClient, BighubClient])
async def test_a_certificate_that_cannot_be_trusted_is_no_absence_of_bighub(kind: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        address = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        guard = guard_over(kind(base_url=address, api_key="bh_test_key", max_retries=0), fail_mode="open")
        judgement = await guard.judge(question())
        await guard.close()
    assert judgement.verdict is Verdict.DENY
    assert "certificate cannot be trusted: check BIGHUB_BASE_URL" in judgement.reason


@pytest.mark.parametrize("key", ["sk\nx", " ", "sk\x00"], ids=["two lines", "blank", "a NUL"])
@pytest.mark.parametrize("kind", [AsyncBighubClient, BighubClient])
async def test_a_key_that_no_header_can_carry_is_no_absence_of_bighub(
    kind: Any, key: str, bighub: BighubServer
) -> None:
    guard = guard_over(kind(base_url=bighub.url, api_key=key, max_retries=0), fail_mode="open")
    judgement = await guard.judge(question())
    await guard.close()
    assert judgement.verdict is Verdict.DENY and bighub.calls["evaluate"] == 0
    assert "cannot be sent: check BIGHUB_API_KEY and BIGHUB_BASE_URL" in judgement.reason
    assert key.strip() not in judgement.reason or not key.strip()


async def test_an_agent_whose_own_client_is_closed_lets_nothing_through(bighub: BighubServer) -> None:
    async with open_guard(bighub, fail_mode="open") as guard:
        await guard.close()
    assert (await guard.judge(question())).verdict is Verdict.DENY


async def test_each_kind_of_decision_has_its_verdict() -> None:
    verdicts = [(await guard_over(FakeBighub(each)).judge(question())).verdict for each in (review(), blocked())]
    assert verdicts == [Verdict.ASK, Verdict.DENY]


async def test_a_client_is_closed_where_it_can_be() -> None:
    fake = FakeBighub()
    await guard_over(fake).close()
    await guard_over(OnlyActions()).close()
    assert fake.closed
