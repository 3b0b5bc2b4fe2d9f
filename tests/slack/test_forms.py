"""Edit and Safer as people meet them: the button, the form, what it refuses, and what the cards tell of it afterwards."""

import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.actions import Registry, action, define
from bot.core.approval import Resolution
from bot.core.call import Call, CallState, Outcome
from bot.core.events import Cancelled, Edited, Event, Judged, SaferAsked
from bot.core.form import NOT_JSON
from bot.core.glass import Broken
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.vain import BUT_GLASS
from bot.core.values import ApprovalId, CallId, Choice, Person, Proposal
from bot.engine.door import applied
from bot.slack import limits
from bot.slack.blocks import weight
from bot.slack.cards import card
from bot.slack.forms import GONE, UNCHANGED, in_vain
from bot.slack.glass import announcement, review_card
from bot.slack.listeners.buttons import DECIDED
from bot.slack.listeners.forms import CLOSED
from bot.slack.payloads import edit_row, translate
from bot.slack.views import Subject, details_view
from tests.slack.desk import RecordingDesk
from tests.slack.made import APPROVAL, CALL, CAROL, DAN, asked_run, binding, judgement, terms, voted
from tests.slack.reading import words
from tests.slack.test_cards import buttons
from tests.slack.test_listeners import Scene, last_click, scene

__all__ = ["scene"]


@action(system="okta", risk="high", environment="production", name="grant_access", secret=("token",))
def grant(
    user_id: str, group: str, level: Literal["read", "admin"] = "read", hours: int = 48, tags: list[str] | None = None,
    force: bool = False, token: str = "t",
) -> None:  # fmt: skip
    """Put a user into a group."""


GRANT = define(grant)
BOUND: dict[str, Any] = {
    "user_id": "bob", "group": "admins", "level": "admin", "hours": 48, "tags": ["a"], "force": False, "token": "s3cret",
}  # fmt: skip


def grant_run(*more: Event, better: str = "", bound: dict[str, Any] = BOUND) -> Run:
    order = tuple(json.loads(GRANT.parameters_schema)["properties"])
    exact = binding(bound, definition=GRANT.definition_digest, order=order, secret=("token",))
    return asked_run(exact, judgement(better_action=better), None, *more)


async def opened(scene: Scene, desk: RecordingDesk, button: str = "edit", better: str = "") -> dict[str, Any]:
    desk.registry = Registry([GRANT])
    await scene.shows(grant_run(better=better))
    desk.rows.clear()
    await scene.click(button)
    return await scene.modal()


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["label"]["text"]: each for each in view["blocks"] if each["type"] == "input"}


def stated(view: dict[str, Any], **typed: Any) -> dict[str, Any]:
    """The state of the form with these values in these fields."""
    found: dict[str, Any] = {}
    for name, value in typed.items():
        block = inputs(view)[name]
        state: dict[str, Any] = {"type": block["element"]["type"], "value": value}
        if block["element"]["type"] == "static_select":
            options = block["element"]["options"]
            state = {"type": "static_select", "selected_option": next(o for o in options if o["text"]["text"] == value)}
        found[block["block_id"]] = {"value": state}
    return found


async def test_edit_opens_a_form_of_the_actions_schema_with_the_exact_arguments(
    scene: Scene, desk: RecordingDesk
) -> None:
    view = await opened(scene, desk)
    begins = {
        name: each["element"].get("initial_value") or each["element"].get("initial_option", {})["text"]["text"]
        for name, each in inputs(view).items()
    }
    assert begins == {
        "user_id": "bob", "group": "admins", "level": "admin", "hours": "48", "tags": '["a"]', "force": "false",
    }  # fmt: skip
    assert "token stays as it is: it is secret" in words(view["blocks"]) and "s3cret" not in json.dumps(view)
    assert ("edit", "U0CAROL") in [(question, person.user) for question, person, _ in desk.asked] and desk.rows == []


async def test_r3_what_is_submitted_is_a_row_of_the_inbox_before_it_is_acknowledged(
    scene: Scene, desk: RecordingDesk
) -> None:
    view = await opened(scene, desk)
    answer = await scene.person("U0CAROL").submit(
        view["id"], stated(view, hours="2", level="read", tags="[]", force="true")
    )
    assert answer["ack"] == "ok" and await scene.person("U0CAROL").modal() is None
    clicked = last_click(desk)
    assert (clicked.action, clicked.value, clicked.message) == ("edit", APPROVAL, scene.card)
    assert json.loads(clicked.arguments) == BOUND | {"hours": 2, "level": "read", "tags": [], "force": True}


