"""Who may freeze, lift a freeze, or break the glass, and what a freeze is of. Pure; what a freeze holds back is `engine/standstill.py`'s.

Rules
1. Whoever the policy names may freeze, without a list whoever `defaults` name as approvers; bots, guests, outsiders and deactivated
   accounts never, as for a decision. What cannot be established is refused.
2. A freeze is lifted by somebody who may freeze and did not set it. What BIGHUB stopped is lifted at BIGHUB.
3. A shell freezes in whatever name it says; where the policy takes no shell's word, the name is nobody's. Two people lift such a
   freeze: the first who would puts their own name to it.
4. Upper and lower case are alike in a scope.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from bot.core.authority import counts_as, groups_of, outside
from bot.core.inputs import Profile
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.visible import shows

ALL = "all"
BIGHUB = "bighub"
"""The scope of BIGHUB's own kill switch, as far as others set it. People cannot freeze or lift it here."""
KINDS = ("system", "environment")
NO_SCOPE = "{} is no scope: write all, system:NAME or environment:NAME."
NEEDS_REASON = "Please say why: whoever is stopped by it will read the reason."
LONGEST_REASON = 500
LONGEST_SCOPE = 120
SECOND_PERSON = "You froze {} yourself, so somebody else must lift it."
_FROZE = re.compile(r"<@([UW][A-Z0-9]{1,30})> froze ")
ON_TRUST = "Nobody verified who froze {}: it was {}. The freeze stays and counts as yours from now on, so somebody else must lift it."
_SHELL = "shell:"
AT_BIGHUB = "BIGHUB's kill switch stops this. It is lifted on BIGHUB's dashboard."


def scope_of(text: str) -> str | Refused:
    """``all``, ``system:NAME`` or ``environment:NAME``, as it is kept."""
    scope = text.strip().casefold()
    kind, _, name = scope.partition(":")
    if scope == ALL or (kind in KINDS and name.strip() and len(scope) <= LONGEST_SCOPE):
        return scope if scope == ALL else f"{kind}:{name.strip()}"
    return Refused(NO_SCOPE.format(text[:LONGEST_SCOPE] or "Nothing"))


def empty_scope(scope: str, known: Iterable[str]) -> str:
    """That a freeze of ``scope`` holds back no action of these ``known`` scopes, as a sentence; "" where it does."""
    scopes = sorted(known)
    if scope == ALL or scope in {each.casefold() for each in scopes}:
        return ""
    return f"No action known here that changes something is in it. Known are: {', '.join(scopes) or 'none'}."


def not_lifted(scope: str, held: Collection[str]) -> Refused:
    """Why nothing is lifted where ``scope`` ("": nobody named one) is not among those that are frozen."""
    here = sorted(set(held) - {BIGHUB})
    first = f"{scope} is not frozen." if scope else "Say which to lift." if here else ""
    now = f"Frozen now: {', '.join(here)}." if here else "" if scope or BIGHUB in held else "Nothing is frozen."
    return Refused(" ".join(filter(None, (first, now, AT_BIGHUB if BIGHUB in held else ""))))


def reason_of(text: str) -> str | Refused:
    reason = text.strip()
    return reason[:LONGEST_REASON] if shows(reason[:LONGEST_REASON]) else Refused(NEEDS_REASON)


def by_shell(user: str) -> str:
    """Who froze in a shell that the policy takes nobody's word from, and said to be this user."""
    return f"{_SHELL}{user}"


def is_verified(by: str) -> bool:
    return not by.startswith(_SHELL)


def user_of(by: str) -> str:
    """Who froze, or who a shell said to be."""
    return by.removeprefix(_SHELL)


def who_froze(by: str) -> str:
    """In words."""
    return f"<@{by}>" if is_verified(by) else f"a shell (as <@{user_of(by)}>)"


def froze(by: str, scope: str, reason: str) -> str:
    """Who froze what and why, as a sentence."""
    who = who_froze(by)
    said = f"{who[0].upper()}{who[1:]} froze {scope}: {reason}"
    said = f"BIGHUB's kill switch is on: {reason}" if scope == BIGHUB else said
    return said if said.endswith((".", "!", "?")) else f"{said}."


def froze_it(sentence: str) -> str:
    """The user whose freeze a sentence of `froze` tells of, for what was stored when nothing else did; "" for any other."""
    found = _FROZE.match(sentence)
    return found[1] if found else ""


def freezers(policy: Policy) -> tuple[str, ...]:
    """``user:U…`` and ``group:S…``."""
    if policy.freezers is not None:
        return policy.freezers
    return policy.defaults.approvers or tuple(share.approver for share in policy.defaults.shares)


def may_freeze(policy: Policy, profile: Profile, members: Mapping[str, frozenset[str]], home: str) -> Refused | None:
    """``members`` and ``home``: as for `authority.may_decide`."""
    return _named(profile, freezers(policy), members, home, "freeze or unfreeze anything")


def may_break_glass(
    policy: Policy, profile: Profile, members: Mapping[str, frozenset[str]], home: str
) -> Refused | None:
    return _named(profile, policy.break_glass.people, members, home, "break the glass")


def may_freeze_unseen(policy: Policy, user: str) -> Refused | None:
    """The same while Slack says nothing about anybody: only whom the policy names by id."""
    if f"user:{user}" in freezers(policy):
        return None
    return Refused("Slack does not answer, so only people whom policy.yml names as user:U… can do this now.")


def may_lift(scope: str, set_by: str, user: str) -> Refused | None:
    if scope == BIGHUB:
        return Refused(AT_BIGHUB)
    return Refused(SECOND_PERSON.format(scope)) if set_by == user else None


def _named(
    profile: Profile, names: Sequence[str], members: Mapping[str, frozenset[str]], home: str, what: str
) -> Refused | None:
    fault = outside(profile, home) or ("A guest" if profile.guest else "")
    if fault:
        return Refused(f"{fault} cannot {what}.")
    if not names:
        return Refused(f"policy.yml names nobody who may {what}.")
    if counts_as(profile.person.user, names, members):
        return None
    unknown = [group for group in groups_of(names) if group not in members]
    if unknown:
        return Refused("Slack does not tell me right now who is in the groups that may. Please try again in a minute.")
    return Refused(f"Only {', '.join(names)} may {what}. You are not among them.")
