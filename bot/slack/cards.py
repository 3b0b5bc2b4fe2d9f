"""The card of a call, for every phase of its life: our values in, Block Kit out. Pure.

Rule 1: the facts always stand in the same order (DESIGN §7) and stay after the decision, but for who may decide and until when:
then the votes stand for it. What had to be shortened is behind Details.
Rule 2: only a card that shows every byte of the arguments has Approve; any other has Review, or says that it cannot be approved here.
Where an approval needs a comment, Approve opens the same view.
Rule 3: a button carries the opaque id of the approval (or of the in-doubt question) and nothing else.
Rule 4: once decided, nothing on the card can decide any more.
"""

from collections.abc import Iterator
from typing import Final

from bot.core.call import Call, CallState
from bot.core.canonical import short
from bot.core.changes import alternative
from bot.core.run import Run
from bot.slack import changes, facts, limits, questions, reasons, status, unchecked
from bot.slack.blocks import (
    Block,
    Message,
    actions,
    button,
    chunks,
    confirmed,
    context,
    escaped,
    header,
    line,
    preformatted,
    rich,
    said,
    shortened,
    with_ids,
)
from bot.slack.views import fits_review

SHOWN_CHARACTERS: Final = 2_500
SHOWN_LINES: Final = 40
EXCERPT_CHARACTERS: Final = 1_200
EXCERPT_LINES: Final = 15
STOPS: Final = "Everything that this request still waits for ends here, on every card. What has run stays as it is."


def card(run: Run, call: Call, *, source_note: str = "", glass: bool = False) -> Message:
    """The card as it must look now. ``source_note`` qualifies the guard ("No BIGHUB key: …"); it is shown on every card. ``glass``:
    whether the policy names anybody who may decide alone."""
    word = "Approval needed" if asking(call) else status.word(call)
    blocks = [header(facts.headline(word, call)), *status.banner(call)]
    blocks += [*facts.place_line(word, call), *_arguments(call), *changes.lines(run, call)]
    blocks.append(facts.asked_line(run, call))
    if call.approval is not None:
        blocks += [facts.who_line(run, call.approval, glass=glass)] if asking(call) else []
        blocks += unchecked.lines(call.approval.terms)
        blocks += reasons.anew_line(call.approval)
    guard = (reasons.own_line(call), facts.guard_line(call, source_note), changes.safer_line(call))
    for extra in (*guard, facts.says_line(run, call)):
        blocks += [extra] if extra is not None else []
    if call.approval is not None:
        blocks += reasons.stricter_lines(call.approval, run.asked.person) if asking(call) else []
        blocks += [*questions.lines(run, call), *facts.vote_lines(call.approval)]
    blocks += list(changes.replaced_lines(call)) or status.lines(call)
    rows = (_deciding(call, glass=glass), _else(call, cut=shortened(blocks)))
    blocks += [actions(*buttons) for row in rows if (buttons := list(row))]
    blocks.append(context(_digest_note(call)))
    return Message(_spoken(run, call, word, glass=glass), with_ids(blocks, f"{call.proposal.call[:40]}.{run.length}"))


def asking(call: Call) -> bool:
    return call.state is CallState.ASKING and call.approval is not None and call.approval.resolution is None


def shows_everything(call: Call) -> bool:
    """Whether the card itself holds every byte of the arguments."""
    text = facts.argument_text(call)
    return len(text) <= SHOWN_CHARACTERS and text.count("\n") < SHOWN_LINES


def _digest_note(call: Call) -> str:
    binding = call.proposal.binding
    return f"digest {short(binding.digest)}" if binding else "no digest: it was never valid"


def _arguments(call: Call) -> Iterator[Block]:
    text = facts.argument_text(call)
    if not text:
        yield line(said("No arguments.", "italic"))
    elif shows_everything(call):
        yield rich(preformatted(text))
    else:
        lines = text.split("\n")[:EXCERPT_LINES]
        yield rich(preformatted(next(chunks("\n".join(lines), EXCERPT_CHARACTERS))))
        yield line(said(f"Not fully shown: {facts.fingerprint(call)}. This is only the beginning.", "bold"))
        if asking(call) and not fits_review(call):
            yield line(said("They are too long to be shown in Slack, so this cannot be approved here.", "bold"))
    for warning in facts.warnings(call):
        yield line(said(warning, "bold"))


