"""Slack's pace: who may call when, told to each and kept for it, with a clock that the test moves."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.values import Place
from bot.ports import NotOurs, NotYet, Unavailable, fenced
from bot.slack.calls import Declined
from bot.slack.chat import SlackChat
from bot.slack.pacing import KEPT_SECONDS, POST_BURST, Lane, Pacer, method, posts
from bot.workspace import RunningWorkspace
from tests.slack.hands import Hands
from tests.slack.made import ALICE, asked_run

OPS, GENERAL = posts("T0ACME", "C0OPS"), posts("T0ACME", "C0GENERAL")
Call = Callable[[], Awaitable[AsyncSlackResponse]]


@pytest.fixture
def pacer(clock: Hands) -> Pacer:
    return Pacer(clock)


@pytest.fixture
def call(client: AsyncWebClient) -> Call:
    return client.auth_test


def told(pacer: Pacer, who: str, lane: Lane = OPS) -> float:
    """In how many seconds it is ``who``'s turn; 0 for now."""
    try:
        pacer.expect_turn(who, lane)
    except Unavailable as absent:
        return absent.retry_after
    return 0.0


async def test_r9_after_a_short_burst_one_post_a_second_goes_to_a_channel(pacer: Pacer, clock: Hands) -> None:
    assert [told(pacer, f"post {n}") for n in range(POST_BURST + 3)] == [0.0] * POST_BURST + [1.0, 2.0, 3.0]
    clock.time = 100.0
    assert [told(pacer, f"later {n}") for n in range(POST_BURST + 1)] == [0.0] * POST_BURST + [1.0]


async def test_r9_a_full_channel_delays_no_other(pacer: Pacer) -> None:
    for n in range(1_000):
        told(pacer, f"post {n}")
    assert told(pacer, "post", GENERAL) == 0.0


async def test_r9_whoever_is_told_a_turn_has_not_failed_and_in_a_pause_has(
    pacer: Pacer, workspace: RunningWorkspace, call: Call
) -> None:
    for n in range(POST_BURST):
        pacer.expect_turn(f"post {n}", OPS)
    with pytest.raises(NotYet) as waiting:
        pacer.expect_turn("patient", OPS)
    assert waiting.value.retry_after == 1.0
    await workspace.fault(kind="api", method="auth.test", do="ratelimited", retry_after=30)
    with pytest.raises(Unavailable):
        await pacer.called("", OPS, call)
    with pytest.raises(Unavailable) as paused:
        pacer.expect_turn("another", OPS)
    assert not isinstance(paused.value, NotYet) and paused.value.retry_after >= 30.0


async def test_who_was_told_a_time_has_the_turn_then_whoever_came_meanwhile(
    pacer: Pacer, clock: Hands, call: Call
) -> None:
    for n in range(POST_BURST):
        await pacer.called(f"post {n}", OPS, call)
    assert told(pacer, "patient") == 1.0
    clock.time = 0.5
    assert (told(pacer, "eager"), told(pacer, "patient")) == (1.5, 0.5)
    clock.time = 1.0
    await pacer.called("patient", OPS, call)
    assert told(pacer, "patient") == 2.0


async def test_r9_slack_is_not_called_for_a_run_that_is_not_ours(pacer: Pacer) -> None:
    calls: list[str] = []

    async def post() -> AsyncSlackResponse:
        calls.append("posted")
        raise AssertionError

    async def no() -> bool:
        return False

    with fenced(no), pytest.raises(NotOurs):
        await pacer.called("post", OPS, post)
    assert calls == []


async def test_who_does_not_come_loses_the_turn(pacer: Pacer, clock: Hands) -> None:
    for n in range(100):
        told(pacer, f"post {n}")
    clock.time = 95.0 + KEPT_SECONDS + 0.5
    assert told(pacer, "post 99") == 0.0
    assert "post 0" not in pacer._of(OPS).kept


