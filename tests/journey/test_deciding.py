"""What people do with a card besides approving it, end to end: ask first, comment, withdraw, stop; and what is typed meanwhile."""

import asyncio
from pathlib import Path

from bot.core.values import Person
from bot.workspace.config import TEAM_ID
from tests.journey.stage import ALICE, CAROL, GRANT, OPS, Message, Stage, button_value, buttons, shown, until
from tests.journey.test_main_job import risky
from tests.servers.model_server import Calls, Text


async def asked(stage: Stage) -> tuple[str, Message]:
    """The thread and the card of a risky action."""
    stage.bighub.rules = risky
    stage.model.say(Calls([GRANT]), Text("That is all."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    return thread, await stage.card(thread, "grant_access")


async def submit(stage: Stage, text: str, who: str = CAROL) -> None:
    """Fill in the form that is open, and send it."""
    person = stage.workspace.person(who)
    modal = await person.wait_for(person.modal)
    (block,) = [block for block in modal["blocks"] if block["type"] == "input"]
    typed = {"type": "plain_text_input", "value": text}
    await person.submit(modal["id"], {block["block_id"]: {block["element"]["action_id"]: typed}})


async def test_a_question_is_answered_in_the_thread_and_only_the_click_afterwards_decides(stage: Stage) -> None:
    thread, card = await asked(stage)
    await stage.click(card, "ask")
    await submit(stage, "Which incident is it for?")
    question = await stage.see(thread, ALICE, "before deciding about", "Which incident is it for?")
    assert question["ts"] != card["ts"] and not buttons(question)
    waits = await stage.card(thread, "Question asked by", "Waits for")
    assert waits["ts"] == card["ts"] and {"approve", "deny", "ask"} <= set(buttons(waits))
    await stage.workspace.person(ALICE).say(OPS, "approve, it is for INC-42", thread)
    await stage.card(thread, "Answer of", "approve, it is for INC-42")
    await stage.whispered(ALICE, "stands on the card as your answer")
    assert stage.effects() == []
    await stage.click(await stage.card(thread, "Answer of"), "approve")
    done = await stage.see(thread, "Executed in", "INC-42")
    assert done["ts"] == card["ts"] and len(stage.effects("grant_access")) == 1
    await stage.see(thread, "That is all.")


async def test_an_approval_with_a_comment_says_it_on_the_card(quick: Stage) -> None:
    thread, card = await asked(quick)
    await quick.click(card, "review")
    await submit(quick, "for INC-42 only")
    done = await quick.see(thread, "Executed in", "for INC-42 only", CAROL)
    assert done["ts"] == card["ts"] and len(quick.effects("grant_access")) == 1


async def test_where_the_policy_wants_a_comment_approve_takes_one(quick: Stage, tmp_path: Path) -> None:
    await quick.stop()
    policy = tmp_path / "commented.yml"
    rule = "{name: why, when: {action: grant_access}, verdict: ask, comment_required: true}"
    policy.write_text(f"defaults:\n  approvers: user:{CAROL}\nrules:\n  - {rule}\n")
    quick.settings["SIGNOFF_POLICY"] = str(policy)
    await quick.start()
    thread, card = await asked(quick)
    assert "approve" not in buttons(card) and "an approval needs a comment" in shown(card)
    await quick.click(card, "review")
    await submit(quick, "INC-42")
    await quick.see(thread, "Executed in", "INC-42", CAROL)
    assert len(quick.effects("grant_access")) == 1


async def test_r7_a_running_bot_refuses_at_the_click_what_its_changed_file_forbids(
    quick: Stage, tmp_path: Path
) -> None:
    await quick.stop()
    policy = tmp_path / "changed.yml"
    policy.write_text(f"defaults: {{approvers: [user:{CAROL}, user:{ALICE}], requester_may_approve: true}}\n")
    quick.settings["SIGNOFF_POLICY"] = str(policy)
    await quick.start()
    thread, card = await asked(quick)
    assert quick.bot is not None
    alice, opaque = Person(TEAM_ID, ALICE), button_value(card, "approve")
    assert await quick.bot.engine.may_decide(alice, opaque) is None
    never = "{name: never, when: {action: grant_access}, verdict: deny}"
    policy.write_text(f"defaults: {{approvers: [user:{CAROL}, user:{ALICE}]}}\nrules:\n  - {never}\n")
    async with asyncio.timeout(60):
        while await quick.bot.engine.may_decide(alice, opaque) is None:
            await asyncio.sleep(0.1)
    await quick.click(card, "approve")
    await quick.see(thread, "did not run", "rule never")
    await quick.see(thread, "That is all.")
    assert quick.effects() == []


async def test_r7_the_requester_withdraws_and_nothing_runs(stage: Stage) -> None:
    thread, card = await asked(stage)
    await stage.click(card, "withdraw", who=CAROL)
    await stage.whispered(CAROL, "can withdraw it")
    await stage.click(card, "withdraw", who=ALICE)
    ended = await stage.see(thread, "Withdrawn", "took it back")
    assert ended["ts"] == card["ts"] and not {"approve", "deny", "withdraw"} & set(buttons(ended))
    await stage.see(thread, "That is all.")
    (output,) = stage.model.outputs().values()
    assert output["status"] == "withdrawn" and stage.effects() == []
    await until(lambda: stage.bighub.resolutions and stage.bighub.outcomes)
    assert "Withdrawn" in str(stage.bighub.resolutions)


async def test_r7_stop_ends_the_request_and_typing_stop_does_not(quick: Stage) -> None:
    thread, card = await asked(quick)
    await quick.workspace.person(ALICE).say(OPS, "stop", thread)
    await quick.whispered(ALICE, "only a click there counts")
    assert {"approve", "stop"} <= set(buttons(await quick.card(thread, "grant_access")))
    await quick.click(card, "stop", who=CAROL)
    ended = await quick.see(thread, "Cancelled")
    assert ended["ts"] == card["ts"] and not {"approve", "deny", "stop"} & set(buttons(ended))
    await quick.see(thread, "Stopped by", CAROL)
    assert quick.effects() == []
