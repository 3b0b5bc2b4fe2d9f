"""What must be asked about, and on which terms: `policy.yml` as values. Reading the file is `policy_file`'s, matching `matching.py`'s,
who may decide `authority.py`'s, counting and comparing `terms.py`'s, what holds back a start `holding.py`'s.

Rules
1. All rules that match apply together, and of what they state the strictest holds: deny before ask before allow, every demand of
   approvers (each must be met), the shortest time, no vote of the requester, a comment, one denial. No order of rules matters.
2. A default holds where no rule that matches states anything, and for each that asks, forbids or names who decides but does not
   state it: so none is milder beside others than alone. Who decides, and where, is the defaults' to say only where no rule does.
3. A rule can only tighten what a guard said; alone, a rule's `allow` allows. Where neither a guard nor a rule says anything, reading
   is allowed and all else is asked about.
4. A quorum that is stated without approvers holds for all demands that are.
5. Where nobody can say whether a rule fits, or only some elements of a list do, what it demands holds beside what would hold
   without it (the defaults, too), and what it loosens does not: never milder than with the rule, nor than without it.
6. A rule on trial (``shadow``) has no effect: what it would have made stricter is noted, and that is all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.core.glass import BreakGlass
from bot.core.matching import LONGEST_SECONDS, Case, Comparison, Match, duration
from bot.core.terms import Denials, OnExpiry, demanding, soonest
from bot.core.timing import Limit, Quiet, Window
from bot.core.values import ApprovalId, Binding, Person, Place, Quorum, Share, Terms, Verdict
from bot.core.verdict import strictest

__all__ = [
    "LOCAL_RULES",
    "Case",
    "Defaults",
    "Denials",
    "Match",
    "OnExpiry",
    "Policy",
    "Rule",
    "case_of",
    "duration",
    "floor",
    "terms",
    "verdict",
]

LOCAL_RULES, DOMAIN = "Local rules", "it_actions"
"""What cards call the policy where it judges, and what BIGHUB is told that all actions of a bot belong to."""
ORDER = (None, Verdict.ALLOW, Verdict.ASK, Verdict.DENY)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds where ``match`` fits; None states nothing. ``approvers``: ``user:U…`` or ``group:S…``; ``shares``: so many of each;
    all times in seconds; ``post_to``: a channel, "" for the thread. ``comment_required``: always, or where a comparison with the
    risk holds. ``on_expiry`` belongs to ``expires_in``, ``escalate_to`` to ``approvers`` or ``shares``.
    ``editor_may_approve_alone``: whether the approval of whoever changed the arguments is enough by itself."""

    name: str
    match: Match = field(default_factory=Match)
    verdict: Verdict | None = None
    approvers: tuple[str, ...] | None = None
    quorum: int | None = None
    requester_may_approve: bool | None = None
    expires_in: int | None = None
    shares: tuple[Share, ...] = ()
    comment_required: bool | Comparison | None = None
    on_expiry: OnExpiry = OnExpiry.DENY
    remind_after: int | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_after: int | None = None
    recheck_after: int | None = None
    execute_within: int | None = None
    post_to: str | None = None
    limits: tuple[Limit, ...] = ()
    windows: tuple[Window, ...] = ()
    shadow: bool = False
    denials: Denials | None = None
    editor_may_approve_alone: bool | None = None

    @property
    def names(self) -> bool:
        """Whether it names who decides."""
        return self.approvers is not None or bool(self.shares)

    @property
    def decides(self) -> bool:
        """Whether what it does not state is left to the defaults, and not to other rules."""
        return self.names or self.verdict in (Verdict.ASK, Verdict.DENY)

    def in_doubt(self, case: Case) -> bool:
        """Whether it fits only as far as something cannot be compared, or some elements of a list do."""
        return not self.match.fits(case, doubt=False) and self.match.fits(case)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where no rule that matches states it. Fields as in `Rule`."""

    approvers: tuple[str, ...] = ()
    quorum: int = 1
    requester_may_approve: bool = False
    expires_in: int = 4 * 3_600
    shares: tuple[Share, ...] = ()
    comment_required: bool | Comparison = False
    on_expiry: OnExpiry = OnExpiry.DENY
    remind_after: int = 0
    escalate_to: tuple[str, ...] = ()
    escalate_after: int | None = None
    recheck_after: int = 0
    execute_within: int = 0
    post_to: str = ""
    denials: Denials = Denials.ONE
    editor_may_approve_alone: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole of `policy.yml`. ``shell_may_decide``: whether `signoff approve|deny` votes at all; ``quiet``: when nobody gets a
    direct message; ``freezers``: who may freeze everything, None: whoever the defaults name as approvers; ``shared_channels``:
    whether runs may begin where another company reads along; ``open_per_person``: how many approvals that one person asked for may be
    open at once."""

    defaults: Defaults = field(default_factory=Defaults)
    rules: tuple[Rule, ...] = ()
    guests_may_ask: bool = False
    shell_may_decide: bool = False
    quiet: Quiet | None = None
    freezers: tuple[str, ...] | None = None
    break_glass: BreakGlass = field(default_factory=BreakGlass)
    shared_channels: bool = False
    open_per_person: int = 24


