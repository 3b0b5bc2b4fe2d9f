"""What those who decide ask the requester before they do, and what the requester answers. Pure.

Rule 1: a question is no vote and neither is its answer; both stand on the card, and nothing is decided by them.
Rule 2: only while people are asked, from the recorded card, and a bounded number of times.
Rule 3: the answer is the first thing that the requester writes in the thread after the question stood there.
Rule 4: whoever edits a call takes no question back: what it becomes has them all, those without an answer too.
Who may ask is `engine/people.py`'s; giving calls their answers `answers.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.approval import NOT_THE_CARD, Approval
from bot.core.events import Inquired, Said
from bot.core.refusal import Refused
from bot.core.values import CallId, Person

MOST_INQUIRIES = 5
EMPTY = "There was no question in it, so nothing was asked."
TOO_MANY = f"{MOST_INQUIRIES} questions were asked about this already. Please write in the thread, or decide."
NOT_POSTED = "refused: "
"""How a receipt begins of what could not be posted for good."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question to the requester. ``of``, ``number``: the call that it was asked about, and the how many-eth there, from 1 on; what that
    was edited into has it too. ``at``: epoch seconds; ``answer``: None until there is one."""

    of: CallId
    number: int
    person: Person
    question: str
    at: float
    answer: str | None = None


def inquire(
    name: CallId, approval: Approval | None, inquiries: tuple[Inquiry, ...], event: Inquired, card: str, at: float
) -> tuple[Inquiry, ...] | Refused:
    """``inquiries`` of the call ``name`` with one more. ``card``: the recorded card's ``ts``."""
    if approval is None or approval.resolution is not None or at >= approval.terms.expires_at:
        return Refused("This is not asked about any more.")
    if event.message != card:
        return Refused(NOT_THE_CARD)
    if not event.question.strip():
        return Refused(EMPTY)
    if len(inquiries) >= MOST_INQUIRIES:
        return Refused(TOO_MANY)
    return (*inquiries, Inquiry(name, len(inquiries) + 1, event.person, event.question, at))


def with_answer(inquiry: Inquiry, said: Sequence[Said], requester: Person, posted: str | None) -> Inquiry:
    """``posted``: the ``ts`` of the question in the thread; None where it does not stand there."""
    if inquiry.answer is not None or posted is None or posted.startswith(NOT_POSTED):
        return inquiry
    answer = next((each for each in said if each.person == requester and _after(each.message, posted)), None)
    return inquiry if answer is None else replace(inquiry, answer=answer.text)


def open_inquiries(inquiries: Sequence[Inquiry]) -> tuple[Inquiry, ...]:
    return tuple(inquiry for inquiry in inquiries if inquiry.answer is None)


def _after(message: str, posted: str) -> bool:
    """By the chat's own clock; what cannot be compared is no answer."""
    try:
        return float(message) > float(posted)
    except ValueError:
        return False
