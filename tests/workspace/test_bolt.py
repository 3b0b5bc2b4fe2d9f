"""An unmodified Bolt app in the workspace: events, clicks, modals, commands, over both transports."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.workspace import Refusal, RunningWorkspace
from tests.workspace.bolt import bolt_app, over_http, over_socket

Json = dict[str, Any]
CARD = [
    {"type": "section", "text": {"type": "plain_text", "text": "Grant access?"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "style": "primary",
                "value": "A1",
                "text": {"type": "plain_text", "text": "Approve"},
            },
            {"type": "button", "action_id": "ignored", "text": {"type": "plain_text", "text": "Ignored"}},
        ],
    },
]
FORM: Json = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Edit"},
    "submit": {"type": "plain_text", "text": "Save"},
    "private_metadata": "A1",
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "hours",
            "label": {"type": "plain_text", "text": "Hours"},
            "element": {"type": "plain_text_input", "action_id": "typed", "initial_value": "48"},
        }
    ],
}


def listening_app(workspace: RunningWorkspace, heard: list[Json]) -> AsyncApp:
    app = bolt_app(workspace)
    listen_to_messages(app, heard)
    listen_to_modals(app, heard)
    return app


def listen_to_messages(app: AsyncApp, heard: list[Json]) -> None:
    @app.event("app_mention")
    async def mentioned(event: Json, say: Any, body: Json) -> None:
        heard.append(body)
        await say(text="Approve?", blocks=CARD, thread_ts=event["ts"])

    @app.event("message")
    async def message(body: Json) -> None:
        heard.append(body)

    @app.action("approve")
    async def approve(ack: Any, body: Json, client: Any, respond: Any) -> None:
        await ack()
        heard.append(body)
        if body["message"]["blocks"]:
            await client.chat_update(
                channel=body["channel"]["id"], ts=body["message"]["ts"], text="Approved", blocks=[]
            )
        await respond(text="noted")


def listen_to_modals(app: AsyncApp, heard: list[Json]) -> None:
    @app.command("/pending")
    async def pending(ack: Any, body: Json, client: Any) -> None:
        heard.append(body)
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
        await ack(text="Nothing waits")

    @app.view("form")
    async def saved(ack: Any, body: Json) -> None:
        heard.append(body)
        typed = body["view"]["state"]["values"]["hours"]["typed"]["value"]
        if typed == "0":
            await ack(response_action="errors", errors={"hours": "At least one hour"})
        elif typed == "99":
            longer = {**FORM, "callback_id": "sure", "title": {"type": "plain_text", "text": "Sure?"}}
            await ack(response_action="push", view=longer)
        else:
            await ack()

    @app.view_closed("form")
    async def closed(ack: Any, body: Json) -> None:
        await ack()
        heard.append(body)


@pytest.fixture(params=["socket", "http"])
async def heard(request: pytest.FixtureRequest, workspace: RunningWorkspace) -> AsyncIterator[list[Json]]:
    """What the connected app heard, once over Socket Mode and once over signed HTTP."""
    bodies: list[Json] = []
    app = listening_app(workspace, bodies)
    async with over_socket(app, workspace) if request.param == "socket" else over_http(app, workspace):
        yield bodies


async def settled(heard: list[Json], count: int) -> list[Json]:
    for _ in range(200):
        if len(heard) >= count:
            break
        await asyncio.sleep(0.01)
    return heard


async def test_a_mention_arrives_as_two_events_and_the_answer_in_its_thread(
    workspace: RunningWorkspace, heard: list[Json]
) -> None:
    alice = workspace.person("U0ALICE")
    ts = await alice.say("C0OPS", "<@U0SIGNOFF> grant bob <x> & more")
    card = await alice.wait_for_message("C0OPS", lambda each: each.get("thread_ts") == ts and each.get("blocks"))
    assert card["text"] == "Approve?" and card["user"] == "U0SIGNOFF"
    bodies = await settled(heard, 2)
    assert {each["event"]["type"] for each in bodies[:2]} == {"app_mention", "message"}
    assert len({each["event_id"] for each in bodies[:2]}) == 2
    assert {each["event"]["ts"] for each in bodies[:2]} == {ts}
    assert bodies[0]["event"]["text"] == "<@U0SIGNOFF> grant bob &lt;x&gt; &amp; more"
    assert bodies[0]["authorizations"][0]["user_id"] == "U0SIGNOFF"


async def test_a_click_is_acked_updates_the_card_and_answers_by_response_url(
    workspace: RunningWorkspace, heard: list[Json]
) -> None:
    alice, carol = workspace.person("U0ALICE"), workspace.person("U0CAROL")
    ts = await alice.say("C0OPS", "<@U0SIGNOFF> grant")
    card = await carol.wait_for_message("C0OPS", lambda each: each.get("thread_ts") == ts and each.get("blocks"))
    assert await carol.click("C0OPS", card["ts"], "approve") == "ok"
    await carol.wait_for_message("C0OPS", lambda each: each["ts"] == card["ts"] and each["text"] == "Approved")
    noted = await carol.wait_for_message("C0OPS", lambda each: each["text"] == "noted")
    assert noted["ephemeral_to"] == "U0CAROL"
    click = next(each for each in heard if each["type"] == "block_actions")
    assert click["user"] == {"id": "U0CAROL", "username": "carol", "name": "carol", "team_id": "T0ACME"}
    assert click["actions"][0]["value"] == "A1" and click["actions"][0]["block_id"] == "decide"
    assert click["message"]["ts"] == card["ts"] and click["container"]["thread_ts"] == ts


async def test_a_click_nobody_listens_to_is_no_ack(workspace: RunningWorkspace, heard: list[Json]) -> None:
    alice = workspace.person("U0ALICE")
    ts = await alice.say("C0OPS", "<@U0SIGNOFF> grant")
    card = await alice.wait_for_message("C0OPS", lambda each: each.get("thread_ts") == ts and each.get("blocks"))
    assert await alice.click("C0OPS", card["ts"], "ignored") == "no_ack"
    with pytest.raises(Refusal) as caught:
        await alice.click("C0OPS", card["ts"], "withdraw")
    assert caught.value.error == "element_not_found"


async def test_an_old_card_can_still_be_clicked_by_force(workspace: RunningWorkspace, heard: list[Json]) -> None:
    gone = workspace.person("U0GONE")
    assert await gone.click("C0OPS", "1.000001", "approve", value="A9", block_id="old", force=True) == "ok"
    click = next(each for each in heard if each["type"] == "block_actions")
    assert click["user"]["id"] == "U0GONE" and click["actions"][0]["value"] == "A9"


async def test_a_command_is_answered_in_its_ack(workspace: RunningWorkspace, heard: list[Json]) -> None:
    bob = workspace.person("U0BOB")
    answer = await bob.command("C0OPS", "/pending", "mine")
    assert answer["ack"] == "ok" and answer["response"]["text"] == "Nothing waits"
    shown = await bob.messages("C0OPS")
    assert shown[-1]["text"] == "Nothing waits" and shown[-1]["ephemeral_to"] == "U0BOB"
    assert (await settled(heard, 1))[0]["text"] == "mine"
    with pytest.raises(Refusal) as caught:
        await bob.command("C0OPS", "/nothing")
    assert caught.value.error == "unknown_command"


async def test_a_modal_checks_pushes_saves_and_closes(workspace: RunningWorkspace, heard: list[Json]) -> None:
    bob = workspace.person("U0BOB")
    await bob.command("C0OPS", "/pending", "form")
    form = await bob.modal()
    assert form is not None and form["state"]["values"]["hours"]["typed"]["value"] == "48"

    def typed(value: str) -> Json:
        return {"hours": {"typed": {"type": "plain_text_input", "value": value}}}

    empty = await bob.submit(form["id"], typed(""))
    assert empty["response_action"] == "errors" and not [e for e in heard if e.get("type") == "view_submission"]
    refused = await bob.submit(form["id"], typed("0"))
    assert refused["errors"] == {"hours": "At least one hour"}
    pushed = await bob.submit(form["id"], typed("99"))
    assert pushed["response_action"] == "push"
    stack = (await bob.views())["modal_stack"]
    assert [each["callback_id"] for each in stack] == ["form", "sure"]
    assert stack[1]["root_view_id"] == stack[1]["previous_view_id"] == form["id"]
    await bob.close_view(stack[1]["id"])
    saved = await bob.submit(form["id"], typed("2"))
    assert saved["response_action"] is None and (await bob.modal()) is None


async def test_closing_a_modal_is_told_when_asked(workspace: RunningWorkspace, heard: list[Json]) -> None:
    bob = workspace.person("U0BOB")
    await bob.command("C0OPS", "/pending", "form")
    form = await bob.modal()
    assert form is not None
    await bob.close_view(form["id"])

    async def closed() -> list[str]:
        return [each["view"]["id"] for each in heard if each.get("type") == "view_closed"]

    assert await bob.wait_for(closed) == [form["id"]]


async def test_nothing_is_told_from_channels_without_the_bot(workspace: RunningWorkspace, heard: list[Json]) -> None:
    await workspace.person("U0ALICE").say("C0GENERAL", "<@U0SIGNOFF> hello?")
    _, ts = await workspace.person("U0ALICE").say_to_bot("hello")
    bodies = await settled(heard, 1)
    assert [each["event"]["ts"] for each in bodies] == [ts]
    assert bodies[0]["event"]["channel_type"] == "im"


async def test_edits_and_deletions_are_told(workspace: RunningWorkspace, heard: list[Json]) -> None:
    alice = workspace.person("U0ALICE")
    ts = await alice.say("G0SECRET", "first")
    await alice.edit("G0SECRET", ts, "second")
    await alice.delete("G0SECRET", ts)
    bodies = await settled(heard, 3)
    by_subtype = {each["event"].get("subtype"): each["event"] for each in bodies}
    assert by_subtype["message_changed"]["message"]["text"] == "second"
    assert by_subtype["message_changed"]["previous_message"]["text"] == "first"
    assert by_subtype["message_deleted"]["deleted_ts"] == ts
    assert by_subtype[None]["channel_type"] == "group"


async def test_people_of_other_workspaces_are_marked(workspace: RunningWorkspace, heard: list[Json]) -> None:
    await workspace.person("U0XENA").say("C0SHARED", "hello from outside")
    body = (await settled(heard, 1))[0]
    assert body["is_ext_shared_channel"] is True
    assert body["event"]["user_team"] == "T0OTHER" and body["team_id"] == "T0ACME"


async def test_the_page_knows_whether_a_bot_is_listening(workspace: RunningWorkspace) -> None:
    dan = workspace.person("U0DAN")
    assert (await dan.boot())["listening"] is False
    async with aiohttp.ClientSession() as session:
        url = f"{workspace.url}/client/stream"
        async with session.get(url, params={"token": "xoxp-U0DAN"}) as stream:
            async with over_socket(bolt_app(workspace), workspace):
                assert (await dan.boot())["listening"] is True
            hints = [b""]
            async with asyncio.timeout(10):
                while sum(b'"listening"' in hint for hint in hints) < 2:
                    hints.append(await stream.content.readline())
    told = [json.loads(hint.removeprefix(b"data: ")) for hint in hints if b'"listening"' in hint]
    assert [hint["listening"] for hint in told] == [True, False]
    async with over_http(bolt_app(workspace), workspace):
        assert (await dan.boot())["listening"] is True
