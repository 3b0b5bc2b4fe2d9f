"""What the policy makes of a case, in one sentence; and whether it is what an example of the file expects. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core import holding
from bot.core import policy as rules
from bot.core.matching import LONGEST_SECONDS, Case
from bot.core.policy import Match, Policy, Rule
from bot.core.terms import all_approvers, quorums_of
from bot.core.timing import Clocks, Window, time_said
from bot.core.trial import on_trial
from bot.core.vain import ORDINARILY, impossible
from bot.core.values import ApprovalId, Person, Quorum, Terms, Verdict
from bot.policy_file.grammar import Expected
from bot.policy_file.written import Names

WHOEVER = "whoever edits it"
"""An editor who is nobody in particular."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What becomes of a case. ``terms`` as of the moment 0, so that its times are seconds; ``rules``: the names of all that apply,
    ``reasons`` of those because of which it becomes that; ``guard``: whether the guard wants as much; ``window``: what holds it back
    now, with its rule; ``glass``: who may break it."""

    case: Case
    verdict: Verdict
    terms: Terms
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    guard: bool = False
    window: tuple[str, Window] | None = None
    trial: tuple[str, ...] = ()
    glass: tuple[str, ...] = ()


def explained(policy: Policy, case: Case, said: Verdict | None, clocks: Clocks) -> Explained:
    """``said``: what the guard says of it, None without one."""
    given, window = rules.verdict(policy, case, said), holding.closed(policy, case, clocks)
    applying = sorted(rules.applying(policy, case), key=lambda rule: rule.name)
    reasons = tuple(rule.name for rule in applying if _says(rule) and _leads_to(rule, given))
    trial = on_trial(policy, case, given, clocks)
    verdict = Verdict.DENY if window is not None else given
    terms = rules.terms(policy, replace(case, editors=(WHOEVER,)), ApprovalId(""), 0.0)
    names = tuple(rule.name for rule in applying)
    return Explained(case, verdict, terms, names, reasons, said is given, window, trial, policy.break_glass.people)


def stated(policy: Policy, rule: Rule | None = None) -> Terms:
    """The terms where ``rule`` alone applies, or (None) no rule does."""
    anywhere = () if rule is None else (replace(rule, match=Match(), shadow=False),)
    return rules.terms(replace(policy, rules=anywhere), Case("", "", "", "", "", False, "", ""), ApprovalId(""), 0.0)


def sentence(found: Explained, names: Names) -> str:
    """The case → what becomes of it, because of what."""
    becomes = [found.verdict.value]
    if found.verdict is Verdict.ASK:
        becomes += _asked(found.terms, names, found.glass)
        becomes += _vain(found, names)
    return f"{_case(found.case, names)} → {', '.join(becomes)}, because {_because(found)}{_on_trial(found)}{_tainted(found)}"


def differences(found: Explained, expected: Expected, names: Names) -> Iterator[str]:
    """Each way in which ``found`` is not as expected."""
    terms, asked = found.terms, found.verdict is Verdict.ASK
    of_terms: dict[str, object] = {
        "quorum": terms.quorum,
        "expires_in": terms.expires_at,
        "requester_may_approve": terms.requester_may_approve,
        "editor_may_approve_alone": not terms.not_alone,
        "comment_required": terms.comment_required,
    }
    if expected.verdict is not None and found.verdict is not expected.verdict:
        yield f"expected {expected.verdict}, found {found.verdict}"
    if expected.rule is not None and expected.rule not in found.rules:
        yield f'expected rule "{expected.rule}" to apply; {_because(found)}'
    for name, value in of_terms.items():
        wanted = getattr(expected, name)
        if wanted is not None and (not asked or value != wanted):
            yield f"expected {name} {wanted}, found {value if asked else 'that nobody is asked'}"
    if expected.approvers is not None and (not asked or {*terms.approvers} != {*expected.approvers}):
        who = (" or ".join(map(names.of, terms.approvers)) or "nobody") if asked else "that nobody is asked"
        yield f"expected approvers {' or '.join(map(names.of, expected.approvers)) or 'nobody'}, found {who}"


def _vain(found: Explained, names: Names) -> Iterator[str]:
    if impossible(found.terms, Person("", found.case.requester)):
        how, own = f" {ORDINARILY}" if found.glass else "", f"user:{found.case.requester}"
        own_is_named = own in all_approvers(found.terms) and not found.terms.requester_may_approve
        why = "the requester may not" if own_is_named else "too few are named"
        yield f"which nobody can give{how}: {why}{_but_glass(found.glass, names)}"


def _but_glass(glass: Sequence[str], names: Names) -> str:
    return f"; {' or '.join(map(names.of, glass))} may break the glass" if glass else ""


def who_decides(terms: Terms, names: Names, glass: Sequence[str]) -> str:
    """``2 of group:sre``; several demands are joined by "and". ``glass``: who may break it, which is said where nobody else can decide."""
    if not terms.approvers:
        how = f" {ORDINARILY}" if glass else ""
        return f"nobody{how} (no approver is named{_but_glass(glass, names)})"
    return " and ".join(_demand(quorum, names) for quorum in quorums_of(terms))


def _leads_to(rule: Rule, given: Verdict) -> bool:
    """Whether a rule is a reason for a verdict: what people are asked about, every rule but those that would allow it shapes."""
    return rule.verdict is not Verdict.ALLOW if given is Verdict.ASK else rule.verdict is given


def _says(rule: Rule) -> bool:
    """Whether a rule says anything beside when nothing may start."""
    return replace(rule, name="", match=Match(), limits=(), windows=()) != Rule("")


def _demand(quorum: Quorum, names: Names) -> str:
    shares = [f"{share.count} of {names.of(share.approver)}" for share in quorum.shares]
    rest = quorum.count - sum(share.count for share in quorum.shares)
    who = " or ".join(map(names.of, quorum.approvers))
    if rest > 0:
        shares.append(f"{rest}{' more' if shares else ''} of {who}")
    told = _listed(shares)
    if quorum.escalate_to:
        later = " or ".join(map(names.of, quorum.escalate_to))
        told += f" (after {time_said(quorum.escalates_at)} also {later})"
    return told


def _asked(terms: Terms, names: Names, glass: Sequence[str]) -> Iterator[str]:
    yield who_decides(terms, names, glass)
    if not terms.approvers:
        return
    if terms.requester_may_approve:
        yield "the requester too"
    if not terms.not_alone:
        yield "whoever edits it also alone"
    if terms.comment_required:
        yield "with a comment"
    if terms.denials > 1:
        yield f"{terms.denials} denials end it"
    kept = terms.expires_at >= LONGEST_SECONDS
    yield "stays open" if kept else f"expires in {time_said(terms.expires_at)}"
    if terms.execute_within:
        yield f"runs within {time_said(terms.execute_within)} of the approval or lapses"


def _case(case: Case, names: Names) -> str:
    action = f"`{case.action}`"
    parts = [action if not case.target else f"{action} of {case.target}"]
    if case.environment or case.system:
        parts.append(f"in {case.environment or case.system}")
    if case.score is not None:
        parts.append(f"at risk {case.score:g}")
    elif case.risk:
        parts.append(f"at {case.risk} risk")
    asked = [f"asked by {names.person(case.requester)}" if case.requester else "asked"]
    asked += [f"in {names.channel(case.channel)}"] if case.channel else []
    return " ".join(parts) + (f", {' '.join(asked)}" if case.requester or case.channel else "")


def _because(found: Explained) -> str:
    if found.window is not None:
        rule, window = found.window
        return f"nothing changes {window.written} ({window.zone}), by rule `{rule}`"
    names = _listed([f"`{name}`" for name in found.reasons]) if found.reasons else ""
    told = [f"rule{'s' if len(found.reasons) > 1 else ''} {names}"] if names else []
    told += ["the guard says so"] if found.guard else []
    return " and ".join(told) or "no rule applies, only the defaults"


def _on_trial(found: Explained) -> str:
    return f" (on trial, would be stricter: {_listed([f'`{name}`' for name in found.trial])})" if found.trial else ""


def _tainted(found: Explained) -> str:
    """What is allowed is not allowed always (`core/taint.py`)."""
    raised = found.verdict is Verdict.ALLOW and not found.case.read_only
    return "; ask in a turn that has read text that nobody has checked" if raised else ""


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
