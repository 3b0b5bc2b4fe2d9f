"""What lives in the acknowledgement, driven by people in the local workspace over both transports."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from structlog.testing import capture_logs

from bot.core.approval import NOT_THE_CARD
from bot.core.call import Card
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Choice, Place
from bot.engine.listing import Listing
from bot.engine.words import ASKED_ANEW, UNKNOWN_BUTTON
from bot.ports import Freeze
from bot.slack.cards import card
from bot.slack.listeners.buttons import DECIDED, TOO_SLOW
from bot.slack.listeners.commands import CANNOT
from bot.slack.listeners.telling import OLD_BUTTON, WENT_WRONG
from bot.slack.payloads import translate
from bot.slack.replies import NONE_OPEN
from bot.workspace import RunningWorkspace
from bot.workspace.people import Person
from tests.slack.desk import RecordingDesk
from tests.slack.made import APPROVAL, DAN, asked_run, binding, call_of, voted
from tests.slack.reading import shown_arguments, words
from tests.slack.test_replies import opened
from tests.slack.transports import over_http, over_socket

LARGE: dict[str, Any] = {"script": "".join(f"step {n}\n" for n in range(500))}


class Scene:
    """A card that stands in a thread, and the people around it."""

    def __init__(self, workspace: RunningWorkspace, desk: RecordingDesk, client: Any) -> None:
        self.workspace, self.desk, self.client = workspace, desk, client
        self.card = ""
        self.thread = ""

    async def shows(self, run: Run, channel: str = "C0OPS") -> None:
        self.thread = await self.person("U0ALICE").say(channel, "please")
        message = card(run, call_of(run))
        posted = await self.client.chat_postMessage(
            channel=channel, thread_ts=self.thread, text=message.text, blocks=message.blocks
        )
        self.card = str(posted["ts"])
        self.knows(run)

    def knows(self, run: Run, thread_in: str = "C0OPS") -> None:
        """The desk holds this run, its card standing where it was posted."""
        place = Place("T0ACME", thread_in, self.thread)
        call = replace(call_of(run), card=Card("C0OPS", self.card, "asking:0"))
        here = replace(run, asked=replace(run.asked, place=place), calls=(call,))
        self.desk.cards[APPROVAL] = (here, call)

    def person(self, user: str) -> Person:
        return self.workspace.person(user)

    async def click(self, action: str, user: str = "U0CAROL", **forced: Any) -> str:
        return await self.person(user).click("C0OPS", self.card, action, **forced)

    async def modal(self, user: str = "U0CAROL") -> dict[str, Any]:
        for _ in range(200):
            found = await self.person(user).modal()
            if found is not None:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("no modal opened")

    async def repaired(self, times: int) -> None:
        """The card is to be shown anew."""
        for _ in range(300):
            if len(self.desk.repaired) == times:
                assert self.desk.repaired[-1] == ("T0ACME", "C0OPS", APPROVAL, self.card)
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"repaired: {self.desk.repaired}")

    async def told(self, user: str = "U0CAROL") -> str:
        """The private explanation that this person got."""
        for _ in range(300):
            private = [each for each in await self.person(user).messages("C0OPS") if each.get("ephemeral_to")]
            if private:
                return words(private[-1]["blocks"])
            await asyncio.sleep(0.01)
        raise AssertionError("nobody was told anything")


@pytest.fixture(params=["socket", "http"])
async def scene(
    request: pytest.FixtureRequest, app: AsyncApp, workspace: RunningWorkspace, desk: RecordingDesk, client: Any
) -> AsyncIterator[Scene]:
    async with over_socket(app, workspace) if request.param == "socket" else over_http(app, workspace):
        made = Scene(workspace, desk, client)
        await made.shows(asked_run())
        desk.rows.clear()
        yield made


def last_click(desk: RecordingDesk) -> Clicked:
    clicked = translate(desk.rows[-1])
    assert isinstance(clicked, Clicked)
    return clicked


async def test_deny_asks_for_a_reason_and_the_submission_is_the_denial(scene: Scene, desk: RecordingDesk) -> None:
    assert await scene.click("deny") == "ok"
    view = await scene.modal()
    assert desk.rows == [] and view["callback_id"] == "deny"
    answer = await scene.person("U0CAROL").submit(
        view["id"], {"comment": {"comment": {"type": "plain_text_input", "value": "too broad"}}}
    )
    assert answer["ack"] == "ok" and await scene.person("U0CAROL").modal() is None
    clicked = last_click(desk)
    assert (clicked.action, clicked.value, clicked.comment) == ("deny", APPROVAL, "too broad")
    assert (clicked.channel, clicked.message, clicked.person.user) == ("C0OPS", scene.card, "U0CAROL")


async def test_ask_opens_a_form_that_takes_no_silence_and_the_submission_is_the_question(
    scene: Scene, desk: RecordingDesk
) -> None:
    await scene.click("ask")
    view = await scene.modal()
    assert desk.rows == [] and view["callback_id"] == "ask"
    silent = await scene.person("U0CAROL").submit(view["id"])
    assert silent["response_action"] == "errors" and desk.rows == []
    typed = {"comment": {"comment": {"type": "plain_text_input", "value": "Which incident?"}}}
    assert (await scene.person("U0CAROL").submit(view["id"], typed))["ack"] == "ok"
    clicked = last_click(desk)
    assert (clicked.action, clicked.value, clicked.comment) == ("ask", APPROVAL, "Which incident?")
    assert (clicked.channel, clicked.message) == ("C0OPS", scene.card)


async def test_a_denial_without_a_reason_is_one_too(scene: Scene, desk: RecordingDesk) -> None:
    await scene.click("deny")
    await scene.person("U0CAROL").submit((await scene.modal())["id"])
    assert (last_click(desk).action, last_click(desk).comment) == ("deny", "")


async def test_who_may_not_decide_is_told_privately_and_sees_no_modal(scene: Scene, desk: RecordingDesk) -> None:
    desk.refusal = Refused("You asked for this yourself, so somebody else must decide it.")
    await scene.click("deny", "U0ALICE")
    assert await scene.told("U0ALICE") == "You asked for this yourself, so somebody else must decide it."
    assert await scene.person("U0ALICE").modal() is None
    assert ("decide", "U0ALICE") in [(question, person.user) for question, person, _ in desk.asked]


async def test_review_shows_every_byte_and_approves(scene: Scene, desk: RecordingDesk) -> None:
    """S4."""
    await scene.shows(asked_run(binding(LARGE)))
    desk.rows.clear()
    await scene.click("review")
    view = await scene.modal()
    assert shown_arguments(view["blocks"]) == LARGE and desk.rows == []
    await scene.person("U0CAROL").submit(view["id"])
    assert (last_click(desk).action, last_click(desk).value) == ("approve_reviewed", APPROVAL)


async def test_details_are_for_those_who_belong_here(scene: Scene, desk: RecordingDesk) -> None:
    await scene.click("details")
    assert "digest" in words((await scene.modal())["blocks"])
    desk.refusal = Refused("Somebody from another workspace cannot ask me for anything.")
    await scene.click("details", "U0BOB")
    assert await scene.told("U0BOB") == desk.refusal.reason
    assert await scene.person("U0BOB").modal() is None


@pytest.mark.parametrize("action", ["deny", "review", "details"])
async def test_an_unknown_id_and_one_of_another_channel_get_the_same_answer(
    scene: Scene, desk: RecordingDesk, action: str
) -> None:
    """S12."""
    run, call = desk.cards[APPROVAL]
    elsewhere = replace(run, asked=replace(run.asked, place=Place("T0ACME", "G0SECRET", run.asked.place.thread)))
    other_team = replace(run, asked=replace(run.asked, place=Place("T0OTHER", "C0OPS", run.asked.place.thread)))
    assert call.card is not None
    there = replace(call, card=replace(call.card, channel="G0SECRET"))
    desk.cards |= {"f" * 32: (elsewhere, there), "g" * 32: (other_team, call)}
    for number, value in enumerate(("f" * 32, "g" * 32, "unknown", "")):
        user = ("U0BOB", "U0CAROL", "U0DAN", "U0ERIN")[number]
        await scene.click(action, user, value=value, force=True)
        assert await scene.told(user) == UNKNOWN_BUTTON
    assert desk.asked == []


async def test_a_card_that_is_decided_or_replaced_opens_nothing(scene: Scene, desk: RecordingDesk) -> None:
    """S13."""
    scene.knows(asked_run(None, None, None, voted(DAN, Choice.DENY)))
    await scene.click("deny")
    assert await scene.told() == DECIDED
    await scene.repaired(1)
    scene.knows(asked_run())
    run, call = desk.cards[APPROVAL]
    newer = replace(call, card=Card("C0OPS", "1800000000.000100", "asking:0"))
    desk.cards[APPROVAL] = (replace(run, calls=(newer,)), newer)
    await scene.click("deny", "U0DAN")
    assert await scene.told("U0DAN") == NOT_THE_CARD
    await scene.repaired(2)


async def test_s13_a_button_of_a_question_that_is_asked_anew_says_so(scene: Scene, desk: RecordingDesk) -> None:
    desk.anew, desk.cards = True, {}
    await scene.click("deny")
    assert await scene.told() == ASKED_ANEW


async def test_a_lookup_that_takes_too_long_is_explained(scene: Scene, desk: RecordingDesk) -> None:
    desk.waits = 1.2
    assert await scene.click("deny") == "ok"
    assert await scene.told() == TOO_SLOW


async def test_what_goes_wrong_is_logged_without_payloads_and_explained(scene: Scene, desk: RecordingDesk) -> None:
    desk.broken = True
    with capture_logs() as logs:
        assert await scene.click("details") == "ok"
        assert await scene.told() == WENT_WRONG
    (entry,) = [each for each in logs if each["event"] == "a listener failed"]
    assert entry["error"] == "StoreIsDown" and "secret" not in repr(logs)


@pytest.mark.parametrize("action", ["edited", "never_heard_of", "Approve", "approve_reviewed"])
async def test_a_button_of_another_version_is_explained(scene: Scene, desk: RecordingDesk, action: str) -> None:
    assert await scene.click(action, value=APPROVAL, force=True) == "ok"
    assert await scene.told() == OLD_BUTTON
    await scene.repaired(1)
    assert desk.rows == []


async def test_a_form_of_another_version_is_explained_in_its_own_window(
    scene: Scene, desk: RecordingDesk, client: Any
) -> None:
    await scene.click("deny")
    view = await scene.modal()
    old = {name: view[name] for name in ("type", "title", "submit", "close", "blocks")} | {
        "callback_id": "form_of_2019"
    }
    await client.views_update(view_id=view["id"], view=json.loads(json.dumps(old)))
    answer = await scene.person("U0CAROL").submit(view["id"])
    assert answer["response_action"] == "update" and desk.rows == []
    assert "older version" in words((await scene.modal())["blocks"])


async def test_pending_lists_what_waits(scene: Scene, desk: RecordingDesk) -> None:
    desk.listing = Listing((opened(1),), (opened(2),), mine=1, all=2)
    answer = await scene.person("U0CAROL").command("C0OPS", "/pending")
    assert answer["ack"] == "ok"
    text = words(answer["response"]["blocks"])
    assert text.index("Yours to decide") < text.index("grant_access_1") < text.index("grant_access_2")
    assert "https://acme.slack.com/archives/C0OPS/p1700000009000100" in json.dumps(answer["response"])
    assert [(question, person.user, about) for question, person, about in desk.asked] == [("list", "U0CAROL", "T0ACME")]


async def test_pending_says_when_nothing_waits_and_when_nobody_knows(scene: Scene, desk: RecordingDesk) -> None:
    assert (await scene.person("U0CAROL").command("C0OPS", "/pending"))["response"]["text"] == NONE_OPEN
    desk.broken = True
    assert (await scene.person("U0CAROL").command("C0OPS", "/pending"))["response"]["text"] == CANNOT


async def test_pending_refuses_whom_the_engine_refuses(scene: Scene, desk: RecordingDesk) -> None:
    desk.listing = Listing((), (opened(1),), all=1)
    desk.refusal = Refused("Guests cannot ask me for anything; somebody who keeps policy.yml can change that.")
    answer = await scene.person("U0GUEST").command("C0OPS", "/pending")
    assert answer["ack"] == "ok" and answer["response"]["response_type"] == "ephemeral"
    assert words(answer["response"]["blocks"]) == desk.refusal.reason == answer["response"]["text"]
    assert "grant_access_1" not in json.dumps(answer)


async def test_freezes_lists_what_is_frozen_and_that_bighub_does_not_follow(scene: Scene, desk: RecordingDesk) -> None:
    desk.frozen, desk.behind = (Freeze("all", "incident 7", "U0BOB", 0.0),), "BIGHUB's kill switch does not follow."
    answer = await scene.person("U0CAROL").command("C0OPS", "/signoff", "freezes")
    assert answer["response"]["text"] == f"Frozen:\nall by <@U0BOB>: incident 7\n{desk.behind}"


async def test_who_clicks_a_card_that_stands_in_the_channel_is_told_there(scene: Scene, desk: RecordingDesk) -> None:
    """Slack shows an ephemeral message in a thread only where the thread has replies."""
    run, call = desk.cards[APPROVAL]
    posted = await scene.client.chat_postMessage(channel="C0OPS", text="x", blocks=card(run, call).blocks)
    scene.card = str(posted["ts"])
    desk.refusal = Refused("You may not.")
    await scene.click("deny")
    assert await scene.told() == "You may not."
    told = [each for each in await scene.person("U0CAROL").messages("C0OPS") if each.get("ephemeral_to")][-1]
    assert "thread_ts" not in told


async def test_a_slow_list_comes_after_the_acknowledgement(scene: Scene, desk: RecordingDesk) -> None:
    desk.listing, desk.waits = Listing((opened(1),), mine=1, all=1), 2.3
    answer = await scene.person("U0CAROL").command("C0OPS", "/pending")
    assert answer["ack"] == "ok" and not answer["response"].get("text")
    assert "grant_access_1" in await scene.told()
