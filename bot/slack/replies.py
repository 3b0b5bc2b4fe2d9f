"""What is said in the thread beside the cards: the model's replies, Signoff's own notices, the list of `/pending`. Pure.

Rule 1: a reply is split so that no part exceeds Slack's limits; nothing is lost or cut.
Rule 2: every reply says that the model wrote it, so that none can pass for a card.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.core.values import ApprovalId, RunId
from bot.engine.listing import Listing
from bot.ports import OpenApproval
from bot.slack import richtext
from bot.slack.blocks import (
    Block,
    Message,
    Run,
    actions,
    as_text,
    button,
    chunks,
    context,
    escaped,
    line,
    mention,
    moment,
    one_line,
    rich,
    said,
    section,
    weight,
)
from bot.slack.cards import ending

WRITTEN_BY_MODEL: Final = "Written by the model"
PART_CHARACTERS: Final = 3_500
"""Source characters in one part: a screen reader gets them all from the message's text."""
PART_WEIGHT: Final = 10_000
LISTED: Final = 20
NONE_OPEN: Final = "Nothing is waiting for approval."
THREAD_IS_GONE: Final = " The message that our thread began with is gone, so I go on here."
OLDER_CARD: Final = "This card is not the one that counts any more, so it has no buttons."
SILENCE: Final = "The model ended without a word."


def reply(text: str, people: frozenset[str] = frozenset()) -> tuple[Message, ...]:
    """The model's words in as few messages as hold them. ``people``: whom it may mention."""
    text = text.strip() or SILENCE
    parts = [part for whole in _sources(text) for part in _parts(whole, people)]
    return tuple(Message(spoken, (rich(*elements), context(WRITTEN_BY_MODEL))) for spoken, elements in parts)


def notice(
    text: str, retry: RunId | None = None, people: frozenset[str] = frozenset(), ends: ApprovalId | None = None
) -> Message:
    """A sentence of Signoff's own. ``people``: the only ones whose ``<@U…>`` becomes a mention; ``ends``: as in `Chat.post_notice`."""
    message = _sentence(richtext.plain_runs(text or "(no text)", people))
    if ends is not None:
        return Message(message.text, (*message.blocks, actions(*ending(ends, "what this message tells of"))))
    if retry is None:
        return message
    return Message(message.text, (*message.blocks, actions(button("Retry", "retry", retry, "Retry the request"))))


def whisper(text: str) -> Message:
    """A sentence of Signoff's own to one person; whom it names, it mentions (only that person sees it)."""
    return _sentence(richtext.named_runs(text or "(no text)"))


def linked(message: Message, address: str) -> Message:
    """The same with a link to the card that it is about; unchanged where nobody knows its ``address``."""
    if not address:
        return message
    link: Run = {"type": "link", "url": address, "text": "Open the card"}
    return Message(f"{message.text} {address}", (*message.blocks, line(link)))


def older_card() -> Message:
    """What stands in the place of a card that is not the one any more: nothing that could be clicked."""
    return Message(OLDER_CARD, (line(said(OLDER_CARD)),))


def in_channel(message: Message, requester: str) -> Message:
    """The same where there is no thread any more: for whom it is must be said."""
    told = line(mention(requester), said(THREAD_IS_GONE))
    return Message(f"<@{requester}> {message.text}", (told, *message.blocks))


def pending_list(listing: Listing, domain: str) -> Message:
    """The open approvals in the order given, those that the reader may decide under a heading of their own.
    ``domain``: the workspace's, for links to the cards."""
    if not listing.all:
        return Message(NONE_OPEN, (line(said(NONE_OPEN)),))
    mine, others = listing.first_of_mine, listing.first_of_others
    blocks = [*_group("Yours to decide", mine, domain), *_group("Others decide", others, domain)]
    left = listing.all - len(mine) - len(others)
    if left:
        blocks.append(context(f"{left} more; `signoff pending` in a shell lists them all."))
    opened = "1 action waits" if listing.all == 1 else f"{listing.all} actions wait"
    told = [f"{opened} for approval, {listing.mine or 'none'} of them for yours."]
    told += [f"{escaped(_what(each))} {permalink(each, domain)}".strip() for each in (*mine, *others)]
    return Message("\n".join(told), tuple(blocks))


def permalink(approval: OpenApproval, domain: str) -> str:
    """The address of an approval's card; "" where it has not been posted yet."""
    if not approval.card or not domain:
        return ""
    return f"https://{domain}.slack.com/archives/{approval.channel}/p{approval.card.replace('.', '')}"


def _sentence(runs: Sequence[Run]) -> Message:
    parts = [part for run in runs for part in (_pieces(run) if run["type"] == "text" else [run])]
    return Message(as_text(runs), (rich(section(parts)),))


def _pieces(run: Run) -> list[Run]:
    return [said(piece) for piece in chunks(run["text"], richtext.PIECE)]


def _sources(text: str) -> Iterator[str]:
    """Pieces of at most ``PART_CHARACTERS``, cut between paragraphs where possible; a code fence that is cut goes on as code."""
    fence = ""
    for piece in chunks(text, PART_CHARACTERS):
        piece = f"{fence}\n{piece}" if fence else piece
        marks = [each.strip() for each in piece.split("\n") if each.lstrip().startswith("```")]
        fence = marks[-1] if len(marks) % 2 else ""
        yield f"{piece}\n```" if fence else piece


def _parts(text: str, people: frozenset[str]) -> Iterator[tuple[str, list[Block]]]:
    """``text`` as it is spoken and its elements; in several parts where the elements weigh too much for one message."""
    elements = list(richtext.elements(text, people))
    if elements and sum(weight(each) for each in elements) <= PART_WEIGHT:
        yield escaped(text), elements
        return
    for piece in chunks(text, richtext.PIECE):
        if piece.strip():
            yield escaped(piece), [section([said(piece)])]


def _group(heading: str, approvals: Sequence[OpenApproval], domain: str) -> Iterator[Block]:
    if approvals:
        yield line(said(heading, "bold"))
    for each in approvals:
        runs = [
            said(_what(each), "bold"),
            said(" · asked by "),
            mention(each.requester),
            said(" "),
            moment(each.asked_at),
        ]
        runs += [said(" · expires "), moment(each.expires_at)]
        if link := permalink(each, domain):
            runs += [said(" · "), {"type": "link", "url": link, "text": "open the card"}]
        yield line(*runs)


def _what(approval: OpenApproval) -> str:
    risk = f" · risk {approval.risk:.2f}" if approval.risk is not None else ""
    where = " · ".join(part for part in (approval.action, approval.target, approval.environment) if part)
    return one_line(where, 300) + risk
