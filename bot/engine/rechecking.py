"""Whether the guard must be asked once more before a start, and whether its answer is stricter than what people approved. Pure.

Rule 1: an approval is as old as its question, and is too old after ``recheck_after`` of its terms or of the policy of today.
Rule 2: a denial stops the call. More risk than people saw, or more demands than their votes meet, asks them anew; anything milder changes
nothing of what they approved.
Rule 3: where people are asked anew, so is the guard: it holds the first question for decided.
Rule 4: whoever asks again for want of an answer, or has died over it, asks the same question: the guard need not open another. Where
that was long ago its answer may be as old, so that the guard is asked afresh after it.
"""

from dataclasses import replace

from bot.core import policy as rules
from bot.core.call import Call, CallState
from bot.core.events import Judged
from bot.core.ours import asking
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.resolving import asked_beside
from bot.core.run import Run
from bot.core.terms import soonest
from bot.core.values import ApprovalId, Judgement, Verdict
from bot.engine.keyring import Keys
from bot.engine.starting import case_in, judged, reason_to_ask_anew, still_said

ANSWER_HOLDS_SECONDS = 900.0
"""How old an answer may be that was given to somebody who did not write it down."""
TOO_OLD = Refused("The guard is asked once more before this starts.")
RISKIER = "It was approved, but the guard finds it riskier now than it did then."


def too_old(run: Run, call: Call, policy: Policy, now: float) -> bool:
    """``now``: the store's clock (epoch seconds). What is started again has been looked at."""
    approval, binding = call.approval, call.proposal.binding
    if approval is None or binding is None or call.state is not CallState.ALLOWED:
        return False
    present = rules.terms(policy, case_in(run, call, binding), ApprovalId(""), approval.opened_at)
    after = soonest(approval.terms.recheck_after, present.recheck_after)
    return bool(after) and now >= approval.opened_at + after


def occasion(run: Run, call: Call, since: float) -> str:
    """The name of the occasion on which the guard is asked once more: another one after each answer that was written down. ``since``:
    when it began to be asked (`resolving.begun_at`)."""
    asked = call.approval.terms.approval if call.approval is not None else ""
    return f"recheck:{asked}:{len(asked_beside(run, call))}:{since!r}"


def stricter_now(run: Run, call: Call, answer: Judgement, policy: Policy, keys: Keys, now: float) -> bool:
    return _ends_it(answer) or bool(_why_anew(run, call, answer, policy, keys, now))


def decided_there(run: Run, call: Call) -> bool:
    """Whether the guard knows of people's decision under its name for the question: another decision needs another name. A program knows
    its question by that name."""
    return bool(call.approval and call.judgement and call.judgement.request_id) and not run.of_program


def judged_again(
    run: Run, call: Call, answer: Judgement, why: str, policy: Policy, new: ApprovalId, now: float, keys: Keys
) -> Judged:
    """The answer as it is recorded: it ends the call, or opens a new approval, whose risk is no lower than what people saw. ``why``
    people are asked anew whatever the guard says; "" where it is for what it says."""
    if not _ends_it(answer):
        why = why or _why_anew(run, call, answer, policy, keys, now)
        risks = [each.risk for each in (answer, call.judgement) if each is not None and each.risk is not None]
        answer, said = replace(answer, ours=why, risk=max(risks, default=None)), answer.ours
        answer = asking(answer, said, *still_said(run, call, policy))
    return judged(run, call, answer, policy, new, now, keys[0])


def _ends_it(answer: Judgement) -> bool:
    return answer.verdict is Verdict.DENY or answer.needs_context


def _why_anew(run: Run, call: Call, answer: Judgement, policy: Policy, keys: Keys, now: float) -> str:
    seen = call.judgement.risk if call.judgement else None
    if answer.risk is not None and (seen is None or answer.risk > seen):
        return RISKIER
    return reason_to_ask_anew(run, replace(call, judgement=answer), policy, keys, now)
