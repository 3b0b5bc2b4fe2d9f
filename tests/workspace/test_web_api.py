"""The Web API as slack_sdk's own client meets it: tokens, scopes, channels, messages, threads, pages."""

import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.workspace import RunningWorkspace, running_workspace
from tests.workspace.conftest import MANIFEST


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_the_bot_learns_who_it_is(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0SIGNOFF", "B0SIGNOFF", "T0ACME")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_wrong_tokens_are_refused(workspace: RunningWorkspace) -> None:
    def with_token(token: str | None) -> AsyncWebClient:
        return AsyncWebClient(token=token, base_url=workspace.api_url)

    assert await refusal(with_token(None).auth_test()) == "not_authed"
    assert await refusal(with_token("xoxb-nobody").auth_test()) == "invalid_auth"
    assert await refusal(with_token("xoxp-U0NOBODY").auth_test()) == "invalid_auth"
    assert await refusal(with_token("xoxp-U0GONE").auth_test()) == "account_inactive"
    assert await refusal(with_token(workspace.app_token).auth_test()) == "not_allowed_token_type"
    bot = with_token(workspace.bot_token)
    assert await refusal(bot.apps_connections_open(app_token=workspace.bot_token)) == "not_allowed_token_type"


async def test_a_revoked_bot_token_stays_revoked(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    await workspace.fault(do="revoke_token")
    assert await refusal(client.auth_test()) == "token_revoked"


async def test_a_method_outside_the_manifest_names_the_missing_scope(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.reactions_add(channel="C0OPS", timestamp="1.2", name="eyes")
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "reactions:write")
    assert "chat:write" in answer["provided"]


async def test_an_unknown_method_is_unknown(client: AsyncWebClient) -> None:
    assert await refusal(client.api_call("chat.shout", json={"text": "x"})) == "unknown_method"


async def test_a_post_comes_back_with_generated_block_ids(client: AsyncWebClient) -> None:
    blocks: list[Any] = [
        {"type": "divider"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}, "block_id": "mine"},
    ]
    answer = await client.chat_postMessage(channel="C0OPS", text="hello", blocks=blocks)
    posted = answer["message"]["blocks"]
    assert posted[0]["block_id"] and posted[1]["block_id"] == "mine"
    assert answer["message"]["bot_id"] == "B0SIGNOFF"


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C0GENERAL", "not_in_channel"), ("C0NOWHERE", "channel_not_found"), ("C0OLD", "is_archived")],
)
async def test_the_bot_posts_only_where_it_may(client: AsyncWebClient, channel: str, error: str) -> None:
    assert await refusal(client.chat_postMessage(channel=channel, text="x")) == error


async def test_a_private_channel_does_not_exist_for_outsiders(workspace: RunningWorkspace) -> None:
    dan = AsyncWebClient(token="xoxp-U0DAN", base_url=workspace.api_url)
    assert await refusal(dan.conversations_info(channel="G0SECRET")) == "channel_not_found"


async def test_texts_and_metadata_have_limits(client: AsyncWebClient) -> None:
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="x" * 40_001)) == "msg_too_long"
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="")) == "no_text"
    big = {"event_type": "card", "event_payload": {"id": "x" * 9_000}}
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="x", metadata=big)) == "metadata_too_large"
    broken = {"event_type": "card"}
    assert (
        await refusal(client.chat_postMessage(channel="C0OPS", text="x", metadata=broken)) == "invalid_metadata_format"
    )


async def test_blocks_in_the_wrong_shape_are_refused_with_pointers(client: AsyncWebClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0OPS", text="x", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]
    assert answer["response_metadata"]["messages"][1].startswith("[ERROR] must be less than 3001")
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="x", blocks="{")) == "invalid_blocks_format"


