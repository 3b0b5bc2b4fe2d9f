"""A call that did not run: the one that takes its place, and what both have in common. Pure.

Rule 1: where somebody found that an action in doubt did not run, while its turn is open, the same proposal is judged anew: a new
call, with a new approval and no votes, right behind the old one. The model still gets one output for both.
Rule 2: where a person found it, or people had been asked before, the guard alone cannot let the new call run.
Rule 3: a probe takes nobody's time, so what it finds leads to a bounded number of attempts.
Rule 4: all of them carry one idempotency key: should the first have happened after all, the system behind can notice.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from bot.core.approval import Resolution
from bot.core.call import MOST_ATTEMPTS, OPEN, Call, Outcome, refuse
from bot.core.events import Settled
from bot.core.turns import proposed
from bot.core.values import CallId

HAPPENED_AFTER_ALL = "The first attempt reported that it did happen after all, so it is not run again."


def in_place_of(old: Call, calls: Sequence[Call], settled: Settled, at: float) -> Call | None:
    """The call that takes the place of ``old``, of which ``settled`` says that it did not run; None where it was tried enough."""
    by_person = settled.person is not None
    if not by_person and len(tuple(line(old, calls))) >= MOST_ATTEMPTS:
        return None
    taken = {call.proposal.call for call in calls}
    name = next(name for n in count(2) if (name := CallId(f"{first_of(old, calls).proposal.call}-{n}")) not in taken)
    new = proposed(old.turn, replace(old.proposal, call=name), at)
    must_ask = by_person or old.approval is not None or old.must_ask
    return replace(new, edits=old.edits, instead_of=old.proposal.call, must_ask=must_ask)


def line(call: Call, calls: Sequence[Call]) -> Iterable[Call]:
    """The call and those in whose place it stands, the newest first."""
    found: Call | None = call
    while found is not None:
        yield found
        before = found.instead_of
        found = next((each for each in calls if each.proposal.call == before), None) if before else None


def first_of(call: Call, calls: Sequence[Call]) -> Call:
    *_, first = line(call, calls)
    return first


def idempotency_key(run: str, call: Call, calls: Sequence[Call]) -> str:
    """What an action is given to tell a repetition from another wish: the same for every attempt at one call."""
    named = "\n".join(("signoff idempotency key", run, first_of(call, calls).proposal.call))
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def after_late_report(reported: Call, calls: Sequence[Call], at: float) -> tuple[Call, ...]:
    """``calls`` once ``reported`` has said, late, that it happened: whatever was to take its place does not start any more."""
    wish = (reported.turn, reported.proposal.wire)
    return tuple(
        refuse(call, Outcome.SUPERSEDED, HAPPENED_AFTER_ALL, at, Resolution.SUPERSEDED)
        if (call.turn, call.proposal.wire) == wish and call.state in OPEN
        else call
        for call in calls
    )
