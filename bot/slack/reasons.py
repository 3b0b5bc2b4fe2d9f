"""Why people are asked beyond what the guard said, again, or on stricter terms than before: our own words. Pure.

Rule: none of it stands in the guard's quote (`facts.guard_line`).
"""

from collections.abc import Iterator
from typing import Final

from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.tightening import demanded_since, why_void
from bot.core.values import Person
from bot.slack.blocks import REASON, SHORTENED, Block, line, mention, moment, one_line, said

MOST_NAMED: Final = 5


def own_line(call: Call) -> Block | None:
    """Why people are asked beyond what the guard said: our words, never in its quote."""
    ours = own_words(call)
    return line(said(one_line(ours, REASON), "bold")) if ours else None


def own_words(call: Call) -> str:
    """ "" where what became of the call says it."""
    ours = call.judgement.ours if call.judgement else ""
    return "" if ours == call.reason else ours


def anew_line(approval: Approval) -> Iterator[Block]:
    """Where people were asked about this before; why they are asked again stands in words of our own."""
    if approval.instead_of is not None and approval.resolution is None:
        yield line(said("Asked anew: ", "bold"), said("earlier votes do not count any more."))


def stricter_lines(approval: Approval, requester: Person) -> Iterator[Block]:
    """That the policy became stricter while people were asked, when, what it wants beside, and whose approvals are void for it."""
    if not approval.earlier:
        return
    more = ", ".join(demanded_since(approval))
    yield line(said("The policy became stricter ", "bold"), moment(approval.tightened_at), said(f": {more}."))
    if approval.void:
        runs = [said("Not counted any more: ", "bold")]
        for number, vote in enumerate(approval.void[:MOST_NAMED]):
            why = why_void(approval.terms, vote, requester) or "it was given before"
            runs += [*([said(", ")] if number else []), mention(vote.person.user), said(f" ({why})")]
        left = len(approval.void) - MOST_NAMED
        yield line(*runs, *([said(f" and {left} more{SHORTENED}")] if left > 0 else []))
