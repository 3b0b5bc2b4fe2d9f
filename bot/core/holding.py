"""What in the policy holds back a start: its change-freeze windows and its limits. Pure.

When a window holds and what a limit counts is `timing.py`'s, which rules apply to a case `policy.py`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.matching import Case
from bot.core.policy import ORDER, Policy, applying
from bot.core.timing import Clocks, Limit, PastStart, Window, reached


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
    return min(broken, key=lambda each: (-ORDER.index(each.limit.verdict), each.rule), default=None)
