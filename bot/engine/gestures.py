"""What people do with a card beside voting: ask the requester, withdraw, stop, and say what became of an action in doubt.

Rule 1: whoever asked for something may take it back or stop it, whatever the policy says of them: nothing runs because of that.
Rule 2: everything else takes the right to decide, asked at the click. Whom it only escalates to has it from then on.
Rule 3: from the recorded card only (or what stands for it, `placing.py`), about what that card shows; decided in the transaction that
appends it.
What a vote takes is `voting.py`'s.
"""

from collections.abc import Sequence

from bot.core.approval import NOT_THE_CARD, NOT_YET
from bot.core.call import Call
from bot.core.events import Cancelled, Event, Inquired, Settled, Withdrawn
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Answer
from bot.core.visible import shows
from bot.engine.people import People
from bot.engine.words import ASKED_ANEW, ASKS_ONESELF, late, not_theirs
from bot.ports import Decide, Unavailable, Writer

ANSWERS = {"did_run": Answer.DID_RUN, "did_not_run": Answer.DID_NOT_RUN, "unknown": Answer.UNKNOWN}
GESTURES = frozenset({"ask", "withdraw", "stop", *ANSWERS})


async def gesture(people: People, run: Run, call: Call, clicked: Clicked) -> Decide | Refused:
    """What a click becomes, to be decided in a transaction; or why this person gets nothing. Raises `Unavailable`."""
    if clicked.action in ANSWERS:
        return await _settle(people, run, call, clicked)
    approval = call.approval
    if approval is None or approval.resolution is not None:
        return late(call)
    if call.card is None:
        raise Unavailable("The card of this click is not recorded yet.")
    refused = await _refused(people, run, call, clicked)
    if refused is not None:
        return refused
    name, asked, since = call.proposal.call, approval.terms.approval, await people.acts_from(run, call, clicked.person)

    async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
        call = run.call(name) if run else None
        if run is None or call is None or call.approval is None or call.approval.resolution is not None:
            return late(call)
        if call.approval.terms.approval != asked:
            return Refused(ASKED_ANEW)
        if call.card is None or call.card.message != clicked.message:
            return Refused(NOT_THE_CARD)
        return Refused(NOT_YET) if tx.now < since else [_event(call, clicked)]

    return decide


def _event(call: Call, clicked: Clicked) -> Event:
    assert call.approval is not None
    asked = call.approval.terms.approval
    match clicked.action:
        case "ask":
            return Inquired(asked, clicked.person, clicked.comment if shows(clicked.comment) else "", clicked.message)
        case "withdraw":
            return Withdrawn(asked, clicked.person, clicked.message)
        case _:
            return Cancelled(clicked.person, clicked.comment)


async def _refused(people: People, run: Run, call: Call, clicked: Clicked) -> Refused | None:
    """Why this person may not do it; None where they may."""
    own = clicked.person == run.asked.person
    match clicked.action:
        case "ask":
            return Refused(ASKS_ONESELF) if own else await people.may_decide(run, call, clicked.person)
        case "withdraw":
            return None if own else not_theirs(run)
        case _:
            return None if own else await people.may_decide(run, call, clicked.person)


async def _settle(people: People, run: Run, call: Call, clicked: Clicked) -> Decide | Refused:
    if call.question is not None and call.card is None:
        raise Unavailable("The card of this click is not recorded yet.")
    refused = await people.may_settle(run, call, clicked.person)
    if refused is not None:
        return refused
    settled = Settled(call.proposal.call, ANSWERS[clicked.action], clicked.person, clicked.comment)
    since = await people.settles_from(run, call, clicked.person)

    async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
        now = run.call(settled.call) if run else None
        if now is None or now.question != clicked.value:
            return Refused(ASKED_ANEW)
        if now.card is None or now.card.message != clicked.message:
            return Refused(NOT_THE_CARD)
        return Refused(NOT_YET) if tx.now < since else [settled]

    return decide
