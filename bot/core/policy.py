"""Who may ask, what must be asked about, and who may decide: `policy.yml` as values. Reading the file is `policy_file.py`'s.

Rules
1. Of the rules that match, the strictest verdict wins (ties: the first in the file). What the winner leaves open is taken
   from the next strictest, and at last from the defaults.
2. A rule can only tighten what a guard said (`verdict.strictest`); alone, a rule's `allow` allows.
3. `may_decide` is the one function that authorises a decision, for clicks, commands, modals and shells alike; what it
   cannot establish, it refuses. Bots, guests, outsiders and deactivated accounts never decide.
4. No approver configured means nobody.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TypeVar

from bot.core.inputs import Profile
from bot.core.refusal import Refused
from bot.core.values import ApprovalId, Binding, Person, Place, Terms, Verdict

_STRICTNESS = {None: -1, Verdict.ALLOW: 0, Verdict.ASK: 1, Verdict.DENY: 2}
T = TypeVar("T")

_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
LONGEST_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule is matched against: an action about to be judged, who asked for it, and where."""

    action: str
    system: str
    environment: str
    target: str
    risk: str
    read_only: bool
    requester: str
    channel: str
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule applies: every field that is set must fit. Texts are globs, any one of them; upper and lower case are alike."""

    action: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    requester: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    read_only: bool | None = None

    def fits(self, case: Case) -> bool:
        return all(_fits(getattr(self, each.name), getattr(case, each.name)) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds where ``match`` fits; None leaves it to the next rule. ``approvers``: ``user:U…`` or ``group:S…``;
    ``expires_in`` in seconds."""

    name: str
    match: Match = field(default_factory=Match)
    verdict: Verdict | None = None
    approvers: tuple[str, ...] | None = None
    quorum: int | None = None
    requester_may_approve: bool | None = None
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where no rule says otherwise. ``expires_in`` in seconds."""

    approvers: tuple[str, ...] = ()
    quorum: int = 1
    requester_may_approve: bool = False
    expires_in: int = 4 * 3_600


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole of `policy.yml`. ``shell_may_decide``: whether `signoff approve|deny` votes at all."""

    defaults: Defaults = field(default_factory=Defaults)
    rules: tuple[Rule, ...] = ()
    guests_may_ask: bool = False
    shell_may_decide: bool = False


def case_of(action: str, binding: Binding, requester: Person, place: Place) -> Case:
    """The case that a bound proposal is."""
    return Case(
        action=action,
        system=binding.system,
        environment=binding.environment,
        target=binding.target,
        risk=binding.risk,
        read_only=binding.read_only,
        requester=requester.user,
        channel=place.channel,
    )


def duration(text: str) -> int | Refused:
    """``30m``, ``4h`` or ``2d`` in seconds; at most a year."""
    found = _DURATION.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_SECONDS:
        return Refused(f'"{text}" is not a duration; write it like 30m, 4h or 2d (at most 365d).')
    return seconds


def floor(policy: Policy, case: Case) -> tuple[Verdict | None, Rule | None]:
    """The verdict that a guard may not go below, and the rule that says so; (None, None) where no rule matches."""
    winner = next(iter(_matching(policy, case)), None)
    return (winner.verdict if winner else None), winner


def terms(policy: Policy, case: Case, approval: ApprovalId, now: float) -> Terms:
    """The terms of a new approval. ``now`` in epoch seconds. Without approvers nobody can decide it."""
    matching = _matching(policy, case)
    defaults = policy.defaults
    approvers = _first((rule.approvers for rule in matching), defaults.approvers)
    quorum = _first((rule.quorum for rule in matching), defaults.quorum)
    own = _first((rule.requester_may_approve for rule in matching), defaults.requester_may_approve)
    expires_in = _first((rule.expires_in for rule in matching), defaults.expires_in)
    return Terms(approval, approvers, quorum, own, now + expires_in, matching[0].name if matching else "")


def may_ask(policy: Policy, profile: Profile, home: str) -> Refused | None:
    """Why this person may not start a run; None where they may. ``home``: as for `may_decide`."""
    fault = _outside(profile, home)
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
    fault = _outside(profile, home) or ("A guest" if profile.guest else "")
    if fault:
        return Refused(f"{fault} cannot decide this. {_who_may(terms, requester)}")
    if not terms.approvers:
        return Refused(_NOBODY)
    user = profile.person.user
    if user == requester.user and not terms.requester_may_approve:
        return Refused(f"You asked for this yourself, so somebody else must decide it. {_who_may(terms, requester)}")
    groups = [name.removeprefix("group:") for name in terms.approvers if name.startswith("group:")]
    if f"user:{user}" in terms.approvers or any(user in members.get(group, ()) for group in groups):
        return None
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
    if f"user:{user}" not in terms.approvers:
        return Refused("Slack does not answer, so only people whom policy.yml names as user:U… can decide now.")
    if user == requester.user and not terms.requester_may_approve:
        return Refused(f"You asked for this yourself, so somebody else must decide it. {_who_may(terms, requester)}")
    return None


_NOBODY = "No approver is configured for this; ask whoever keeps policy.yml."


def _outside(profile: Profile, home: str) -> str:
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


def _matching(policy: Policy, case: Case) -> list[Rule]:
    """The rules that match, strictest first; the sort is stable, so equals stay in the file's order."""
    found = [rule for rule in policy.rules if rule.match.fits(case)]
    return sorted(found, key=lambda rule: -_STRICTNESS[rule.verdict])


def _fits(wanted: tuple[str, ...] | bool | None, value: str | bool) -> bool:
    if wanted is None or wanted == ():
        return True
    if isinstance(wanted, tuple):
        return any(fnmatchcase(str(value).casefold(), pattern.casefold()) for pattern in wanted)
    return wanted == value


def _first(values: Iterator[T | None], default: T) -> T:
    return next((value for value in values if value is not None), default)
