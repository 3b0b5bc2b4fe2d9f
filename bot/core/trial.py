"""What rules on trial (``shadow``) would have made stricter; what a rule does is `policy.py`'s. Pure.

Rule: a rule on trial has no effect, whatever is found here. Limits are not looked at: what they count is known at the start only.
"""

from dataclasses import replace

from bot.core.holding import closed
from bot.core.policy import Case, Policy, Rule, terms
from bot.core.terms import stricter
from bot.core.timing import Clocks
from bot.core.values import ApprovalId, Verdict

_ORDER = (None, Verdict.ALLOW, Verdict.ASK, Verdict.DENY)


def on_trial(policy: Policy, case: Case, given: Verdict, clocks: Clocks) -> tuple[str, ...]:
    """The names of rules on trial that would have made it stricter: the verdict ``given``, what people are asked on, or because of
    a window in which nothing starts."""
    fitting = (rule for rule in policy.rules if rule.shadow and rule.match.fits(case))
    return tuple(sorted(rule.name for rule in fitting if _stricter(policy, rule, case, given, clocks)))


def _stricter(policy: Policy, rule: Rule, case: Case, given: Verdict, clocks: Clocks) -> bool:
    in_force = replace(rule, shadow=False)
    if _ORDER.index(rule.verdict) > _ORDER.index(given):
        return True
    if given is not Verdict.DENY and closed(replace(policy, rules=(in_force,)), case, clocks) is not None:
        return True
    with_it = replace(policy, rules=(*policy.rules, in_force))
    now, then = (terms(each, case, ApprovalId(""), 0.0) for each in (policy, with_it))
    return given is Verdict.ASK and stricter(then, now)
