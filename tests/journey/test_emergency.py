"""In an emergency: freezing from Slack, deciding alone, and the review afterwards, through the real bot in the local workspace."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journey.stage import ALICE, BOB, CAROL, DAN, ERIN, GRANT, OPS, Stage, shown, staged, until
from tests.servers.bighub_decisions import review
from tests.servers.model_server import Calls, Text

AUDIT = "G0SECRET"
POLICY = """
version: 1
shell_may_decide: true
defaults: {approvers: [user:U0CAROL, user:U0BOB], quorum: 2}
freeze: {users: [U0CAROL, U0ERIN]}
break_glass: {users: [U0ERIN], audit_channel: AUDIT, while_frozen: true, zone: Europe/Berlin}
rules: []
"""


@pytest.fixture
async def emergency(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    policy = tmp_path / "policy.yml"
    policy.write_text(POLICY.replace("AUDIT", AUDIT))
    async with staged(sqlite_url, tmp_path, SIGNOFF_POLICY=str(policy)) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.start()
        yield stage


async def command(stage: Stage, who: str, text: str) -> str:
    return json.dumps((await stage.workspace.person(who).command(OPS, "/signoff", text))["response"])


async def test_r7_signoff_freezes_puts_a_banner_on_open_cards_and_a_second_person_lifts_it(emergency: Stage) -> None:
    stage = emergency
    stage.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    assert "Only <@U0CAROL>" in await command(stage, DAN, "freeze all incident 7")
    assert "Frozen: all" in await command(stage, ERIN, "freeze all incident 7 & more")
    await stage.see(thread, "Frozen: all", "incident 7 & more")
    assert "all by" in await command(stage, ALICE, "freezes")
    assert stage.bighub is not None
    await stage.bot.engine._overseer.watch()  # type: ignore[union-attr]
    assert len(stage.bighub.switches) == 1
    await stage.click(card, "approve", CAROL)
    await stage.whispered(CAROL, "incident 7 & more")
    assert "somebody else must lift it" in await command(stage, ERIN, "unfreeze all over")
    assert "Lifted: all" in await command(stage, CAROL, "unfreeze all over")
    await stage.see(thread, "Approval needed", where=lambda message: "Frozen" not in shown(message))
    for who in (CAROL, BOB):
        await stage.click(card, "approve", who)
    await stage.see(thread, "Done: bob is in.")
    assert len(stage.effects("grant_access")) == 1
    assert "/signoff freeze" in await command(stage, ALICE, "")


async def test_s22_one_person_decides_alone_with_a_reason_while_frozen_and_others_review_it(emergency: Stage) -> None:
    stage = emergency
    stage.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    await command(stage, CAROL, "freeze all incident 7")
    await stage.see(thread, "Frozen: all")
    await stage.click(card, "break_glass", BOB)
    await stage.whispered(BOB, "may break the glass")
    erin = stage.workspace.person(ERIN)
    await stage.click(card, "break_glass", ERIN)
    modal = await erin.wait_for(erin.modal)
    assert "okta-prod-admins" in json.dumps(modal) and modal["blocks"][-1]["optional"] is False
    await erin.submit(modal["id"], {"comment": {"comment": {"type": "plain_text_input", "value": "site is down"}}})
    await stage.see(thread, "Done: bob is in.")
    await stage.see(thread, "alone, breaking the glass", "site is down")
    told = await in_audit(stage, "Glass broken", "site is down", "okta-prod-admins")
    assert "breaks" not in shown(told)
    stage.bot.store.clock_shift = 8 * 86_400.0  # type: ignore[union-attr]
    asks = await in_audit(stage, "Please review", "Executed")
    await stage.workspace.person(ALICE).click(AUDIT, asks["ts"], "reviewed")
    await stage.whispered(ALICE, "somebody else must decide", channel=AUDIT)
    await stage.workspace.person(BOB).click(AUDIT, asks["ts"], "reviewed")
    await in_audit(stage, "Reviewed by", BOB)


async def in_audit(stage: Stage, *words: str) -> dict:  # type: ignore[type-arg]
    return await stage.workspace.person(CAROL).wait_for_message(
        AUDIT, lambda message: all(word in shown(message) for word in words), 15.0
    )


async def test_a_denial_on_bighubs_dashboard_is_shown_on_the_card(emergency: Stage) -> None:
    stage = emergency
    assert stage.bighub is not None
    stage.model.say(Calls([GRANT]), Text("It was denied."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    await stage.card(thread, "grant_access")
    await until(lambda: stage.bighub.approvals)  # type: ignore[union-attr]
    (request_id,) = stage.bighub.approvals
    stage.bighub.resolve_elsewhere(request_id, "denied", "not this week")
    await stage.bot.engine._overseer.watch()  # type: ignore[union-attr]
    await stage.see(thread, "Denied", "BIGHUB's dashboard. not this week")
    await stage.see(thread, "It was denied.")
    assert stage.effects("grant_access") == []
