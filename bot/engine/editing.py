"""What a person does with an open approval instead of deciding it: an edit, or the wish for something safer. One path for clicks and
programs. What comes of it is `core/changes.py`'s, the form `slack/forms.py`'s.

Rule 1: those who may decide by now may do it, and the requester; asked when it is worked, and the rest in the transaction that
records it.
Rule 2: only what is open, unexpired, sealed as it stands and clicked on its own card is superseded.
Rule 3: unchanged arguments make no edit, and nothing that the guard wrote is run.
"""

from collections.abc import Sequence

from bot.core import changes
from bot.core.approval import NOT_THE_CARD, NOT_YET
from bot.core.call import Call, CallState
from bot.core.events import Edited, Event, SaferAsked
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import CallId, Person, Proposal
from bot.engine.keyring import Keys, leave_to_others
from bot.engine.people import People
from bot.engine.starting import digest_of, distrust, judgement_holds
from bot.engine.words import ASKED_ANEW, late
from bot.ports import Actions, Decide, Unavailable, Wish, Writer

EDIT, SAFER = "edit", "safer"
CHANGES = frozenset({EDIT, SAFER})
UNCHANGED = "Nothing was changed, so the question stays as it is."
TOO_OFTEN = f"This was changed {changes.MOST_EDITS} times already. Please deny it and ask again."
NOTHING_SAFER = "Nothing safer is known here than what is asked about."
EXPIRED = "This approval has expired."


class Editing:
    """Turns clicks into the decision about what is recorded; recording it is the caller's."""

    def __init__(self, people: People, actions: Actions, keys: Keys, key_waits: float = 0.0) -> None:
        self._people, self._actions, self._keys, self._key_waits = people, actions, keys, key_waits

    async def decided(self, run: Run, call: Call, clicked: Clicked, at: float = 0.0) -> Decide | Refused:
        """A submitted edit, or a click on "Safer". Raises `Unavailable` when nobody can say who the person is, and where the card that
        was clicked is not recorded yet."""
        if call.approval is not None and call.approval.resolution is None and call.card is None:
            raise Unavailable("The card of this click is not recorded yet.")
        refused = await self._people.may_edit(run, call, clicked.person)
        if refused is not None:
            return refused
        if clicked.action == SAFER:
            if not (call.judgement and call.judgement.better_action.strip()):
                return Refused(NOTHING_SAFER)
            return await self._superseding(
                run, call, SaferAsked(call.proposal.call, clicked.person), clicked.message, at
            )
        old = call.proposal
        wish = Wish(old.wire, old.action, clicked.arguments)
        new = await self._actions.propose(edited_name(call), wish, run.asked.person)
        return await self._edited(run, call, clicked.person, new, clicked.message, at)

    async def edited(self, run: Run, call: Call, person: Person, new: Proposal) -> Decide | Refused:
        """``new`` in the place of the call, for whoever has no card."""
        refused = await self._people.may_edit(run, call, person)
        return refused if refused is not None else await self._edited(run, call, person, new, None)

    async def _edited(
        self, run: Run, call: Call, person: Person, new: Proposal, card: str | None, at: float = 0.0
    ) -> Decide | Refused:
        if new.binding is None:
            return Refused(new.refusal)
        if call.proposal.binding is not None and new.binding.digest == call.proposal.binding.digest:
            return Refused(UNCHANGED)
        if changes.edits_of(call, run.calls) >= changes.MOST_EDITS:
            return Refused(TOO_OFTEN)
        return await self._superseding(run, call, Edited(call.proposal.call, new, person), card, at)

    async def _superseding(
        self, run: Run, call: Call, event: Edited | SaferAsked, card: str | None, at: float
    ) -> Decide | Refused:
        """``card``: the message that was clicked, None without one; ``at``: when (epoch seconds), 0.0 likewise."""
        if call.approval is None:
            return late(call)
        name, asked = call.proposal.call, call.approval.terms.approval
        since = await self._people.acts_from(run, call, event.person)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            call = run.call(name) if run else None
            if run is None or call is None or call.approval is None or call.state is not CallState.ASKING:
                return late(call)
            if call.approval.terms.approval != asked:
                return Refused(ASKED_ANEW)
            refused = Refused(NOT_YET) if tx.now < since else self._refused(run, call, card, tx.now, at)
            return [event] if refused is None else refused

        return decide

    def _refused(self, run: Run, call: Call, card: str | None, now: float, at: float) -> Refused | None:
        binding, approval = call.proposal.binding, call.approval
        assert binding is not None and approval is not None
        if card is not None and (call.card is None or card != call.card.message):
            return Refused(NOT_THE_CARD)
        if now >= approval.terms.expires_at:
            return Refused(EXPIRED)
        whole = digest_of(run, call, binding) == binding.digest
        if not whole or not judgement_holds(run, call, self._keys):
            leave_to_others(call, self._keys, at + self._key_waits, now)
            return Refused(distrust(call, self._keys))
        return None


def edited_name(call: Call) -> CallId:
    """What the call is named that an edit makes of this one."""
    return CallId(f"{call.proposal.call}e")


def is_done(call: Call, clicked: Clicked) -> bool:
    """Whether this very change is recorded already: what is delivered or worked twice needs no explanation."""
    done = call.instead
    if done is None or done.person != clicked.person:
        return False
    if isinstance(done, SaferAsked):
        return clicked.action == SAFER
    return clicked.action == EDIT and done.proposal.raw_arguments == clicked.arguments
