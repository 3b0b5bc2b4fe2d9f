"""Where nobody is left who could approve what people are asked about, and how that is said. Pure; counting votes is `terms.py`'s.

Rule 1: it is said only where the names tell it for sure: who is in a group, they do not.
Rule 2: whoever the policy names for it may break the glass all the same (`glass.py`), and that is said with it.
"""

from collections.abc import Sequence

from bot.core.terms import Cast, all_approvers, all_named, quorums_of
from bot.core.values import Choice, Person, Terms

TOO_FEW = "Too few are left of those whom policy.yml names for it."
NOBODY_ELSE = "Somebody else must approve too, and policy.yml names no other approver."
ORDINARILY = "in the ordinary way"
_NOT_ORDINARILY = f"Nobody can approve this {ORDINARILY}."
BUT_GLASS = "Those whom policy.yml names for it may break the glass."


def nobody_else(terms: Terms, requester: Person) -> bool:
    """Whether the only one who may ever approve it is one whose approval alone is not enough, as far as the names tell."""
    names = all_approvers(terms)
    able = {*names} - (set() if terms.requester_may_approve else {f"user:{requester.user}"})
    return all_named(names) and len(able) == 1 and able <= {f"user:{user}" for user in terms.not_alone}


def impossible(terms: Terms, requester: Person, votes: Sequence[Cast] = ()) -> bool:
    """Whether some demand wants more people than are left: without the requester, who may not, and those who denied it. Names only."""
    gone = {f"user:{vote.person.user}" for vote in votes if vote.choice is Choice.DENY}
    gone |= set() if terms.requester_may_approve else {f"user:{requester.user}"}
    return any(names and all_named(names) and len(names - gone) < count for count, names in reach_of(terms))


def reach_of(terms: Terms) -> tuple[tuple[int, frozenset[str]], ...]:
    """How many people each demand wants, and all who may ever be among them."""
    return tuple((each.count, frozenset((*each.approvers, *each.escalate_to))) for each in quorums_of(terms))


def in_vain(terms: Terms, requester: Person, votes: Sequence[Cast] = (), *, glass: bool) -> str:
    """That nobody can approve it, as sentences; "" where somebody can, and where it is enough that no approver stands there.
    ``votes``: what was given, while it is open; ``glass``: whether the policy names anybody who may break it."""
    why = NOBODY_ELSE if nobody_else(terms, requester) else TOO_FEW if impossible(terms, requester, votes) else ""
    if why:
        return f"{_NOT_ORDINARILY} {why} {BUT_GLASS}" if glass else f"Nobody can approve this. {why}"
    return f"{_NOT_ORDINARILY} {BUT_GLASS}" if glass and not terms.approvers else ""
