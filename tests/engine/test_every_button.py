"""Every button on every state of a card, by everybody: what is recorded, or what the person is told (S9, S10, S12, S13, R5, R7).

One table: the first row that fits says what must come of it. Every case must be in it, and every row must be of use.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import pytest

from bot.core.events import (
    Asked,
    CallRefused,
    Cancelled,
    CardShown,
    Doubted,
    Event,
    Expired,
    Finished,
    Inquired,
    Recorded,
    Settled,
    Started,
    Voted,
    Withdrawn,
)
from bot.core.glass import BreakGlass
from bot.core.inputs import Clicked, Profile
from bot.core.policy import Defaults, Policy
from bot.core.run import Run
from bot.core.values import Answer, ApprovalId, CallId, Choice, Ground, Judgement, Person, Proposal, RunId, Verdict
from bot.dict_store import DictStore
from bot.engine.door import Door
from bot.engine.inbox import Inbox
from bot.engine.people import People
from bot.engine.starting import judged
from bot.engine.words import UNKNOWN_BUTTON
from bot.ports import InboxRow, Writer
from bot.slack.listeners.buttons import Buttons
from bot.slack.listeners.telling import Click
from tests.core.runs import proposal, replied
from tests.engine.world import ALICE, BOB, CAROL, PLACE, TEAM, ChatInMemory, WakingDispatch, World

KEY = b"k" * 32
RUN, CALL = RunId("run1"), CallId("t1c1")
APPROVAL, QUESTION = ApprovalId("a" * 32), ApprovalId("e" * 32)
CARD, OLDER = "card-t1c1", "1.000001"
HOURS = 3_600.0
DAN, ERIN, GUEST, LEFT, ROBOT = (Person(TEAM, f"U0{name}") for name in ("DAN", "ERIN", "GUEST", "LEFT", "ROBOT"))
PARTNER = Person("T9", "U0PARTNER")
PEOPLE = {
    "requester": ALICE,
    "voter": BOB,
    "approver": CAROL,
    "colleague": DAN,
    "rescuer": ERIN,
    "guest": GUEST,
    "left": LEFT,
    "bot": ROBOT,
    "outsider": PARTNER,
}
PROFILES = {
    GUEST: Profile(GUEST, "guest", TEAM, guest=True),
    LEFT: Profile(LEFT, "left", TEAM, deactivated=True),
    ROBOT: Profile(ROBOT, "bot", TEAM, bot=True),
    PARTNER: Profile(PARTNER, "partner", "T9"),
}
NAMED = tuple(f"user:{person.user}" for person in (BOB, CAROL, GUEST, LEFT, ROBOT, PARTNER))
GLASS = BreakGlass(tuple(f"user:{person.user}" for person in (ERIN, GUEST, LEFT, ROBOT, PARTNER)), "C0AUDIT")
POLICY = Policy(Defaults(approvers=NAMED), break_glass=GLASS)
TWO = Policy(Defaults(approvers=NAMED, quorum=2), break_glass=GLASS)


def voted(person: Person, choice: Choice = Choice.APPROVE, comment: str = "") -> Voted:
    return Voted(APPROVAL, person, choice, comment, "k:seal", "slack", CARD, (f"user:{person.user}",))


YES = (voted(BOB),)
STARTED = (*YES, Started(CALL, "a1", "w"))
DOUBTED = (*STARTED, Doubted(CALL, "a1", QUESTION, 9e9))
STATES: dict[str, tuple[Event, ...]] = {
    "open": (),
    "asked": (Inquired(APPROVAL, CAROL, "Which incident?", CARD),),
    "half": YES,
    "all is frozen": (),
    "approved": YES,
    "running": STARTED,
    "executed": (*STARTED, Finished(CALL, "a1", True, "{}", 1.0)),
    "failed": (*STARTED, Finished(CALL, "a1", False, "null", 1.0, "No such group.")),
    "denied": (voted(BOB, Choice.DENY, "too broad"),),
    "expired": (Expired(APPROVAL),),
    "withdrawn": (Withdrawn(APPROVAL, ALICE, CARD),),
    "superseded": (CallRefused(CALL, Ground.SUPERSEDED, "It was changed."),),
    "frozen": (CallRefused(CALL, Ground.FROZEN, "All is frozen."),),
    "blocked": (CallRefused(CALL, Ground.BLOCKED, "Forbidden now."),),
    "stopped": (Cancelled(ALICE),),
    "in doubt": DOUBTED,
    "still unknown": (*DOUBTED, Settled(CALL, Answer.UNKNOWN, CAROL)),
    "found to have run": (*DOUBTED, Settled(CALL, Answer.DID_RUN, CAROL)),
}
ANY = None
OPEN = ("open", "asked", "half", "all is frozen")
BY_VOTE = ("approved", "running", "executed", "failed", "in doubt", "still unknown", "found to have run")
DOUBT = ("in doubt", "still unknown")
VOTES, WORDS = ("approve", "approve_reviewed", "deny"), ("approve", "approve_reviewed", "deny", "ask", "stop")
ALONE = ("break_glass",)
OTHERS = ("withdraw", *WORDS, *ALONE)
ANSWERS = ("did_run", "did_not_run", "unknown")
MAY = ("voter", "approver")
OWN = "You asked for this yourself, so "
NOT_AMONG = "You are not among them."
UNKNOWN = "belongs to nothing that I know"
STALE = "That is not the card of this approval any more."
IN_VAIN = "<@U0DAN> froze all: incident 7. An approval would come to nothing now"
OUT = {
    "guest": "A guest cannot decide this.",
    "left": "A deactivated account cannot decide this.",
    "bot": "A bot cannot decide this.",
    "outsider": "Somebody from outside this workspace cannot decide this.",
}


@dataclass(frozen=True)
class Row:
    """``answer``: the event that is recorded; or the words for the person, "" for none."""

    states: Sequence[str] | None
    buttons: Sequence[str] | None
    people: Sequence[str] | None
    messages: Sequence[str] | None
    answer: type | str

    def fits(self, *case: str) -> bool:
        sought = (self.states, self.buttons, self.people, self.messages)
        return all(values is None or value in values for values, value in zip(sought, case, strict=True))


TABLE = [
    # A card that waits.
    Row(OPEN, ("withdraw",), ("requester",), (CARD,), Withdrawn),
    Row(OPEN, ("withdraw",), ("requester",), (OLDER,), STALE),
    Row(OPEN, ("withdraw",), ANY, ANY, "Only <@U0ALICE>, who asked for this, can withdraw it."),
    Row(OPEN, ("stop",), ("requester", *MAY), (CARD,), Cancelled),
    Row(OPEN, ("stop",), ("requester",), (OLDER,), STALE),
    Row(OPEN, VOTES, ("requester",), ANY, OWN),
    Row(OPEN, ("ask",), ("requester",), ANY, OWN),
    *(Row(OPEN, WORDS, (who,), ANY, why) for who, why in OUT.items()),
    Row(OPEN, WORDS, ("colleague", "rescuer"), ANY, NOT_AMONG),
    *(Row(OPEN, ALONE, (who,), ANY, why.replace("decide this", "break the glass")) for who, why in OUT.items()),
    Row(("all is frozen",), ALONE, ("rescuer",), ANY, IN_VAIN),
    Row(OPEN, ALONE, ("rescuer",), (CARD,), Voted),
    Row(OPEN, ALONE, ("rescuer",), (OLDER,), STALE),
    Row(OPEN, ALONE, ANY, ANY, NOT_AMONG),
    Row(("all is frozen",), ("approve", "approve_reviewed"), MAY, ANY, IN_VAIN),
    Row(("half",), ("approve", "approve_reviewed"), ("voter",), ANY, ""),
    Row(OPEN, WORDS, MAY, (OLDER,), STALE),
    Row(OPEN, VOTES, MAY, (CARD,), Voted),
    Row(OPEN, ("ask",), MAY, (CARD,), Inquired),
    # One that waits no more: first come, first served; everybody hears by whom, or why.
    Row(BY_VOTE, ("approve", "approve_reviewed"), ("voter",), ANY, ""),
    Row(("denied",), ("deny",), ("voter",), ANY, ""),
    Row(BY_VOTE, OTHERS, ANY, ANY, "<@U0BOB> approved this already."),
    Row(("denied",), OTHERS, ANY, ANY, "<@U0BOB> denied this already."),
    Row(("expired",), OTHERS, ANY, ANY, "This is expired: Nobody decided in time."),
    Row(("withdrawn",), OTHERS, ANY, ANY, "This is withdrawn: Whoever asked for it took it back."),
    Row(("superseded",), OTHERS, ANY, ANY, "This is superseded: It was changed."),
    Row(("frozen",), OTHERS, ANY, ANY, "This is frozen: All is frozen."),
    Row(("blocked",), OTHERS, ANY, ANY, "This is blocked: Forbidden now."),
    Row(("stopped",), OTHERS, ANY, ANY, "This is cancelled: The whole request was stopped."),
    # Nobody knows whether it ran.
    Row(DOUBT, ANSWERS, ("requester",), ANY, OWN),
    *(Row((*DOUBT, "found to have run"), ANSWERS, (who,), ANY, why) for who, why in OUT.items()),
    Row((*DOUBT, "found to have run"), ANSWERS, ("colleague", "rescuer"), ANY, NOT_AMONG),
    Row(("found to have run",), ANSWERS, ("requester",), ANY, OWN),
    Row((*DOUBT, "found to have run"), ANSWERS, MAY, (OLDER,), STALE),
    Row(("found to have run",), ANSWERS, MAY, ANY, "This action is executed; it is too late for that."),
    Row(("still unknown",), ("unknown",), MAY, ANY, "This was answered already."),
    Row(DOUBT, ANSWERS, MAY, ANY, Settled),
    Row(ANY, ANSWERS, ANY, ANY, UNKNOWN),
]


class Bench:
    """A journal in one state, and the part of the engine that works clicks."""

    def __init__(self, state: str) -> None:
        self.policy = TWO if state == "half" else POLICY
        self.store, self.chat = DictStore(), ChatInMemory(profiles=dict(PROFILES))
        self.door, self.row = Door(self.store), InboxRow("row", TEAM, "click", "{}")
        self.judgement = Judgement(Verdict.ASK, "broad", "BIGHUB")
        self.people, self.clicks = People(self.chat, self.policy), dict[str, Clicked]()
        parts = (self.store, self.door, self.people, self.chat, WakingDispatch())
        self.inbox = Inbox(*parts, lambda row: self.clicks[row.key], (KEY,))

    async def proposed(self) -> Proposal:
        return proposal()

    async def tell(self, state: str) -> None:
        asked = Asked(ALICE, PLACE, PLACE.thread, "please")
        begun = await self.door.record(RUN, asked, replied(await self.proposed()))
        assert isinstance(begun, Run)
        shown = CardShown(CALL, PLACE.channel, CARD, "asking")

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            assert run is not None
            asked_at = tx.now - (5 * HOURS if state == "expired" else 0.0)
            asking = judged(run, run.calls[0], self.judgement, self.policy, APPROVAL, asked_at, KEY)
            return [asking, shown, *STATES[state]]

        told = await self.door.decide(RUN, decide)
        assert isinstance(told, Run), told
        await self.door.record(RUN, replace(shown, shows=str(told.calls[0].phase)))
        if state == "all is frozen":
            await self.store.write(lambda tx: tx.set_freeze("all", "incident 7", DAN.user))

    async def click(self, button: str, who: Person, message: str, value: str) -> type | str:
        """What was recorded, or what the person was told."""
        before = len(await self.journal())
        self.clicks["row"] = Clicked(who, button, value, PLACE.channel, message, "Which incident?")
        await self.store.write(lambda tx: tx.put_inbox(self.row))
        await self.inbox.work(self.row)
        assert not await self.store.read(lambda tx: tx.open_inbox(9)), "the row stays open"
        added, words = [each.event for each in (await self.journal())[before:]], self.chat.whispers
        new = [event for event in added if not isinstance(event, CardShown)]
        self.repaired = [event for event in added if isinstance(event, CardShown)]
        assert len(new) + len(words) <= 1
        return type(new[0]) if new else "".join(text for _, text in words)

    async def journal(self) -> Sequence[Recorded]:
        return await self.store.read(lambda tx: tx.journal(RUN))


def cases() -> Iterator[tuple[str, str, str, str]]:
    yield from product(STATES, (*OTHERS, *ANSWERS), PEOPLE, (CARD, OLDER))


def expected(*case: str) -> type | str:
    row = next((row for row in TABLE if row.fits(*case)), None)
    assert row is not None, f"the table says nothing of {case}"
    return row.answer


@pytest.mark.parametrize("state", STATES)
async def test_r5_r7_s13_every_button_on_every_state_by_everybody_does_what_the_table_says(state: str) -> None:
    for case in (case for case in cases() if case[0] == state):
        _, button, who, message = case
        bench = Bench(state)
        await bench.tell(state)
        found = await bench.click(button, PEOPLE[who], message, QUESTION if button in ANSWERS else APPROVAL)
        answer = expected(*case)
        assert answer == found if isinstance(answer, type) or not answer else answer in str(found), (case, found)
        older = message if message == OLDER else ""
        anew = [CardShown(CALL, PLACE.channel, CARD, "", older)] if _is_out_of_date(*case, found) else []
        assert bench.repaired == anew, (case, bench.repaired)


def _is_out_of_date(state: str, button: str, who: str, message: str, found: type | str) -> bool:
    """Whether a click that was refused says that somebody sees a card that is not so any more."""
    refused = isinstance(found, str) and bool(found) and found != UNKNOWN_BUTTON
    asks = state == "in doubt" if button in ANSWERS else state in OPEN
    return refused and (message == OLDER or not asks)


def test_every_row_of_the_table_is_of_use() -> None:
    used = {next(row for row in TABLE if row.fits(*case)).answer for case in cases()}
    first = {id(next(row for row in TABLE if row.fits(*case))) for case in cases()}
    assert [row for row in TABLE if id(row) not in first] == [] and {
        Voted,
        Inquired,
        Withdrawn,
        Cancelled,
        Settled,
    } <= used


@pytest.mark.parametrize("state", ["open", "in doubt"])
@pytest.mark.parametrize("button", [*OTHERS, *ANSWERS])
async def test_s12_a_button_with_the_id_of_another_kind_or_of_nothing_decides_nothing(state: str, button: str) -> None:
    for value in ("f" * 32, "", QUESTION if button in OTHERS else APPROVAL):
        bench = Bench(state)
        await bench.tell(state)
        assert isinstance(await bench.click(button, CAROL, CARD, value), str)


# --- the buttons that open something ----------------------------------------------------------------------------------

OPENS = {
    "open": {"deny": "Deny", "review": "Review", "ask": "Ask", "break_glass": "Break glass", "details": "Details"},
    "else": {"details": "Details"},
}
LATE = "This was decided already; the card shows by whom."


@pytest.fixture(params=STATES)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Bench]]:
    made = Bench(request.param)
    await made.tell(request.param)
    yield request.param, made


async def test_s9_s10_s13_a_form_opens_for_whom_it_is_meant_while_it_is_of_use(bench: tuple[str, Bench]) -> None:
    state, made = bench
    world = World(made.store, policy=made.policy)
    world.chat.profiles = dict(PROFILES)
    buttons = Buttons(world.engine)
    for button, (who, person), message in product(OPENS["open"], PEOPLE.items(), (CARD, OLDER)):
        click = Click(person, TEAM, button, APPROVAL, PLACE.channel, message, PLACE.thread, "trigger")
        opens = await buttons.opens(click)
        found = opens if isinstance(opens, str) else opens["title"]["text"]
        assert _opening(state, button, who, message) in found, (state, button, who, message, found)


def _opening(state: str, button: str, who: str, message: str) -> str:
    """The title of the view, or the words."""
    if button == "details":
        return "cannot ask me" if who in OUT else "Details"
    if button == "break_glass" and who != "rescuer":
        return OUT[who].replace("decide this", "break the glass") if who in OUT else NOT_AMONG
    if button != "break_glass" and (who in OUT or who in ("requester", "colleague", "rescuer")):
        return {"requester": OWN, **OUT}.get(who, NOT_AMONG)
    if state not in OPEN:
        return LATE
    return "not the card" if message == OLDER else OPENS["open"][button]