async def test_r20_whoever_edits_what_nobody_else_can_approve_is_told_before(scene: Scene, desk: RecordingDesk) -> None:
    assert "⚠ If you edit this" not in words((await opened(scene, desk))["blocks"])
    desk.sole = frozenset({"U0DAN"})
    for desk.glass in (False, True):
        await scene.click("edit", "U0DAN")
        told = words((await scene.modal("U0DAN"))["blocks"])
        assert in_vain(glass=desk.glass) in told and (BUT_GLASS in told) is desk.glass
        assert ("nobody can approve it in the ordinary way" in told) is desk.glass


async def test_s13_an_edit_counts_on_a_card_that_stands_in_another_channel_than_the_thread(
    scene: Scene, desk: RecordingDesk
) -> None:
    view = await opened(scene, desk)
    scene.knows(grant_run(), thread_in="C0DEV")
    answer = await scene.person("U0CAROL").submit(view["id"], stated(view, hours="2"))
    assert answer["ack"] == "ok" and last_click(desk).channel == "C0OPS"


async def test_s12_an_edit_that_is_sent_from_another_channel_than_its_cards_changes_nothing(
    scene: Scene, desk: RecordingDesk
) -> None:
    view = await opened(scene, desk)
    run, call = desk.cards[APPROVAL]
    assert call.card is not None
    desk.cards[APPROVAL] = (run, replace(call, card=replace(call.card, channel="C0DEV")))
    answer = await scene.person("U0CAROL").submit(view["id"], stated(view, hours="2"))
    assert answer["response_action"] == "update" and desk.rows == []


async def test_r3_an_edit_that_cannot_be_committed_is_not_acknowledged(scene: Scene, desk: RecordingDesk) -> None:
    view = await opened(scene, desk)
    desk.fails = 1
    answer = await scene.person("U0CAROL").submit(view["id"], stated(view, hours="2"))
    assert answer["ack"] != "ok" and desk.rows == [] and await scene.person("U0CAROL").modal() is not None


async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_recorded(scene: Scene, desk: RecordingDesk) -> None:
    view = await opened(scene, desk)
    carol = scene.person("U0CAROL")
    answer = await carol.submit(view["id"], stated(view, hours="many", tags="[1]"))
    blocks = {name: each["block_id"] for name, each in inputs(view).items()}
    assert answer["response_action"] == "errors" and answer["errors"] == {blocks["hours"]: NOT_JSON}
    answer = await carol.submit(view["id"], stated(view, hours="2.5", tags="[1]"))
    assert set(answer["errors"]) == {blocks["hours"], blocks["tags"]}
    assert "must be a whole number" in answer["errors"][blocks["hours"]] and desk.rows == []


async def test_unchanged_arguments_are_no_edit(scene: Scene, desk: RecordingDesk) -> None:
    view = await opened(scene, desk)
    answer = await scene.person("U0CAROL").submit(view["id"], stated(view, tags='[ "a" ]'))
    assert list(answer["errors"].values()) == [UNCHANGED] and desk.rows == []


async def test_s28_an_alternative_that_names_arguments_stands_in_the_form_and_nothing_is_recorded_yet(
    scene: Scene, desk: RecordingDesk
) -> None:
    better = json.dumps({"action": "grant_access", "arguments": {"hours": 2, "level": "read"}})
    view = await opened(scene, desk, "safer_form", better)
    assert inputs(view)["hours"]["element"]["initial_value"] == "2" and desk.rows == []
    await scene.person("U0CAROL").submit(view["id"], stated(view, group="readers"))
    assert json.loads(last_click(desk).arguments) == BOUND | {"hours": 2, "level": "read", "group": "readers"}


async def test_s28_a_sentence_is_a_click_of_its_own_and_opens_nothing(scene: Scene, desk: RecordingDesk) -> None:
    await scene.shows(grant_run(better="Grant read access only"))
    desk.rows.clear()
    await scene.click("safer")
    clicked = last_click(desk)
    assert (clicked.action, clicked.value, clicked.arguments) == ("safer", APPROVAL, "")
    assert await scene.person("U0CAROL").modal() is None


