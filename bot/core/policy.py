"""What must be asked about, and on which terms: `policy.yml` as values. Reading the file is `policy_file`'s, matching `matching.py`'s,
who may decide `authority.py`'s, counting and comparing `terms.py`'s.

Rules
1. All rules that match apply together, and of what they state the strictest holds: deny before ask before allow, every demand of
   approvers (each must be met), the shortest time, no vote of the requester, a comment, one denial. No order of rules matters.
2. A default is no rule: it holds only where no rule that matches states anything.
3. A rule can only tighten what a guard said; alone, a rule's `allow` allows. Where neither a guard nor a rule says anything, reading
   is allowed and all else is asked about.
4. A quorum that is stated without approvers holds for all demands that are.
5. A rule on trial (``shadow``) has no effect: what it would have made stricter is noted, and that is all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.core.glass import BreakGlass
from bot.core.matching import LONGEST_SECONDS, Case, Comparison, Match, duration
from bot.core.terms import Denials, OnExpiry, demanding, soonest
from bot.core.timing import Clocks, Limit, PastStart, Quiet, Window, reached
from bot.core.values import ApprovalId, Binding, Person, Place, Quorum, Share, Terms, Verdict
from bot.core.verdict import strictest

__all__ = [
    "LOCAL_RULES",
    "Case",
    "Defaults",
    "Denials",
    "Limited",
    "Match",
    "OnExpiry",
    "Policy",
    "Rule",
    "case_of",
    "closed",
    "duration",
    "floor",
    "limited",
    "looks_back",
    "on_trial",
    "terms",
    "verdict",
]

LOCAL_RULES, DOMAIN = "Local rules", "it_actions"
"""What cards call the policy where it judges, and what BIGHUB is told that all actions of a bot belong to."""
_ORDER = (None, Verdict.ALLOW, Verdict.ASK, Verdict.DENY)
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

    def fits(self, case: Case) -> bool:
        """What cannot be compared counts against the case: a rule that would loosen anything does not fit then."""
        loosens = self.requester_may_approve is True or self.editor_may_approve_alone is True
        return self.match.fits(case, self.verdict is not Verdict.ALLOW and not loosens)


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
    direct message; ``freezers``: who may freeze everything, None: whoever the defaults name as approvers."""

    defaults: Defaults = field(default_factory=Defaults)
    rules: tuple[Rule, ...] = ()
    guests_may_ask: bool = False
    shell_may_decide: bool = False
    quiet: Quiet | None = None
    freezers: tuple[str, ...] | None = None
    break_glass: BreakGlass = field(default_factory=BreakGlass)


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
    winner = min(applying(policy, case), key=lambda rule: (-_ORDER.index(rule.verdict), rule.name), default=None)
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


def on_trial(policy: Policy, case: Case, given: Verdict) -> tuple[str, ...]:
    """The names of rules on trial that would have made a verdict stricter than ``given``."""
    fitting = (rule for rule in policy.rules if rule.shadow and rule.fits(case))
    return tuple(sorted(rule.name for rule in fitting if _ORDER.index(rule.verdict) > _ORDER.index(given)))


# --- the terms --------------------------------------------------------------------------------------------------------


def terms(policy: Policy, case: Case, approval: ApprovalId, now: float) -> Terms:
    """The terms of an approval that is opened at ``now`` (epoch seconds). Without approvers nobody can decide it."""
    rules, defaults = applying(policy, case), policy.defaults
    _, winner = floor(policy, case)
    comments = _stated((rule.comment_required for rule in rules), defaults.comment_required)
    alone = all(_stated((rule.editor_may_approve_alone for rule in rules), defaults.editor_may_approve_alone))
    found = Terms(
        approval,
        (),
        1,
        all(_stated((rule.requester_may_approve for rule in rules), defaults.requester_may_approve)),
        now + min(map(_lifetime, _timed(rules) or [defaults])),
        winner.name if winner else "",
        comment_required=any(_wants_comment(each, case) for each in comments),
        recheck_after=_soonest(_stated((rule.recheck_after for rule in rules), defaults.recheck_after)),
        execute_within=_soonest(_stated((rule.execute_within for rule in rules), defaults.execute_within)),
        remind_after=_soonest(_stated((rule.remind_after for rule in rules), defaults.remind_after)),
        post_to=tuple(sorted(set(_stated((rule.post_to for rule in rules), defaults.post_to)) - {""})),
        rules=tuple(sorted(rule.name for rule in rules)),
        denials=_denials(rules, defaults),
        not_alone=() if alone else tuple(sorted(set(case.editors))),
    )
    return demanding(found, tuple(_demands(rules, defaults, now)))