def case_of(
    action: str,
    binding: Binding,
    requester: Person,
    place: Place,
    score: float | None = None,
    editors: tuple[str, ...] = (),
) -> Case:
    """The case that a bound proposal is. ``score``: the risk that a guard gave it; ``editors``: the users who changed it."""
    return Case(
        action=action,
        system=binding.system,
        environment=binding.environment,
        target=binding.target,
        risk=binding.risk,
        read_only=binding.read_only,
        requester=requester.user,
        channel=place.channel,
        domain=DOMAIN,
        score=score,
        arguments=binding.arguments,
        editors=editors,
    )


# --- the verdict ------------------------------------------------------------------------------------------------------


def floor(policy: Policy, case: Case) -> tuple[Verdict | None, Rule | None]:
    """The verdict that a guard may not go below, and the strictest rule (the first by name among equals); (None, None) where none
    matches."""
    winner = min(applying(policy, case), key=lambda rule: (-ORDER.index(rule.verdict), rule.name), default=None)
    return (winner.verdict if winner else None), winner


def verdict(policy: Policy, case: Case, said: Verdict | None = None) -> Verdict:
    """What becomes of a case, given what a guard ``said``; None where the policy decides alone."""
    least, _ = floor(policy, case)
    if said is not None:
        return said if least is None else strictest(said, least)
    return least or (Verdict.ALLOW if case.read_only else Verdict.ASK)


def unscored(policy: Policy) -> Policy:
    """The rules that can be applied before a guard has said what the risk is."""
    return replace(policy, rules=tuple(rule for rule in policy.rules if rule.match.weight is None))


# --- the terms --------------------------------------------------------------------------------------------------------


def terms(policy: Policy, case: Case, approval: ApprovalId, now: float) -> Terms:
    """The terms of an approval that is opened at ``now`` (epoch seconds). Without approvers nobody can decide it."""
    rules, defaults = applying(policy, case), policy.defaults
    sure, unsure = [rule for rule in rules if not rule.in_doubt(case)], [rule for rule in rules if rule.in_doubt(case)]
    _, winner = floor(policy, case)

    def stated(value: Callable[[Rule | Defaults], T | None], *, strict: bool = True) -> list[T]:
        certain = [found for found in map(value, sure) if found is not None]
        left = not certain or (strict and any(rule.decides and value(rule) is None for rule in rules))
        default = [found for found in (value(defaults),) if found is not None and left]
        return [*certain, *default, *(found for found in map(value, unsure) if found is not None)]

    found = Terms(
        approval,
        (),
        1,
        all(stated(lambda each: each.requester_may_approve)),
        now + min(stated(_lifetime)),
        winner.name if winner else "",
        comment_required=any(stated(lambda each: _wants_comment(each.comment_required, case))),
        recheck_after=_soonest(stated(lambda each: each.recheck_after)),
        execute_within=_soonest(stated(lambda each: each.execute_within)),
        remind_after=_soonest(stated(lambda each: each.remind_after)),
        post_to=tuple(sorted(set(stated(lambda each: each.post_to, strict=False)) - {""})),
        rules=tuple(sorted(rule.name for rule in rules)),
        denials=1 if Denials.ONE in stated(lambda each: each.denials) else _majority(sure, unsure, defaults),
        not_alone=() if all(stated(lambda each: each.editor_may_approve_alone)) else tuple(sorted(set(case.editors))),
    )
    return demanding(found, tuple(_demands(sure, unsure, defaults, now)))