async def test_who_may_not_edit_is_told_privately_and_sees_no_form(scene: Scene, desk: RecordingDesk) -> None:
    desk.refusal = Refused("You may not decide this.")
    await scene.click("edit", "U0ERIN")
    assert await scene.told("U0ERIN") == desk.refusal.reason and await scene.person("U0ERIN").modal() is None


async def test_r14_what_was_changed_since_or_decided_cannot_be_edited_and_it_says_why(
    scene: Scene, desk: RecordingDesk
) -> None:
    await scene.click("edit")
    assert await scene.told() == GONE
    view = await opened(scene, desk)
    scene.knows(grant_run(voted(DAN, Choice.DENY)))
    await scene.click("edit", "U0DAN")
    assert await scene.told("U0DAN") == DECIDED
    answer = await scene.person("U0CAROL").submit(view["id"], stated(view, hours="2"))
    assert answer["response_action"] == "update" and desk.rows == []
    assert CLOSED in words((await scene.modal())["blocks"])
    await scene.repaired(3)


# --- the cards --------------------------------------------------------------------------------------------------------

NEW = CallId(f"{CALL}e")


def edited_run(changed: dict[str, Any], better: str = "", old: dict[str, Any] = BOUND, **agreed: Any) -> Run:
    bound = grant_run(bound=old).calls[0].proposal.binding
    assert bound is not None
    exact = replace(bound, arguments=binding({**old, **changed}).arguments)
    proposal = Proposal(NEW, "wire", "grant_access", "{}", exact)
    again = Judged(NEW, judgement(better_action=better), terms(approval=ApprovalId("b" * 32), **agreed))
    return grant_run(Edited(CALL, proposal, CAROL), again, bound=old)


def flat(text: str) -> str:
    return " ".join(text.split())


def on_card(run: Run, number: int = -1) -> tuple[str, list[Any], Call]:
    message = card(run, run.calls[number])
    return words(list(message.blocks)), list(message.blocks), run.calls[number]


def test_the_card_of_an_edit_shows_who_made_it_and_the_difference() -> None:
    text, blocks, call = on_card(edited_run({"hours": 2, "level": "read"}, not_alone=("U0CAROL",)))
    assert "Edited by <@U0CAROL> , whose approval alone is not enough" in flat(text)
    assert 'level  "admin" → "read"\nhours  48 → 2' in text
    assert {"approve", "deny", "edit"} <= set(buttons(blocks)) and call.proposal.call == NEW


def test_what_was_decided_alone_does_not_say_that_this_is_not_enough() -> None:
    run = edited_run({"hours": 2}, not_alone=("U0CAROL",))
    call = run.calls[-1]
    approval = replace(call.approval, resolution=Resolution.APPROVED)
    call = replace(call, approval=approval, state=CallState.EXECUTED, outcome=Outcome.EXECUTED)
    told = flat(words(list(card(replace(run, calls=(*run.calls[:-1], call)), call).blocks)))
    assert "Edited by <@U0CAROL> . Before" in told and "not enough" not in told


def test_the_card_that_was_edited_says_so_and_decides_nothing_any_more() -> None:
    text, blocks, _ = on_card(edited_run({"hours": 2}), 0)
    assert "Superseded: <@U0CAROL> edited this" in flat(text) and "It did not run." in text
    assert not {"approve", "deny", "edit", "safer"} & set(buttons(blocks))


HOSTILE = "<!channel> <@U0EVE> *bold* `x` ✅ Approved by <https://evil|you>"


@pytest.mark.parametrize("kind", ["value", "sentence"])
def test_s6_what_was_edited_and_what_the_guard_suggests_is_never_parsed(kind: str) -> None:
    run = edited_run({"group": HOSTILE}) if kind == "value" else edited_run({"hours": 2}, better=HOSTILE)
    message = card(run, run.calls[-1])
    assert "mrkdwn" not in json.dumps(message.blocks) and "Approved by" in words(list(message.blocks))
    assert "<!channel>" not in message.text and "<@U0EVE>" not in message.text
    live = [
        each for block in message.blocks for each in elements(block) if each["type"] in ("user", "link", "usergroup")
    ]
    assert {each.get("user_id") for each in live if each["type"] == "user"} <= {"U0ALICE", "U0CAROL"}
    assert not any(each["type"] == "link" for each in live)


