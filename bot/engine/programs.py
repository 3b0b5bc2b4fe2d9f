"""What a program does that drives runs without Slack (`bot.api`): begin one, decide, edit, stop. Everything goes through the door.

A program is trusted to say who decides; its votes are recorded as "by program" and pass the same checks as a click.
"""

import secrets
from collections.abc import Sequence
from functools import partial

from bot.core.approval import BY_PROGRAM
from bot.core.call import Call
from bot.core.events import Asked, Cancelled, Event, ModelReplied
from bot.core.inputs import Clicked
from bot.core.moments import rests
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Judgement, Person, Proposal, RunId
from bot.engine.door import Door, applied
from bot.engine.editing import Editing
from bot.engine.inbox import Inbox
from bot.engine.people import People
from bot.engine.starting import judged
from bot.engine.voting import Voting
from bot.engine.words import late
from bot.ports import Reader, Store, Writer


class Programs:
    """Runs of programs. No method advances a run: that is the worker's."""

    def __init__(
        self, store: Store, door: Door, inbox: Inbox, people: People, editing: Editing, seal_keys: tuple[bytes, ...]
    ) -> None:
        self._store, self._door, self._inbox, self._people, self._editing = store, door, inbox, people, editing
        self._seal_keys, self._voting = seal_keys, Voting(people, seal_keys)

    async def begin(self, run_id: RunId, asked: Asked) -> Run | Refused:
        """A new run."""
        return await self._door.record(run_id, asked)

    async def ask(self, run_id: RunId, asked: Asked, proposal: Proposal, judgement: Judgement) -> Run | Refused:
        """A new run of one call that no model proposed and that was judged already: people are asked about it."""
        opening = (asked, ModelReplied("[]", "", (proposal,), 1))
        new = ApprovalId(secrets.token_hex(16))

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            begun = applied(run_id, run, opening, tx.now)
            if isinstance(begun, Refused):
                return begun
            verdict = judged(begun, begun.calls[0], judgement, self._people.policy, new, tx.now, self._seal_keys[0])
            return [*opening, verdict]

        return await self._door.decide(run_id, decide)

    async def run_of(self, opaque: str) -> Run | None:
        """The run that owns an approval, or what `projections.request_name` makes of a request id."""
        return await self._inbox.run_of(opaque)

    async def refusal_to_vote(self, approval: ApprovalId, person: Person, action: str, comment: str) -> Refused | None:
        """Why that vote would not count now, or None: for whoever tells others of it first. The vote itself is checked again."""
        run = await self._inbox.run_of(approval)
        call = run.call_of(approval) if run else None
        if run is None or call is None or call.approval is None or call.approval.resolution is not None:
            return late(call)
        refused = await self._people.may_decide(run, call, person)
        if refused is not None:
            return refused
        clicked = Clicked(person, action, approval, run.asked.place.channel, "", comment)
        counts_as = await self._people.counts_as(run, call, person, BY_PROGRAM)
        return await self._store.read(partial(self._uncounted, run, call, clicked, counts_as))

    async def _uncounted(
        self, run: Run, call: Call, clicked: Clicked, counts_as: tuple[str, ...], tx: Reader
    ) -> Refused | None:
        ballot = await self._voting.ballot(run, call, clicked, BY_PROGRAM, counts_as, tx)
        return ballot if isinstance(ballot, Refused) else None

    async def vote(self, approval: ApprovalId, user: str, action: str, comment: str) -> Run | Refused:
        """``action``: "approve" or "deny"."""
        return await self._inbox.vote_by_name(approval, user, action, comment, via=BY_PROGRAM)

    async def edit(self, approval: ApprovalId, person: Person, proposal: Proposal) -> Run | Refused:
        """Supersede the call that is asked about by ``proposal``, which is judged anew."""
        run = await self._inbox.run_of(approval)
        call = run.call_of(approval) if run else None
        if run is None or call is None:
            return late(None)
        decided = await self._editing.edited(run, call, person, proposal)
        return decided if isinstance(decided, Refused) else await self._door.decide(run.id, decided)

    async def stop(self, run_id: RunId, person: Person, reason: str) -> Run | Refused:
        """Nothing more of this run starts; what has started is recorded when it ends. A run that waits for people is left alone."""

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            at_rest = run is not None and rests(run)
            return Refused("Nothing of this run is under way.") if at_rest else [Cancelled(person, reason)]

        return await self._door.decide(run_id, decide)
