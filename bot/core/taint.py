"""What a turn had read that nobody answers for, and what that makes of its wishes (S1). Pure; what the model is shown is `transcript.py`'s.

Rules
1. Whatever the requester did not write is unchecked: what actions gave back, their errors too, and what anybody else wrote, be it a
   message, the reason of a denial, a question or an edit. The guard's words and ours are neither.
2. Words of the requester check what others had written in the thread before them, and of calls only what the model had read by then: what
   it is shown together with those words, or after them, it reads after them, whenever it came.
3. It holds for every call of the turn and what a person makes of it, whatever is said afterwards.
4. It only tightens: what changes something and would be allowed is asked about. A denial stays one, and reading goes on.
5. Whoever wrote what a turn had read is not enough alone to approve what came of it (`writers`, `Terms.not_alone`).
6. What a thread's earlier runs hold is shown once more, and counts in the same way (`carried`): a new request is the requester's words.
   Retry is not (`RETRIED`), whoever presses it: what is begun anew has read what the failed run had.
7. A program (`bot.api`) asks on its own behalf and says itself what its model reads; nothing is raised for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.call import Call, Outcome
from bot.core.changes import edited_from
from bot.core.events import Said
from bot.core.ours import asking
from bot.core.run import Run, Turn
from bot.core.values import Binding, Choice, Judgement, Person, Verdict
from bot.core.verdict import strictest

RAISED = "People are asked because of what the turn had read; it would be allowed otherwise."
OUTPUT, USER = "output:", "user:"
RETRIED = "retry:"
"""How the message of a request begins that nobody wrote: Retry was pressed."""
_NOTHING = ("", "null")


def unchecked(run: Run, call: Call) -> tuple[str, ...]:
    """What the turn of this call had read that nobody had checked: ``output:ACTION`` and ``user:U…``, each once, sorted."""
    if run.of_program:
        return ()
    turn = run.turns[call.turn - 1]
    own = _Part(run, run.turns[: call.turn - 1], run.said[: turn.heard])
    return tuple(sorted({*turn.read, *_unchecked((own,), 0)}))


def carried(run: Run, before: Sequence[Run]) -> tuple[str, ...]:
    """The same of what the next turn is shown of the thread's earlier runs; ``before``: these, the oldest first."""
    if run.of_program:
        return ()
    thread = [_Part(each, each.turns, each.said) for each in (*before, run)]
    return tuple(sorted({name for place in range(len(before)) for name in _unchecked(thread, place)}))


def writers(read: Sequence[str]) -> tuple[str, ...]:
    """The users among what was read."""
    return tuple(name.removeprefix(USER) for name in read if name.startswith(USER))


def raised(judgement: Judgement, binding: Binding, read: Sequence[str]) -> Judgement:
    """The judgement, with the floor under it that ``read`` is: `ask`, for what is not known to change nothing."""
    if not read or binding.read_only or strictest(judgement.verdict, Verdict.ASK) is judgement.verdict:
        return judgement
    return asking(judgement, RAISED)


@dataclass(frozen=True, slots=True)
class _Part:
    """A run as far as a turn knows it: the turns before it, and the messages that it was shown."""

    run: Run
    turns: Sequence[Turn]
    said: Sequence[Said]


def _unchecked(thread: Sequence[_Part], place: int) -> set[str]:
    """What the part at this place holds that the requester of the last one has not checked."""
    requester, part = thread[-1].run.asked.person, thread[place]
    spoke = max((at for at, each in _words(thread) if each.person == requester), default=(-1, -1))
    written = {f"{USER}{each.person.user}" for at, each in _words(thread) if at[0] == place and at > spoke}
    known = (call for call in part.run.calls if call.turn <= len(part.turns) and not _read(thread, place, call, spoke))
    inherited = {name for turn in part.turns if (place, turn.heard) > spoke for name in turn.read}
    return written.union(inherited, *(_told_of(call, part.run.calls, requester) for call in known))


def _words(thread: Sequence[_Part]) -> Iterator[tuple[tuple[int, int], Said]]:
    """What people wrote, each with its place: which part, which message of it."""
    for place, part in enumerate(thread):
        for number, each in enumerate(part.said):
            if not (number == 0 and each.message.startswith(RETRIED)):
                yield (place, number), each


def _read(thread: Sequence[_Part], place: int, call: Call, spoke: tuple[int, int]) -> bool:
    """Whether a turn of before those words had been shown what became of a call: one of its own run, or of a run that began when
    nothing happened in that any more."""
    part = thread[place]
    if any((place, turn.heard) <= spoke and call.seq <= turn.shown for turn in part.turns[call.turn :]):
        return True
    later = ((n, each) for n, each in enumerate(thread) if n > place and each.run.asked_at > part.run.last_at)
    return any((n, turn.heard) <= spoke for n, each in later for turn in each.turns)


def _told_of(call: Call, calls: Sequence[Call], requester: Person) -> Iterator[str]:
    """Whose words the model is told with what became of a call."""
    if _gave_back(call):
        yield f"{OUTPUT}{call.proposal.action}"
    people = [inquiry.person for inquiry in call.inquiries]
    votes = call.approval.votes if call.approval and call.outcome is Outcome.DENIED else ()
    people += [vote.person for vote in votes if vote.choice is Choice.DENY and vote.comment.strip()]
    edit = edited_from(call, calls)
    people += [edit[1].person] if edit is not None else []
    yield from (f"{USER}{person.user}" for person in people if person != requester)


def _gave_back(call: Call) -> bool:
    """Whether anything of what the action gave back is told; a person or a probe who found what became of it speaks instead of it."""
    failed = call.outcome in (Outcome.FAILED, Outcome.IN_DOUBT) and call.found is None and bool(call.reason)
    return failed or call.late is not None or call.output not in _NOTHING