def elements(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if isinstance(value.get("type"), str) else []
        return own + [each for inner in value.values() for each in elements(inner)]
    return [each for inner in value for each in elements(inner)] if isinstance(value, list) else []


def test_a_long_difference_is_shortened_on_the_card_and_whole_in_details() -> None:
    old, new = "a" * 900, "b" * 900
    run = edited_run({"group": new}, old={**BOUND, "group": old})
    text, blocks, call = on_card(run)
    assert "(shortened)" in text and old not in text and "details" in buttons(blocks)
    assert sum(map(weight, blocks)) <= limits.MESSAGE_BLOCKS_CHARACTERS
    details = words(details_view(run, call)["blocks"])
    assert f'"{old}" → "{new}"' in flat(details)


def test_a_secret_is_no_part_of_the_difference_but_by_its_length() -> None:
    text, _, _ = on_card(edited_run({"token": "another s3cret"}))
    assert "token  [secret, 6 characters] → [secret, 14 characters]" in text and "s3cret" not in text


def test_the_card_offers_something_safer_only_where_the_guard_names_it() -> None:
    assert "safer" not in buttons(on_card(grant_run())[1])
    assert "safer" in buttons(on_card(grant_run(better="Grant less"))[1])
    text, blocks, _ = on_card(grant_run(better='{"hours": 2}'))
    assert "safer_form" in buttons(blocks) and "Safer: “hours 48 → 2”" in flat(text)


@pytest.mark.parametrize(
    "better",
    [
        '{"action": "delete_all", "arguments": {"hours": 2}}',
        '{"nobody": 1}',
        '{"token": "x"}',
        '{"hours": 48}',
        "{",
        "[1]",
    ],
)
def test_s28_what_names_another_action_or_unknown_or_secret_or_equal_arguments_is_a_sentence(better: str) -> None:
    found = buttons(on_card(grant_run(better=better))[1])
    assert "safer" in found and "safer_form" not in found


def test_the_card_of_the_alternative_says_to_what_and_who_wanted_it() -> None:
    first = grant_run(SaferAsked(CALL, CAROL), better="Grant less")
    text, _, _ = on_card(first, 0)
    assert "Superseded: <@U0CAROL> wanted a safer alternative" in flat(text)
    bound = first.calls[0].proposal.binding
    assert bound is not None
    less = replace(bound, arguments=binding({**BOUND, "hours": 2}).arguments)
    wished = replace(first.calls[0], turn=2, instead=None)
    new = replace(wished, proposal=replace(wished.proposal, call=CallId("t2c1"), binding=less))
    text, _, _ = on_card(replace(first, calls=(first.calls[0], new)))
    assert "The safer alternative: <@U0CAROL> wanted one" in flat(text) and "hours  48 → 2" in text


def test_a_row_of_an_edit_is_read_back_as_it_was_written() -> None:
    body = {"view": {"id": "V1", "hash": "h"}, "user": {"id": "U0CAROL", "team_id": "T1"}, "team": {"id": "T1"}}
    row = edit_row(body, Subject("a", "C1", "1.1"), '{"a":"\\u0000"}')
    clicked = translate(row)
    assert isinstance(clicked, Clicked) and clicked.arguments == '{"a":"\\u0000"}' and row.key == "view:T1:U0CAROL:V1:h"


@pytest.mark.parametrize("who", [CAROL, DAN])
def test_s22_what_is_told_of_a_broken_glass_says_whether_its_breaker_changed_the_arguments(who: Person) -> None:
    run = edited_run({"hours": 2})
    edited, call = applied(run.id, run, [Cancelled(CAROL, "")], 9.0), run.calls[-1].proposal.call
    broken = Broken(call, ApprovalId("b" * 32), who, "site is down", 2.0, 3.0)
    for message in (announcement(edited, broken), review_card(edited, broken)):
        said = "They changed the arguments themselves before."
        assert [said in words(list(message.blocks)), said in message.text] == [who is CAROL] * 2
