"""Promises of the local rules as a guard: alone they ask when in doubt, under BIGHUB they only tighten."""

import itertools
from dataclasses import dataclass, field

import pytest

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.matching import Comparison
from bot.core.policy import Match, Policy, Rule
from bot.core.run import Run
from bot.core.values import Binding, Judgement, Person, Place, RunId, Verdict
from bot.core.verdict import strictest
from bot.local_guard import LocalGuard, TightenedGuard
from bot.ports import Guard, Question, Unavailable


def question(read_only: bool = False, environment: str = "production") -> Question:
    binding = Binding("{}", "d", "def", "checkout", "ci", environment, "high", read_only, "ask")
    person, place = Person("T1", "UALICE"), Place("T1", "COPS", "1.0")
    return Question(RunId("r1"), "k", "deploy_service", "{}", binding, person, place, "deploy it")


@dataclass
class SaidGuard:
    """A guard that says one thing and counts how often it was asked."""

    judgement: Judgement
    name: str = "BIGHUB"
    asked: int = 0
    reported: list[str] = field(default_factory=list)

    async def judge(self, question: Question) -> Judgement:
        self.asked += 1
        return self.judgement

    async def report_resolution(self, run: Run, call: Call, approval: Approval, *, again: bool = True) -> None:
        self.reported.append("resolution")

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        self.reported.append("outcome")


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_a_rule_decides_and_is_named(verdict: Verdict) -> None:
    guard: Guard = LocalGuard(Policy(rules=(Rule("prod", Match(environment=("production",)), verdict),)))
    judgement = await guard.judge(question())
    assert (judgement.verdict, judgement.rule, judgement.source) == (verdict, "prod", "Local rules")
    assert judgement.reason.startswith('Rule "prod" of policy.yml ')


@pytest.mark.parametrize(("read_only", "verdict"), [(True, Verdict.ALLOW), (False, Verdict.ASK)])
async def test_without_a_rule_reading_is_allowed_and_changing_is_asked_about(read_only: bool, verdict: Verdict) -> None:
    judgement = await LocalGuard(Policy()).judge(question(read_only))
    assert judgement.verdict is verdict
    assert "No rule" in judgement.reason


async def test_a_rule_that_only_names_approvers_leaves_the_verdict_open() -> None:
    judgement = await LocalGuard(Policy(rules=(Rule("who", approvers=("group:S1",)),))).judge(question())
    assert (judgement.verdict, judgement.rule) == (Verdict.ASK, "who")


@pytest.mark.parametrize(("said", "ruled"), list(itertools.product(Verdict, [None, *Verdict])))
async def test_r8_a_rule_only_tightens_what_bighub_said(said: Verdict, ruled: Verdict | None) -> None:
    inner = SaidGuard(Judgement(said, "Because.", "BIGHUB", risk=0.5, request_id="req_1"))
    guard: Guard = TightenedGuard(inner, Policy(rules=(Rule("rule", verdict=ruled),)))
    judgement = await guard.judge(question())
    assert judgement.verdict is (said if ruled is None else strictest(said, ruled))
    assert guard.name == "BIGHUB"


async def test_what_a_rule_tightened_says_so_and_keeps_what_bighub_knew() -> None:
    inner = SaidGuard(Judgement(Verdict.ALLOW, "Looks fine.", "BIGHUB", risk=0.2, request_id="req_1"))
    judgement = await TightenedGuard(inner, Policy(rules=(Rule("prod", verdict=Verdict.ASK),))).judge(question())
    assert judgement.ours == 'Rule "prod" of policy.yml wants a person to decide.'
    assert (judgement.reason, judgement.source) == ("Looks fine.", "BIGHUB")
    assert (judgement.risk, judgement.request_id, judgement.rule) == (0.2, "req_1", "prod")


async def test_without_a_rule_bighub_decides_alone_even_about_reading() -> None:
    inner = SaidGuard(Judgement(Verdict.DENY, "No.", "BIGHUB"))
    assert await TightenedGuard(inner, Policy()).judge(question(read_only=True)) == inner.judgement


async def test_missing_context_survives_the_rules() -> None:
    inner = SaidGuard(Judgement(Verdict.ASK, "Why?", "BIGHUB", needs_context=True))
    guard = TightenedGuard(inner, Policy(rules=(Rule("free", verdict=Verdict.ALLOW),)))
    assert (await guard.judge(question())).needs_context


async def test_what_a_rule_forbids_for_the_risk_that_bighub_found_is_denied_whatever_bighub_still_wants_to_know() -> (
    None
):
    inner = SaidGuard(Judgement(Verdict.ASK, "Why?", "BIGHUB", risk=0.9, needs_context=True))
    guard = TightenedGuard(inner, Policy(rules=(Rule("risky", Match(weight=Comparison(">=", 0.8)), Verdict.DENY),)))
    judgement = await guard.judge(question())
    assert (judgement.verdict, judgement.needs_context) == (Verdict.DENY, False)
    assert (judgement.ours, judgement.reason) == ('Rule "risky" of policy.yml forbids this.', "Why?")


async def test_what_a_rule_forbids_is_not_shown_to_bighub() -> None:
    inner = SaidGuard(Judgement(Verdict.ALLOW, "", "BIGHUB"))
    judgement = await TightenedGuard(inner, Policy(rules=(Rule("no", verdict=Verdict.DENY),))).judge(question())
    assert (judgement.verdict, judgement.source, inner.asked) == (Verdict.DENY, "Local rules", 0)


class DownGuard(SaidGuard):
    async def judge(self, question: Question) -> Judgement:
        raise Unavailable("down", 3.0)


async def test_s22_a_rule_that_allows_does_not_replace_a_guard_that_is_down() -> None:
    inner = DownGuard(Judgement(Verdict.ALLOW, "", "BIGHUB"))
    with pytest.raises(Unavailable):
        await TightenedGuard(inner, Policy(rules=(Rule("free", verdict=Verdict.ALLOW),))).judge(question())
