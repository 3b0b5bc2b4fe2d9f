"""What people did, worked from the inbox: each row becomes an event of a run, a private explanation, or nothing.

Rule 1: a row is closed in the transaction that records what came of it, so a crash in between only works it again.
Rule 2: authority is asked here, when the row is worked, and fails closed.
Rule 3: text is never a vote.
Rule 4: a run that is parked takes no click and no message: whoever clicks is told so, whoever writes begins a new run.
"""

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

from bot.core.call import Call, CallState
from bot.core.events import Answered, Asked, Event, Said
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.glass import BY_GLASS
from bot.core.inputs import Clicked, Foreign, Nothing, Ordered, Wrote
from bot.core.placing import answered_at, as_on_card, channel_of
from bot.core.refusal import Refused
from bot.core.run import ENDS, Run, RunState
from bot.core.taint import RETRIED
from bot.core.values import Person, Place, RunId
from bot.engine.door import Door
from bot.engine.editing import CHANGES, Editing, is_done
from bot.engine.gestures import GESTURES, gesture
from bot.engine.latest import latest_of, line_of, run_id_of
from bot.engine.people import People
from bot.engine.repairing import Repairing
from bot.engine.restoring import before_restore, clicked_before_restore
from bot.engine.voting import CHOICES, Voting, clock, voted_just_now
from bot.engine.words import ASKED_ANEW, EMPTY, LAST_MESSAGE, UNKNOWN_BUTTON, late, parked_text, while_asking
from bot.ports import Chat, Decide, Dispatch, InboxRow, Rejected, Store, Translate, Unavailable, Writer


