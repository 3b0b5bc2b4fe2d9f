"""What keeps everything of a kind from starting for a while: freezes, and the change-freeze windows of the policy. In which order they
are asked is `starting.py`'s, who freezes `freezing.py`'s.
"""

from collections.abc import Iterable

from bot.clocks import clocks_at, window_end
from bot.core import holding
from bot.core.emergency import ALL, BIGHUB, froze
from bot.core.policy import Case, Policy
from bot.core.timing import Window, time_said
from bot.core.values import Binding
from bot.ports import Freeze


def covers(freeze: Freeze, binding: Binding) -> bool:
    """Whether a freeze stops this action; reading goes on. Upper and lower case are alike, as in the policy."""
    scopes = (ALL, BIGHUB, f"system:{binding.system}", f"environment:{binding.environment}")
    return freeze.scope.casefold() in {scope.casefold() for scope in scopes} and not binding.read_only


def stopping(freezes: Iterable[Freeze], binding: Binding, *, opened: bool) -> Freeze | None:
    """The freeze that stops this action. ``opened``: somebody broke the glass, and the policy lets that open what is frozen here;
    what BIGHUB stops nobody here can open."""
    return next((each for each in freezes if covers(each, binding) and not (opened and each.scope != BIGHUB)), None)


def frozen_text(freeze: Freeze) -> str:
    return froze(freeze.by, freeze.scope, freeze.reason)


def closed_now(policy: Policy, case: Case, now: float) -> str | None:
    """Which change-freeze window holds this back, as a sentence; None where none does."""
    held = holding.closed(policy, case, clocks_at(now))
    return None if held is None else _closed_text(*held)


def closed_until(policy: Policy, case: Case, now: float) -> str:
    """The same, and when it ends; "" where none does."""
    held = holding.closed(policy, case, clocks_at(now))
    if held is None:
        return ""
    ends = window_end(held[1], now)
    until = f"That ends {ends:%a %Y-%m-%d %H:%M} ({held[1].zone}), in {time_said(ends.timestamp() - now)}."
    return f"{_closed_text(*held)} {until}"


def _closed_text(rule: str, window: Window) -> str:
    return f'Nothing changes {window.written} ({window.zone}): rule "{rule}" of policy.yml.'
