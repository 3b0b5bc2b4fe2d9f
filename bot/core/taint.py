"""What a turn had read that nobody answers for, and what that makes of its wishes (S1). Pure; what the model is shown is `transcript.py`'s.

Rules
1. Whatever the requester did not write is unchecked: what actions gave back, their errors too, and what anybody else wrote, be it a
   message, the reason of a denial, a question or an edit. The guard's words and ours are neither.
2. A turn has read what was known after the last message of the requester that it had been shown. The journal's order counts: what an
   action gave back after that message was written came later, even where the model saw both at once.
3. It holds for every call of the turn and what a person makes of it, whatever is said afterwards.
4. It only tightens: what changes something and would be allowed is asked about. A denial stays one, and reading goes on.
5. Whoever wrote what a turn had read is not enough alone to approve what came of it (`writers`, `Terms.not_alone`).
6. A program (`bot.api`) asks on its own behalf and says itself what its model reads; nothing is raised for it.
"""

from collections.abc import Iterator, Sequence

from bot.core.call import Call, Outcome
from bot.core.changes import edited_from
from bot.core.ours import asking
from bot.core.run import Run
from bot.core.values import Binding, Choice, Judgement, Person, Verdict
from bot.core.verdict import strictest

RAISED = "People are asked because of what the turn had read; it would be allowed otherwise."
OUTPUT, USER = "output:", "user:"
_NOTHING = ("", "null")


def unchecked(run: Run, call: Call) -> tuple[str, ...]:
    """What the turn of this call had read since the requester last spoke: ``output:ACTION`` and ``user:U…``, each once, sorted."""
    if run.of_program:
        return ()
    requester, heard = run.asked.person, run.turns[call.turn - 1].heard
    said = list(zip(run.seqs[:heard], run.said[:heard], strict=True))
    spoke = max((seq for seq, each in said if each.person == requester), default=0)
    written = {f"{USER}{each.person.user}" for seq, each in said if seq > spoke}
    known = (each for each in run.calls if each.turn < call.turn and each.seq > spoke)
    return tuple(sorted(written.union(*(_told_of(each, run.calls, requester) for each in known))))


def writers(read: Sequence[str]) -> tuple[str, ...]:
    """The users among what was read."""
    return tuple(name.removeprefix(USER) for name in read if name.startswith(USER))


def raised(judgement: Judgement, binding: Binding, read: Sequence[str]) -> Judgement:
    """The judgement, with the floor under it that ``read`` is: `ask`, for what is not known to change nothing."""
    if not read or binding.read_only or strictest(judgement.verdict, Verdict.ASK) is judgement.verdict:
        return judgement
    return asking(judgement, RAISED)


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
