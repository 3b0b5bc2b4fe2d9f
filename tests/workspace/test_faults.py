"""API faults: limited, broken, lost before or after the commit, hanging; and the control API that orders them."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.workspace import RunningWorkspace

Json = dict[str, Any]


@pytest.fixture
def once(workspace: RunningWorkspace) -> AsyncWebClient:
    """A client that tries everything exactly once."""
    return AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[], timeout=1)


async def texts(workspace: RunningWorkspace) -> list[str]:
    return [each["text"] for each in await workspace.person("U0ALICE").messages("C0OPS")]


@pytest.mark.parametrize(("when", "posted"), [("before", []), ("after", ["x"])])
async def test_a_lost_response_leaves_the_caller_in_doubt(
    workspace: RunningWorkspace, once: AsyncWebClient, when: str, posted: list[str]
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="lost", when=when)
    with pytest.raises(aiohttp.ClientConnectionError):
        await once.chat_postMessage(channel="C0OPS", text="x")
    assert await texts(workspace) == posted


@pytest.mark.parametrize(("when", "posted"), [("before", []), ("after", ["x"])])
async def test_a_500_or_a_fatal_error_may_have_committed(
    workspace: RunningWorkspace, once: AsyncWebClient, when: str, posted: list[str]
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="status", status=500, when=when)
    with pytest.raises(SlackApiError):
        await once.chat_postMessage(channel="C0OPS", text="x")
    assert await texts(workspace) == posted
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error="fatal_error", when=when)
    with pytest.raises(SlackApiError) as caught:
        await once.chat_postMessage(channel="C0OPS", text="x")
    assert caught.value.response["error"] == "fatal_error"
    assert await texts(workspace) == posted * 2


async def test_a_method_can_hang_until_the_client_gives_up(workspace: RunningWorkspace, once: AsyncWebClient) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="hang", when="after")
    once.timeout = 0.1  # type: ignore[assignment]
    with pytest.raises(asyncio.TimeoutError):
        await once.chat_postMessage(channel="C0OPS", text="x")
    assert await texts(workspace) == ["x"]


async def test_a_rate_limit_is_obeyed_by_slack_sdks_handler(workspace: RunningWorkspace) -> None:
    limited = AsyncWebClient(
        token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()]
    )
    await workspace.fault(kind="api", method="chat.postMessage", do="ratelimited", retry_after=0)
    assert (await limited.chat_postMessage(channel="C0OPS", text="x"))["ok"]
    assert [each["status"] for each in workspace.traffic.calls("chat.postMessage")] == [429, 200]


async def test_slack_sdks_own_retry_posts_twice_after_a_lost_response(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="lost", when="after")
    await client.chat_postMessage(channel="C0OPS", text="x")
    assert await texts(workspace) == ["x", "x"]


async def test_a_fault_waits_for_its_turn(workspace: RunningWorkspace, once: AsyncWebClient) -> None:
    await workspace.fault(kind="api", method="chat.postMessage", do="error", error="fatal_error", skip=1, times=1)
    await once.chat_postMessage(channel="C0OPS", text="1")
    with pytest.raises(SlackApiError):
        await once.chat_postMessage(channel="C0OPS", text="2")
    await once.chat_postMessage(channel="C0OPS", text="3")
    assert await texts(workspace) == ["1", "3"]


async def test_the_control_api_needs_its_token_and_names_mistakes(workspace: RunningWorkspace) -> None:
    async def order(spec: Any, token: str) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{workspace.url}/control/faults"
        async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=spec) as answer:
            return answer.status, await answer.json()

    assert (await order({"do": "revoke_token"}, "xoxp-U0ALICE"))[0] == 401
    assert (await order({"do": "explode"}, workspace.control_token))[0] == 400
    assert (await order({"kind": "api", "do": "explode"}, workspace.control_token))[0] == 400
    assert (await order({"do": "set_user", "user": "U0ALICE"}, workspace.control_token))[0] == 400
    both = [{"do": "expire_triggers"}, {"kind": "delivery", "do": "lose"}]
    assert await order(both, workspace.control_token) == (200, {"ok": True})


async def test_traffic_shows_calls_without_tokens_and_reset_forgets(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="C0OPS", text="x", token=workspace.bot_token)
    (entry,) = workspace.traffic.calls("chat.postMessage")
    assert entry["args"]["text"] == "x" and entry["answer"]["ok"]
    headers = {"Authorization": f"Bearer {workspace.control_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{workspace.url}/control/traffic") as answer:
            body = await answer.text()
            assert workspace.bot_token not in body and '"chat.postMessage"' in body
        async with session.post(f"{workspace.url}/control/reset") as answer:
            assert (await answer.json())["ok"]
    assert await texts(workspace) == []
    assert not workspace.traffic.calls("chat.postMessage")


async def test_other_web_sites_cannot_reach_the_workspace_through_a_browser(workspace: RunningWorkspace) -> None:
    url = f"{workspace.api_url}chat.postMessage"
    form = {"token": "xoxp-U0ALICE", "channel": "C0OPS", "text": "forged"}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=form, headers={"Origin": "https://evil.example"}) as answer:
            assert answer.status == 403
        async with session.post(url, data=form, headers={"Host": "evil.example:80"}) as answer:
            assert answer.status == 403
        async with session.post(url, data=form, headers={"Origin": workspace.url}) as answer:
            assert (await answer.json())["ok"]


async def test_the_page_is_served_under_a_strict_policy_and_nothing_beside_it(workspace: RunningWorkspace) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(workspace.url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        for path in ("/page/..%2Fserver.py", "/page/server.py", "/page/%2Fetc%2Fpasswd"):
            async with session.get(URL(workspace.url + path, encoded=True)) as answer:
                assert answer.status == 404
