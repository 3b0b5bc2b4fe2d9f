"""The Guard port over `policy.yml`: alone (`LocalGuard`), or as the floor under another guard (`TightenedGuard`).

What a rule means is `core/policy.py`'s, the words for it `core/ours.py`'s; here is only what follows from it for a judgement.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.matching import Case
from bot.core.moments import Moment
from bot.core.ours import asking, denying, ruled
from bot.core.policy import LOCAL_RULES, Policy, case_of, floor, unscored, verdict
from bot.core.run import Run
from bot.core.values import Judgement, Verdict
from bot.core.verdict import strictest
from bot.ports import Guard, Question

NAME = LOCAL_RULES


class LocalGuard:
    """The local rules decide alone. Without a rule, reading is allowed and everything else is asked about."""

    name = NAME

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def take_policy(self, policy: Policy) -> None:
        """From now on this one holds."""
        self._policy = policy

    async def judge(self, question: Question) -> Judgement:
        """Never raises: there is nobody to wait for."""
        least, rule = _floor(self._policy, question)
        if rule and least:
            return Judgement(least, ruled(rule, least), NAME, rule=rule)
        given = verdict(self._policy, _case(question))
        reads = given is Verdict.ALLOW
        why = "it only reads, so it may run." if reads else "what changes something needs a person's approval."
        return Judgement(given, f"No rule of policy.yml decides this; {why}", NAME, rule=rule)

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        """Nobody keeps count here."""

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        """Nobody keeps count here."""

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        """Nobody keeps a memory here."""


class TightenedGuard:
    """The stricter of another guard and the local rules. Where no rule matches, the other guard decides alone.

    A rule that compares the risk waits for the other guard's number. What any other rule denies is not shown to the other guard at
    all: nobody outside has to know, or to be up, for a no.
    """

    def __init__(self, inner: Guard, policy: Policy) -> None:
        self.name = inner.name
        self._inner = inner
        self._policy = policy

    def take_policy(self, policy: Policy) -> None:
        """From now on this one holds."""
        self._policy = policy

    async def judge(self, question: Question) -> Judgement:
        """Raises what the other guard raises: `Unavailable`, `Rejected`."""
        least, rule = _floor(unscored(self._policy), question)
        if least is Verdict.DENY:
            return Judgement(least, ruled(rule, least), NAME, rule=rule)
        judgement = await self._inner.judge(question)
        least, rule = _floor(self._policy, question, judgement.risk)
        if least is None or strictest(least, judgement.verdict) is judgement.verdict:
            return replace(judgement, rule=rule)
        tighten = denying if least is Verdict.DENY else asking
        return replace(tighten(judgement, ruled(rule, least)), rule=rule)

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        await self._inner.report_resolution(run, call, approval, again=again)

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        await self._inner.report_outcome(run, call, again=again)

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        await self._inner.remember(run, moments)


def _floor(policy: Policy, question: Question, score: float | None = None) -> tuple[Verdict | None, str]:
    least, rule = floor(policy, _case(question, score))
    return least, rule.name if rule else ""


def _case(question: Question, score: float | None = None) -> Case:
    return case_of(question.action, question.binding, question.requester, question.place, score)
