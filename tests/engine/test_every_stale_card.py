"""Edit and Safer on every state by everybody, and cards that are stale in every way there is (S9, S10, S12, S13)."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from bot.core.call import CallState
from bot.core.events import CardShown, Edited, Event, SaferAsked, Tightened, Voted
from bot.core.inputs import Clicked
from bot.core.policy import Defaults, Policy
from bot.core.run import Run
from bot.core.values import ApprovalId, Judgement, Person, Proposal, Verdict
from bot.engine.editing import Editing
from bot.engine.inbox import Inbox
from bot.engine.people import People
from bot.engine.starting import asked_anew, judged
from bot.engine.words import ASKED_ANEW
from bot.ports import InboxRow, Wish, Writer
from tests.engine.test_every_button import (
    APPROVAL,
    BY_VOTE,
    CARD,
    KEY,
    MAY,
    NAMED,
    NOT_AMONG,
    OLDER,
    OPEN,
    OTHERS,
    OUT,
    PEOPLE,
    RUN,
    STALE,
    STATES,
    TWO,
    UNKNOWN,
    Bench,
    voted,
)
from tests.engine.world import ALICE, BOB, CAROL, PLACE, TEAM, WakingDispatch, World

NEXT, NEXT_CARD = ApprovalId("b" * 32), "card-t1c1e"
WISH, LESS, LEAST = (f'{{"group":"{group}","user_id":"bob"}}' for group in ("admins", "writers", "readers"))
REGISTRY = World().registry
SAID = Judgement(Verdict.ASK, "broad", "BIGHUB", better_action="Grant readers instead.")
EDITS: dict[str, type] = {"edit": Edited, "safer": SaferAsked}
DOERS = ("requester", *MAY)
LATE = {
    **dict.fromkeys(BY_VOTE, "<@U0BOB> approved this already."),
    "denied": "<@U0BOB> denied this already.",
    "expired": "This is expired: ",
    "withdrawn": "This is withdrawn: ",
    "superseded": "This is superseded: ",
    "frozen": "This is frozen: ",
    "blocked": "This is blocked: ",
    "stopped": "This is cancelled: ",
}


class WholeBench(Bench):
    """Whose one call is bound to a real action, so that it can be edited."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.judgement, self.arguments = SAID, LESS
        self.with_policy(self.policy)

    def with_policy(self, policy: Policy) -> None:
        """The bot is started anew with this policy."""
        self.policy, self.people = policy, People(self.chat, policy)
        editing = Editing(self.people, REGISTRY, (KEY,))
        parts = (self.store, self.door, self.people, self.chat, WakingDispatch())
        self.inbox = Inbox(*parts, lambda row: self.clicks[row.key], (KEY,), editing=editing)

    async def proposed(self) -> Proposal:
        return await REGISTRY.propose("t1c1", Wish("wire_t1c1", "grant_access", WISH), ALICE)

    async def press(
        self, button: str, who: Person, value: str, message: str = CARD, channel: str = PLACE.channel, team: str = TEAM
    ) -> type | str:
        """What was recorded last, but for a card that is to be shown anew, or what the person was told."""
        before = len(await self.journal())
        self.clicks["row"] = Clicked(who, button, value, channel, message, "Which incident?", self.arguments)
        row = InboxRow("row", team, "click", "{}")
        await self.store.write(lambda tx: tx.put_inbox(row))
        await self.inbox.work(row)
        added = [recorded.event for recorded in (await self.journal())[before:]]
        new = [event for event in added if not isinstance(event, CardShown)]
        return type(new[-1]) if new else "".join(text for _, text in self.chat.whispers)


def expected(state: str, button: str, who: str, message: str) -> type | str:
    if who in OUT:
        return OUT[who]
    if who not in DOERS:
        return NOT_AMONG
    if state not in OPEN:
        return LATE.get(state, "already")
    return EDITS[button] if message == CARD else STALE


@pytest.mark.parametrize("state", STATES)
async def test_s9_s10_s13_edit_and_safer_on_every_state_by_everybody(state: str) -> None:
    for button, (who, person), message in product(EDITS, PEOPLE.items(), (CARD, OLDER)):
        bench = WholeBench(state)
        await bench.tell(state)
        found, answer = await bench.press(button, person, APPROVAL, message), expected(state, button, who, message)
        assert found is answer if isinstance(answer, type) else answer in str(found), (button, who, message, found)


# --- stale cards --------------------------------------------------------------------------------------------------------


async def opened(*more: Event) -> WholeBench:
    bench = WholeBench("open")
    await bench.tell("open")
    if more:
        assert isinstance(await bench.door.record(RUN, *more), Run)
    return bench


