"""Where nobody is left who could approve what people are asked about, and how that is said. Pure; counting votes is `terms.py`'s.

Rule 1: it is said only where the names tell it for sure: who is in a group, they do not.
Rule 2: whoever the policy names for it may break the glass all the same (`glass.py`), and that is said with it.
"""

from bot.core.terms import all_approvers, all_named
from bot.core.values import Person, Terms

NOBODY_ELSE = "Somebody else must approve too, and policy.yml names no other approver."
ORDINARILY = "in the ordinary way"
_NOT_ORDINARILY = f"Nobody can approve this {ORDINARILY}."
BUT_GLASS = "Those whom policy.yml names for it may break the glass."


def nobody_else(terms: Terms, requester: Person) -> bool:
    """Whether the only one who may ever approve it is one whose approval alone is not enough, as far as the names tell."""
    names = all_approvers(terms)
    able = {*names} - (set() if terms.requester_may_approve else {f"user:{requester.user}"})
    return all_named(names) and len(able) == 1 and able <= {f"user:{user}" for user in terms.not_alone}


def in_vain(terms: Terms, requester: Person, *, glass: bool) -> str:
    """That nobody can approve it, as sentences; "" where somebody can, and where it is enough that no approver stands there. ``glass``:
    whether the policy names anybody who may break it."""
    if nobody_else(terms, requester):
        return f"{_NOT_ORDINARILY} {NOBODY_ELSE} {BUT_GLASS}" if glass else f"Nobody can approve this. {NOBODY_ELSE}"
    return f"{_NOT_ORDINARILY} {BUT_GLASS}" if glass and not terms.approvers else ""
