"""Breaking the glass, afterwards: telling the audit channel, and the review by somebody else. The vote itself is `voting.py`'s.

Rule: who may decide what was decided, and did not decide it alone, may review it; that is asked when the click is worked.
"""

from collections.abc import Sequence

from bot.core.effects import AnnounceGlass, ShowReview
from bot.core.events import Delivered, Event, Reviewed
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.glass import NOTHING_BROKEN, OWN_REVIEW, Broken
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.engine.door import Door
from bot.engine.people import People
from bot.engine.words import UNKNOWN_BUTTON, parked_text
from bot.logger import log
from bot.ports import Chat, Dispatch, InboxRow, Posted, Rejected, Unavailable, Writer

Told = AnnounceGlass | ShowReview
REVIEWED = "reviewed"
"""The button of a review card."""


class Glass:
    """What follows from deciding alone."""

    def __init__(self, door: Door, people: People, chat: Chat, dispatch: Dispatch) -> None:
        self._door, self._people, self._chat, self._dispatch = door, people, chat, dispatch

    async def review(self, row: InboxRow, clicked: Clicked) -> Refused | None:
        """Record a review; why not, else. Closes ``row`` where it is recorded. Raises `Unavailable` when nobody can say who it is, and
        where the card that was clicked is not recorded yet."""
        run = await self._found(clicked.value)
        broken = broken_in(run, clicked.value)
        if run is None or broken is None:
            return Refused(UNKNOWN_BUTTON)
        if not await self._on_its_card(run, broken, row.team, clicked):
            return Refused(NOTHING_BROKEN)
        if clicked.person.user == broken.person.user:
            return Refused(OWN_REVIEW)
        call = run.call(broken.call)
        refused = await self._people.may_review(run, call, clicked.person) if call else Refused(NOTHING_BROKEN)
        if refused is not None:
            return refused

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            line = await tx.line(run.id) if run is not None else None
            if line is not None and line.parked is not None:
                return Refused(parked_text(line))
            return [Reviewed(broken.approval, clicked.person)]

        outcome = await self._door.decide(run.id, decide, also=lambda tx: tx.close_inbox(row.key))
        if isinstance(outcome, Refused):
            return outcome
        await self._dispatch.wake(run.id)
        return None

    async def _found(self, opaque: str) -> Run | None:
        try:
            return await self._door.find(opaque)
        except NewerJournal:
            raise
        except BrokenJournal:
            return None

    async def _on_its_card(self, run: Run, broken: Broken, team: str, clicked: Clicked) -> bool:
        key, (_, now) = f"review:{broken.approval}", await self._door.load(run.id)
        if now >= broken.review_at and not run.delivered(key):
            raise Unavailable("The card of this click is not recorded yet.")
        return run.asked.place.team == team and receipt_place(run, key) == (clicked.channel, clicked.message)

    async def tell(self, run: Run, effect: Told, again: bool) -> Delivered:
        """Tell the audit channel of what was decided alone, or of its review; where Slack refuses that, the run's own thread."""
        channel = self._people.policy.break_glass.audit_channel
        try:
            posted = await self._tell(run, effect, channel, again)
        except Rejected as rejected:
            if not channel:
                raise
            log.error("the audit channel cannot be written to", run=run.id, channel=channel, why=str(rejected))
            posted = await self._tell(run, effect, "", again)
        return Delivered(effect.key, f"{posted.channel}:{posted.message}")

    async def _tell(self, run: Run, effect: Told, channel: str, again: bool) -> Posted:
        broken = broken_in(run, effect.approval)
        if broken is None:
            raise LookupError(f"nobody broke the glass for {effect.approval} of run {run.id}")
        if isinstance(effect, AnnounceGlass):
            return await self._chat.announce_glass(run, effect.key, broken, channel, again=again)
        stands = receipt_place(run, f"review:{effect.approval}")
        return await self._chat.show_review(run, effect.key, broken, channel, stands, again=again)


def broken_in(run: Run | None, approval: str) -> Broken | None:
    return next((each for each in run.broken if each.approval == approval), None) if run else None


def receipt_place(run: Run, key: str) -> tuple[str, str] | None:
    """Channel and message of what an effect left."""
    ref = next((receipt.ref for receipt in run.receipts if receipt.key == key), "")
    channel, _, message = ref.partition(":")
    return (channel, message) if message and channel != "refused" else None
