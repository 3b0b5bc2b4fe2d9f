"""A vote as it is recorded, or why it is not: asked in the transaction that appends it. Who may vote is `people.py`'s.

Rule: a vote counts under the terms that are stored with the approval; `tightening.py` made them as strict as the policy of today.
"""

from collections.abc import Sequence

from bot.core import approval as approvals
from bot.core.approval import seal, vote_text
from bot.core.call import Call
from bot.core.events import Voted
from bot.core.inputs import Clicked
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Choice
from bot.engine.starting import Keys, distrust, judgement_holds
from bot.engine.words import late

CHOICES = {"approve": Choice.APPROVE, "approve_reviewed": Choice.APPROVE, "deny": Choice.DENY}


def ballot(
    run: Run,
    call: Call,
    clicked: Clicked,
    *,
    via: str,
    counts_as: tuple[str, ...],
    keys: Keys,
    now: float,
) -> Sequence[Voted] | Refused:
    """``now``: the store's clock (epoch seconds)."""
    approval = call.approval
    if approval is None:
        return late(call)
    if not judgement_holds(run, call, keys):
        return Refused(distrust(call, keys))
    choice = CHOICES[clicked.action]
    mark = seal(keys[0], vote_text(run.id, approval, clicked.person, choice, via, counts_as))
    asked = approval.terms.approval
    voted = Voted(asked, clicked.person, choice, clicked.comment, mark, via, clicked.message, counts_as)
    counted = approvals.vote(approval, voted, call.card.message if call.card else "", now)
    return counted if isinstance(counted, Refused) else [voted]
