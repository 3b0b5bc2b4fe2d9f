"""The modals: review (all bytes, then approve), deny (with a reason), details. Our values in, a view out. Pure.

Rule 1: a view that can be submitted carries in ``private_metadata`` which approval, on which card; authority is asked elsewhere.
Rule 2: the review view approves only if it holds every byte of the arguments; else it offers nothing and says so.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.run import Run
from bot.core.visible import visible
from bot.slack import facts, limits
from bot.slack.blocks import (
    Block,
    chunks,
    context,
    header,
    line,
    moment,
    one_line,
    plain,
    preformatted,
    rich,
    said,
    size_of,
    verbatim,
)

APPROVE_REVIEWED: Final = "approve_reviewed"
DENY: Final = "deny"
DETAILS: Final = "details"
COMMENT: Final = "comment"
"""Block and action id of the one input that a view has."""

ARGUMENT_BLOCKS: Final = 80
ARGUMENT_BYTES: Final = 220_000
"""What a view may spend on arguments, so that everything else always fits beside them."""
OUTPUT_BLOCKS: Final = 60
OUTPUT_BYTES: Final = 150_000
REST_CHARACTERS: Final = 2_500


@dataclass(frozen=True, slots=True)
class Subject:
    """What a submitted view is about."""

    approval: str
    channel: str
    message: str


def review_view(run: Run, call: Call, subject: Subject) -> Block:
    """All bytes of the arguments, an optional comment, and Approve."""
    top = [header(facts.headline("Review", call)), *facts.place_line("Review", call)]
    if not fits_review(call):
        too_long = f"Not shown: {facts.fingerprint(call)}. They are too long to be shown here, so this cannot be approved in Slack."
        return _modal("Review", [*top, line(said(too_long, "bold"))])
    blocks = [*top, *_all_arguments(call), *_around(run, call)]
    blocks.append(_comment("Comment (optional)", "The others and the agent will read it."))
    return _modal("Review", blocks) | _submits(APPROVE_REVIEWED, "Approve", subject)


def deny_view(call: Call, subject: Subject) -> Block:
    """An optional reason, and Deny."""
    blocks = [
        line(said("Deny: ", "bold"), said(one_line(facts.title(call), facts.REASON))),
        _comment("Why not? (optional)", "The agent is told, so that it can propose something better."),
        context(_digest_note(call)),
    ]
    return _modal("Deny", blocks) | _submits(DENY, "Deny", subject)


def details_view(run: Run, call: Call) -> Block:
    """All that is known about a call: its arguments, the decision, the votes, the digest, what came of it."""
    blocks = [header(facts.headline("Details", call)), *facts.place_line("Details", call)]
    left = ARGUMENT_BYTES
    if fits_review(call):
        shown = list(_all_arguments(call))
        left -= sum(size_of(block) for block in shown)
        blocks += shown
    else:
        blocks.append(line(said(f"The arguments are too long to be shown here: {facts.fingerprint(call)}.", "bold")))
    blocks += _around(run, call)
    blocks += facts.vote_lines(call.approval) if call.approval else ()
    blocks += _output(call, limits.VIEW_BLOCKS - len(blocks) - 2, left)
    return _modal("Details", blocks) | {"callback_id": DETAILS}


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
        yield line(said("No arguments.", "italic"))
    yield from verbatim(text)
    for warning in facts.warnings(call):
        yield line(said(warning, "bold"))
    yield line(said(f"All of it: {facts.fingerprint(call)}."))


def _around(run: Run, call: Call) -> Iterator[Block]:
    yield facts.asked_line(run, call)
    if call.approval is not None:
        yield facts.who_line(run, call.approval)
        yield from _rule(call.approval)
    for extra in (facts.guard_line(call, ""), facts.safer_line(call), facts.says_line(run, call)):
        if extra is not None:
            yield extra
    yield context(_digest_note(call))


def _rule(approval: Approval) -> Iterator[Block]:
    if approval.terms.rule:
        yield line(said(f"By the rule “{one_line(approval.terms.rule, 200)}”."))


def _digest_note(call: Call) -> str:
    return f"digest {call.proposal.binding.digest}" if call.proposal.binding else "no digest: it was never valid"


def _output(call: Call, blocks: int, left: int) -> Iterator[Block]:
    """The whole output where it fits, else its beginning and its size."""
    yield from _whole_reason(call)
    if not call.output:
        return
    yield line(said("Output", "bold"), said(" · "), moment(call.ended_at))
    text = "\n".join(visible(each) for each in call.output.split("\n"))
    used = 0
    for count, chunk in enumerate(chunks(text, limits.TEXT_OBJECT - 100)):
        block = rich(preformatted(chunk))
        used += size_of(block)
        if count >= min(blocks - 4, OUTPUT_BLOCKS) or used > min(left, OUTPUT_BYTES):
            yield line(
                said(f"The output is {len(call.output.encode()):,} bytes long; the rest is not shown here.", "bold")
            )
            return
        yield block


def _whole_reason(call: Call) -> Iterator[Block]:
    """The guard's reason in full where the line above had to shorten it."""
    reason = call.judgement.reason if call.judgement else ""
    if len(one_line(reason)) > facts.REASON:
        yield line(said("The guard's whole reason:", "bold"))
        yield from (rich(preformatted(chunk)) for chunk in list(chunks(one_line(reason), REST_CHARACTERS))[:3])


def _comment(label: str, hint: str) -> Block:
    element = {"type": "plain_text_input", "action_id": COMMENT, "multiline": True, "max_length": 1_000}
    return {
        "type": "input",
        "block_id": COMMENT,
        "optional": True,
        "label": plain(label),
        "hint": plain(hint),
        "element": element,
    }


def _modal(title: str, blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain(title), "close": plain("Close"), "blocks": blocks}


def _submits(callback: str, submit: str, subject: Subject) -> Block:
    about = {"approval": subject.approval, "channel": subject.channel, "message": subject.message}
    return {"callback_id": callback, "submit": plain(submit), "private_metadata": json.dumps(about)}
