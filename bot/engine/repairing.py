"""A card that somebody clicked although it shows what is no longer so: it is shown anew, and an older message of it is retired (S13).

Rule 1: nothing is sent from here. That a card is out of date is recorded, and what it shows is owed again, like after any change.
Rule 2: only a click that was refused comes here, and what is owed already is not recorded once more.
What the person is told is `words.py`'s; what an older message says then is `slack/chat.py`'s.
"""

from collections.abc import Sequence

from bot.core.call import Call, CallState
from bot.core.events import CardShown, Event
from bot.core.faults import BrokenJournal
from bot.core.inputs import Clicked
from bot.core.placing import channel_of
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.engine.door import Door
from bot.ports import Decide, Dispatch, Unavailable, Writer

UP_TO_DATE = Refused("The card is as it should be.")


class Repairing:
    """Puts right what a refused click came from."""

    def __init__(self, door: Door, dispatch: Dispatch) -> None:
        self._door, self._dispatch = door, dispatch

    async def after(self, team: str, clicked: Clicked) -> bool:
        return await self.repair(team, clicked.channel, clicked.value, clicked.message)

    async def repair(self, team: str, channel: str, opaque: str, message: str, *, retired: bool = False) -> bool:
        """``opaque``: the clicked button's value; ``message``: where the button stood; ``retired``: no card has such a button any
        more. Whether it is the card of something here; False, and nothing comes of it, where it belongs to another workspace or channel
        (S12), and while the store is away: the next click repairs it."""
        try:
            run = await self._door.find(opaque) if opaque else None
            if run is None or _clicked(run, team, channel, opaque, message) is None:
                return False
            outcome = await self._door.decide(run.id, _noting(team, channel, opaque, message, retired))
        except (Unavailable, BrokenJournal):
            return False
        if isinstance(outcome, Run):
            await self._dispatch.wake(outcome.id)
        return True


def _noting(team: str, channel: str, opaque: str, message: str, retired: bool) -> Decide:
    async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
        line = await tx.line(run.id) if run is not None else None
        call = _clicked(run, team, channel, opaque, message) if run is not None else None
        if call is None or line is None or line.parked is not None:
            return UP_TO_DATE
        noted = outdated(call, "" if retired else opaque, message)
        return UP_TO_DATE if noted is None else [noted]

    return decide


def _clicked(run: Run, team: str, channel: str, opaque: str, message: str) -> Call | None:
    """The call of a button, also of a question in whose place another is asked now, on the same card; None if it stood elsewhere."""
    standing = (call for call in run.calls if call.card is not None and call.card.message == message)
    call = run.call_of(opaque) or next(standing, None)
    return call if call is not None and (run.asked.place.team, channel_of(run, call)) == (team, channel) else None


def outdated(call: Call, opaque: str, message: str) -> CardShown | None:
    """That the card of a refused click is out of date; None where it is not, or where it is put right already."""
    card = call.card
    if card is None:
        return None
    older = message if message != card.message else ""
    if not older and _asks(call, opaque):
        return None
    if card.shows != call.phase and card.older == (older or card.older):
        return None
    return CardShown(call.proposal.call, card.channel, card.message, "", older)


def _asks(call: Call, opaque: str) -> bool:
    """Whether the question that the button belongs to is still open."""
    approval = call.approval
    if call.state is CallState.IN_DOUBT:
        return call.question == opaque and call.settled is None
    return call.state is CallState.ASKING and approval is not None and approval.terms.approval == opaque