async def test_r9_a_429_pauses_the_channel_for_everyone_and_then_they_go_one_by_one(
    pacer: Pacer, clock: Hands, call: Call, workspace: RunningWorkspace
) -> None:
    await workspace.fault(kind="api", method="auth.test", do="ratelimited", retry_after=30)
    with pytest.raises(Unavailable):
        await pacer.called("refused", OPS, call)
    assert [told(pacer, who) for who in ("next", "after", "refused")] == [31.0, 32.0, 30.0]
    with pytest.raises(Unavailable):
        await pacer.called("", OPS, call)
    assert len(workspace.traffic.calls("auth.test")) == 1
    assert told(pacer, "post", GENERAL) == 0.0
    clock.time = 30.0
    await pacer.called("refused", OPS, call)
    assert told(pacer, "next") == 1.0


async def test_a_429_moves_the_turns_that_were_given_already(
    pacer: Pacer, clock: Hands, call: Call, workspace: RunningWorkspace
) -> None:
    for n in range(POST_BURST):
        await pacer.called(f"post {n}", OPS, call)
    assert [told(pacer, "first"), told(pacer, "second")] == [1.0, 2.0]
    await workspace.fault(kind="api", method="auth.test", do="ratelimited", retry_after=10)
    with pytest.raises(Unavailable):
        await pacer.called("", OPS, call)
    assert [told(pacer, "second"), told(pacer, "first"), told(pacer, "third")] == [11.0, 10.0, 12.0]


async def test_what_a_person_waits_for_goes_at_once_and_counts(pacer: Pacer, call: Call) -> None:
    for _ in range(POST_BURST + 2):
        await pacer.called("", OPS, call)
    assert told(pacer, "card") == 3.0


async def test_a_post_that_slack_declines_has_used_no_turn(
    pacer: Pacer, clock: Hands, client: AsyncWebClient, call: Call
) -> None:
    for n in range(POST_BURST):
        await pacer.called(f"post {n}", OPS, call)
    clock.time = 1.0
    with pytest.raises(Declined):
        await pacer.called("card", OPS, lambda: client.chat_postMessage(channel="C0NOWHERE", text="?"))
    assert told(pacer, "card") == 0.0


async def test_a_methods_calls_keep_to_its_tier_and_one_without_is_never_spaced(pacer: Pacer) -> None:
    update, test = method("T0ACME", "chat.update"), method("T0ACME", "auth.test")
    assert [told(pacer, f"card {n}", update) for n in range(27)] == pytest.approx([0.0] * 25 + [1.2, 2.4])
    assert [told(pacer, f"who {n}", test) for n in range(200)] == [0.0] * 200


async def test_a_channel_of_long_ago_is_forgotten(pacer: Pacer, clock: Hands, call: Call) -> None:
    for n in range(1_000):
        await pacer.called("", posts("T0ACME", f"C{n}"), call)
    clock.time = 5.0
    told(pacer, "post")
    assert list(pacer._lanes) == [OPS.name]


async def test_r9_a_thread_is_read_once_for_a_post_that_waits_for_its_turn(
    client: AsyncWebClient, workspace: RunningWorkspace, clock: Hands, place: Place
) -> None:
    pacer = Pacer(clock)
    chat = SlackChat(lambda team: client, clock=clock, pacer=pacer)
    for n in range(POST_BURST):
        told(pacer, f"post {n}")
    run: Any = asked_run(None, None, None, place=place, shown="")
    for moment in (0.0, 0.5):
        clock.time = moment
        with pytest.raises(Unavailable):
            await chat.post_notice(run, "end:1", "It ended.")
    assert workspace.traffic.calls("conversations.replies") == []
    clock.time = 1.0
    await chat.post_notice(run, "end:1", "It ended.")
    assert (
        len(workspace.traffic.calls("conversations.replies"))
        == len(workspace.traffic.calls("chat.postMessage")) - 1
        == 1
    )
    assert run.asked.person == ALICE