async def replaced_by_an_edit() -> WholeBench:
    """Carol edited it: the first card says so, and what it became is asked about on a card of its own."""
    bench = await opened()
    assert await bench.press("edit", CAROL, APPROVAL) is Edited

    async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
        assert run is not None
        again = judged(run, run.calls[1], SAID, bench.policy, NEXT, tx.now, KEY)
        return [again, CardShown(run.calls[1].proposal.call, PLACE.channel, NEXT_CARD, "asking")]

    assert isinstance(await bench.door.decide(RUN, decide), Run)
    bench.arguments = LEAST
    return bench


async def asked_once_more() -> WholeBench:
    """It was approved, nothing ran, and people are asked anew, on the same message: somebody's Slack still shows the old buttons."""
    bench = await opened(voted(BOB))
    run = (await bench.door.load(RUN))[0]
    assert run is not None and run.calls[0].state is CallState.ALLOWED

    async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
        assert run is not None
        return [asked_anew(run, run.calls[0], "It lapsed.", bench.policy, NEXT, tx.now, KEY)]

    assert isinstance(await bench.door.decide(RUN, decide), Run)
    return bench


def votes_of(run: Run | None) -> Sequence[object]:
    assert run is not None
    return [vote for call in run.calls if call.approval for vote in call.approval.votes]


def whose(button: str) -> Person:
    """Somebody who might press it, on the right card."""
    return {"withdraw": ALICE, "break_glass": PEOPLE["rescuer"]}.get(button, BOB)


@pytest.mark.parametrize("button", [*OTHERS, *EDITS])
async def test_s13_no_button_of_a_card_that_was_edited_away_does_anything(button: str) -> None:
    bench = await replaced_by_an_edit()
    who = whose(button)
    for value, message in ((APPROVAL, CARD), (APPROVAL, NEXT_CARD), (NEXT, CARD)):
        bench.chat.whispers.clear()
        assert isinstance(found := await bench.press(button, who, value, message), str), (value, message)
        assert "superseded" in found or STALE in found
    assert votes_of((await bench.door.load(RUN))[0]) == []


@pytest.mark.parametrize("button", [*OTHERS, *EDITS])
async def test_s13_no_button_of_the_question_before_the_one_that_is_asked_now_does_anything(button: str) -> None:
    bench = await asked_once_more()
    who = whose(button)
    assert await bench.press(button, who, APPROVAL) == ASKED_ANEW
    assert votes_of((await bench.door.load(RUN))[0]) == []


@pytest.mark.parametrize("button", ["approve", "approve_reviewed", "deny"])
async def test_s13_the_question_that_is_asked_now_takes_the_vote_of_who_has_voted_before(button: str) -> None:
    bench = await asked_once_more()
    assert await bench.press(button, BOB, NEXT) is Voted


@pytest.mark.parametrize("button", [*OTHERS, *EDITS])
@pytest.mark.parametrize("elsewhere", [{"channel": "C0OTHER"}, {"team": "T2"}])
async def test_s12_no_button_of_a_card_that_was_carried_elsewhere_does_anything(
    button: str, elsewhere: dict[str, str]
) -> None:
    bench = await opened()
    assert UNKNOWN in str(await bench.press(button, whose(button), APPROVAL, **elsewhere))


async def test_s13_a_card_from_before_the_policy_became_stricter_takes_votes_on_the_stricter_terms() -> None:
    """The same question on the same message: the buttons of before are good, and what they mean is what holds now."""
    bench = await opened()
    bench.with_policy(TWO)
    assert await bench.press("approve", BOB, APPROVAL) is Voted
    kinds = [type(recorded.event) for recorded in await bench.journal()]
    assert kinds[-2:] == [Tightened, Voted]
    bench.with_policy(Policy(replace(Defaults(approvers=NAMED), comment_required=True)))
    assert await bench.press("deny", CAROL, APPROVAL) is Voted
    run = (await bench.door.load(RUN))[0]
    assert run is not None and run.calls[0].state is CallState.REFUSED


async def test_s13_a_form_that_was_open_while_the_question_changed_is_too_late() -> None:
    """A comment was being typed while somebody else edited it, and while people were asked anew."""
    for made, words in ((replaced_by_an_edit, "superseded"), (asked_once_more, ASKED_ANEW)):
        bench = await made()
        assert words in str(await bench.press("approve_reviewed", BOB, APPROVAL))
        assert votes_of((await bench.door.load(RUN))[0]) == []


def test_every_state_of_the_table_has_its_words() -> None:
    assert set(STATES) == {*OPEN, *LATE}
