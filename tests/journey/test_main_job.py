"""The main job, end to end: ask in Slack, see the risky action as a card, click, see it done."""

import asyncio
import time
from pathlib import Path

from tests.journey.stage import ALICE, CAROL, DAN, GRANT, OPS, Stage, buttons, shown, staged, until
from tests.servers.bighub_decisions import review
from tests.servers.faults import Hang
from tests.servers.model_server import Calls, Text


def risky(body: dict[str, object]) -> dict[str, object] | None:
    return (
        review("Production admin access for 48h is broader than necessary.", 0.78)
        if body["action"] == "grant_access"
        else None
    )


async def test_a_mention_becomes_a_card_a_click_runs_it_once_and_the_reply_comes(stage: Stage) -> None:
    stage.bighub.rules = risky
    stage.model.say(Calls([GRANT], text="Bob needs it for the incident."), Text("Done: bob is in."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(
        thread, "grant_access", '"okta-prod-admins"', '"48h"', "0.78", "broader than necessary", ALICE
    )
    assert {"approve", "deny"} <= set(buttons(card)) and stage.effects() == []
    await stage.click(card, "approve")
    await stage.see(thread, "Done: bob is in.")
    decided = await stage.see(thread, "Executed in", CAROL)
    assert decided["ts"] == card["ts"] and "approve" not in buttons(decided)
    assert len(stage.effects("grant_access")) == 1
    await until(lambda: stage.bighub.resolutions and stage.bighub.outcomes)
    (output,) = stage.model.outputs().values()
    assert output["status"] == "executed"
    evaluation = stage.bighub.evaluations[0].body
    assert "okta-prod-admins" in str(evaluation) and evaluation["context"]["requester"]


async def test_what_only_reads_runs_at_once_without_a_card(stage: Stage) -> None:
    stage.model.say(Calls([("get_service_status", {"service": "checkout"})]), Text("checkout is healthy"))
    thread = await stage.mention("how is checkout?")
    reply = await stage.see(thread, "checkout is healthy")
    assert not buttons(reply)


async def test_a_denial_with_a_reason_never_runs_and_the_model_and_bighub_are_told(stage: Stage) -> None:
    stage.bighub.rules = risky
    stage.model.say(Calls([GRANT]), Text("Understood, I leave it."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    await stage.click(card, "deny")
    carol = stage.workspace.person(CAROL)
    modal = await carol.wait_for(carol.modal)
    (block,) = [block for block in modal["blocks"] if block["type"] == "input"]
    answer = {block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": "too broad"}}}
    await carol.submit(modal["id"], answer)
    await stage.see(thread, "Understood, I leave it.")
    denied = await stage.see(thread, "too broad", CAROL)
    assert denied["ts"] == card["ts"] and not buttons(denied).keys() & {"approve", "deny"}
    assert stage.effects() == []
    (output,) = stage.model.outputs().values()
    assert (output["status"], output["reason"]) == ("denied", "too broad")
    await until(lambda: stage.bighub.resolutions and stage.bighub.outcomes)


async def test_the_requester_and_everybody_who_may_not_decide_get_a_private_explanation(stage: Stage) -> None:
    stage.bighub.rules = risky
    stage.model.say(Calls([GRANT]))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    await stage.click(card, "approve", who=ALICE)
    assert "yourself" in await stage.whispered(ALICE, "You asked")
    await stage.click(card, "approve", who="U0GUEST")
    await stage.whispered("U0GUEST", "guest")
    await stage.click(card, "approve", who="U0ERIN")
    await stage.whispered("U0ERIN", "may decide")
    assert stage.effects() == []


async def test_two_people_click_in_the_same_instant_and_the_loser_is_told_who_won(stage: Stage) -> None:
    stage.bighub.rules = risky
    stage.model.say(Calls([GRANT]), Text("Done."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    await asyncio.gather(stage.click(card, "approve", who=CAROL), stage.click(card, "approve", who=DAN, force=True))
    decided = await stage.see(thread, "Executed in")
    winner, loser = (CAROL, DAN) if CAROL in shown(decided) else (DAN, CAROL)
    await stage.whispered(loser, winner, "already")
    assert len(stage.effects("grant_access")) == 1


async def test_a_later_message_in_the_thread_continues_with_what_was_said_and_done(stage: Stage) -> None:
    stage.model.say(Calls([("get_service_status", {"service": "checkout"})]), Text("checkout is healthy"))
    thread = await stage.mention("how is checkout?")
    await stage.see(thread, "checkout is healthy")
    stage.model.say(Text("As I said: healthy."))
    await stage.workspace.person(ALICE).say(OPS, "are you sure?", thread)
    await stage.see(thread, "As I said: healthy.")
    said = str(stage.model.requests[-1]["input"])
    assert "how is checkout?" in said and "checkout is healthy" in said and "function_call_output" in said


async def test_missing_context_is_asked_for_in_the_thread_and_the_answer_continues_the_run(stage: Stage) -> None:
    from tests.servers.bighub_decisions import needs_context

    asked = iter([needs_context("Which incident is it for?")])
    stage.bighub.rules = lambda body: next(asked, None)
    stage.model.say(Calls([GRANT]), Calls([GRANT]), Text("Done."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    await stage.see(thread, "Which incident is it for?", ALICE)
    await stage.workspace.person(ALICE).say(OPS, "incident 7", thread)
    card = await stage.card(thread, "grant_access")
    await stage.click(card, "approve")
    await stage.see(thread, "Done.")
    assert "incident 7" in str(stage.model.requests[1]["input"])


async def test_in_a_direct_message_no_mention_is_needed(stage: Stage) -> None:
    stage.model.say(Text("Hello Alice."))
    channel, ts = await stage.workspace.person(ALICE).say_to_bot("hello")
    await stage.see(ts, "Hello Alice.", channel=channel)


async def test_the_journey_is_the_same_when_the_model_streams(sqlite_url: str, tmp_path: Path) -> None:
    async with staged(sqlite_url, tmp_path, SIGNOFF_MODEL_STREAM="true") as stage:
        await stage.start()
        stage.bighub.rules = risky
        stage.model.say(Calls([GRANT]), Text("Done: bob is in."))
        thread = await stage.mention("grant bob okta-prod-admins for 48h")
        await stage.click(await stage.card(thread, "grant_access"), "approve")
        await stage.see(thread, "Done: bob is in.")
        assert all(request["stream"] for request in stage.model.requests) and len(stage.effects("grant_access")) == 1


async def test_a_click_is_acked_at_once_while_the_model_and_bighub_hang_and_an_action_runs(quick: Stage) -> None:
    quick.bighub.rules = risky
    quick.model.say(Calls([GRANT]), Hang(30.0), Hang(30.0))
    thread = await quick.mention("grant bob okta-prod-admins for 48h")
    card = await quick.card(thread, "grant_access")
    await quick.mention("how is checkout?")
    for endpoint in ("evaluate", "resolve", "report"):
        quick.bighub.fail(endpoint, Hang(30.0))
    began = time.monotonic()
    assert await quick.click(card, "approve") == "ok"
    assert time.monotonic() - began < 1.0
    await quick.see(thread, "Executed in")
