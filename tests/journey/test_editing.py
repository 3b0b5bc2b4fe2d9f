"""Instead of deciding: edit in the form, and take the safer way, over Bolt and with real servers all around."""

from typing import Any

from tests.journey.stage import ALICE, CAROL, DAN, GRANT, Message, Stage, buttons, until
from tests.servers.bighub_decisions import Decision, review
from tests.servers.model_server import Calls, Text

SENTENCE = "Grant scoped Okta admin access for 2h instead of 48h"
LESS = (GRANT[0], {**GRANT[1], "duration": "2h"})


def broad(body: dict[str, Any]) -> Decision | None:
    if body["action"] != "grant_access":
        return None
    less = body["context"]["arguments"]["duration"] == "2h"
    return review("Admin access.", 0.4) if less else review("Broader than necessary.", 0.78, better_action=SENTENCE)


async def asked(stage: Stage) -> tuple[str, Message]:
    stage.bighub.rules = broad
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    return thread, await stage.card(thread, "grant_access", '"48h"', SENTENCE)


async def test_an_edit_is_asked_about_anew_and_only_what_was_edited_runs(stage: Stage) -> None:
    stage.model.say(Calls([GRANT]), Text("Done: bob is in for 2h."))
    thread, card = await asked(stage)
    await stage.click(card, "edit")
    carol = stage.workspace.person(CAROL)
    form = await carol.wait_for(carol.modal)
    field = next(each for each in form["blocks"] if each.get("label", {}).get("text") == "duration")
    state = {"type": "plain_text_input", "value": "2h"}
    assert (await carol.submit(form["id"], {field["block_id"]: {field["element"]["action_id"]: state}}))["ack"] == "ok"
    newer = await stage.card(thread, '"48h" → "2h"', "Edited by", CAROL, "alone is not enough")
    older = await stage.see(thread, "Superseded", "edited this")
    assert older["ts"] == card["ts"] != newer["ts"] and not {"approve", "edit"} & set(buttons(older))
    await stage.click(newer, "approve", CAROL)
    await stage.see(thread, '"48h" → "2h"', "Approved by", where=lambda message: "approve" in buttons(message))
    assert stage.effects() == []
    await stage.click(newer, "approve", DAN)
    await stage.see(thread, "Done: bob is in for 2h.")
    (effect,) = stage.effects("grant_access")
    assert "2h" in str(effect) and "48h" not in str(effect)
    (output,) = stage.model.outputs().values()
    assert output["changes"] == {"duration": {"from": "48h", "to": "2h"}} and output["status"] == "executed"
    first, second = stage.bighub.evaluations
    assert second.body["context"]["supersedes"] == first.request_id
    await until(lambda: len(stage.bighub.resolutions) == 2 and len(stage.bighub.outcomes) == 2)
    modified = next(each for each in stage.bighub.resolutions if each["request_id"] == first.request_id)
    assert (modified["resolution"], modified["review_decision"]) == ("denied", "modified")
    assert '"duration":"2h"' in modified["modified_action"]


async def test_s28_safer_is_the_models_to_propose_and_the_sentence_itself_runs_nothing(stage: Stage) -> None:
    stage.model.say(Calls([GRANT]), Calls([LESS]), Text("Done, for 2h only."))
    thread, card = await asked(stage)
    await stage.click(card, "safer")
    newer = await stage.card(thread, "The safer alternative", '"48h" → "2h"', CAROL)
    assert "safer" not in buttons(newer) and stage.effects() == []
    told = next(iter(stage.model.outputs().values()))
    assert (told["status"], told["better_action"]) == ("superseded", SENTENCE)
    await stage.click(newer, "approve", DAN)
    await stage.see(thread, "Done, for 2h only.")
    assert len(stage.effects("grant_access")) == 1
    first, second = stage.bighub.evaluations
    assert second.body["context"]["supersedes"] == first.request_id
    await until(lambda: any(each.get("modified_action") == SENTENCE for each in stage.bighub.resolutions))


async def test_s9_the_requester_may_edit_and_whoever_is_neither_that_nor_an_approver_may_not(stage: Stage) -> None:
    stage.model.say(Calls([GRANT]))
    _, card = await asked(stage)
    await stage.click(card, "edit", who=ALICE)
    alice = stage.workspace.person(ALICE)
    assert (await alice.wait_for(alice.modal))["callback_id"] == "edit"
    await stage.click(card, "edit", who="U0ERIN")
    await stage.whispered("U0ERIN", "may decide")
    await stage.click(card, "safer", who="U0GUEST")
    await stage.whispered("U0GUEST", "guest")
    assert await stage.workspace.person("U0ERIN").modal() is None and len(stage.model.requests) == 1
