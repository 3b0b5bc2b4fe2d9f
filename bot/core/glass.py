"""Breaking the glass: one person, named for it in the policy, decides alone in an emergency. Everybody hears of it at once, and others
review it on the next working day. Pure; who is named is `emergency.py`'s, counting the vote `terms.py`'s.

Rule 1: what was broken stays with the run, whatever becomes of the approval: it is announced and reviewed also where nothing ran.
Rule 2: nobody reviews what they broke themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.core.events import Reviewed, Voted
from bot.core.refusal import Refused
from bot.core.values import ApprovalId, CallId, Person

BY_GLASS = "break_glass"
"""How such a vote was given (`Voted.via`), and the name of its button and its form."""
NEEDS_REASON = "Breaking the glass needs a reason; everybody will read it."
OWN_REVIEW = "You decided this alone, so somebody else must review it."
NOTHING_BROKEN = "Nobody broke the glass for this."


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may break it (``user:U…``, ``group:S…``), where that is announced ("" for the run's thread), whether it also opens what is
    frozen here, and at which minute of the next working day, in which zone, others are asked to review it."""

    people: tuple[str, ...] = ()
    audit_channel: str = ""
    while_frozen: bool = False
    zone: str = "UTC"
    review_minute: int = 540


@dataclass(frozen=True, slots=True)
class Broken:
    """What one person decided alone: about which call, why, when, and when it is reviewed (epoch seconds) and by whom."""

    call: CallId
    approval: ApprovalId
    person: Person
    reason: str
    at: float
    review_at: float
    reviewed_by: Person | None = None
    reviewed_at: float = 0.0


def broken_by(call: CallId, event: object, at: float) -> tuple[Broken, ...]:
    """What this vote broke; nothing for a vote like any other, and for any other event."""
    if not isinstance(event, Voted) or event.via != BY_GLASS:
        return ()
    return (Broken(call, event.approval, event.person, event.comment, at, event.review_at),)


def reviewed(all_broken: Iterable[Broken], event: Reviewed, at: float) -> tuple[Broken, ...] | Refused:
    kept = tuple(all_broken)
    found = next((each for each in kept if each.approval == event.approval), None)
    if found is None:
        return Refused(NOTHING_BROKEN)
    if found.reviewed_by is not None:
        return Refused(f"<@{found.reviewed_by.user}> has reviewed this already.")
    if found.person.user == event.person.user:
        return Refused(OWN_REVIEW)
    done = replace(found, reviewed_by=event.person, reviewed_at=at)
    return tuple(done if each is found else each for each in kept)
