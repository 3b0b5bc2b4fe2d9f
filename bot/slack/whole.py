"""The texts that a card shortens, whole: which there are, and as much of each as a view still holds. Pure.

Rule: what a view does not hold is counted, in characters, beside what it shows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.core.approval import Approval
from bot.core.call import Call, CallState, Outcome
from bot.core.run import Run
from bot.core.values import Choice
from bot.slack import changes, facts, questions, reasons
from bot.slack.blocks import (
    CHUNK,
    REASON,
    Block,
    chunks,
    line,
    mention,
    moment,
    one_line,
    rich,
    said,
    section,
    seen,
    size_of,
)
from bot.slack.blocks import Run as Piece

SOURCE = 2_500
"""Characters that are shown together or not at all; as people see them they may be more."""
SMALL_BYTES = 500
"""What a line of a heading, a person and a count may take."""


@dataclass(slots=True)
class Space:
    """What a view may still hold."""

    blocks: int
    size: int

    def takes(self, blocks: Sequence[Block]) -> bool:
        """Whether the blocks still fit; if so they count as shown."""
        size = sum(size_of(block) + 2 for block in blocks)
        if len(blocks) > self.blocks or size > self.size:
            return False
        self.blocks, self.size = self.blocks - len(blocks), self.size - size
        return True


def whole(space: Space, heading: Iterable[Piece], text: str, made: Callable[[str], Block]) -> list[Block]:
    """A heading (which the space need not hold) and as much of ``text`` as the space holds."""
    blocks: list[Block] = []
    left = len(text)
    for piece in chunks(text, SOURCE):
        new = [made(each) for each in chunks(seen(piece), CHUNK)]
        if not space.takes(new):
            break
        blocks += new
        left -= len(piece)
    return [line(*heading, *_missing(left, len(text))), *blocks]


def prose(text: str) -> Block:
    return rich(section([said(text)]))


def votes_whole(space: Space, approval: Approval) -> list[Block]:
    """One point of a list for each vote, its comment whole as long as the space holds it. The names always stand."""
    points: list[Block] = []
    for vote in approval.votes:
        comment = vote.comment.strip()
        runs = [
            said("Approved by " if vote.choice is Choice.APPROVE else "Denied by ", "bold"),
            mention(vote.person.user),
        ]
        runs += [said(" "), moment(vote.at)] + ([said(f" by {one_line(vote.via)}")] if vote.via != "slack" else [])
        runs += facts.haste(vote)
        if comment:
            shown = section([*runs, said(": “"), *(said(each) for each in chunks(seen(comment), CHUNK)), said("”")])
            fits = space.takes([shown])
            space.blocks += fits  # the points share one block
            runs = shown["elements"] if fits else [*runs, *_cut(comment)]
        points.append(section(runs))
    return [rich({"type": "rich_text_list", "style": "bullet", "elements": points})] if points else []


def _cut(comment: str) -> list[Piece]:
    head = one_line(comment[: facts.COMMENT_BEGINNING])
    return [said(f": “{head}”"), *_missing(len(comment) - facts.COMMENT_BEGINNING, len(comment))]


def _missing(left: int, of: int) -> list[Piece]:
    return [said(f" · {left:,} of {of:,} characters are not shown here.", "bold")] if left > 0 else []


Text = tuple[str, str]
"""A heading and a text."""


def outcome_texts(call: Call) -> list[Text]:
    """What the lines on what became of a call had to shorten."""
    why = "Why it failed" if call.state is CallState.FAILED else "Why it did not run"
    noted = call.settled.note if call.settled else ""
    late = call.late.error if call.late else ""
    texts = ((why, _why(call)), ("What was noted", noted), ("What it reported later", late))
    return list(_shortened((heading, text, REASON) for heading, text in texts))


def background_texts(run: Run, call: Call) -> list[Text]:
    """What the other lines of a card had to shorten."""
    judgement, approval, binding = call.judgement, call.approval, call.proposal.binding
    texts = (
        ("What", facts.whole_title(call), facts.TITLE),
        ("Target", binding.target if binding else "", REASON),
        ("Why it is frozen", call.frozen.reason if call.frozen else "", 0),
        ("The rule", approval.terms.rule if approval else "", facts.RULE),
        ("Why people are asked", reasons.own_words(call), REASON),
        ("The guard's reason", judgement.reason if judgement else "", REASON),
        ("Safer", judgement.better_action if judgement else "", REASON),
        ("The agent says", facts.words_of(run, call), facts.SAYS),
        *questions.texts(call),
        ("What is other than before", changes.whole_difference(run, call), 0),
    )
    return list(_shortened(texts))


def _shortened(texts: Iterable[tuple[str, str, int]]) -> Iterator[Text]:
    return ((heading, text) for heading, text, most in texts if len(one_line(text)) > most)


def _why(call: Call) -> str:
    """Why it failed or did not run; "" where a vote, an answer or the guard's reason on the same view says it."""
    denied = call.outcome is Outcome.DENIED and call.approval is not None and bool(call.approval.votes)
    judged = call.judgement is not None and call.judgement.reason == call.reason
    return "" if denied or judged or call.found is not None else call.reason
