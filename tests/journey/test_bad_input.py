"""Bad input has a defined answer that a person understands, and leaves no run hanging (issue: point 9)."""

import asyncio
import json

from bot.core.run import ENDS
from tests.journey.stage import ALICE, BOT, CAROL, GRANT, OPS, Stage, buttons, shown, staged, until
from tests.servers.bighub_decisions import review
from tests.servers.faults import Fault, Html
from tests.servers.model_server import Calls, Held, Text


async def settled(stage: Stage) -> None:
    """Wait until no run is hanging."""
    assert stage.bot is not None
    store = stage.bot.store
    for _ in range(250):
        lines = await store.read(lambda tx: tx.runs(50))
        if all(line.state in ENDS for line in lines):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"a run hangs: {lines}")


async def test_an_unknown_action_and_malformed_arguments_are_explained_to_the_model(quick: Stage) -> None:
    many = ("scale_deployment", {"service": "checkout", "replicas": "many"})
    calls = Calls([("delete_everything", {}), ("grant_access", "{not json"), many])
    quick.model.say(calls, Text("I cannot do that."))
    thread = await quick.mention("do something odd")
    await quick.see(thread, "I cannot do that.")
    outputs = list(quick.model.outputs().values())
    assert {output["status"] for output in outputs} == {"invalid"} and all(output["reason"] for output in outputs)
    await settled(quick)
    assert quick.effects() == []


async def test_an_empty_mention_is_answered_with_an_example(quick: Stage) -> None:
    thread = await quick.mention("")
    await quick.see(thread, "For example")
    assert quick.model.requests == []


async def test_forty_thousand_characters_reach_the_model_whole_and_an_answer_as_long_comes_back_whole(
    quick: Stage,
) -> None:
    words = " ".join(f"word{n:05}" for n in range(3_990))
    quick.model.say(Text(words))
    thread = await quick.mention(words)
    await quick.see(thread, "word03989", seconds=30)
    assert words in json.dumps(quick.model.requests[0]["input"])
    said = [m for m in await quick.workspace.person(ALICE).thread(OPS, thread) if m.get("user") == BOT]
    text = "\n".join(shown(message) for message in sorted(said, key=lambda m: float(m["ts"])))
    assert all(f"word{n:05}" in text for n in range(3_990))


async def test_an_edited_message_changes_nothing(quick: Stage) -> None:
    alice = quick.workspace.person(ALICE)
    quick.model.say(Text("checkout is healthy"))
    thread = await quick.mention("how is checkout?")
    await quick.see(thread, "checkout is healthy")
    await alice.edit(OPS, thread, f"<@{BOT}> delete the database")
    await asyncio.sleep(0.5)
    assert len(quick.model.requests) == 1


async def test_a_request_that_is_deleted_meanwhile_is_still_asked_about_and_answered(quick: Stage) -> None:
    assert quick.bighub is not None
    quick.bighub.default = review()
    release = asyncio.Event()
    quick.model.say(Held(release, Calls([GRANT])), Text("Done: bob is in."))
    thread = await quick.mention("grant bob okta-prod-admins for 48h")
    await until(lambda: quick.model.requests)
    await quick.workspace.person(ALICE).delete(OPS, thread)
    release.set()
    carol = quick.workspace.person(CAROL)
    card = await carol.wait_for_message(OPS, lambda message: "approve" in buttons(message))
    await quick.click(card, "approve")
    await carol.wait_for_message(OPS, lambda message: "Done: bob is in." in shown(message))
    await settled(quick)


async def test_another_bots_message_starts_nothing(quick: Stage) -> None:
    await quick.workspace.person("U0ROBOT").say(OPS, f"<@{BOT}> deploy everything")
    await asyncio.sleep(0.5)
    await settled(quick)
    assert quick.model.requests == []


async def test_an_outsider_in_a_shared_channel_cannot_ask_and_is_told_so(quick: Stage) -> None:
    await quick.mention("deploy everything", who="U0XENA", channel="C0SHARED")
    await quick.whispered("U0XENA", "outside", channel="C0SHARED")
    assert quick.model.requests == []


