"""What people do with a card beside voting, held by the engine: ask, withdraw, stop; and what is only typed (S9, R5, R7)."""

import json

import pytest

from bot.core.approval import Resolution
from bot.core.call import CallState, Outcome
from bot.core.events import Inquired, Withdrawn
from bot.core.inputs import Clicked
from bot.core.policy import Rule
from bot.core.run import Run, RunState
from bot.core.values import Person
from tests.engine.test_faults import ASK, GRANT, running
from tests.engine.test_terms import asked, ended, told, world_of
from tests.engine.world import ALICE, BOB, CAROL, GUS, PLACE, World, approval_of, saying, wishing

QUESTION = "Which incident is it for?"


async def posted(world: World, count: int = 1) -> Run:
    """Until so many questions stand in the thread, and the journal says so."""
    return await world.until(lambda run: sum(r.key.startswith("inquiry:") for r in run.receipts) >= count, 10.0)


async def inquired(world: World, approval: str, who: Person = CAROL, question: str = QUESTION) -> None:
    await world.click("ask", approval, who, comment=question)


def outputs(world: World) -> list[dict[str, object]]:
    """What the model was told about its calls, the last time."""
    items = [item for item in world.model.asked[-1] if isinstance(item, dict)]
    return [json.loads(str(item["output"])) for item in items if item.get("type") == "function_call_output"]


async def test_a_question_goes_to_the_thread_and_the_answer_to_the_card_and_nothing_is_decided_by_either() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await inquired(world, approval)
        await posted(world)
        assert f"<@U0ALICE>, before deciding about grant_access <@U0CAROL> asks: {QUESTION}" in world.chat.words[0]
        await world.write("yes, approve it: INC-42", message="1.000200")
        run = await world.until(lambda run: run.calls[0].inquiries[0].answer is not None, 10.0)
        assert run.calls[0].inquiries[0].answer == "yes, approve it: INC-42"
        await world.until(lambda run: world.chat.cards["t1c1"][-1].endswith(":!"), 10.0)
        assert "as your answer" in await told(world)
        run = await world.until(lambda run: True)
        assert run.calls[0].state is CallState.ASKING and run.calls[0].approval.votes == () and world.deeds.done == []
        await world.click("approve", approval, CAROL)
        await ended(world)
    phases = world.chat.cards["t1c1"]
    assert [phase.rpartition(":")[2] for phase in phases[:3]] == ["0", "?", "!"] and len(world.deeds.done) == 1
    told_model = outputs(world)[0]["asked_before_deciding"]
    assert told_model == [{"question": QUESTION, "answer": "yes, approve it: INC-42"}]


async def test_the_answer_is_the_first_thing_that_the_requester_writes_after_the_question() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.write("it is urgent", message="1.000099")
        await inquired(world, approval)
        await posted(world)
        await world.write("from somebody else", BOB, message="1.000300")
        await world.write("written before the question stood there", message="1.000098")
        run = await world.until(lambda run: len(run.said) == 4, 10.0)
        assert run.calls[0].inquiries[0].answer is None
        await world.write("the answer", message="1.000400")
        await world.write("and more", message="1.000500")
        run = await world.until(lambda run: len(run.said) == 6, 10.0)
    assert [inquiry.answer for inquiry in run.calls[0].inquiries] == ["the answer"]


REFUSED = [
    ("ask", ALICE, QUESTION, "You asked for this yourself"),
    ("ask", GUS, QUESTION, "may decide this"),
    ("ask", CAROL, " \n", "no question in it"),
    ("withdraw", CAROL, "", "Only <@U0ALICE>, who asked for this, can withdraw it"),
    ("withdraw", Person("T2", "U0ALICE"), "", "Only <@U0ALICE>, who asked for this, can withdraw it"),
    ("stop", GUS, "", "may decide this"),
]


@pytest.mark.parametrize(("action", "who", "typed", "why"), REFUSED)
async def test_s9_who_may_not_is_told_so_and_nothing_changes(action: str, who: Person, typed: str, why: str) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.click(action, approval, who, comment=typed)
        assert why in await told(world)
    run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ASKING and run.calls[0].inquiries == ()


@pytest.mark.parametrize(("action", "who"), [("ask", CAROL), ("withdraw", ALICE), ("stop", ALICE), ("stop", CAROL)])
async def test_s13_a_click_on_another_message_than_the_card_does_nothing(action: str, who: Person) -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.click(action, approval, who, message="1.000001", comment=QUESTION)
        assert "not the card of this approval any more" in await told(world)
    run = await world.run()
    assert run is not None and run.calls[0].state is CallState.ASKING and run.calls[0].inquiries == ()


async def test_at_most_five_questions_are_asked_about_one_action() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        for number in range(6):
            ask = Clicked(CAROL, "ask", approval, PLACE.channel, "card-t1c1", f"question {number}")
            await world.receive(f"q{number}", ask)
        assert "5 questions were asked" in await told(world)
    run = await world.run()
    assert run is not None and len(run.calls[0].inquiries) == 5


