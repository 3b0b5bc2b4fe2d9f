"""The modals: review (all bytes, then approve), deny (with a reason), ask (the requester), details. Our values in, a view out. Pure.

Rule 1: a view that can be submitted carries in ``private_metadata`` which approval, on which card; authority is asked elsewhere.
Rule 2: the review view approves only if it holds every byte of the arguments; else it offers nothing and says so.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.glass import BY_GLASS
from bot.core.run import Run
from bot.slack import changes, facts, limits, questions, reasons, status, unchecked
from bot.slack.blocks import (
    CHUNK,
    REASON,
    Block,
    chunks,
    context,
    header,
    line,
    mention,
    moment,
    one_line,
    plain,
    preformatted,
    rich,
    said,
    size_of,
    verbatim,
)
from bot.slack.whole import SMALL_BYTES, Space, background_texts, outcome_texts, prose, votes_whole, whole

APPROVE_REVIEWED: Final = "approve_reviewed"
DENY: Final = "deny"
ASK: Final = "ask"
DETAILS: Final = "details"
COMMENT: Final = "comment"
"""Block and action id of the one input that a view has."""

ARGUMENT_BLOCKS: Final = 80
ARGUMENT_BYTES: Final = 220_000
"""What a view may spend on arguments, so that everything else always fits beside them."""
OTHER_BLOCKS: Final = 5
"""In Details, besides lines and headings: two about the arguments, the votes, the heading of the output, one to spare."""
NO_ARGUMENTS: Final = line(said("No arguments.", "italic"))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a submitted view is about."""

    approval: str
    channel: str
    message: str


def review_view(run: Run, call: Call, subject: Subject, *, glass: bool = False) -> Block:
    """All bytes of the arguments, a comment (optional, where the policy does not want one), and Approve. ``glass``: as on the card."""
    top = [header(facts.headline("Review", call)), *facts.place_line("Review", call)]
    if not fits_review(call):
        too_long = f"Not shown: {facts.fingerprint(call)}. They are too long to be shown here, so this cannot be approved in Slack."
        return _modal("Review", [*top, line(said(too_long, "bold"))])
    risk = [line(said(told, "bold"))] if (told := facts.high_risk(call)) else []
    blocks = [*top, *_all_arguments(call), *_around(run, call, glass=glass), *risk]
    needed = call.approval is not None and call.approval.terms.comment_required
    why = "The policy wants one: why should this run?" if needed else "The others will read it."
    blocks.append(_comment("Comment", why, optional=not needed))
    return _modal("Review", blocks) | _submits(APPROVE_REVIEWED, "Approve", subject)


def glass_view(run: Run, call: Call, subject: Subject) -> Block:
    """All bytes of the arguments, a reason that must be given, and the approval of one person alone."""
    what = "You decide this alone, against any quorum. It is announced at once, and others review it on the next working day."
    blocks = [header(facts.headline("Break glass", call)), line(said(what, "bold")), *_all_arguments(call)]
    blocks += [*_around(run, call, glass=True), _comment("Reason", "Everybody will read it.") | {"optional": False}]
    return _modal("Break glass", blocks) | _submits(BY_GLASS, "Approve alone", subject)


def deny_view(call: Call, subject: Subject) -> Block:
    """An optional reason, and Deny."""
    blocks = [
        line(said("Deny: ", "bold"), said(one_line(facts.title(call), REASON))),
        _comment("Why not?", "The agent is told, so that it can propose something better."),
        context(_digest_note(call)),
    ]
    return _modal("Deny", blocks) | _submits(DENY, "Deny", subject)


def ask_view(run: Run, call: Call, subject: Subject) -> Block:
    """A question to the requester, and Ask. It decides nothing."""
    told = [
        said("Ask "),
        mention(run.asked.person.user),
        said(" about "),
        said(one_line(facts.title(call), REASON)),
    ]
    hint = "It is posted in the thread. The answer will stand on the card; until somebody decides, the card waits."
    blocks = [line(*told), _comment("What do you want to know?", hint, optional=False)]
    return _modal("Ask", blocks) | _submits(ASK, "Ask", subject)


def details_view(run: Run, call: Call, *, glass: bool = False) -> Block:
    """All that is known about a call: its arguments, the decision, the votes, the digest, what came of it. What a card shortens
    is whole here, or says how much of it is not shown."""
    top = [header(facts.headline("Details", call)), *facts.place_line("Details", call)]
    rest = [
        *_warnings(call),
        *_around(run, call, None, glass=glass),
        *(list(changes.replaced_lines(call)) or status.lines(call)),
    ]
    early, late = outcome_texts(call), background_texts(run, call)
    space = _space([*top, *rest], len(early) + len(late), call)
    voted = votes_whole(space, call.approval) if call.approval else []
    why = [block for heading, text in early for block in whole(space, [said(heading, "bold")], text, prose)]
    blocks = [*top, *_arguments_in(space, call), *rest, *voted, *why]
    for heading, text in late:
        blocks += whole(space, [said(heading, "bold")], text, prose)
    return _modal("Details", [*blocks, *_output(space, call)]) | {"callback_id": DETAILS}


