"""What a run owes next: `pending` reads it off the state, never off the transition. Deciding the state is `run.py`'s.

Rule: a run loaded after a crash owes exactly what is still missing. Recovery is no feature: load, ask again.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from bot.core import reminding
from bot.core.call import Call, CallState, Outcome
from bot.core.effects import (
    AnnounceGlass,
    AskRequester,
    CallModel,
    Effect,
    Expire,
    Judge,
    PostDelay,
    PostEnd,
    PostInquiry,
    PostNotice,
    PostReply,
    Recover,
    Remember,
    ReportOutcome,
    ReportResolution,
    ShowCard,
    ShowReview,
    StartAction,
    StopAsking,
    StopWaiting,
)
from bot.core.moments import rests, untold
from bot.core.resolving import ended
from bot.core.run import ENDS, Run, RunState

DELAY_SECONDS = 10.0
RUNNING_SECONDS = 0.3
WAITING_SECONDS = 86_400.0
NOTHING_RAN = frozenset({Outcome.DENIED, Outcome.EXPIRED, Outcome.SUPERSEDED, Outcome.FROZEN, Outcome.BLOCKED})
"""What a call may come to without having run and without a run's own end, which is told of anyway.
Not what was withdrawn: by hand, whoever asked did that; and where the run failed, its end says so."""


def pending(run: Run) -> tuple[Effect, ...]:
    """Every effect that the run owes, each with its ``not_before`` (0: now), backoff included."""
    return tuple(_after_trouble(run, effect) for effect in _owed(run))


def due_at(run: Run) -> float | None:
    """The earliest ``not_before`` of what is owed (epoch seconds, 0 for now); None when nothing is, and for a program's run:
    no other worker may take that up."""
    if run.of_program:
        return None
    return min((effect.not_before for effect in pending(run)), default=None)


def due(run: Run, now: float) -> tuple[Effect, ...]:
    """What is owed at ``now`` (epoch seconds)."""
    return tuple(effect for effect in pending(run) if effect.not_before <= now)


def in_order(run: Run, effects: Iterable[Effect], under_way: Collection[str]) -> tuple[Effect, ...]:
    """``effects`` without those that judge or start a call while one before it does not wait for people yet."""
    moving = [c.proposal.call for c in run.calls if not c.answered and c.state is not CallState.ASKING]
    later = {key for call in moving[1:] for key in (f"judge:{call}", f"act:{call}")} - set(under_way)
    return tuple(effect for effect in effects if effect.key not in later)


def _owed(run: Run) -> Iterator[Effect]:
    if run.state is RunState.THINKING:
        yield CallModel(len(run.turns) + 1)
    if run.state is RunState.WAITING_FOR_REQUESTER:
        yield StopWaiting(max(call.ended_at for call in run.calls) + WAITING_SECONDS)
    for call in run.calls:
        yield from _of_call(run, call)
    if not run.of_program:
        yield from _words(run)
    yield from _memory(run)


def _words(run: Run) -> Iterator[Effect]:
    if run.asked.retried_by not in (None, run.asked.person) and not run.delivered("retried"):
        yield PostNotice("retried")
    unasked = tuple(_unasked(run))
    yield from unasked or _last_words(run)
    yield from _delays(run)
    for call in run.calls:
        yield from _shown(run, call)
        yield from (
            reminding.owed(call.approval, run.delivered) if call.state is CallState.ASKING and call.approval else ()
        )
        yield from _noticed(run, call)
    yield from _glass(run)


def _unasked(run: Run) -> Iterator[PostNotice]:
    """What nobody was asked about, and did not run either. It is told before the words that end a request: the model may call it done;
    and a request whose end was told before this was owed owes it never."""
    if run.state is RunState.DONE or run.delivered("end:1"):
        return
    for call in run.calls:
        told = PostNotice(f"ended:{call.proposal.call}")
        if call.approval is None and call.outcome in NOTHING_RAN and not run.delivered(told.key):
            yield told


def _last_words(run: Run) -> Iterator[Effect]:
    reply = next((n for n in range(1, len(run.replies) + 1) if not run.delivered(f"reply:{n}")), None)
    if reply is not None:
        yield PostReply(reply)
    if run.state in (RunState.FAILED, RunState.CANCELLED) and not run.delivered("end:1"):
        yield PostEnd(1)


def _glass(run: Run) -> Iterator[Effect]:
    """What one person decided alone is announced at once, and reviewed in time."""
    for broken in run.broken:
        announced, asked = AnnounceGlass(broken.approval), ShowReview(broken.approval, not_before=broken.review_at)
        if not run.delivered(announced.key):
            yield announced
        if not run.delivered(asked.key):
            yield asked
        elif broken.reviewed_by is not None and not run.delivered(f"reviewed:{broken.approval}"):
            yield ShowReview(broken.approval, done=True)


def _shown(run: Run, call: Call) -> Iterator[Effect]:
    """A quick action is shown when it has ended, and not before."""
    if call.phase is not None and (call.card is None or call.card.shows != call.phase):
        running = call.state in (CallState.ALLOWED, CallState.STARTED) and call.card is not None
        since = call.started_at or run.last_at
        yield ShowCard(call.proposal.call, call.phase, since + RUNNING_SECONDS if running else 0.0)
    elif call.phase is not None and call.card is not None and call.card.again_at:
        yield ShowCard(call.proposal.call, call.phase, call.card.again_at)
    if call.outcome is Outcome.NEEDS_CONTEXT and not run.delivered(f"question:{call.proposal.call}"):
        yield AskRequester(call.proposal.call)
    for inquiry in call.inquiries if call.state is CallState.ASKING else ():
        asked = PostInquiry(inquiry.of, inquiry.number)
        if not run.delivered(asked.key):
            yield asked


def _noticed(run: Run, call: Call) -> Iterator[PostNotice]:
    """Whoever asked learns in our own words what became of what people were asked about, whatever the model says of it."""
    approval = call.approval
    about = [f"anew:{approval.terms.approval}"] if approval and approval.instead_of else []
    about += [f"ended:{call.proposal.call}"] if approval and call.outcome in NOTHING_RAN else []
    if approval and approval.void and call.state is CallState.ASKING:
        about.append(f"stricter:{approval.terms.approval}:{len(approval.void)}")
    elsewhere = call.card is not None and call.card.channel != run.asked.place.channel
    about += [f"placed:{call.proposal.call}"] if elsewhere and call.state is CallState.ASKING else []
    about += [f"shadow:{call.proposal.call}"] if call.judgement and call.judgement.shadow else []
    yield from (PostNotice(each) for each in about if not run.delivered(each))


def _of_call(run: Run, call: Call) -> Iterator[Effect]:
    name = call.proposal.call
    live = run.state is RunState.ACTING
    if live and call.state is CallState.PROPOSED:
        yield Judge(name)
    elif live and call.state is CallState.ASKING and call.approval is not None:
        yield Expire(call.approval.terms.approval, call.approval.terms.expires_at)
    elif live and call.state is CallState.ALLOWED:
        yield StartAction(name)
    elif call.state is CallState.STARTED:
        yield Recover(name)
    elif call.state is CallState.IN_DOUBT and call.settled is None:
        yield StopAsking(name, call.asks_until)
    yield from _reports(run, call)


def _reports(run: Run, call: Call) -> Iterator[Effect]:
    resolutions = (ReportResolution(call.proposal.call, of) for of in ended(run, call))
    yield from (each for each in resolutions if not run.delivered(each.key))
    outcome = ReportOutcome(call.proposal.call, in_doubt=call.state is CallState.IN_DOUBT)
    named = call.judgement is not None and call.judgement.request_id
    if named and call.answered and not run.delivered(outcome.key):
        yield outcome


def _memory(run: Run) -> Iterator[Remember]:
    """One batch when the run has ended; a program's also whenever it comes to rest, since nobody may come back to it. Where nobody
    but the local rules judged, nobody keeps a memory."""
    judgements = [call.judgement for call in run.calls if call.judgement is not None]
    judged = any(judgement.decision for judgement in judgements)
    wanted = (judged or run.of_program) and all(judgement.memory for judgement in judgements)
    at_rest = rests(run) and (run.of_program or run.state in ENDS)
    if wanted and at_rest and untold(run):
        yield Remember(1 + sum(receipt.key.startswith("memory:") for receipt in run.receipts))


def _delays(run: Run) -> Iterator[Effect]:
    if run.state in (RunState.THINKING, RunState.ACTING):
        for trouble in run.troubles:
            if trouble.key.startswith(("model:", "judge:", "act:")) and not run.delivered(f"delay:{trouble.key}"):
                yield PostDelay(trouble.key, trouble.since + DELAY_SECONDS)


def _after_trouble(run: Run, effect: Effect) -> Effect:
    trouble = run.trouble(effect.key)
    return effect if trouble is None else replace(effect, not_before=max(effect.not_before, trouble.not_before))
