"""How deliveries fail, repeat and reorder, over both transports, and what the traffic log says about it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from starlette.websockets import WebSocket

from bot.workspace import RunningWorkspace, running_workspace
from bot.workspace.sockets import Link, Links
from tests.workspace.bolt import bolt_app, over_http, over_socket
from tests.workspace.conftest import MANIFEST

Json = dict[str, Any]


class Ears:
    """A Bolt app that notes every message event with its retry headers before Bolt acks it."""

    def __init__(self, workspace: RunningWorkspace) -> None:
        self.heard: list[tuple[str, str, str, str]] = []
        self.deaf = 0
        self.app: AsyncApp = bolt_app(workspace)
        self.app.use(self._note)
        self.app.event("message")(self._ignore)
        self.app.event("app_mention")(self._ignore)

    async def _note(self, body: Json, request: Any, next: Callable[[], Awaitable[None]]) -> None:
        number = request.headers.get("x-slack-retry-num", [""])[0]
        reason = request.headers.get("x-slack-retry-reason", [""])[0]
        self.heard.append((body["event"]["text"], body["event_id"], number, reason))
        if self.deaf > 0:
            self.deaf -= 1
            raise RuntimeError("deaf")
        await next()

    async def _ignore(self) -> None:
        """Bolt acks before this runs."""

    async def until(self, count: int) -> list[tuple[str, str, str, str]]:
        for _ in range(300):
            if len(self.heard) >= count:
                return self.heard
            await asyncio.sleep(0.01)
        raise TimeoutError(f"heard {len(self.heard)} of {count}: {self.heard}")


@pytest.mark.parametrize("transport", ["socket", "http"])
async def test_an_event_is_retried_with_its_id_until_it_is_acked(workspace: RunningWorkspace, transport: str) -> None:
    ears = Ears(workspace)
    ears.deaf = 2
    async with over_socket(ears.app, workspace) if transport == "socket" else over_http(ears.app, workspace):
        await workspace.person("U0ALICE").say("C0OPS", "hello")
        heard = await ears.until(3)
        await asyncio.sleep(0.1)
    reason = "timeout" if transport == "socket" else "http_error"
    first = ("0", "") if transport == "socket" else ("", "")
    assert [each[2:] for each in heard] == [first, ("1", reason), ("2", reason)]
    assert len({each[1] for each in heard}) == 1


async def test_what_happens_while_no_socket_is_open_comes_with_a_retry(workspace: RunningWorkspace) -> None:
    ears = Ears(workspace)
    await workspace.person("U0ALICE").say("C0OPS", "anybody?")
    await asyncio.sleep(0.05)
    async with over_socket(ears.app, workspace):
        ((text, _, number, _),) = await ears.until(1)
    assert (text, number) == ("anybody?", "2")


async def test_faults_drop_lose_and_duplicate_deliveries(workspace: RunningWorkspace) -> None:
    ears = Ears(workspace)
    alice = workspace.person("U0ALICE")
    async with over_socket(ears.app, workspace):
        await workspace.fault(kind="delivery", match="message", do="duplicate")
        await alice.say("C0OPS", "twice")
        twice = list(await ears.until(2))
        assert twice[0][1] == twice[1][1]
        await workspace.fault(kind="delivery", match="message", do="lose")
        await alice.say("C0OPS", "never")
        await workspace.fault(kind="delivery", match="message", do="refuse_ack")
        await alice.say("C0OPS", "again")
        heard = await ears.until(4)
    assert [each[0] for each in heard] == ["twice", "twice", "again", "again"]
    assert heard[2][1] == heard[3][1] and heard[3][2] == "1"


async def test_a_held_delivery_is_passed_by_the_next(workspace: RunningWorkspace) -> None:
    ears = Ears(workspace)
    async with over_socket(ears.app, workspace):
        await workspace.fault(kind="delivery", match="message", do="hold")
        await workspace.person("U0ALICE").say("C0OPS", "first")
        await workspace.person("U0ALICE").say("C0OPS", "second")
        assert [each[0] for each in await ears.until(2)] == ["second", "first"]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled", "too_many_websockets", "abort"])
async def test_the_app_comes_back_after_every_disconnect(workspace: RunningWorkspace, reason: str) -> None:
    ears = Ears(workspace)
    async with over_socket(ears.app, workspace):
        before = len(workspace.traffic.calls("apps.connections.open"))
        await workspace.fault(do="close_sockets", reason=reason)
        for _ in range(200):
            if len(workspace.traffic.calls("apps.connections.open")) > before and workspace.open_sockets == 1:
                break
            await asyncio.sleep(0.01)
        await workspace.person("U0ALICE").say("C0OPS", "back?")
        assert (await ears.until(1))[0][0] == "back?"


async def test_all_links_are_told_to_leave_though_one_of_them_is_gone_at_that_moment() -> None:
    told: list[str] = []

    async def gone(message: MutableMapping[str, Any]) -> None:
        if message["type"] != "websocket.accept":
            raise OSError("The other side went.")

    async def heard(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    links = Links()
    for send in (gone, heard):
        socket = WebSocket({"type": "websocket"}, connected, send)
        await socket.accept()
        links.open.append(Link(socket))
    await links.disconnect("refresh_requested", 0.0)
    assert told == ["websocket.accept", "websocket.send", "websocket.close"]


async def connected() -> Json:
    return {"type": "websocket.connect"}


async def test_each_payload_goes_to_one_of_the_open_sockets(workspace: RunningWorkspace) -> None:
    one, two = Ears(workspace), Ears(workspace)
    async with over_socket(one.app, workspace), over_socket(two.app, workspace):
        assert workspace.open_sockets == 2
        for number in range(20):
            await workspace.person("U0ALICE").say("C0OPS", str(number))
        for _ in range(100):
            if len(one.heard) + len(two.heard) == 20:
                break
            await asyncio.sleep(0.01)
        assert one.heard and two.heard and len(one.heard) + len(two.heard) == 20


async def test_a_ticket_opens_one_socket_only(workspace: RunningWorkspace) -> None:
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {workspace.app_token}"}
        async with session.get(f"{workspace.api_url}apps.connections.open", headers=headers) as answer:
            assert (await answer.json())["error"] == "insecure_request"
        async with session.post(f"{workspace.api_url}apps.connections.open", headers=headers) as answer:
            url = (await answer.json())["url"]
        async with session.ws_connect(url) as link:
            hello = await link.receive_json()
            assert hello["type"] == "hello" and hello["connection_info"]["app_id"] == "A0SIGNOFF"
            await link.ping(b"sdk-ping-pong:1")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_deliveries_over_http_are_signed_as_slack_signs(workspace: RunningWorkspace) -> None:
    ears = Ears(workspace)
    async with over_http(ears.app, workspace) as url:
        assert await workspace.world.delivery.verify_request_url()
        body = json.dumps({"type": "event_callback", "event": {"type": "message"}}).encode()
        forged = {**workspace.world.delivery.signature(body + b" "), "Content-Type": "application/json"}
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=forged) as answer:
            assert answer.status == 401
    genuine = workspace.world.delivery.signature(b"x")
    assert SignatureVerifier(workspace.signing_secret).is_valid_request(b"x", genuine)
    await workspace.fault(do="skew_clock", seconds=-301)
    stale = workspace.world.delivery.signature(b"x")
    assert not SignatureVerifier(workspace.signing_secret).is_valid_request(b"x", stale)


async def test_an_app_that_is_down_over_http_gets_four_attempts() -> None:
    async with running_workspace(
        MANIFEST, time_scale=0.001, request_url="http://127.0.0.1:9/slack/events"
    ) as workspace:
        await workspace.person("U0ALICE").say("C0OPS", "hello")
        for _ in range(200):
            attempts = workspace.traffic.deliveries("message")
            if len(attempts) == 4 and attempts[-1]["outcome"] != "pending":
                break
            await asyncio.sleep(0.01)
        assert [each["attempt"] for each in attempts] == [0, 1, 2, 3]
        assert {each["outcome"] for each in attempts} == {"connection_failed"}


async def test_a_click_with_no_socket_open_is_no_ack_and_never_retried(workspace: RunningWorkspace) -> None:
    alice = workspace.person("U0ALICE")
    assert await alice.click("C0OPS", "1.000001", "approve", force=True) == "no_ack"
    await asyncio.sleep(0.1)
    assert len(workspace.traffic.deliveries("block_actions")) == 1


async def test_closing_is_quick_with_sockets_and_streams_open() -> None:
    async with aiohttp.ClientSession() as session:
        async with running_workspace(MANIFEST) as workspace:
            ears = Ears(workspace)
            connector = over_socket(ears.app, workspace)
            handle = await connector.__aenter__()
            stream = await session.get(f"{workspace.url}/client/stream", params={"token": "xoxp-U0ALICE"})
            assert (await stream.content.readline()).startswith(b":")
            await workspace.fault(kind="api", method="auth.test", do="hang")
            hanging = asyncio.create_task(handle.client.web_client.auth_test())
            await workspace.person("U0ALICE").say("C0OPS", "on its way")
            started = time.monotonic()
        took = time.monotonic() - started
        hanging.cancel()
        await handle.close_async()  # type: ignore[no-untyped-call]
        stream.close()
    assert took < 0.3