def _deciding(call: Call, *, glass: bool) -> Iterator[Block]:
    """The first row: what decides, or says what happened. ``glass``: whether anybody may decide alone."""
    what = facts.title(call)
    if call.state is CallState.IN_DOUBT and call.question is not None:
        yield button("It ran", "did_run", call.question, f"It ran: {what}")
        yield button("It did not run", "did_not_run", call.question, f"It did not run: {what}")
        if call.settled is None:
            yield button("Still unknown", "unknown", call.question, f"Still unknown: {what}")
    if call.approval is None or not asking(call):
        return
    opaque, commented = call.approval.terms.approval, call.approval.terms.comment_required
    if shows_everything(call) and not commented:
        approve = button("Approve", "approve", opaque, f"Approve: {what}", "primary")
        yield _asked_twice(call, approve, what) if facts.high_risk(call) else approve
    if fits_review(call):
        word = "Review" if not shows_everything(call) else "Approve…" if commented else "With comment"
        alone = commented or not shows_everything(call)
        label = f"{word}: {what}" if alone else f"Approve with a comment: {what}"
        yield button(word, "review", opaque, label, "primary" if alone else None)
    yield button("Deny", "deny", opaque, f"Deny: {what}", "danger")
    if glass and fits_review(call):
        yield button("Break glass", "break_glass", opaque, f"Break glass, decide alone: {what}")


def _else(call: Call, *, cut: bool) -> Iterator[Block]:
    """The second row: what else there is to do. ``cut``: whether anything on the card was shortened; then Details show it."""
    what = facts.title(call)
    opaque = call.approval.terms.approval if call.approval else call.question
    if opaque is None:
        return
    if asking(call):
        yield from _instead(call, opaque, what)
    if asking(call) or not shows_everything(call) or call.reported or cut:
        yield button("Details", "details", opaque, f"Details: {what}")
    if asking(call):
        yield from ending(opaque, what)


def _instead(call: Call, opaque: str, what: str) -> Iterator[Block]:
    yield button("Ask", "ask", opaque, f"Ask the requester: {what}")
    if call.proposal.binding is not None and (call.proposal.binding.order or facts.argument_text(call)):
        yield button("Edit", "edit", opaque, f"Edit: {what}")
    if call.judgement is not None and call.judgement.better_action.strip():
        safer = f"Something safer: {what}"
        named = alternative(call) is not None
        yield button("Safer", "safer_form", opaque, safer) if named else button("Safer", "safer", opaque, safer)


def ending(opaque: str, what: str) -> Iterator[Block]:
    """What whoever asked for it may press; stopping ends more than this card shows, so it asks once more."""
    yield button("Withdraw", "withdraw", opaque, f"Withdraw, for whoever asked for it: {what}")
    stop = button("Stop", "stop", opaque, "Stop the whole request")
    yield confirmed(stop, "Stop the whole request?", STOPS, "Stop")


def _asked_twice(call: Call, approve: Block, what: str) -> Block:
    digest = call.proposal.binding.digest if call.proposal.binding else ""
    text = f"{what[:200]}. {facts.high_risk(call)} Digest {short(digest)}."
    return confirmed(approve, "Really approve?", text[: limits.CONFIRM_TEXT], "Approve")


def _spoken(run: Run, call: Call, word: str, *, glass: bool) -> str:
    text = facts.spoken(run, call, word, glass=glass)
    if asking(call):
        text += unchecked.spoken(call) + _spoken_arguments(call) + questions.spoken(run, call)
        text += "".join(f"\n{told}" for told in status.banner_text(call))
        way = "Approve or Deny" if shows_everything(call) else "Review or Deny" if fits_review(call) else "Deny"
        return text + f"\nUse the buttons of this card: {way}."
    if call.state is CallState.EXECUTED and call.found is None:
        text += f" Executed in {call.took:.1f} s."
    return text


def _spoken_arguments(call: Call) -> str:
    if not shows_everything(call):
        return f"\nThe arguments are not fully shown: {facts.fingerprint(call)}."
    return "\nArguments:\n" + escaped(facts.argument_text(call) or "none")
