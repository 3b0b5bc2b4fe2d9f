"""The engine's own sentences for a thread: pure. What a card says is `slack/cards.py`'s.

People stand as ``<@U…>``; the chat turns that into a mention and everything else into plain text.
"""

from bot.core.approval import Approval, Resolution
from bot.core.call import Call, CallState, Outcome
from bot.core.effects import CallModel, Effect, Judge, PostNotice
from bot.core.emergency import who_froze
from bot.core.inquiries import open_inquiries
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.run import Run, RunState
from bot.core.tightening import why_void
from bot.core.values import Judgement, Person, Verdict
from bot.ports import RunLine

ASKED_ANEW = (
    "People were asked anew about this, so this question is no longer open. Please use the newest card in the thread."
)
UNKNOWN_BUTTON = "This button belongs to nothing that I know (any more). Please use the newest card, or ask again."
WAITS_FOR_CLICK = (
    "I wait for a decision on the card; only a click there counts. What you wrote reaches the model afterwards."
)
ANSWER_TAKEN = (
    "That stands on the card as your answer, for those who decide; the model gets it afterwards. Only a click decides."
)
ASKS_ONESELF = (
    "You asked for this yourself, so nobody else can answer you. What you write in the thread reaches the model."
)
NOBODY_KNOWS = "Slack does not say who you are at the moment. Please try again."
OTHERS_REQUEST = "This stays the request of <@{}>, who may not ask any more: {} Whoever wants it can ask anew."
TOO_MANY_ROUNDS = "I stopped after {} rounds of actions without coming to an answer."
TOO_MANY_TOKENS = "I stopped before asking the model again: this request used {:,} of its tokens, and it may use {:,}."
TOO_LONG = (
    "I stopped before asking the model again: it and the actions worked for {} on this request, and {} is the most."
)
TOO_MUCH_SAID = "The model answered with {:,} characters, and I take at most {:,}."
ENOUGH_WAITS = (
    "Nobody was asked about this: {} of the actions that the same person asked for wait for approval already, and at most {}"
    " may at once (open_per_person of policy.yml). Ask again when some of them are decided or withdrawn."
)
LAST_MESSAGE = (
    "That is the last message of this thread that I take into this request; it has {:,} now. Please wait for its end."
)
DIED = (
    "The process that worked on it died {} times in a row before anything came of it, perhaps for want of memory."
    " It was doing this: {}."
)
HALTED = "It did not run: the process that was to run it was halted for longer than it may hold a request."
NOBODY_ANSWERED = "Nobody answered my question within a day."
BEFORE_RESTORE = (
    "Your message is older than the backup's restore, so I did nothing about it, and do not know whether I did before."
)
CLICKED_BEFORE_RESTORE = (
    "The database was restored from a backup after this click, so it does not count. Please click again."
)
EMPTY = (
    "Tell me what you need, in the same message as the mention. For example: “grant bob okta-prod-admins for 2h”. "
    "Anything risky is shown here as a card first, and runs only after somebody has approved it."
)
MAY_HAVE_HAPPENED = (CallState.STARTED, CallState.IN_DOUBT, CallState.FAILED)


def question_text(run: Run, call: Call) -> str:
    why = call.reason or "It does not say what is missing."
    who, what = run.asked.person.user, call.proposal.action
    return f"<@{who}> {what} needs more context before it can be judged: {why} Please answer in this thread, and mention me."


def inquiry_text(run: Run, call: Call, number: int) -> str:
    """The question of somebody who decides, for the thread."""
    inquiry, who = call.inquiries[number - 1], run.asked.person.user
    return (
        f"<@{who}>, before deciding about {call.proposal.action} <@{inquiry.person.user}> asks: {inquiry.question}\n"
        "Please answer in this thread, and mention me: what you write next stands on the card. It decides nothing by itself."
    )


def while_asking(run: Run, person: Person) -> str:
    """What somebody is told who writes while a card waits."""
    asked = any(c.state is CallState.ASKING and open_inquiries(c.inquiries) for c in run.calls)
    return ANSWER_TAKEN if asked and person == run.asked.person else WAITS_FOR_CLICK


