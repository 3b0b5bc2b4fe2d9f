"""A vote as it is recorded, or why it is not: asked in the transaction that appends it. Who may vote is `people.py`'s.

Rule: a vote must be possible under the approval's own terms and under those that the policy of today would add.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core import approval as approvals
from bot.core.approval import seal, vote_text
from bot.core.call import Call
from bot.core.events import Voted
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Choice, Terms
from bot.engine.starting import TAMPERED, Keys, judgement_holds
from bot.engine.words import late
from bot.ports import Reader

DOUBLE_CLICK_SECONDS = 3.0
CHOICES = {"approve": Choice.APPROVE, "approve_reviewed": Choice.APPROVE, "deny": Choice.DENY}


def ballot(
    run: Run,
    call: Call,
    clicked: Clicked,
    *,
    via: str,
    counts_as: tuple[str, ...],
    terms: Terms,
    keys: Keys,
    now: float,
) -> Sequence[Voted] | Refused:
    """``terms``: the approval's, made stricter by the policy of today (`People.terms_now`); ``now``: the store's clock."""
    approval = call.approval
    if approval is None:
        return late(call)
    if not judgement_holds(run, call, approval.terms, keys):
        return Refused(TAMPERED)
    choice = CHOICES[clicked.action]
    mark = seal(keys[0], vote_text(run.id, approval, clicked.person, choice, via, counts_as))
    asked = approval.terms.approval
    voted = Voted(asked, clicked.person, choice, clicked.comment, mark, via, clicked.message, counts_as)
    strict = approvals.vote(replace(approval, terms=terms), voted, call.card.message if call.card else "", now)
    return strict if isinstance(strict, Refused) else [voted]


def voted_just_now(call: Call, clicked: Clicked, now: float) -> bool:
    """Whether this very vote counts since a moment ago, so that its second click needs no explanation."""
    votes = call.approval.votes if call.approval else ()
    mine, since = (clicked.person, CHOICES.get(clicked.action)), now - DOUBLE_CLICK_SECONDS
    return any((vote.person, vote.choice) == mine and vote.at > since for vote in votes)


async def clock(tx: Reader) -> float:
    return tx.now