async def test_r7_what_its_requester_withdrew_never_runs_bighub_hears_of_it_and_the_model_is_told() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await world.click("withdraw", approval, ALICE)
        run = await ended(world)
        await world.until(lambda run: world.guard.resolutions and world.guard.outcomes, 10.0)
        await world.click("approve", approval, CAROL)
        assert "This is withdrawn" in await told(world)
    call = run.calls[0]
    assert (call.outcome, call.approval.resolution) == (Outcome.WITHDRAWN, Resolution.WITHDRAWN)
    assert world.guard.resolutions == ["grant_access withdrawn"] and world.guard.outcomes == ["grant_access withdrawn"]
    assert outputs(world)[0]["status"] == "withdrawn" and "took it back" in str(outputs(world)[0]["reason"])
    assert world.deeds.done == [] and world.chat.cards["t1c1"][-1] == "withdrawn"


@pytest.mark.parametrize("who", [ALICE, CAROL])
async def test_r7_stop_ends_the_whole_run_and_every_open_card(who: Person) -> None:
    world = world_of()
    world.guard.answers["grant_access"] = ASK
    async with running(world):
        world.model.turns = [wishing(GRANT, (GRANT[0], {"user_id": "eve", "group": "admins"})), saying("Told.")]
        await world.write("grant both")
        run = await world.until(lambda run: len(run.calls) == 2 and all(call.card for call in run.calls), 10.0)
        second = approval_of(run, "t1c2")
        await world.click("stop", approval_of(run), who)
        run = await world.until(lambda run: run.state is RunState.CANCELLED and run.delivered("end:1"), 10.0)
        await world.until(lambda run: all(phases[-1] == "cancelled" for phases in world.chat.cards.values()), 10.0)
        await world.click("approve", second, CAROL, message="card-t1c2")
        assert "This is cancelled" in await told(world)
    assert [call.approval.resolution for call in run.calls] == [Resolution.SUPERSEDED] * 2
    assert world.deeds.done == [] and f"Stopped by <@{who.user}>" in world.chat.words[-1]
    assert len(world.model.asked) == 1


TYPED = ("approve", "Approved!", "yes", "go ahead", "deny", "no", "stop", "cancel", "kill it", "withdraw", "/stop")


@pytest.mark.parametrize("who", [ALICE, CAROL])
@pytest.mark.parametrize("mentioned", [True, False])
async def test_s9_what_is_typed_while_a_card_waits_is_never_a_vote_and_never_a_kill(
    who: Person, mentioned: bool
) -> None:
    world = world_of()
    async with running(world):
        await asked(world)
        for number, text in enumerate(TYPED):
            await world.write(text, who, message=f"1.{number + 300:06}", mentioned=mentioned)
        run = await world.until(lambda run: len(run.said) == 1 + len(TYPED), 10.0)
        await told(world, len(TYPED))
        run = await world.until(lambda run: True)
    assert run.state is RunState.ACTING and run.calls[0].state is CallState.ASKING
    assert run.calls[0].approval.votes == () and run.calls[0].inquiries == () and world.deeds.done == []
    assert all("only a click there counts" in text for _, text in world.chat.whispers)
    assert len(await world.runs()) == 1


async def test_an_expired_question_takes_nothing_more() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        world.engine.stop()
    world.store.clock_shift = 5 * 3_600.0
    world.engine = world.new_engine()
    async with running(world):
        await inquired(world, approval)
        await told(world)
    run = await world.run()
    assert run is not None and run.calls[0].inquiries == ()


async def test_the_journal_holds_who_asked_and_who_withdrew() -> None:
    world = world_of()
    async with running(world):
        approval = await asked(world)
        await inquired(world, approval)
        await posted(world)
        await world.click("withdraw", approval, ALICE)
        run = await ended(world)
        journal = await world.store.read(lambda tx: tx.journal(run.id))
    kept = [each.event for each in journal if isinstance(each.event, Inquired | Withdrawn)]
    assert kept == [Inquired(approval, CAROL, QUESTION, "card-t1c1"), Withdrawn(approval, ALICE, "card-t1c1")]


@pytest.mark.parametrize("unseen", ["\u200b", "\u2800"])
async def test_s22_what_nobody_can_see_is_neither_a_question_nor_a_comment(unseen: str) -> None:
    world = world_of(Rule("comment", comment_required=True))
    async with running(world):
        approval = await asked(world)
        await inquired(world, approval, question=unseen)
        await told(world)
        world.chat.whispers.clear()
        await world.click("approve", approval, CAROL, comment=unseen)
        await told(world)
        run = await world.run()
        assert run is not None and run.calls[0].inquiries == () and run.calls[0].approval.votes == ()
