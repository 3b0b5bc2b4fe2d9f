"""What became of a call, in words: the same lines on its card and in its Details. Pure."""

from collections.abc import Iterator
from typing import Final

from bot.core.call import RESTORED, Call, CallState, Outcome
from bot.core.emergency import BIGHUB, user_of, who_froze
from bot.core.events import Finished, FreezeNoted, Settled
from bot.core.values import Answer
from bot.slack import facts
from bot.slack.blocks import REASON, Block, escaped, line, mention, moment, one_line, said
from bot.slack.blocks import Run as Piece
from bot.slack.richtext import plain_runs

DID_NOT_RUN: Final = "Did not run"
FROZEN_REASON: Final = 250
CONTRADICTED: Final = "Reported otherwise"
_WORDS: Final[dict[str, str]] = {
    CallState.PROPOSED: "Being judged again",
    CallState.ALLOWED: "Approved",
    CallState.STARTED: "Running",
    Outcome.EXECUTED: "Executed",
    Outcome.FAILED: "Failed",
    Outcome.IN_DOUBT: "In doubt",
    Outcome.BLOCKED: "Blocked",
    Outcome.DENIED: "Denied",
    Outcome.EXPIRED: "Expired",
    Outcome.WITHDRAWN: "Withdrawn",
    Outcome.SUPERSEDED: "Superseded",
    Outcome.FROZEN: "Frozen",
    Outcome.INVALID: "Not valid",
    Outcome.NEEDS_CONTEXT: "Needs more context",
    Outcome.CANCELLED: "Cancelled",
}


def word(call: Call) -> str:
    """The word of a call's phase, once nobody is asked any more. Where somebody found that it had not run, nothing failed; and where
    the action itself says otherwise later, neither word would be true."""
    if call.late is not None and call.late.ok is not (call.state is CallState.EXECUTED):
        return CONTRADICTED
    if call.found is not None and call.state is CallState.FAILED:
        return DID_NOT_RUN
    return _WORDS[call.outcome or call.state]


def banner_text(call: Call) -> Iterator[str]:
    """The freeze that stops what an open card asks about, escaped for a message's text."""
    if call.state is CallState.ASKING and call.frozen is not None:
        yield f"Frozen: {escaped(_stopped(call.frozen))}. {escaped(one_line(call.frozen.reason, REASON))}"


def banner(call: Call) -> Iterator[Block]:
    """The same, on top of the card."""
    if call.state is CallState.ASKING and call.frozen is not None:
        frozen, by = call.frozen, call.frozen.by
        yield line(
            said(f"Frozen: {_stopped(frozen)}", "bold"),
            *([] if frozen.scope == BIGHUB else plain_runs(f" by {who_froze(by)}", frozenset({user_of(by)}))),
            said(" · since "),
            moment(frozen.since),
            said(f": “{one_line(frozen.reason, FROZEN_REASON)}” No approval counts until it is lifted."),
        )


def _stopped(frozen: FreezeNoted) -> str:
    return "BIGHUB's kill switch is on" if frozen.scope == BIGHUB else one_line(frozen.scope, facts.RULE)


def lines(call: Call) -> Iterator[Block]:
    """What became of it; nothing while people are asked, nor where a vote says it."""
    match call.state:
        case CallState.ASKING:
            return
        case CallState.PROPOSED:
            yield line(said("The guard is asked again before this can go on."))
        case CallState.ALLOWED:
            yield line(said("Approved; it has not started yet.", "bold"))
        case CallState.STARTED:
            yield line(said("Running…", "bold"), said(" since "), moment(call.started_at))
        case CallState.EXECUTED | CallState.FAILED:
            yield from _ended(call)
        case CallState.IN_DOUBT:
            yield from _doubt(call)
        case CallState.REFUSED:
            yield from _refused(call)


def _ended(call: Call) -> Iterator[Block]:
    settled = call.found
    if settled is not None and settled.person is not None:
        yield line(said(_found(call), "bold"), *_says(settled), said(" · "), moment(call.ended_at), *_note(settled))
    elif settled is not None:
        yield line(said(_found(call), "bold"), said(", says the system's own check · "), moment(call.ended_at))
    elif call.state is CallState.EXECUTED:
        more = [said(" · the output is behind Details")] if call.output else []
        yield line(said(f"Executed in {call.took:.1f} s", "bold"), *more)
    else:
        yield line(
            said(f"Failed after {call.took:.1f} s", "bold"),
            said(f": {one_line(call.reason or call.output, REASON)}"),
        )
    if call.late is not None:
        yield from _later(call.late, call.late_at)


def _later(late: Finished, at: float) -> Iterator[Block]:
    """The answer above stands; people must see that the action says otherwise, or the same."""
    what = f"it succeeded, in {late.took:.1f} s" if late.ok else f"it failed: {one_line(late.error, REASON)}"
    more = [said(" · its output is behind Details")] if late.ok and late.output else []
    yield line(said("Later the action itself reported", "bold"), said(f": {what} · "), moment(at), *more)


def _found(call: Call) -> str:
    return "It ran" if call.state is CallState.EXECUTED else "It did not run"


def _says(settled: Settled) -> list[Piece]:
    return [said(", says "), mention(settled.person.user)] if settled.person else []


def _note(settled: Settled) -> list[Piece]:
    return [said(f": “{one_line(settled.note, REASON)}”")] if settled.note.strip() else []


def _doubt(call: Call) -> Iterator[Block]:
    where = call.proposal.binding.system if call.proposal.binding else ""
    yield line(
        said("Nobody knows whether this ran.", "bold"),
        *_why_in_doubt(call),
        said(f" Look at {one_line(where) or 'the system'}, then say what you found."),
        said(" It is not run again by itself."),
    )
    if call.settled is not None and call.settled.answer is Answer.UNKNOWN:
        who, note = _says(call.settled) or [said(", nobody said what happened")], _note(call.settled)
        yield line(said("Still unknown", "bold"), *who, said(" · "), moment(call.ended_at), *note)


def _why_in_doubt(call: Call) -> list[Piece]:
    if not call.attempts:
        return [said(" It was about to start when the backup was made that the database was restored from.")]
    return [said(" It was started "), moment(call.started_at), said(", and how it ended was never heard.")]


def _refused(call: Call) -> Iterator[Block]:
    if call.outcome is Outcome.DENIED and call.approval is not None and call.approval.deciding_vote is not None:
        return
    people, reason = frozenset({call.frozen_by}), f": {one_line(call.reason, REASON)}" if call.reason.strip() else "."
    known = "" if call.reason == RESTORED else " It did not run."
    yield line(said(word(call), "bold"), *plain_runs(reason, people), said(f"{known} · "), moment(call.ended_at))
