"""That the turn of a call had read text that nobody has checked, and whose: on cards and in views, in words of our own. Pure.
What counts as that is `core/taint.py`'s.

Rule: none of that text is shown here; an action's name stands as plain text, a person as Slack's own mention.
"""

from collections.abc import Iterator
from typing import Final

from bot.core.call import Call
from bot.core.taint import OUTPUT
from bot.core.values import Terms
from bot.slack.blocks import NOT_ALONE, SHORTENED, Block, escaped, line, mention, one_line, said
from bot.slack.blocks import Run as Piece

HAS_READ: Final = "This turn has read text that nobody has checked: "
MOST_NAMED: Final = 5
"""On a card."""
MOST_IN_DETAILS: Final = 50
_NAME: Final = 80


def lines(terms: Terms, most: int = MOST_NAMED) -> Iterator[Block]:
    """One line, or none; ``most``: how many it names."""
    if terms.tainted:
        yield line(said(f"⚠ {HAS_READ}", "bold"), *_named(terms, most), *_others(len(terms.tainted), most))


def spoken(call: Call) -> str:
    """The same for notifications and screen readers; "" where there is nothing to say."""
    tainted, barred = (call.approval.terms.tainted, call.approval.terms.not_alone) if call.approval else ((), ())
    if not tainted:
        return ""
    told = ", ".join(_said(name, barred) for name in tainted[:MOST_NAMED])
    more = len(tainted) - MOST_NAMED
    return f" {HAS_READ}{told}{f' and {more} more' if more > 0 else ''}."


def _named(terms: Terms, most: int) -> Iterator[Piece]:
    for number, name in enumerate(terms.tainted[:most]):
        if number:
            yield said(", ")
        if name.startswith(OUTPUT):
            yield said(f"the output of {one_line(name.removeprefix(OUTPUT), _NAME)}")
        else:
            yield said("words of ")
            yield mention(user := name.partition(":")[2])
            if user in terms.not_alone:
                yield said(NOT_ALONE)


def _others(count: int, most: int) -> Iterator[Piece]:
    if count > most:
        yield said(f" and {count - most} more{SHORTENED}")


def _said(name: str, barred: tuple[str, ...]) -> str:
    if name.startswith(OUTPUT):
        return f"the output of {escaped(one_line(name.removeprefix(OUTPUT), _NAME))}"
    user = name.partition(":")[2]
    return f"words of <@{user}>{NOT_ALONE if user in barred else ''}"
