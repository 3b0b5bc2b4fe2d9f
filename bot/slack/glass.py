"""What is said of somebody who decided alone: the announcement in the audit channel, the review card, the form. Pure.

Rule: what a person typed stands in plain text; the arguments come from the bytes that were approved, shortened where they are long.
"""

from collections.abc import Iterator
from typing import Final

from bot.core.call import Call
from bot.core.canonical import short
from bot.core.changes import editors
from bot.core.glass import Broken
from bot.core.run import Run
from bot.slack import facts, limits, status
from bot.slack.blocks import (
    REASON,
    Block,
    Message,
    actions,
    button,
    chunks,
    context,
    escaped,
    header,
    line,
    mention,
    moment,
    one_line,
    preformatted,
    rich,
    said,
    utc,
)

EXCERPT: Final = 1_200


def announcement(run: Run, broken: Broken) -> Message:
    """Told at once, whatever becomes of it."""
    call = _call(run, broken)
    blocks = [header(_title("Glass broken", call)), *_facts(run, call, broken)]
    blocks.append(line(said("Others are asked to review this "), moment(broken.review_at), said(".")))
    spoken = f"{_spoken(run, call, broken)} Others are asked to review this at {utc(broken.review_at)}."
    return Message(spoken, (*blocks, context(_digest(call))))


def review_card(run: Run, broken: Broken) -> Message:
    """What became of it, and the button for whoever has looked at it."""
    call = _call(run, broken)
    blocks = [header(_title("Please review", call)), *_facts(run, call, broken)]
    blocks.append(line(said("What became of it: "), said(status.word(call), "bold")))
    if broken.reviewed_by is not None:
        by = (mention(broken.reviewed_by.user), said(" "), moment(broken.reviewed_at))
        blocks.append(line(said("Reviewed by ", "bold"), *by))
        return Message(f"Reviewed by <@{broken.reviewed_by.user}>. {_spoken(run, call, broken)}", _ended(blocks, call))
    blocks.append(line(said("Whoever may approve this, and did not break the glass, may say that it was reviewed.")))
    what = facts.title(call)
    blocks.append(
        actions(button("I have reviewed this", "reviewed", broken.approval, f"I have reviewed this: {what}"[:75]))
    )
    return Message(f"Please review. {_spoken(run, call, broken)}", _ended(blocks, call))


def _facts(run: Run, call: Call, broken: Broken) -> Iterator[Block]:
    yield line(mention(broken.person.user), said(" approved this alone", "bold"), said(" · "), moment(broken.at))
    if _edited(run, call, broken):
        yield line(said("They changed the arguments themselves before.", "bold"))
    yield line(said("Reason: ", "bold"), said(f"“{one_line(broken.reason, REASON)}”"))
    own = " themselves" if run.asked.person.user == broken.person.user else ""
    yield line(said("Asked by "), mention(run.asked.person.user), said(f"{own} · "), moment(run.asked_at))
    text = facts.argument_text(call)
    if text:
        yield rich(preformatted(next(chunks(text, EXCERPT))))
    if len(text) > EXCERPT:
        yield line(said(f"Not fully shown: {facts.fingerprint(call)}. This is only the beginning.", "bold"))


def _spoken(run: Run, call: Call, broken: Broken) -> str:
    what, why = escaped(facts.title(call)), escaped(one_line(broken.reason, REASON))
    edited = " They changed the arguments themselves before." if _edited(run, call, broken) else ""
    return f"<@{broken.person.user}> approved {what} alone: {why}.{edited} Asked by <@{run.asked.person.user}>."


def _edited(run: Run, call: Call, broken: Broken) -> bool:
    return broken.person.user in editors(call, run.calls)


def _ended(blocks: list[Block], call: Call) -> tuple[Block, ...]:
    return (*blocks, context(_digest(call)))


def _title(word: str, call: Call) -> str:
    return f"{word}: {facts.title(call)}"[: limits.HEADER_TEXT]


def _digest(call: Call) -> str:
    return f"digest {short(call.proposal.binding.digest)}" if call.proposal.binding else "no digest"


def _call(run: Run, broken: Broken) -> Call:
    call = run.call(broken.call)
    if call is None:
        raise LookupError(f"run {run.id} has no call {broken.call}")
    return call