def applying(policy: Policy, case: Case) -> list[Rule]:
    """The rules that hold for a case."""
    return [rule for rule in policy.rules if not rule.shadow and rule.fits(case)]


def _demands(rules: list[Rule], defaults: Defaults, now: float) -> Iterator[Quorum]:
    naming = [rule for rule in rules if rule.approvers is not None or rule.shares]
    open_counts = [rule.quorum for rule in rules if rule not in naming and rule.quorum is not None]
    demanding_each: Sequence[Rule | Defaults] = naming or [defaults]
    for each in demanding_each:
        approvers = each.approvers if each.approvers is not None else ()
        approvers = tuple(dict.fromkeys((*approvers, *(share.approver for share in each.shares))))
        stated = [] if isinstance(each, Defaults) or each.quorum is None else [each.quorum]
        seats = sum(share.count for share in each.shares)
        count = max([*open_counts, *stated, seats]) if open_counts or stated or seats else defaults.quorum
        escalates_at = now + _escalates_in(each) if each.escalate_to else 0.0
        yield Quorum(approvers, count, each.shares, each.escalate_to, escalates_at)


def _denials(rules: list[Rule], defaults: Defaults) -> int:
    """A majority is of the smallest demand that anybody states: one more rule never makes it take more."""
    if Denials.ONE in _stated((rule.denials for rule in rules), defaults.denials):
        return 1
    counts = (max(rule.quorum or 0, sum(share.count for share in rule.shares)) for rule in rules)
    least = min(filter(None, counts), default=sum(share.count for share in defaults.shares) or defaults.quorum)
    return least // 2 + 1


def _timed(rules: list[Rule]) -> list[Rule | Defaults]:
    return [rule for rule in rules if rule.expires_in is not None]


def _lifetime(each: Rule | Defaults) -> int:
    seconds = each.expires_in or 0
    return {OnExpiry.DENY: seconds, OnExpiry.ESCALATE: 2 * seconds, OnExpiry.KEEP: LONGEST_SECONDS}[each.on_expiry]


def _escalates_in(each: Rule | Defaults) -> int:
    return each.escalate_after if each.escalate_after is not None else each.expires_in or 0


def _wants_comment(wanted: bool | Comparison, case: Case) -> bool:
    return wanted if isinstance(wanted, bool) else wanted.holds(case.weight) is not False


def _stated(values: Iterable[T | None], default: T) -> list[T]:
    """What rules state; the default where none does."""
    return [value for value in values if value is not None] or [default]


def _soonest(seconds: list[int]) -> float:
    return soonest(*map(float, seconds))


# --- what holds back a start ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limited:
    """A limit that is reached."""

    rule: str
    limit: Limit


def closed(policy: Policy, case: Case, clocks: Clocks) -> tuple[str, Window] | None:
    """The change-freeze window that holds now, and its rule; None where what changes something may start."""
    if case.read_only:
        return None
    held = (
        (rule.name, window)
        for rule in applying(policy, case)
        for window in rule.windows
        if window.holds(clocks(window.zone))
    )
    return min(held, key=lambda each: (each[0], each[1].written), default=None)


def looks_back(policy: Policy, case: Case) -> int:
    """How many seconds of starts matter to the limits of a case; 0 where it has none."""
    return max((limit.seconds for rule in applying(policy, case) for limit in rule.limits), default=0)


def limited(policy: Policy, case: Case, starts: Iterable[PastStart], now: float) -> Limited | None:
    """The strictest limit that one more start would break. ``starts``: those of the longest time that any limit looks back."""
    past = tuple(starts)
    broken = (
        Limited(rule.name, limit)
        for rule in applying(policy, case)
        for limit in rule.limits
        if reached(limit, case.action, case.requester, past, now)
    )
    return min(broken, key=lambda each: (-_ORDER.index(each.limit.verdict), each.rule), default=None)
