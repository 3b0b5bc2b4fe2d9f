"""How much of one person waits for people at once (S14): beyond that nobody is asked, and the model is told so.

Rule 1: counted is what is open of the requester in the workspace, over all their runs, in the transaction that opens one more.
Rule 2: what takes the place of a question that people had before is no further one: an edit, what did not run, what is asked anew.
Rule 3: a program has nobody but itself to ask.
How many calls one turn may have, and so how many questions one run, is `limits.py`'s.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.events import Judged
from bot.core.ours import denying
from bot.core.policy import Policy
from bot.core.run import Run
from bot.engine.words import ENOUGH_WAITS
from bot.ports import Writer


async def bounded(run: Run, judged: Sequence[Judged], policy: Policy, tx: Writer) -> list[Judged]:
    """``judged`` (of calls of ``run``), with a refusal in place of each question that is one too many."""
    further = [event for event in judged if _is_further(run, event)]
    if not further:
        return list(judged)
    waiting, most = await tx.open_of(run.id, run.asked.place.team, run.asked.person.user), policy.open_per_person
    beyond = further[max(0, most - waiting) :]
    why = ENOUGH_WAITS.format(max(most, waiting), most)
    return [_refused(event, why) if event in beyond else event for event in judged]


def _is_further(run: Run, event: Judged) -> bool:
    call = run.call(event.call)
    if run.of_program or call is None or event.terms is None:
        return False
    return call.approval is None and call.edits is None and call.instead_of is None


def _refused(event: Judged, why: str) -> Judged:
    return Judged(event.call, replace(denying(event.judgement, why), seal=""))
