"""What those who decide asked the requester, and the answers: as lines of a card and as the texts of a view. Pure.

Rule: they are quoted, shortened and labelled; a card shows the newest, Details all.
"""

from collections.abc import Iterator
from typing import Final

from bot.core.call import Call, CallState
from bot.core.inquiries import Inquiry
from bot.core.placing import channel_of
from bot.core.run import Run
from bot.slack.blocks import (
    SHORTENED,
    Block,
    as_text,
    channel_mention,
    line,
    mention,
    moment,
    one_line,
    rich,
    said,
    section,
)
from bot.slack.blocks import Run as Piece

ON_CARD: Final = 2
QUOTED: Final = 300


def lines(run: Run, call: Call, most: int | None = ON_CARD) -> Iterator[Block]:
    """A block for each of the newest questions, ``most`` of them, with its answer; None: for all."""
    shown = call.inquiries if most is None else call.inquiries[-most:]
    earlier = len(call.inquiries) - len(shown)
    if earlier:
        yield line(said(f"{earlier} earlier questions{SHORTENED}"))
    for inquiry in shown:
        yield rich(*(section(each) for each in _told(run, call, inquiry)))


def spoken(run: Run, call: Call) -> str:
    """The newest question for a card's text; "" where there is none."""
    return "".join(f"\n{as_text(each)}" for inquiry in call.inquiries[-1:] for each in _told(run, call, inquiry))


def texts(call: Call) -> Iterator[tuple[str, str, int]]:
    """Each question and answer with how much of it the lines show, for Details."""
    for number, inquiry in enumerate(call.inquiries, 1):
        yield f"Question {number}", inquiry.question, QUOTED
        yield f"Answer {number}", inquiry.answer or "", QUOTED


def _told(run: Run, call: Call, inquiry: Inquiry) -> Iterator[list[Piece]]:
    asked = [said("Question asked by ", "bold"), mention(inquiry.person.user), said(" "), moment(inquiry.at)]
    yield [*asked, said(f": “{one_line(inquiry.question, QUOTED)}”")]
    who = mention(run.asked.person.user)
    if inquiry.answer is not None:
        yield [said("Answer of ", "bold"), who, said(f": “{one_line(inquiry.answer, QUOTED)}”")]
    elif call.state is CallState.ASKING:
        yield [said("Waits for "), who, *_where(run, call), said("; it can be decided all the same.")]


def _where(run: Run, call: Call) -> list[Piece]:
    """The answer is written in the request's thread, and the card may stand elsewhere."""
    thread = run.asked.place.channel
    if channel_of(run, call) == thread:
        return [said(" to answer in this thread")]
    return [said(" to answer in the thread of the request, in "), channel_mention(thread)]