def applying(policy: Policy, case: Case) -> list[Rule]:
    """The rules that hold for a case; one that may or may not fit allows nothing."""
    fitting = (rule for rule in policy.rules if not rule.shadow and rule.match.fits(case))
    return [_not_allowing(rule) if rule.in_doubt(case) else rule for rule in fitting]


def _not_allowing(rule: Rule) -> Rule:
    return replace(rule, verdict=None) if rule.verdict is Verdict.ALLOW else rule


def _demands(sure: list[Rule], unsure: list[Rule], defaults: Defaults, now: float) -> Iterator[Quorum]:
    naming = [rule for rule in sure if rule.names]
    open_counts = [_own_quorum(rule, defaults) for rule in sure if not rule.names]
    at_least = [_own_quorum(rule, defaults) for rule in unsure if not rule.names]
    demanding_each: Sequence[Rule | Defaults] = [*(naming or (defaults,)), *(rule for rule in unsure if rule.names)]
    for each in demanding_each:
        approvers = each.approvers if each.approvers is not None else ()
        approvers = tuple(dict.fromkeys((*approvers, *(share.approver for share in each.shares))))
        seats = sum(share.count for share in each.shares)
        stated = _own_quorum(each, defaults) if isinstance(each, Rule) else 0
        count = max([*open_counts, stated, seats]) or defaults.quorum
        escalates_at = now + _escalates_in(each) if each.escalate_to else 0.0
        yield Quorum(approvers, max([count, *at_least]), each.shares, each.escalate_to, escalates_at)


def _own_quorum(rule: Rule, defaults: Defaults) -> int:
    """How many a rule wants, by itself or by the defaults; 0 where it leaves that to others. Shares are a number as well."""
    if rule.quorum is not None or rule.shares or not rule.decides:
        return rule.quorum or 0
    seats = sum(share.count for share in defaults.shares)
    return defaults.quorum if not seats else 0 if rule.names else seats


def _majority(sure: list[Rule], unsure: list[Rule], defaults: Defaults) -> int:
    """Of the smallest demand that any rule about it makes alone, so one more never makes it take more; only else of the default."""
    certain, doubtful = ([[r] for r in each if r.decides or r.quorum or r.denials] for each in (sure, unsure))
    demands = (_demands(alone, [], defaults, 0.0) for alone in (*(certain or [[]]), *doubtful))
    return min(quorum.count for each in demands for quorum in each) // 2 + 1


def _lifetime(each: Rule | Defaults) -> int | None:
    if each.expires_in is None:
        return None
    lasting = {OnExpiry.DENY: each.expires_in, OnExpiry.ESCALATE: 2 * each.expires_in}
    return lasting.get(each.on_expiry, LONGEST_SECONDS)


def _escalates_in(each: Rule | Defaults) -> int:
    return each.escalate_after if each.escalate_after is not None else each.expires_in or 0


def _wants_comment(wanted: bool | Comparison | None, case: Case) -> bool | None:
    return wanted.holds(case.weight) is not False if isinstance(wanted, Comparison) else wanted


def _soonest(seconds: list[int]) -> float:
    return soonest(*map(float, seconds))
