"""`/pending` and the shell: the open approvals, in Slack and beside it."""

import asyncio
import json

import pytest

from tests.journey.stage import ALICE, BOB, CAROL, GRANT, OPS, Stage, button_value, staged
from tests.journey.test_restarts import signoff
from tests.servers.bighub_decisions import decision, review
from tests.servers.model_server import Calls, Text

SCALE = ("scale_deployment", {"service": "checkout", "replicas": 6, "environment": "production"})


def risks(body: dict[str, object]) -> dict[str, object]:
    return {"grant_access": review(risk=0.9), "scale_deployment": review(risk=0.6)}.get(str(body["action"]), decision())


async def listing(stage: Stage, who: str, link: str) -> str:
    """What `/pending` answers once it has ``link``: where a card stands is recorded after people can see it."""
    for _ in range(100):
        listed = json.dumps((await stage.workspace.person(who).command(OPS, "/pending"))["response"])
        if link in listed:
            return listed
        await asyncio.sleep(0.05)
    raise AssertionError(f"{link} is not in {listed}")


async def test_pending_lists_what_is_mine_to_decide_first_with_links_or_says_that_there_is_nothing(
    stage: Stage,
) -> None:
    carol = stage.workspace.person(CAROL)
    nothing = await carol.command(OPS, "/pending")
    assert "Nothing is waiting" in json.dumps(nothing["response"])
    assert stage.bighub is not None
    stage.bighub.rules = risks
    stage.model.say(Calls([SCALE, GRANT]), Text("Done."))
    thread = await stage.mention("grant and scale")
    grant = await stage.card(thread, "grant_access")
    await stage.card(thread, "scale_deployment")
    listed = await listing(stage, CAROL, f"p{grant['ts'].replace('.', '')}")
    assert listed.index("grant_access") < listed.index("scale_deployment")
    for_bob = json.dumps((await stage.workspace.person(BOB).command(OPS, "/pending"))["response"])
    assert for_bob.index("scale_deployment") < for_bob.index("grant_access")


@pytest.mark.parametrize("transport", ["socket"])
async def test_the_shell_lists_and_decides_while_the_bot_runs(stage: Stage) -> None:
    assert stage.bighub is not None
    stage.bighub.default = review()
    stage.model.say(Calls([GRANT]), Text("Done: bob is in."))
    thread = await stage.mention("grant bob okta-prod-admins for 48h")
    card = await stage.card(thread, "grant_access")
    (line,) = json.loads(await signoff(stage, "pending", "--json"))
    assert line["approval"] == button_value(card, "approve") and line["requester"] == ALICE
    refused = await signoff(stage, "approve", line["approval"], "--as", ALICE, ok=False)
    assert "yourself" in refused and "Traceback" not in refused
    await signoff(stage, "approve", line["approval"], "--as", CAROL)
    await stage.see(thread, "Done: bob is in.")
    assert len(stage.effects("grant_access")) == 1
    assert "Nothing waits" in await signoff(stage, "pending")
    assert "chain holds" in await signoff(stage, "audit", "verify")


async def test_while_slack_is_down_only_people_named_in_the_policy_decide_from_a_shell(
    sqlite_url: str, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    policy = tmp_path / "policy.yml"
    policy.write_text(
        "version: 1\nshell_may_decide: true\ndefaults: {approvers: [user:U0CAROL, group:S0SRE]}\nrules: []\n"
    )
    async with staged(sqlite_url, tmp_path, SIGNOFF_POLICY=str(policy)) as stage:
        assert stage.bighub is not None
        stage.bighub.default = review()
        await stage.start()
        stage.model.say(Calls([GRANT]), Text("Done: bob is in."))
        thread = await stage.mention("grant bob okta-prod-admins for 48h")
        card = await stage.card(thread, "grant_access")
        stage.settings["SLACK_API_URL"] = "http://127.0.0.1:9/api/"
        approval = button_value(card, "approve")
        refused = await signoff(stage, "approve", approval, "--as", "U0DAN", ok=False)
        assert "Slack" in refused and "Traceback" not in refused
        await signoff(stage, "approve", approval, "--as", CAROL)
        await stage.see(thread, "Done: bob is in.")
