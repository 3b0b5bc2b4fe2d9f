"""Freezing and lifting, and the open cards that tell of it. Who may is `core/emergency.py`'s, what a freeze holds back `standstill.py`'s.

Rule 1: a second freeze of the same scope changes nothing: whoever was first stands, with their reason.
Rule 2: whoever set a freeze does not lift it; that is asked in the transaction that lifts it. Where only a shell says who that was,
whoever freezes or would lift it first is who set it.
Rule 3: only a scope that somebody named is lifted. One that no action known here is in is frozen all the same: one may come.
Rule 4: every open card tells of the freeze that stops it. The journal says what a card tells; a freeze that was set or lifted
counts as told only once all open cards do, so whoever is cut off in between is followed by another.
Rule 5: a command concerns what was frozen when it was given, and is done once, however late and however often it is worked.
Rule 6: while Slack says nothing about anybody, whom the policy names by id freezes all the same, and nobody lifts but in a shell.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from math import inf

from bot.core import emergency
from bot.core.call import Call, CallState
from bot.core.events import Event, FreezeNoted
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Person, RunId
from bot.engine.door import Door
from bot.engine.people import People
from bot.engine.standstill import stopping
from bot.logger import log
from bot.ports import Dispatch, Freeze, Freezing, Reader, Store, Unavailable, Writer

LOOKED_AT = 50
"""Of the freezes that were set and lifted; the newest tell whether any card is behind, and whether a command was done."""
FROZEN_SINCE = (
    "{} was frozen after you wrote that, by {}, so it stays frozen. Lift it once more if you mean that freeze, too."
)
LIFTED_SINCE = "{} was frozen when you wrote that, and is lifted again by now."


class Freezer:
    """``dispatch`` wakes the runs whose cards have to change; ``known``: as `Actions.scopes`."""

    def __init__(
        self, store: Store, door: Door, people: People, dispatch: Dispatch, known: Callable[[], frozenset[str]]
    ) -> None:
        self._store, self._door, self._people, self._dispatch = store, door, people, dispatch
        self._known = known

    # --- what people do ---------------------------------------------------------------------------------------------

    async def freeze(
        self, person: Person, team: str, scope: str, reason: str, *, via: str = "slack", given: float = inf
    ) -> str | Refused:
        """Stop everything in a scope. What was done, in words. ``given``: when the command came in, by the store's clock (epoch seconds);
        infinity for just now. Raises `Unavailable` when nobody can say who somebody is."""
        where, why = emergency.scope_of(scope), emergency.reason_of(reason)
        if isinstance(where, Refused):
            return where
        if isinstance(why, Refused):
            return why
        refused = await self._may(person, team, via)
        if refused is not None:
            return refused

        trusted = via != "shell" or self._people.policy.shell_may_decide
        by = person.user if trusted else emergency.by_shell(person.user)

        async def work(tx: Writer) -> Freeze | Refused | None:
            done = await _done_since(tx, given, where, by, lifted=False)
            if not done and await tx.set_freeze(where, why, by):
                return None
            first = next((each for each in await tx.freezes() if each.scope == where), None)
            if first is None:
                return Refused(LIFTED_SINCE.format(where))
            over = trusted and not emergency.is_verified(first.by)
            return None if over and await tx.set_freeze(where, why, by, over=True) else first

        first = await self._store.write(work)
        if isinstance(first, Refused):
            return first
        if first is not None and (first.by, first.reason) != (by, why):
            return Refused(f"{where} is frozen already, by {emergency.who_froze(first.by)}: {first.reason}")
        lift = "somebody else lifts" if trusted else "two people lift"
        done = f"Frozen: {where}. Nothing that changes something starts there until {lift} it."
        return f"{done} {emergency.empty_scope(where, self._known())}".rstrip()

    async def lift(
        self, person: Person, team: str, scope: str, reason: str, *, via: str = "slack", given: float = inf
    ) -> str | Refused:
        """End a freeze that somebody else set; ``scope``: "" where nobody named one. Raises as `freeze` does."""
        where = emergency.scope_of(scope) if scope else ""
        if isinstance(where, Refused):
            return where
        if via == "shell" and not self._people.policy.shell_may_decide:
            return Refused("policy.yml does not let shells lift a freeze; `shell_may_decide: true` would.")
        refused = await self._may(person, team, via, lifting=True)
        if refused is not None:
            return refused

        outcome = await self._store.write(lambda tx: _lifted(tx, where, reason, person.user, given))
        if isinstance(outcome, Refused):
            return outcome
        since = f" It was frozen anew since, by {emergency.who_froze(outcome.by)}." if outcome is not None else ""
        return f"Lifted: {where}.{since}"

    async def listed(self) -> tuple[Freeze, ...]:
        return await self._store.read(lambda tx: tx.freezes())

    async def scopes(self) -> frozenset[str]:
        """What there is to freeze, as far as the actions tell, and what is frozen."""
        return self._known() | {each.scope for each in await self.listed()}

    async def _may(self, person: Person, team: str, via: str, *, lifting: bool = False) -> Refused | None:
        try:
            return await self._people.may_freeze(person, team)
        except Unavailable:
            refused = emergency.may_freeze_unseen(self._people.policy, person.user)
            if via != "shell" and (lifting or refused is not None):
                raise
            return refused

    # --- what cards tell --------------------------------------------------------------------------------------------

    async def tell_cards(self) -> None:
        """Let every open card tell of what was frozen and lifted since."""

        async def look(tx: Reader) -> tuple[tuple[Freezing, ...], set[RunId]]:
            new = tuple(each for each in await tx.freezings(LOOKED_AT) if not each.told)
            return new, {line.run for line in await tx.open_approvals()} if new else set()

        new, runs = await self._store.read(look)
        for run_id in sorted(runs):
            try:
                await self.note(run_id)
            except BrokenJournal as broken:
                log.warning("a card cannot tell of a freeze", run=run_id, why=str(broken))
        for each in new:
            await self._store.write(lambda tx, number=each.number: tx.mark_freezing(number, told=True))  # type: ignore[misc]

    async def note(self, run_id: RunId) -> bool:
        """Whether a card of this run must tell something else than it does; then it is recorded, and owed."""
        run, _ = await self._door.load(run_id)
        if run is None or run.of_program or not _notes(run, await self.listed()):
            return False

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            return () if run is None else _notes(run, await tx.freezes())

        await self._door.decide(run_id, decide)
        await self._dispatch.wake(run_id)
        return True


async def _lifted(tx: Writer, where: str, reason: str, user: str, given: float) -> Freeze | Refused | None:
    """Lift a freeze, unless that was done; what stands there afterwards, or why it stands."""
    held = {each.scope: each for each in await tx.freezes()}
    found = held.get(where)
    if await _done_since(tx, given, where, user, lifted=True):
        return found
    if found is None:
        return emergency.not_lifted(where, held)
    began, *named = await _history(tx, found)
    if began.at > given and found.by != user:
        return Refused(FROZEN_SINCE.format(where, emergency.who_froze(found.by)))
    if named and named[-1].at >= given and found.by == user:  # this very command put their name to it
        return Refused(emergency.ON_TRUST.format(where, emergency.who_froze([began, *named][-2].by)))
    if not emergency.is_verified(found.by):
        await tx.set_freeze(where, found.reason, user, over=True)
        return Refused(emergency.ON_TRUST.format(where, emergency.who_froze(found.by)))
    refused = emergency.may_lift(where, found.by, user)
    if refused is None:
        await tx.lift_freeze(where, user, reason.strip()[: emergency.LONGEST_REASON])
    return refused


async def _history(tx: Reader, freeze: Freeze) -> list[Freezing]:
    """How a freeze that holds was set, and then whoever put their name to it."""
    rows = await tx.freezings(LOOKED_AT, freeze.scope)
    return list(takewhile(lambda each: not each.lifted, rows))[::-1]


async def _done_since(tx: Reader, given: float, where: str, by: str, *, lifted: bool) -> bool:
    """Whether somebody has frozen or lifted that scope since ``given``: a command of theirs that is worked again has done its work."""
    theirs = (each for each in await tx.freezings(LOOKED_AT, where) if (each.by, each.lifted) == (by, lifted))
    return any(each.at >= given for each in theirs)


def _notes(run: Run, freezes: Iterable[Freeze]) -> tuple[FreezeNoted, ...]:
    """What open cards of a run have to tell and do not."""
    held, open_calls = tuple(freezes), [call for call in run.calls if call.state is CallState.ASKING]
    wanted = ((call, _note(call, held)) for call in open_calls)
    return tuple(
        note or FreezeNoted(call.proposal.call, "") for call, note in wanted if _told(note) != _told(call.frozen)
    )


def _note(call: Call, freezes: Iterable[Freeze]) -> FreezeNoted | None:
    binding = call.proposal.binding
    found = stopping(freezes, binding, opened=False) if binding else None
    return FreezeNoted(call.proposal.call, found.scope, found.by, found.since, found.reason) if found else None


def _told(note: FreezeNoted | None) -> tuple[str, float] | None:
    return (note.scope, note.since) if note is not None else None
