"""What people made of a call instead of deciding it, on its card and on those that it became: the difference, by whom, in whose place.
Pure. What may be changed is `forms.py`'s.

Rule: names and values of arguments are untrusted, so they stand in preformatted blocks, shortened; Details show the whole.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bot.core.call import Call
from bot.core.canonical import canonical_bytes
from bot.core.changes import Difference, alternative, before, differences, edited_from, safer_than
from bot.core.events import Edited
from bot.core.run import Run
from bot.slack.blocks import (
    NOT_ALONE,
    REASON,
    SHORTENED,
    Block,
    line,
    mention,
    moment,
    one_line,
    preformatted,
    rich,
    said,
)
from bot.slack.blocks import Run as Piece

DIFFERENCE: Final = 400
SAME: Final = "no argument is another"
_LINE: Final = 120
_NAME: Final = 80


def lines(run: Run, call: Call) -> Iterator[Block]:
    """What this call came from: who edited it and what was other, or to what it is the safer alternative."""
    edit, worse = edited_from(call, run.calls), safer_than(call, run.calls)
    if edit is not None:
        old, edited = edit
        yield line(
            said("Edited by ", "bold"),
            mention(edited.person.user),
            *_alone(call, edited.person.user),
            said(". Before → now:"),
        )
        yield rich(preformatted(shortened_difference(old, call)))
    elif worse is not None and worse.instead is not None:
        who = (mention(worse.instead.person.user), said(" wanted one"))
        what = "" if worse.proposal.action == call.proposal.action else f" to {one_line(worse.proposal.action, _LINE)}"
        same = worse.proposal.action == call.proposal.action
        yield line(said(f"The safer alternative{what}: ", "bold"), *who, said(". Before → now:" if same else "."))
        if same:
            yield rich(preformatted(shortened_difference(worse, call)))


def _alone(call: Call, user: str) -> Iterator[Piece]:
    """While people are asked; whoever broke the glass decided alone all the same."""
    approval = call.approval
    if approval is not None and approval.resolution is None and user in approval.terms.not_alone:
        yield said(NOT_ALONE)


def replaced_lines(call: Call) -> Iterator[Block]:
    """What became of a call that was superseded by a person; nothing for any other."""
    if call.instead is None:
        return
    edited = isinstance(call.instead, Edited)
    did = " edited this; a newer card asks about what it became" if edited else " wanted a safer alternative"
    who = mention(call.instead.person.user)
    yield line(said("Superseded: ", "bold"), who, said(f"{did}. It did not run. · "), moment(call.ended_at))


def safer_line(call: Call) -> Block | None:
    """What the guard would rather have, in its own words or as the arguments that it names."""
    better = call.judgement.better_action if call.judgement else ""
    if not better.strip():
        return None
    return line(said("Safer: ", "bold"), said(f"“{one_line(_alternative_text(call) or better, REASON)}”"))


def _alternative_text(call: Call) -> str:
    better, binding = alternative(call), call.proposal.binding
    if better is None or binding is None:
        return ""
    bound = replace(binding, arguments=canonical_bytes(better).decode())
    return " · ".join(map(_row, differences(call, replace(call, proposal=replace(call.proposal, binding=bound)))))


def whole_difference(run: Run, call: Call) -> str:
    """What `lines` had to shorten; "" where that was nothing."""
    old = before(call, run.calls)
    if old is None or SHORTENED not in shortened_difference(old, call):
        return ""
    return "\n".join(map(_row, differences(old, call)))


def shortened_difference(old: Call, new: Call) -> str:
    rows = [_cut(_row(each), _LINE) for each in differences(old, new)]
    return _cut("\n".join(rows) or SAME, DIFFERENCE)


def _row(each: Difference) -> str:
    was, is_now = ("(not there)" if value is None else value for value in (each.before, each.after))
    return f"{one_line(each.name, _NAME)}  {was} → {is_now}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(SHORTENED)] + SHORTENED
