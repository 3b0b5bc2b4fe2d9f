"""Triggers, modals, App Home, response URLs, shortcuts and what the page reads: the client's side of Slack."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.workspace import Refusal, RunningWorkspace, running_workspace
from tests.workspace.bolt import bolt_app, over_socket
from tests.workspace.conftest import MANIFEST

Json = dict[str, Any]


def modal(title: str, **fields: Any) -> Json:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": title}}]
    return {"type": "modal", "title": {"type": "plain_text", "text": title}, "blocks": blocks, **fields}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


@pytest.fixture
async def interactions(workspace: RunningWorkspace) -> AsyncIterator[list[Json]]:
    """A connected app that acks every interaction and keeps its payload."""
    bodies: list[Json] = []
    app = bolt_app(workspace)

    @app.use
    async def keep(body: Json, ack: Any) -> BoltResponse:
        bodies.append(body)
        answer: BoltResponse = await ack()
        return answer

    async with over_socket(app, workspace):
        yield bodies


async def trigger(workspace: RunningWorkspace, interactions: list[Json]) -> str:
    await workspace.person("U0BOB").command("C0OPS", "/pending")
    return str(interactions[-1]["trigger_id"])


async def test_a_trigger_is_good_once_and_not_for_long(
    workspace: RunningWorkspace, client: AsyncWebClient, interactions: list[Json]
) -> None:
    first = await trigger(workspace, interactions)
    await client.views_open(trigger_id=first, view=modal("One"))
    assert await refusal(client.views_open(trigger_id=first, view=modal("One"))) == "exchanged_trigger_id"
    late = await trigger(workspace, interactions)
    await workspace.fault(do="expire_triggers")
    assert await refusal(client.views_open(trigger_id=late, view=modal("One"))) == "expired_trigger_id"
    assert await refusal(client.views_open(trigger_id="12.34.ab", view=modal("One"))) == "invalid_trigger_id"


async def test_a_trigger_expires_by_itself() -> None:
    async with running_workspace(MANIFEST, trigger_seconds=0.02) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        trigger_id = workspace.world.new_trigger("U0BOB")
        await asyncio.sleep(0.05)
        assert await refusal(client.views_open(trigger_id=trigger_id, view=modal("One"))) == "expired_trigger_id"


async def test_an_invalid_view_does_not_use_up_the_trigger(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    trigger_id = workspace.world.new_trigger("U0BOB")
    assert await refusal(client.views_open(trigger_id=trigger_id, view=modal("x" * 25))) == "invalid_arguments"
    assert (await client.views_open(trigger_id=trigger_id, view=modal("One")))["ok"]


async def test_at_most_three_modals_are_stacked(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    new = workspace.world.new_trigger
    assert await refusal(client.views_push(trigger_id=new("U0BOB"), view=modal("Zero"))) == "not_found"
    opened = await client.views_open(trigger_id=new("U0BOB"), view=modal("One"))
    await client.views_push(trigger_id=new("U0BOB"), view=modal("Two"))
    top = await client.views_push(trigger_id=new("U0BOB"), view=modal("Three"))
    assert top["view"]["root_view_id"] == opened["view"]["id"]
    assert await refusal(client.views_push(trigger_id=new("U0BOB"), view=modal("Four"))) == "push_limit_reached"
    stack = (await workspace.person("U0BOB").views())["modal_stack"]
    assert [each["title"]["text"] for each in stack] == ["One", "Two", "Three"]
    assert (await workspace.person("U0CAROL").views())["modal_stack"] == []


async def test_a_hash_guards_updates(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    trigger_id = workspace.world.new_trigger("U0BOB")
    view = (await client.views_open(trigger_id=trigger_id, view=modal("One", external_id="x")))["view"]
    newer = await client.views_update(external_id="x", hash=view["hash"], view=modal("Two", external_id="x"))
    assert newer["view"]["hash"] != view["hash"]
    assert await refusal(client.views_update(view_id=view["id"], hash=view["hash"], view=modal("3"))) == "hash_conflict"
    assert await refusal(client.views_update(view_id="V0", view=modal("Three"))) == "not_found"
    trigger_id = workspace.world.new_trigger("U0CAROL")
    taken = client.views_open(trigger_id=trigger_id, view=modal("One", external_id="x"))
    assert await refusal(taken) == "duplicate_external_id"


async def test_home_is_published_per_person(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = await client.views_publish(user_id="U0BOB", view=home)
    again = await client.views_publish(user_id="U0BOB", view=home, hash=first["view"]["hash"])
    assert again["view"]["id"] == first["view"]["id"]
    stale = client.views_publish(user_id="U0BOB", view=home, hash=first["view"]["hash"])
    assert await refusal(stale) == "hash_conflict"
    shown = (await workspace.person("U0BOB").views())["home"]
    assert shown["type"] == "home" and (await workspace.person("U0CAROL").views())["home"] is None


async def test_opening_home_is_told_with_the_view(
    workspace: RunningWorkspace, client: AsyncWebClient, interactions: list[Json]
) -> None:
    await client.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [{"type": "divider"}]})
    await workspace.person("U0BOB").open_home()
    await asyncio.sleep(0.1)
    event = interactions[-1]["event"]
    assert (event["type"], event["user"], event["tab"]) == ("app_home_opened", "U0BOB", "home")
    assert event["view"]["type"] == "home" and event["channel"] == "D0BOB"


async def test_choices_made_in_a_view_are_its_state(
    workspace: RunningWorkspace, client: AsyncWebClient, interactions: list[Json]
) -> None:
    options = [{"text": {"type": "plain_text", "text": each}, "value": each} for each in ("red", "blue")]
    select = {"type": "static_select", "action_id": "pick", "options": options}
    block = {"type": "actions", "block_id": "colour", "elements": [select]}
    trigger_id = workspace.world.new_trigger("U0BOB")
    view = (await client.views_open(trigger_id=trigger_id, view=modal("One", blocks=[block])))["view"]
    assert view["state"]["values"]["colour"]["pick"] == {"type": "static_select", "selected_option": None}
    bob = workspace.person("U0BOB")
    assert await bob.click_view(view["id"], "pick", value="blue") == "ok"
    payload = interactions[-1]
    assert payload["container"] == {"type": "view", "view_id": view["id"]} and "message" not in payload
    assert payload["actions"][0]["selected_option"] == options[1]
    assert payload["view"]["state"]["values"]["colour"]["pick"]["selected_option"] == options[1]
    with pytest.raises(Refusal) as caught:
        await workspace.person("U0CAROL").click_view(view["id"], "pick", value="blue")
    assert caught.value.error == "view_not_found"


async def test_a_response_url_answers_five_times(workspace: RunningWorkspace, interactions: list[Json]) -> None:
    bob = workspace.person("U0BOB")
    await bob.command("C0OPS", "/pending")
    url = interactions[-1]["response_url"]
    hook = AsyncWebhookClient(url)
    assert (await hook.send(text="for bob")).body == "ok"
    assert (await hook.send(text="for all", response_type="in_channel")).status_code == 200
    for _ in range(3):
        await hook.send(text="more")
    assert (await hook.send(text="too much")).status_code == 404
    seen = await workspace.person("U0CAROL").messages("C0OPS")
    assert [each["text"] for each in seen] == ["for all"]
    assert len(await bob.messages("C0OPS")) == 5


async def test_a_response_url_expires_and_is_checked(workspace: RunningWorkspace, interactions: list[Json]) -> None:
    await workspace.person("U0BOB").command("C0OPS", "/pending")
    hook = AsyncWebhookClient(interactions[-1]["response_url"])
    assert (await hook.send(text="x", blocks=[{"type": "poem"}])).status_code == 400
    await workspace.fault(do="expire_response_urls")
    assert (await hook.send(text="late")).status_code == 404


async def test_a_response_url_replaces_and_deletes_what_was_clicked(
    workspace: RunningWorkspace, client: AsyncWebClient, interactions: list[Json]
) -> None:
    element = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "elements": [element]}]
    bob = workspace.person("U0BOB")
    ts = (await client.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="psst", blocks=blocks))["message_ts"]
    assert await bob.click("C0OPS", ts, "go") == "ok"
    payload = interactions[-1]
    assert payload["container"]["is_ephemeral"] and "message" not in payload
    hook = AsyncWebhookClient(payload["response_url"])
    await hook.send(text="replaced", replace_original=True)
    (shown,) = await bob.messages("C0OPS")
    assert shown["text"] == "replaced" and "blocks" not in shown and shown["ephemeral_to"] == "U0BOB"
    await hook.send_dict({"delete_original": True})
    assert await bob.messages("C0OPS") == []


async def test_shortcuts_reach_the_app_and_outsiders_have_none(
    workspace: RunningWorkspace, interactions: list[Json]
) -> None:
    ts = await workspace.person("U0ALICE").say("C0OPS", "look at this")
    assert await workspace.person("U0BOB").shortcut("ask_about", "C0OPS", ts) == "ok"
    assert interactions[-1]["type"] == "message_action" and interactions[-1]["message"]["ts"] == ts
    assert await workspace.person("U0BOB").shortcut("start") == "ok"
    assert interactions[-1]["type"] == "shortcut" and "channel" not in interactions[-1]
    for outsider in (
        workspace.person("U0XENA").shortcut("start"),
        workspace.person("U0XENA").command("C0SHARED", "/pending"),
    ):
        with pytest.raises(Refusal) as caught:
            await outsider
        assert caught.value.error == "not_allowed"


async def test_a_deleted_parent_with_replies_becomes_a_tombstone(
    workspace: RunningWorkspace, client: AsyncWebClient, interactions: list[Json]
) -> None:
    alice = workspace.person("U0ALICE")
    ts = await alice.say("C0OPS", "parent")
    await client.chat_postMessage(channel="C0OPS", text="reply", thread_ts=ts)
    await alice.delete("C0OPS", ts)
    parent, reply = (await client.conversations_replies(channel="C0OPS", ts=ts))["messages"]
    assert parent["subtype"] == "tombstone" and reply["text"] == "reply"
    await asyncio.sleep(0.1)
    assert interactions[-1]["event"]["message"]["subtype"] == "tombstone"
    assert (await client.chat_postMessage(channel="C0OPS", text="still here", thread_ts=ts))["ok"]


async def test_the_page_boots_with_what_the_person_may_see(workspace: RunningWorkspace) -> None:
    workspace.labels = ["Scripted model"]
    seen = await workspace.person("U0DAN").boot()
    assert seen["labels"] == ["Scripted model"] and seen["me"] == "U0DAN"
    assert seen["commands"] == [{"command": "/pending", "description": "What waits", "usage_hint": "[mine]"}]
    assert {each["id"] for each in seen["channels"]} == {"C0OPS", "C0GENERAL", "C0SHARED", "C0OLD", "D0DAN"}
    outside = await workspace.person("U0XENA").boot()
    assert {each["id"] for each in outside["channels"]} == {"C0SHARED", "D0XENA"}
    with pytest.raises(Refusal):
        await workspace.person("U0DAN").messages("G0SECRET")
    with pytest.raises(Refusal):
        await workspace.person("U0GONE").boot()


async def test_the_stream_hints_at_changes_in_ones_own_channels_only(
    workspace: RunningWorkspace, client: AsyncWebClient
) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{workspace.url}/client/stream"
        async with session.get(url, params={"token": "xoxp-U0DAN"}) as stream:
            assert (await stream.content.readline()).startswith(b": connected")
            await client.chat_postMessage(channel="G0SECRET", text="hidden")
            await client.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="hidden")
            posted = await client.chat_postMessage(channel="C0OPS", text="seen")
            await client.assistant_threads_setStatus(channel_id="C0OPS", thread_ts=posted["ts"], status="thinking…")
            lines = [await stream.content.readline() for _ in range(5)]
        hints = [json.loads(each[6:]) for each in lines if each.startswith(b"data: ")]
        assert hints[0] == {"type": "message", "channel": "C0OPS", "ts": posted["ts"]}
        assert hints[1]["type"] == "status" and hints[1]["status"] == "thinking…"
        async with session.get(url, params={"token": "wrong"}) as refused:
            assert refused.status == 401


async def test_a_status_goes_with_the_reply(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    ts = await workspace.person("U0ALICE").say("C0OPS", "hello")
    await client.assistant_threads_setStatus(channel_id="C0OPS", thread_ts=ts, status="thinking…")
    read = {"Authorization": "Bearer xoxp-U0BOB"}
    async with aiohttp.ClientSession(headers=read) as session:

        async def statuses() -> list[Json]:
            async with session.get(f"{workspace.url}/client/messages", params={"channel": "C0OPS"}) as answer:
                found: list[Json] = (await answer.json())["statuses"]
                return found

        assert [each["status"] for each in await statuses()] == ["thinking…"]
        await client.chat_postMessage(channel="C0OPS", text="hi", thread_ts=ts)
        assert await statuses() == []


async def test_a_stream_grows_and_stops(workspace: RunningWorkspace, client: AsyncWebClient) -> None:
    ts = await workspace.person("U0ALICE").say("C0OPS", "hello")
    start = {"channel": "C0OPS", "thread_ts": ts, "markdown_text": "Think"}
    missing = client.api_call("chat.startStream", json=start)
    assert await refusal(missing) == "missing_recipient_user_id"
    whom = {"recipient_user_id": "U0ALICE", "recipient_team_id": "T0ACME"}
    stream = (await client.api_call("chat.startStream", json={**start, **whom}))["ts"]
    more = {"channel": "C0OPS", "ts": stream, "markdown_text": "ing"}
    await client.api_call("chat.appendStream", json=more)
    assert await refusal(client.chat_update(channel="C0OPS", ts=stream, text="x")) == "streaming_state_conflict"
    done = await client.api_call("chat.stopStream", json={"channel": "C0OPS", "ts": stream})
    assert done["message"]["text"] == "Thinking"
    assert await refusal(client.api_call("chat.appendStream", json=more)) == "message_not_in_streaming_state"
