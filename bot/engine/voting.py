"""A vote as it is recorded, or why it is not: asked in the transaction that appends it. Who may vote is `people.py`'s.

Rule 1: a vote counts under the terms that are stored with the approval, once those are as strict as the policy of today (`tightening.py`).
Rule 2: where the question's seal is by a key that is not held here, the click is left to a replica that holds it (`keyring.py`).
Rule 3: while a freeze or a window of the policy holds, nobody approves: it would come to nothing. Whoever breaks the glass does where
the policy says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.clocks import next_working_day
from bot.core import approval as approvals
from bot.core.approval import BY_PROGRAM, COVERS, Approval, seal, standing, vote_text
from bot.core.call import Call
from bot.core.events import Voted
from bot.core.fatigue import waited
from bot.core.glass import BY_GLASS
from bot.core.inputs import Clicked
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Choice
from bot.core.visible import shows
from bot.engine.keyring import Keys, leave_to_others
from bot.engine.people import People
from bot.engine.standstill import closed_until, frozen_text, stopping
from bot.engine.starting import case_in, distrust, judgement_holds
from bot.engine.tightening import tightening
from bot.engine.words import late
from bot.ports import Decide, Freeze, Reader

DOUBLE_CLICK_SECONDS = 3.0
CHOICES = {
    "approve": Choice.APPROVE,
    "approve_reviewed": Choice.APPROVE,
    "deny": Choice.DENY,
    BY_GLASS: Choice.APPROVE,
}
NOT_NOW = "{}. An approval would come to nothing now, so it was not counted; the card stays open. Denying is possible."


class Voting:
    """What a vote becomes. ``keys`` are the seal's, the present one first; ``key_waits``: for how many seconds a click is left to others
    who may hold another."""

    def __init__(self, people: People, keys: Keys, key_waits: float = 0.0) -> None:
        self._people, self._keys, self._key_waits = people, keys, key_waits

    def tightening(self, run: Run, call: Call) -> Decide | None:
        return tightening(self._people, run, call, self._keys)

    async def ballot(
        self, run: Run, call: Call, clicked: Clicked, via: str, counts_as: tuple[str, ...], tx: Reader, at: float = 0.0
    ) -> Sequence[Voted] | Refused:
        """``at``: when the click came in (epoch seconds), 0.0 for now."""
        approval, people = call.approval, self._people
        if approval is None:
            return late(call)
        if not judgement_holds(run, call, self._keys):
            leave_to_others(call, self._keys, at + self._key_waits, tx.now)
            return Refused(distrust(call, self._keys))
        if held := _held(run, call, clicked, await tx.freezes(), people.policy, tx.now):
            return Refused(NOT_NOW.format(held.rstrip(".")))
        voted = sealed(_voted(approval, clicked, via, counts_as), run, approval, tx.now, self._keys[0])
        if via != BY_PROGRAM:
            voted = replace(voted, waited=waited(approval.opened_at, clicked.message, at or tx.now))
        if via == BY_GLASS:
            glass = people.policy.break_glass
            voted = replace(voted, review_at=next_working_day(tx.now, glass.zone, glass.review_minute))
        outcome = approvals.vote(approval, voted, call.card.message if call.card else "", tx.now)
        return outcome if isinstance(outcome, Refused) else [voted]


def _voted(approval: Approval, clicked: Clicked, via: str, counts_as: tuple[str, ...]) -> Voted:
    comment = clicked.comment if shows(clicked.comment) else ""  # what nobody can see is no reason
    said = (clicked.person, CHOICES[clicked.action], comment)
    return Voted(approval.terms.approval, *said, "", via, clicked.message, counts_as, covers=COVERS)


def sealed(voted: Voted, run: Run, approval: Approval, now: float, key: bytes) -> Voted:
    """``voted`` as it is recorded; ``now``: the store's clock (epoch seconds) of the transaction that does."""
    given = (now, voted.comment, standing(approval))
    text = vote_text(run.id, approval, voted.person, voted.choice, voted.via, voted.counts_as, given)
    return replace(voted, seal=seal(key, text))


def _held(run: Run, call: Call, clicked: Clicked, freezes: Iterable[Freeze], policy: Policy, now: float) -> str:
    """What an approval would come to nothing for at this moment, as sentences; "" for a denial, and where nothing holds it back."""
    binding = call.proposal.binding
    if binding is None or CHOICES[clicked.action] is Choice.DENY:
        return ""
    opened = clicked.action == BY_GLASS and policy.break_glass.while_frozen
    frozen = stopping(freezes, binding, opened=opened)
    if frozen is not None:
        return frozen_text(frozen)
    return "" if opened else closed_until(policy, case_in(run, call, binding), now)


def voted_just_now(call: Call, clicked: Clicked, now: float) -> bool:
    """Whether this very vote counts since a moment ago, so that its second click needs no explanation."""
    votes = call.approval.votes if call.approval else ()
    mine = (clicked.person, CHOICES.get(clicked.action), clicked.action == BY_GLASS)
    given = (((vote.person, vote.choice, vote.via == BY_GLASS), vote.at) for vote in votes)
    return any(vote == mine and at > now - DOUBLE_CLICK_SECONDS for vote, at in given)


async def clock(tx: Reader) -> float:
    return tx.now