class Inbox:
    """Works inbox rows. `work` raises `Unavailable` when nobody can say who a person is: the row stays and is worked again."""

    def __init__(
        self,
        store: Store,
        door: Door,
        people: People,
        chat: Chat,
        dispatch: Dispatch,
        translate: Translate,
        seal_keys: tuple[bytes, ...],
        *,
        most_messages: int = 200,
        key_waits: float = 0.0,
        editing: Editing | None = None,
    ) -> None:
        self._store, self._door, self._people, self._chat = store, door, people, chat
        self._dispatch, self._translate, self._voting = dispatch, translate, Voting(people, seal_keys, key_waits)
        self._most_messages, self._editing = most_messages, editing
        self.repairing = Repairing(door, dispatch)
        self._places: WeakValueDictionary[Place, asyncio.Lock] = WeakValueDictionary()

    async def work(self, row: InboxRow) -> None:
        """Work one row to its end."""
        match self._translate(row):
            case Wrote() as wrote:
                place = self._places.setdefault(wrote.place, asyncio.Lock())
                async with place:  # what is written in one thread is worked in its order
                    await self._wrote(row, wrote)
            case Clicked() as clicked:
                await self._clicked(row, clicked)
            case Nothing() | Ordered():
                await self._close(row)
            case Foreign(why):
                raise Unavailable(f"Another release stored this: {why}.")

    async def _close(self, row: InboxRow) -> None:
        await self._store.write(lambda tx: tx.close_inbox(row.key))

    # --- messages ---------------------------------------------------------------------------------------------------

    async def _wrote(self, row: InboxRow, wrote: Wrote) -> None:
        latest = await latest_of(self._store, self._door, wrote.place)
        live = latest.live if latest else None
        ours = live is not None or (latest is not None and latest.line.requester == wrote.person.user)
        if not wrote.mentioned and not ours:
            return await self._close(row)
        refused = await self._people.may_ask(wrote.person, wrote.place.team, shared=wrote.shared)
        if refused is not None:
            if wrote.mentioned:
                await self._whisper(wrote.person, wrote.place, refused.reason)
            return await self._close(row)
        if live is not None:
            if not wrote.text.strip():
                at_it = f"I am at it: the run is {live.state.replace('_', ' ')}."
                await self._whisper(wrote.person, wrote.place, at_it)
                return await self._close(row)
            heard = await self._say(row, live.id, wrote)
            if heard:
                return await self._answer_at_once(live, wrote)
        previous = latest.line.run if latest else None
        if not await self._begin(row, wrote, run_id_of(wrote.place, wrote.message), previous):
            await self._wrote(row, wrote)
        return None

    async def _answer_at_once(self, run: Run, wrote: Wrote) -> None:
        """A message joins the run silently, except where its writer would wait for something that it cannot do."""
        if len(run.said) >= self._most_messages:
            return
        if len(run.said) + 1 == self._most_messages:
            await self._whisper(wrote.person, wrote.place, LAST_MESSAGE.format(self._most_messages))
        elif any(call.state is CallState.ASKING for call in run.calls):
            await self._whisper(wrote.person, wrote.place, while_asking(run, wrote.person))
        elif run.state is RunState.WAITING_FOR_REQUESTER and wrote.person != run.asked.person:
            await self._whisper(wrote.person, wrote.place, f"I wait for an answer of <@{run.asked.person.user}> first.")

    async def _say(self, row: InboxRow, run_id: RunId, wrote: Wrote) -> bool:
        """Give the message to the live run; False where the run ended meanwhile."""

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            if run is None or run.state in ENDS:
                return Refused("The run has ended.")
            await tx.close_inbox(row.key)
            heard = any(said.message == wrote.message for said in run.said)
            return (
                [] if heard or len(run.said) >= self._most_messages else [Said(wrote.person, wrote.message, wrote.text)]
            )

        outcome = await self._door.decide(run_id, decide)
        await self._dispatch.wake(run_id)
        return isinstance(outcome, Run)

    async def _begin(
        self, row: InboxRow, wrote: Wrote, run_id: RunId, previous: RunId | None, retried_by: Person | None = None
    ) -> bool:
        """Begin a run, the thread's next after ``previous``; False where somebody else was first, in another process."""
        asked = Asked(wrote.person, wrote.place, wrote.message, wrote.text, previous, retried_by=retried_by)
        answer = () if wrote.text.strip() else (Answered(EMPTY),)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            if run is None and await tx.latest_run(wrote.place) != previous:
                return Refused("Another message of this thread was first.")
            await tx.close_inbox(row.key)
            old = before_restore(await tx.epoch(), row, wrote)
            return [] if run is not None else [asked, *(old or answer)]

        outcome = await self._door.decide(run_id, decide)
        if isinstance(outcome, Refused):
            return False
        await self._dispatch.wake(run_id)
        return True

    # --- buttons ----------------------------------------------------------------------------------------------------

    async def _clicked(self, row: InboxRow, clicked: Clicked) -> None:
        try:
            await self._clicked_on(row, clicked)
        except NewerJournal:
            raise
        except BrokenJournal:
            line = await line_of(self._store, clicked.value)
            told = parked_text(line) if line is not None and line.parked is not None else UNKNOWN_BUTTON
            await self._whisper(clicked.person, Place(row.team, clicked.channel, clicked.message), told)
            await self._close(row)

    async def _clicked_on(self, row: InboxRow, clicked: Clicked) -> None:
        if too_old := clicked_before_restore(await self._store.read(lambda tx: tx.epoch()), row):
            await self._explain(clicked, too_old.reason)
            return await self._close(row)
        if clicked.action == "retry":
            return await self._retry(row, clicked)
        if clicked.action not in {*CHOICES, *GESTURES, *CHANGES}:
            raise Unavailable(f"Another release stored this: a click on {clicked.action}.")
        found = await self._find(row.team, clicked)
        if found is None:
            anew = await self.repairing.after(row.team, clicked)
            await self._explain(clicked, ASKED_ANEW if anew else UNKNOWN_BUTTON)
            return await self._close(row)
        run, call = found
        if clicked.action in CHOICES:
            outcome = await self.vote(run, call, clicked, via="slack", row=row)
        elif self._editing is not None and clicked.action in CHANGES:
            decided = await self._editing.decided(run, call, clicked, row.received_at)
            outcome = decided if isinstance(decided, Refused) else await self._recorded(run.id, decided, row)
        else:
            outcome = await self._gesture(run, call, as_on_card(run, call, clicked), row)
        if isinstance(outcome, Refused):
            if not await self._is_so(clicked):
                await self._explain(clicked, outcome.reason)
                await self.repairing.after(row.team, clicked)
            await self._close(row)
        return None

    async def _is_so(self, clicked: Clicked) -> bool:
        """Whether this very click counts already: a double click, or one that was worked twice, needs no explanation."""
        run = await self.run_of(clicked.value)
        call = run.call_of(clicked.value) if run else None
        now = await self._store.read(clock)
        return call is not None and (is_done(call, clicked) or voted_just_now(call, clicked, now))

    async def _find(self, team: str, clicked: Clicked) -> tuple[Run, Call] | None:
        """The run and call that a button names, if it belongs to this workspace and channel (S12, S30)."""
        run = await self.run_of(clicked.value)
        call = run.call_of(clicked.value) if run else None
        if run is None or call is None:
            return None
        place, clicked = run.asked.place, as_on_card(run, call, clicked)
        return (run, call) if (place.team, channel_of(run, call)) == (team, clicked.channel) else None

    async def run_of(self, opaque: str) -> Run | None:
        """The run that owns an approval's or a question's id."""
        return await self._door.find(opaque)

    async def vote(
        self, run: Run, call: Call, clicked: Clicked, *, via: str, row: InboxRow | None = None
    ) -> Run | Refused:
        """Authorise and record one vote; the refusal tells the person what is the matter, or who was first."""
        run, call = await self._on_terms_of_today(run, call)
        if call.approval is None or call.approval.resolution is not None:
            return late(call)
        via = BY_GLASS if clicked.action == BY_GLASS else via
        if via in ("slack", BY_GLASS) and call.card is None:
            raise Unavailable("The card of this click is not recorded yet.")
        refused = await self._people.may_vote(run, call, clicked.person, via)
        if refused is not None:
            return refused
        name, asked = call.proposal.call, call.approval.terms.approval
        counts_as = await self._people.counts_as(run, call, clicked.person, via)
        at = row.received_at if row is not None else 0.0

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            call = run.call(name) if run else None
            if run is None or call is None or call.approval is None or call.approval.resolution is not None:
                return late(call)
            if call.approval.terms.approval != asked:
                return Refused(ASKED_ANEW)
            return await self._voting.ballot(run, call, clicked, via, counts_as, tx, at)

        return await self._recorded(run.id, decide, row)

    async def vote_by_name(self, opaque: str, user: str, action: str, comment: str, *, via: str) -> Run | Refused:
        """A vote without a card, authorised like a click; ``via`` "shell" or "program". Raises `Unavailable`."""
        run = await self.run_of(opaque)
        call = run.call_of(opaque) if run else None
        if run is None:
            return Refused("There is no approval with this id; `signoff pending` lists the open ones.")
        if call is None:
            return Refused(ASKED_ANEW)
        place = run.asked.place
        clicked = Clicked(Person(place.team, user), action, opaque, place.channel, "", comment)
        if via == "shell" and (refused := await self._people.may_vote(run, call, clicked.person, via)) is not None:
            return refused  # before anything is tightened: a shell's policy need not be the bot's
        return await self.vote(run, call, clicked, via=via)

    async def _gesture(self, run: Run, call: Call, clicked: Clicked, row: InboxRow) -> Run | Refused:
        decide = await gesture(self._people, run, call, clicked)
        return decide if isinstance(decide, Refused) else await self._recorded(run.id, decide, row)

    async def _on_terms_of_today(self, run: Run, call: Call) -> tuple[Run, Call]:
        decide = self._voting.tightening(run, call)
        after = run if decide is None else await self._recorded(run.id, decide, None)
        present = after.call(call.proposal.call) if isinstance(after, Run) else None
        return (after, present) if isinstance(after, Run) and present is not None else (run, call)

    async def _recorded(self, run_id: RunId, decide: Decide, row: InboxRow | None) -> Run | Refused:
        async def unless_parked(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            line = await tx.line(run_id)
            return Refused(parked_text(line)) if line is not None and line.parked is not None else await decide(run, tx)

        outcome = await self._door.decide(
            run_id, unless_parked, also=(lambda tx: tx.close_inbox(row.key)) if row else None
        )
        if isinstance(outcome, Run):
            await self._dispatch.wake(run_id)
        return outcome

    async def _retry(self, row: InboxRow, clicked: Clicked) -> None:
        """Retry is a new run with the same request and the same requester, whoever clicked; the failed one keeps its end."""
        failed, _ = await self._door.load(RunId(clicked.value))
        if failed is None or (failed.asked.place.team, failed.asked.place.channel) != (row.team, clicked.channel):
            await self._explain(clicked, UNKNOWN_BUTTON)
            return await self._close(row)
        place = failed.asked.place
        latest = await latest_of(self._store, self._door, place)
        refused = await self._people.may_retry(failed, clicked.person)
        if refused is not None or latest is None or latest.line.run != failed.id:
            await self._explain(clicked, refused.reason if refused else "This was tried again already; see below.")
            return await self._close(row)
        message = f"{RETRIED}{failed.id}"
        wrote = Wrote(failed.asked.person, place, message, failed.asked.text, True)
        if not await self._begin(row, wrote, run_id_of(place, message), failed.id, clicked.person):
            await self._retry(row, clicked)
        return None

    # --- words ------------------------------------------------------------------------------------------------------

    async def _explain(self, clicked: Clicked, text: str) -> None:
        await self._whisper(clicked.person, answered_at(await self.run_of(clicked.value), clicked), text)

    async def _whisper(self, person: Person, place: Place, text: str) -> None:
        try:
            await self._chat.whisper(person, place.channel, place.thread, text)
        except Rejected:
            return  # an ephemeral message is never the only record of anything
