"""Who may ask and who may decide, given the facts of this moment. What an approval demands is `policy.py`'s, counting `terms.py`'s.

Rules
1. `may_decide` is the one function that authorises a decision, for clicks, commands, modals and shells alike; what it cannot
   establish, it refuses. Bots, guests, outsiders and deactivated accounts never decide.
2. No approver configured means nobody.
"""

from collections.abc import Mapping, Sequence

from bot.core.inputs import Profile
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.terms import all_approvers
from bot.core.values import Person, Terms


def may_ask(policy: Policy, profile: Profile, home: str) -> Refused | None:
    """Why this person may not start a run; None where they may. ``home``: as for `may_decide`."""
    fault = outside(profile, home)
    if fault:
        return Refused(f"{fault} cannot ask me for anything.")
    if profile.guest and not policy.guests_may_ask:
        return Refused("Guests cannot ask me for anything; somebody who keeps policy.yml can change that.")
    return None


def may_decide(
    profile: Profile, requester: Person, terms: Terms, members: Mapping[str, frozenset[str]], home: str
) -> Refused | None:
    """Why this person may not decide an approval; None where they may.

    ``members`` maps the ids of user groups to their members' ids; a group whose members are not known is left out.
    ``home`` is the team (or enterprise) that Signoff is installed in, in the terms of `Profile.home`.
    """
    fault = outside(profile, home) or ("A guest" if profile.guest else "")
    if fault:
        return Refused(f"{fault} cannot decide this. {_who_may(terms, requester)}")
    if not terms.approvers:
        return Refused(_NOBODY)
    user = profile.person.user
    if user == requester.user and not terms.requester_may_approve:
        return Refused(f"You asked for this yourself, so somebody else must decide it. {_who_may(terms, requester)}")
    if counts_as(user, all_approvers(terms), members):
        return None
    groups = groups_of(all_approvers(terms))
    unknown = [f"group:{group}" for group in groups if group not in members]
    if unknown:
        return Refused(f"Slack does not tell me right now who is in {_listed(unknown)}. Please try again in a minute.")
    return Refused(
        f"{_who_may(terms, requester)} You are not {'in it' if len(terms.approvers) == 1 and groups else 'among them'}."
    )


def may_decide_unseen(user: str, requester: Person, terms: Terms) -> Refused | None:
    """Why this person may not decide from a shell while Slack says nothing about anybody; None where they may.

    Only somebody whom the terms name as ``user:U…`` may: who is in a group, nobody can say now.
    """
    if f"user:{user}" not in all_approvers(terms):
        return Refused("Slack does not answer, so only people whom policy.yml names as user:U… can decide now.")
    if user == requester.user and not terms.requester_may_approve:
        return Refused(f"You asked for this yourself, so somebody else must decide it. {_who_may(terms, requester)}")
    return None


def counts_as(user: str, approvers: Sequence[str], members: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Which of ``approvers`` a person is: by name, or as a member of a group whose members are known."""
    mine = {f"user:{user}", *(f"group:{group}" for group, users in members.items() if user in users)}
    return tuple(name for name in approvers if name in mine)


def groups_of(approvers: Sequence[str]) -> list[str]:
    """The ids of the user groups among ``approvers``."""
    return [name.removeprefix("group:") for name in approvers if name.startswith("group:")]


_NOBODY = "No approver is configured for this; ask whoever keeps policy.yml."


def outside(profile: Profile, home: str) -> str:
    """What keeps somebody out of everything, as the beginning of a sentence; "" for nothing."""
    if profile.bot:
        return "A bot"
    if profile.deactivated:
        return "A deactivated account"
    if profile.stranger or not home or profile.home != home:
        return "Somebody from outside this workspace"
    return ""


def _who_may(terms: Terms, requester: Person) -> str:
    if not terms.approvers:
        return _NOBODY
    own = f"user:{requester.user}"
    who = [name for name in terms.approvers if terms.requester_may_approve or name != own]
    return f"Only {_listed(who, 'or')} may decide this." if who else _NOBODY


def _listed(names: list[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
