"""When people are told once more that an approval waits, and who was told. Pure; who they are and what they hear is the engine's.

Rules
1. The first reminder comes ``remind_after`` the question, each further one after twice the wait before it, counted from when the
   thread was really told: whoever was away for a day finds one reminder and not ten.
2. Whom a demand escalates to is told when it does, unless the approval is over by then.
3. The thread is told at once, a person when their quiet hours are over, and then only what is newest. Who has voted is left alone,
   unless they may once more, since the terms were tightened; and nobody is told of what is decided.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from bot.core.approval import Approval, Told, Vote
from bot.core.effects import Escalate, Remind, Summon
from bot.core.events import Reminded
from bot.core.refusal import Refused


def owed(approval: Approval, delivered: Callable[[str], bool]) -> Iterator[Remind | Escalate | Summon]:
    """What an open approval owes those who can decide it. ``delivered``: whether an effect's key is done."""
    terms = approval.terms
    reminders = [each for each in _reminder(approval) if each.not_before < terms.expires_at]
    yield from reminders
    yield from (each for each in _escalations(approval) if each.not_before < terms.expires_at)
    newest = {summons.user: (told, summons.not_before) for told in approval.told for summons in told.summons}
    voted = {vote.person.user: vote for vote in approval.votes}
    until = min([terms.expires_at, *(each.not_before for each in reminders)])
    for user, (told, not_before) in newest.items():
        summon = Summon(terms.approval, told.key, user, not_before)
        answered = user in voted and not _wanted_again(approval, voted[user], told)
        if not answered and not_before < until and not delivered(summon.key):
            yield summon


def _wanted_again(approval: Approval, vote: Vote, told: Told) -> bool:
    """Whether somebody was told after the terms were tightened, and had voted before they were."""
    return vote.under < len(approval.earlier) and told.at >= approval.tightened_at


def told(approval: Approval, event: Reminded, at: float) -> Approval | Refused:
    """The approval after a reminder; each is given once."""
    if any(each.key == event.key for each in approval.told):
        return Refused("The thread was reminded of this already.")
    return replace(approval, told=(*approval.told, Told(event.key, at, event.summons)))


def called_in(approval: Approval, at: float) -> tuple[str, ...]:
    """Whom the approval escalates to at that very moment."""
    there = (quorum for quorum in approval.terms.quorums if quorum.escalates_at == at)
    return tuple(dict.fromkeys(name for quorum in there for name in quorum.escalate_to))


def _reminder(approval: Approval) -> Iterator[Remind]:
    terms = approval.terms
    given = [each for each in approval.told if each.key.startswith("remind:")]
    if terms.remind_after:
        since = given[-1].at if given else approval.opened_at
        yield Remind(terms.approval, len(given) + 1, since + terms.remind_after * 2.0 ** len(given))


def _escalations(approval: Approval) -> Iterator[Escalate]:
    given = {each.key for each in approval.told}
    moments = {quorum.escalates_at for quorum in approval.terms.quorums if quorum.escalate_to and quorum.escalates_at}
    effects = (Escalate(approval.terms.approval, at, at) for at in sorted(moments))
    yield from (each for each in effects if each.key not in given)