async def test_updating_with_text_alone_removes_the_blocks(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0OPS", text="a", blocks=[{"type": "divider"}])
    kept = await client.chat_update(channel="C0OPS", ts=posted["ts"], blocks=[{"type": "divider", "block_id": "two"}])
    assert kept["message"]["text"] == "a" and kept["message"]["blocks"][0]["block_id"] == "two"
    assert "edited" not in kept["message"]
    bare = await client.chat_update(channel="C0OPS", ts=posted["ts"], text="b")
    assert "blocks" not in bare["message"] and bare["message"]["edited"]["user"] == "U0SIGNOFF"


async def test_only_ones_own_messages_can_be_changed(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    ts = await workspace.person("U0ALICE").say("C0OPS", "mine")
    assert await refusal(client.chat_update(channel="C0OPS", ts=ts, text="yours")) == "cant_update_message"
    assert await refusal(client.chat_delete(channel="C0OPS", ts=ts)) == "cant_delete_message"
    assert await refusal(client.chat_update(channel="C0OPS", ts="1.000001", text="x")) == "message_not_found"


async def test_threads_hang_below_parents_only(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    reply = (await client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=parent))["ts"]
    assert (
        await refusal(client.chat_postMessage(channel="C0OPS", text="x", thread_ts=reply)) == "cannot_reply_to_message"
    )
    assert await refusal(client.chat_postMessage(channel="C0OPS", text="x", thread_ts="1.5")) == "thread_not_found"
    found = (await client.conversations_replies(channel="C0OPS", ts=parent))["messages"]
    assert [each["ts"] for each in found] == [parent, reply]
    assert found[0]["reply_count"] == 1 and found[0]["latest_reply"] == reply
    history = (await client.conversations_history(channel="C0OPS"))["messages"]
    assert [each["ts"] for each in history] == [parent]


async def test_history_is_newest_first_in_pages_with_metadata_on_request(client: AsyncWebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"id": "7"}}
    sent = []
    for number in range(5):
        posted = await client.chat_postMessage(channel="C0OPS", text=str(number), metadata=metadata)
        sent.append(posted["ts"])
    seen: list[str] = []
    async for page in await client.conversations_history(channel="C0OPS", limit=2, include_all_metadata=True):
        assert all(each["metadata"] == metadata for each in page["messages"])
        seen += [each["ts"] for each in page["messages"]]
    assert seen == sent[::-1]
    plain = await client.conversations_history(channel="C0OPS", oldest=sent[3])
    assert [each["text"] for each in plain["messages"]] == ["4"] and "metadata" not in plain["messages"][0]


async def test_ephemerals_reach_members_only_and_no_history(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    assert await refusal(client.chat_postEphemeral(channel="C0OPS", user="U0XENA", text="x")) == "user_not_in_channel"
    ts = (await client.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="psst"))["message_ts"]
    assert (await client.conversations_history(channel="C0OPS"))["messages"] == []
    assert await refusal(client.chat_update(channel="C0OPS", ts=ts, text="x")) == "message_not_found"
    assert [each["text"] for each in await workspace.person("U0ALICE").messages("C0OPS")] == ["psst"]
    assert await workspace.person("U0BOB").messages("C0OPS") == []


async def test_people_carry_every_flag_that_approval_looks_at(client: AsyncWebClient) -> None:
    async def flags(user: str) -> set[str]:
        shape = (await client.users_info(user=user))["user"]
        names = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_admin", "is_stranger", "is_app_user")
        assert all(name in shape for name in names)
        return {name for name in names if shape[name]}

    assert await flags("U0ALICE") == set()
    assert await flags("U0GUEST") == {"is_restricted"}
    assert await flags("U0ULTRA") == {"is_restricted", "is_ultra_restricted"}
    assert await flags("U0GONE") == {"deleted"}
    assert await flags("U0ROBOT") == {"is_bot"}
    assert (await client.users_info(user="U0XENA"))["user"]["team_id"] == "T0OTHER"
    assert await refusal(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_a_hidden_user_is_not_visible(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    await workspace.fault(do="set_user", user="U0CAROL", set={"visible": False})
    assert await refusal(client.users_info(user="U0CAROL")) == "user_not_visible"


async def test_user_groups_list_their_members(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S0SECURITY"))["users"] == ["U0CAROL", "U0DAN"]
    await workspace.fault(do="set_usergroup", usergroup="S0SECURITY", users=["U0DAN"])
    assert (await client.usergroups_users_list(usergroup="S0SECURITY"))["users"] == ["U0DAN"]
    assert await refusal(client.usergroups_users_list(usergroup="S0NOBODY")) == "no_such_subteam"
    handles = [each["handle"] for each in (await client.usergroups_list())["usergroups"]]
    assert handles == ["security", "sre"]


async def test_a_direct_message_is_opened_once(client: AsyncWebClient) -> None:
    first = await client.conversations_open(users="U0ALICE")
    again = await client.conversations_open(users=["U0ALICE"])
    assert first["channel"]["id"] == again["channel"]["id"] == "D0ALICE" and again["already_open"]
    assert (await client.chat_postMessage(channel="U0ALICE", text="hello"))["channel"] == "D0ALICE"
    assert await refusal(client.conversations_open(users="U0GONE")) == "user_disabled"


async def test_permalinks_name_the_thread(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C0OPS", text="parent"))["ts"]
    reply = (await client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=parent))["ts"]
    link = (await client.chat_getPermalink(channel="C0OPS", message_ts=reply))["permalink"]
    assert link == f"https://acme.slack.com/archives/C0OPS/p{reply.replace('.', '')}?thread_ts={parent}&cid=C0OPS"


async def test_an_upload_in_three_steps_shares_a_file_message(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    await client.files_upload_v2(channel="C0OPS", content="a,b\n1,2\n", filename="report.csv", title="Report")
    (message,) = await workspace.person("U0BOB").messages("C0OPS")
    assert message["subtype"] == "file_share" and message["files"][0]["title"] == "Report"


async def test_more_than_a_burst_of_posts_in_a_channel_is_limited() -> None:
    async with running_workspace(MANIFEST) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        for number in range(10):
            await client.chat_postMessage(channel="C0OPS", text=str(number))
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C0OPS", text="too much")
        answer = caught.value.response
        assert (answer.status_code, answer["error"], answer.headers["Retry-After"]) == (429, "ratelimited", "1")
        assert (await client.chat_postMessage(channel="G0SECRET", text="elsewhere"))["ok"]


async def test_each_method_has_the_rate_of_its_tier() -> None:
    async with running_workspace(MANIFEST) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        for _ in range(20):
            await client.usergroups_list()
        with pytest.raises(SlackApiError) as caught:
            await client.usergroups_list()
        assert caught.value.response.headers["Retry-After"] == "3"
        assert (await client.users_info(user="U0BOB"))["ok"]


async def test_an_installation_gives_the_token_once(workspace: RunningWorkspace) -> None:
    client = AsyncWebClient(base_url=workspace.api_url)
    query = {"client_id": workspace.client_id, "redirect_uri": "http://127.0.0.1:1/back", "state": "s"}
    async with aiohttp.ClientSession() as session:
        url = f"{workspace.url}/oauth/v2/authorize"
        async with session.get(url, params=query, allow_redirects=False) as answer:
            back = URL(answer.headers["Location"])
        async with session.get(url, params={**query, "redirect_uri": "https://evil.example"}) as answer:
            assert answer.status == 400
    assert back.query["state"] == "s"
    keys = {"client_id": workspace.client_id, "client_secret": workspace.client_secret}
    wrong = {**keys, "client_secret": "guess"}
    assert await refusal(client.oauth_v2_access(**wrong, code=back.query["code"])) == "bad_client_secret"
    installed = await client.oauth_v2_access(**keys, code=back.query["code"])
    assert installed["access_token"] == workspace.bot_token and installed["team"]["id"] == "T0ACME"
    assert await refusal(client.oauth_v2_access(**keys, code=back.query["code"])) == "code_already_used"
    assert await refusal(client.oauth_v2_access(**keys, code="guess")) == "invalid_code"


async def test_scheduled_messages_wait_are_listed_and_can_be_withdrawn(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    soon = int(time.time()) + 60
    entry = await client.chat_scheduleMessage(channel="C0OPS", text="later", post_at=soon)
    listed = await client.chat_scheduledMessages_list()
    assert [each["id"] for each in listed["scheduled_messages"]] == [entry["scheduled_message_id"]]
    name = entry["scheduled_message_id"]
    assert (await client.chat_deleteScheduledMessage(channel="C0OPS", scheduled_message_id=name))["ok"]
    past = client.chat_scheduleMessage(channel="C0OPS", text="x", post_at=soon - 120)
    assert await refusal(past) == "time_in_past"