def notice_text(run: Run, effect: PostNotice, policy: Policy) -> str:
    """What became of what people were asked about, for whoever asked for it; what rules of ``policy`` on trial would have done."""
    who, (kind, _, name) = f"<@{run.asked.person.user}>", effect.about.partition(":")
    if kind == "retried" and run.asked.retried_by is not None:
        return f"<@{run.asked.retried_by.user}> pressed Retry. It stays the request of {who}."
    call = run.call_of(name.partition(":")[0]) if kind in ("anew", "stricter") else run.call(name)
    if call is None:
        return f"{who} something that you asked for did not run."
    what, vote = call.proposal.action, call.approval.deciding_vote if call.approval else None
    if kind == "shadow":
        return trial_text(what, call.judgement, policy)
    if kind == "stricter" and call.approval is not None:
        return stricter_text(what, call.approval, run.asked.person)
    if kind == "placed":
        where = f": <#{call.card.channel}>" if call.card else ""
        return f"{who} people are asked about {what} in another channel{where}."
    if kind == "anew":
        why = (call.judgement.ours or call.judgement.reason) if call.judgement else ""
        return f"{who} people are asked anew about {what}: {why}"
    if call.outcome is Outcome.DENIED and vote is not None:
        return f"{who} {what} was denied by <@{vote.person.user}>: {call.reason or 'no reason was given.'}"
    return f"{who} {what} did not run ({call.outcome}): {call.reason}"


def stricter_text(what: str, approval: Approval, requester: Person) -> str:
    """Whose approvals do not count any more, and why."""
    lost = [(vote, why_void(approval.terms, vote, requester) or "it was given before") for vote in approval.void]
    said = "; ".join(f"<@{vote.person.user}> your approval does not count any more: {why}" for vote, why in lost)
    return f"The policy became stricter while people were asked about {what}. {said}. The card shows who is wanted now."


def trial_text(what: str, judgement: Judgement | None, policy: Policy) -> str:
    """What each rule on trial would have done; a rule that is gone since was stricter, and that is all that is known."""
    names, given = (judgement.shadow, judgement.verdict) if judgement else ((), None)
    verdicts = {rule.name: rule.verdict for rule in policy.rules if rule.verdict is not given}
    would = {Verdict.ASK: "would have asked", Verdict.DENY: "would have denied it"}
    said = [f'"{name}" {would.get(verdicts.get(name) or Verdict.ALLOW, "would have been stricter")}' for name in names]
    one = "rule" if len(said) == 1 else "rules"
    return f"On trial, without any effect on {what}: the {one} {' and '.join(said)}."


def delay_text(run: Run, key: str) -> str:
    trouble = run.trouble(key)
    if trouble is not None and trouble.breaks:
        return f"This takes longer: {trouble.error} I keep trying; nothing is lost."
    why = f" ({trouble.error})" if trouble else ""
    if key.startswith("act:"):
        return f"What may run waits: it cannot be checked at the moment whether it still may{why}. I keep trying; nothing is lost."
    who = "The model does" if key.startswith("model:") else "The guard does"
    return f"{who} not answer at the moment{why}. I keep trying; nothing is lost."


def end_text(run: Run) -> str:
    """What a failed or cancelled run says at its end, with what it did before."""
    done = [call.proposal.action for call in run.calls if call.state is CallState.EXECUTED]
    unsure = [call.proposal.action for call in run.calls if call.state in MAY_HAVE_HAPPENED]
    before = f" This was done before: {', '.join(done)}." if done else ""
    before += f" This may have happened, wholly or in part: {', '.join(unsure)}." if unsure else ""
    before = before or " No action was carried out."
    if run.state is RunState.CANCELLED:
        return f"Stopped by {who_froze(run.ended_by)}. {run.end_reason}".rstrip() + before
    return f"I had to give up: {run.end_reason}{before}"


def seconds_text(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 120 else f"{seconds:,.0f} seconds"


def given_up(effect: Effect, guard: str, seconds: float, error: str) -> str:
    who = {CallModel: "The model", Judge: guard}.get(type(effect), "Something that the action needs")
    return f"{who} did not answer for {seconds_text(seconds)}. The last answer was: {error}"


def parked_text(line: RunLine) -> str:
    """What a thread, or whoever clicks, hears of a run that nobody works any more."""
    return (
        f"This request is parked, because something went wrong inside Signoff: {line.parked} Nothing of it goes on until an"
        f" operator resumes it with `signoff runs resume {line.run}`. To begin anew, mention me again."
    )


def not_theirs(run: Run) -> Refused:
    return Refused(
        f"Only <@{run.asked.person.user}>, who asked for this, can withdraw it. Whoever may decide can deny it."
    )


def late(call: Call | None) -> Refused:
    """What somebody is told who comes too late."""
    approval = call.approval if call else None
    if call is None or approval is None:
        return Refused(UNKNOWN_BUTTON)
    vote = approval.deciding_vote
    if vote is not None:
        verb = "approved" if approval.resolution is Resolution.APPROVED else "denied"
        return Refused(f"<@{vote.person.user}> {verb} this already.")
    if call.state is CallState.REFUSED:
        return Refused(f"This is {(call.outcome or call.state).replace('_', ' ')}: {call.reason}")
    return Refused("This was decided already.")
