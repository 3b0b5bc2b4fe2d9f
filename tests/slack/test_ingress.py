"""The door: committed before it is acknowledged, over both transports; malformed requests are 401 (R3, R4, S11, S26)."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bot.core.inputs import Clicked, Wrote
from bot.errors import ConfigurationError
from bot.slack.cards import card
from bot.slack.ingress import MOST_BYTES, slack_routes
from bot.slack.payloads import translate
from bot.workspace import RunningWorkspace
from tests.slack.desk import RecordingDesk
from tests.slack.made import APPROVAL, asked_run, call_of
from tests.slack.transports import over_http, over_socket

SECRET = "s3cret"
BODY = json.dumps({"type": "url_verification", "challenge": "c-1"}).encode()


@pytest.fixture(params=["socket", "http"])
async def connected(request: pytest.FixtureRequest, app: AsyncApp, workspace: RunningWorkspace) -> AsyncIterator[str]:
    async with over_socket(app, workspace) if request.param == "socket" else over_http(app, workspace):
        yield str(request.param)


async def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def deliveries_are_over(workspace: RunningWorkspace, count: int) -> None:
    await eventually(lambda: len(workspace.traffic.deliveries()) >= count)
    await asyncio.sleep(0.1)


# --- both transports ------------------------------------------------------------------------------------------------


async def test_a_mention_is_one_row_although_slack_sends_two_events(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk
) -> None:
    ts = await workspace.person("U0ALICE").say("C0OPS", "<@U0SIGNOFF> grant bob admin &amp; more")
    await eventually(lambda: desk.duplicates == 1)
    (row,) = desk.rows
    wrote = translate(row)
    assert isinstance(wrote, Wrote) and (wrote.message, wrote.mentioned) == (ts, True)
    assert row.team == "T0ACME" and wrote.person.user == "U0ALICE"


async def test_a_delivery_that_could_not_be_committed_comes_again(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk
) -> None:
    """R3: no acknowledgement without a commit."""
    desk.fails = 1
    with capture_logs() as logs:
        await workspace.person("U0ALICE").say_to_bot("hello")
        await eventually(lambda: len(desk.rows) == 1)
    failures = [each for each in logs if each["event"] == "a delivery from Slack failed"]
    assert len(failures) == 1 and {each["error"] for each in failures} == {"StoreIsDown"}
    assert "a secret of the payload" not in repr(logs)


async def test_a_delivery_that_comes_twice_is_kept_once(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk
) -> None:
    await workspace.fault(kind="delivery", match="message", do="duplicate")
    await workspace.person("U0ALICE").say_to_bot("hello")
    await eventually(lambda: desk.duplicates == 1)
    assert len(desk.rows) == 1


async def test_a_command_that_comes_twice_is_answered_once(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk
) -> None:
    await workspace.fault(kind="delivery", match="slash_commands", do="duplicate")
    await workspace.person("U0ALICE").command("C0OPS", "/pending")
    await eventually(lambda: desk.duplicates == 1)
    await asyncio.sleep(0.1)
    assert len(desk.asked) == 1


async def test_chatter_edits_and_bots_are_acknowledged_and_forgotten(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk
) -> None:
    alice = workspace.person("U0ALICE")
    ts = await alice.say("C0OPS", "lunch?")
    await alice.edit("C0OPS", ts, "<@U0SIGNOFF> lunch!")
    await alice.delete("C0OPS", ts)
    await workspace.person("U0ROBOT").say("C0OPS", "<@U0SIGNOFF> beep")
    await deliveries_are_over(workspace, 4)
    assert not [each for each in workspace.traffic.deliveries() if each.get("attempt", 0) > 1]
    assert desk.rows == []


async def test_a_click_is_acknowledged_after_one_commit_and_no_call_to_slack(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk, client: Any
) -> None:
    run = asked_run()
    message = card(run, call_of(run))
    posted = await client.chat_postMessage(channel="C0OPS", text=message.text, blocks=message.blocks)
    calls = len([each for each in workspace.traffic.entries if each["kind"] == "api"])
    assert await workspace.person("U0CAROL").click("C0OPS", posted["ts"], "approve") == "ok"
    clicked = translate(desk.rows[-1])
    assert isinstance(clicked, Clicked)
    assert (clicked.person.user, clicked.action, clicked.value) == ("U0CAROL", "approve", APPROVAL)
    assert (clicked.channel, clicked.message) == ("C0OPS", posted["ts"])
    assert len([each for each in workspace.traffic.entries if each["kind"] == "api"]) == calls


async def test_a_click_that_could_not_be_committed_is_not_acknowledged(
    connected: str, workspace: RunningWorkspace, desk: RecordingDesk, client: Any
) -> None:
    run = asked_run()
    message = card(run, call_of(run))
    posted = await client.chat_postMessage(channel="C0OPS", text=message.text, blocks=message.blocks)
    desk.fails = 9
    assert await workspace.person("U0CAROL").click("C0OPS", posted["ts"], "approve") == "no_ack"
    assert desk.rows == []


# --- HTTP -----------------------------------------------------------------------------------------------------------


Post = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def post(app: AsyncApp) -> AsyncIterator[Post]:
    """Sends a request to the route, signed as Slack signs unless told otherwise; answers the status and the body."""
    web = Starlette(routes=slack_routes(app, SECRET))
    async with over_http(web) as url, aiohttp.ClientSession() as session:

        async def sent(
            body: bytes = BODY, *, age: float = 0, secret: str = SECRET, **changes: str | None
        ) -> tuple[int, str]:
            timestamp = str(int(time.time() - age))
            mac = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
            given = {"timestamp": timestamp, "signature": f"v0={mac}", "type": "application/json"} | changes
            names = {"timestamp": "X-Slack-Request-Timestamp", "signature": "X-Slack-Signature", "type": "Content-Type"}
            headers = {names[name]: value for name, value in given.items() if value is not None}
            async with session.post(url, data=body, headers=headers) as answer:
                return answer.status, await answer.text()

        yield sent


async def test_the_request_url_is_confirmed(post: Post) -> None:
    assert await post() == (200, '{"challenge":"c-1"}')


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": None},
        {"signature": None},
        {"timestamp": "now"},
        {"timestamp": "1e9"},
        {"timestamp": "-1"},
        {"timestamp": "9" * 4_000},
        {"timestamp": "٣"},
        {"signature": ""},
        {"signature": "v0=é"},
        {"signature": "v0=" + "0" * 64},
        {"secret": "another"},
        {"age": 301.0},
        {"age": -301.0},
    ],
)
async def test_what_slack_did_not_sign_just_now_is_refused(post: Post, changes: dict[str, Any]) -> None:
    assert (await post(**changes))[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b"\x00",
        b'"x"',
        b"[" * 100_000,
        b'{"type":"event_callback","event":[]}',
    ],
)
async def test_a_signed_body_that_cannot_be_read_does_no_harm(post: Post, desk: RecordingDesk, body: bytes) -> None:
    status, _ = await post(body)
    assert status in (200, 401)
    assert desk.rows == []


async def test_a_signed_form_that_cannot_be_read_does_no_harm(post: Post, desk: RecordingDesk) -> None:
    for body in (b"payload=%7B", b"payload=3", b"payload=", b"payload=null", b"x=%ff&y", b"payload=[]"):
        status, _ = await post(body, type="application/x-www-form-urlencoded")
        assert status in (200, 401)
    assert desk.rows == []


async def test_a_body_that_is_too_large_is_not_read(post: Post) -> None:
    """S26: the cap comes before the signature."""
    assert (await post(b" " * (MOST_BYTES + 1), signature="v0=0"))[0] == 413
    assert (await post(b" " * MOST_BYTES, signature="v0=0"))[0] == 401


async def test_a_replay_within_the_window_is_a_duplicate(post: Post, desk: RecordingDesk) -> None:
    event = {"type": "message", "user": "U0ALICE", "text": "hi", "ts": "1.2", "channel": "D1", "channel_type": "im"}
    body = json.dumps({"type": "event_callback", "team_id": "T0ACME", "event": event}).encode()
    assert (await post(body))[0] == (await post(body))[0] == 200
    assert (len(desk.rows), desk.duplicates) == (1, 1)


def test_an_empty_signing_secret_is_an_error_before_anything_starts(app: AsyncApp) -> None:
    for secret in ("", "  "):
        with pytest.raises(ConfigurationError, match="SLACK_SIGNING_SECRET"):
            slack_routes(app, secret)