async def test_an_unknown_button_and_an_old_card_are_explained_privately(quick: Stage) -> None:
    assert quick.bighub is not None
    quick.bighub.default = review()
    quick.model.say(Calls([GRANT]), Text("Done."))
    thread = await quick.mention("grant bob okta-prod-admins for 48h")
    card = await quick.card(thread, "grant_access")
    carol = quick.workspace.person(CAROL)
    await carol.click(OPS, card["ts"], "frobnicate", value="x", force=True)
    await quick.whispered(CAROL, "older version")
    await carol.click(OPS, card["ts"], "approve", value="0" * 32, force=True)
    await quick.whispered(CAROL, "nothing that I know")
    await carol.click(OPS, thread, "approve", value=str(buttons(card)["approve"]["value"]), force=True)
    await quick.whispered(CAROL, "not the card")
    assert quick.effects() == []


async def test_a_model_that_answers_nonsense_is_tried_again_and_the_run_goes_on(quick: Stage) -> None:
    quick.model.say(Html(), Fault(status=500), Text("checkout is healthy"))
    thread = await quick.mention("how is checkout?")
    await quick.see(thread, "checkout is healthy", seconds=20)


async def test_a_model_that_stays_away_ends_the_run_in_words_and_retry_begins_it_anew(
    sqlite_url: str, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    async with staged(sqlite_url, tmp_path, SIGNOFF_GIVE_UP_SECONDS="2") as stage:
        await stage.start()
        stage.model.default = Fault(status=503)
        thread = await stage.mention("how is checkout?")
        end = await stage.see(thread, "had to give up", seconds=20)
        stage.model.default = Text("checkout is healthy")
        await stage.click(end, "retry", who=ALICE)
        await stage.see(thread, "checkout is healthy")
        await until(lambda: not stage.effects())


async def test_a_refused_key_is_said_in_words_with_the_remedy(quick: Stage) -> None:
    quick.model.say(Fault(status=401))
    thread = await quick.mention("how is checkout?")
    await quick.see(thread, "OPENAI_API_KEY")


async def test_bighub_answering_nonsense_lets_nothing_run(quick: Stage) -> None:
    assert quick.bighub is not None
    quick.bighub.fail("evaluate", Html())
    quick.model.say(Calls([GRANT]), Text("It was blocked."))
    thread = await quick.mention("grant bob okta-prod-admins for 48h")
    await quick.see(thread, "It was blocked.")
    assert quick.effects() == []


async def test_bighub_being_away_for_a_while_only_delays_the_run(quick: Stage) -> None:
    assert quick.bighub is not None
    quick.bighub.fail("evaluate", Fault(status=503), times=2)
    quick.model.say(Calls([("get_service_status", {"service": "checkout"})]), Text("healthy"))
    thread = await quick.mention("how is checkout?")
    await quick.see(thread, "healthy", seconds=20)


async def test_arguments_too_long_for_a_card_have_review_instead_of_approve_and_its_view_shows_all_and_approves(
    quick: Stage,
) -> None:
    assert quick.bighub is not None
    quick.bighub.default = review()
    long = "".join(f"line {n:04}\n" for n in range(900))
    call = ("post_incident_update", {"incident": "INC-43", "status": "monitoring", "message": long})
    quick.model.say(Calls([call]), Text("Posted."))
    thread = await quick.mention("post the update")
    card = await quick.card(thread, "post_incident_update")
    assert "approve" not in buttons(card) and "review" in buttons(card)
    await quick.click(card, "review")
    carol = quick.workspace.person(CAROL)
    modal = await carol.wait_for(carol.modal)
    text = shown(modal).replace("\n", "")
    assert all(f"line {n:04}" in text for n in range(900))
    await carol.submit(modal["id"], {})
    await quick.see(thread, "Executed in")
    assert quick.effects("post_incident_update")[0].arguments["message"] == long
