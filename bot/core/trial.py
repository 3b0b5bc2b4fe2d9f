"""What rules on trial (``shadow``) would have made stricter; what a rule does is `policy.py`'s. Pure.

Rule: a rule on trial has no effect, whatever is found here.
"""

from bot.core.policy import Case, Policy
from bot.core.values import Verdict

_ORDER = (None, Verdict.ALLOW, Verdict.ASK, Verdict.DENY)


def on_trial(policy: Policy, case: Case, given: Verdict) -> tuple[str, ...]:
    """The names of rules on trial that would have made a verdict stricter than ``given``."""
    fitting = (rule for rule in policy.rules if rule.shadow and rule.match.fits(case))
    return tuple(sorted(rule.name for rule in fitting if _ORDER.index(rule.verdict) > _ORDER.index(given)))