def _space(fixed: list[Block], texts: int, call: Call) -> Space:
    """What is left beside what always stands: the lines, the headings, the voters."""
    votes = len(call.approval.votes) if call.approval else 0
    headings = texts + OTHER_BLOCKS
    size = size_of(_modal("Details", fixed)) + SMALL_BYTES * (headings + 2 * votes)
    return Space(limits.VIEW_BLOCKS - len(fixed) - headings, limits.VIEW_BYTES - size)


def _arguments_in(space: Space, call: Call) -> list[Block]:
    """The arguments as far as they fit, and a line that says whether that is all."""
    text = facts.argument_text(call)
    if not fits_review(call):
        return [line(said(f"The arguments are too long to be shown here: {facts.fingerprint(call)}.", "bold"))]
    pieces = list(chunks(text, CHUNK))
    fitting = list(takewhile(lambda piece: space.takes([rich(preformatted(piece))]), pieces))
    left = sum(map(len, pieces[len(fitting) :]))
    told = f"{left:,} of {len(text):,} characters are not shown here" if left else "All of it"
    end = line(said(f"{told}: {facts.fingerprint(call)}.", *(["bold"] if left else [])))
    return [*(rich(preformatted(piece)) for piece in fitting), end] if text else [NO_ARGUMENTS, end]


def fits_review(call: Call) -> bool:
    """Whether a view can hold every byte of the arguments."""
    text = facts.argument_text(call)
    if len(text) > ARGUMENT_BLOCKS * limits.TEXT_OBJECT:
        return False
    shown = list(verbatim(text))
    return len(shown) <= ARGUMENT_BLOCKS and sum(size_of(block) for block in shown) <= ARGUMENT_BYTES


def _all_arguments(call: Call) -> Iterator[Block]:
    text = facts.argument_text(call)
    if not text:
        yield NO_ARGUMENTS
    yield from verbatim(text)
    yield from _warnings(call)
    yield line(said(f"All of it: {facts.fingerprint(call)}."))


def _warnings(call: Call) -> Iterator[Block]:
    for warning in facts.warnings(call):
        yield line(said(warning, "bold"))


def _around(run: Run, call: Call, questions_shown: int | None = questions.ON_CARD, *, glass: bool) -> Iterator[Block]:
    yield from changes.lines(run, call)
    yield facts.asked_line(run, call)
    if call.approval is not None:
        yield facts.who_line(run, call.approval, glass=glass)
        yield from unchecked.lines(call.approval.terms, unchecked.MOST_IN_DETAILS)
        yield from reasons.stricter_lines(call.approval, run.asked.person)
        yield from _rule(call.approval)
    guard = (reasons.own_line(call), facts.guard_line(call, ""), changes.safer_line(call))
    for extra in (*guard, facts.says_line(run, call)):
        if extra is not None:
            yield extra
    yield from questions.lines(run, call, questions_shown)
    yield context(_digest_note(call))


def _rule(approval: Approval) -> Iterator[Block]:
    if approval.terms.rule:
        yield line(said(f"By the rule “{one_line(approval.terms.rule, facts.RULE)}”."))


def _digest_note(call: Call) -> str:
    return f"digest {call.proposal.binding.digest}" if call.proposal.binding else "no digest: it was never valid"


def _output(space: Space, call: Call) -> list[Block]:
    if not call.reported:
        return []
    heading = [said("Output", "bold"), said(" · "), moment(call.ended_at)]
    return whole(space, heading, call.reported, lambda text: rich(preformatted(text)))


def _comment(label: str, hint: str, *, optional: bool = True) -> Block:
    element = {
        "type": "plain_text_input",
        "action_id": COMMENT,
        "multiline": True,
        "max_length": facts.COMMENT_CHARACTERS,
    }
    return {
        "type": "input",
        "block_id": COMMENT,
        "optional": optional,
        "label": plain(label),
        "hint": plain(hint),
        "element": element,
    }


def _modal(title: str, blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": blocks}


def _submits(callback: str, submit: str, subject: Subject) -> Block:
    about = {"approval": subject.approval, "channel": subject.channel, "message": subject.message}
    return {"callback_id": callback, "submit": plain(submit), "private_metadata": json.dumps(about)}
