"""Who is reminded of an approval, and in which words. When that is owed is `core/reminding.py`'s, sending it the chat's.

Rule: the function that authorises a click says who can decide; nobody else is told. The thread names them, and each is told directly
when their own quiet hours are over; those are looked at again when the message can go out, which may be hours later.
"""

from dataclasses import replace

from bot.clocks import after_quiet
from bot.core.approval import Approval, may_again
from bot.core.authority import groups_of
from bot.core.call import Call
from bot.core.effects import Escalate, Remind, Summon
from bot.core.emergency import BIGHUB
from bot.core.events import Reminded
from bot.core.refusal import Refused
from bot.core.reminding import called_in
from bot.core.run import Run
from bot.core.terms import missing
from bot.core.timing import time_said
from bot.core.vain import in_vain
from bot.core.values import Person, Summons
from bot.engine.door import Door
from bot.engine.people import People
from bot.engine.standstill import closed_now, closed_until
from bot.engine.starting import case_in
from bot.ports import Chat, NotYet, Posted

MOST_SUMMONED = 50
"""Of a group of hundreds, the first so many by their ids; the thread names the group."""


class Reminding:
    """Tells the thread and the people. Raises what the Chat port raises."""

    def __init__(self, chat: Chat, people: People, door: Door) -> None:
        self._chat, self._people, self._door = chat, people, door

    async def remind(self, run: Run, effect: Remind | Escalate, again: bool) -> Reminded:
        call, approval = _asking(run, effect.approval)
        _, now = await self._door.load(run.id)
        names = wanted(approval, effect, run.asked.person, now)
        summons = await self._summons(run, call, approval, names, now)
        text = _thread_text(call, names, effect, approval, self._rest(run, call, approval, now))
        posted = await self._chat.post_notice(run, effect.key, text, names=True, again=again)
        return Reminded(effect.approval, effect.key, posted.message, summons)

    async def summon(self, run: Run, effect: Summon, again: bool) -> Posted:
        call, approval = _asking(run, effect.approval)
        _, now = await self._door.load(run.id)
        ends = await self._after_quiet(Person(run.asked.person.team, effect.user), now)
        if ends > now:
            raise NotYet("It could not be told before their quiet hours, and they are on.", ends - now)
        text = _direct_text(run, call, effect, self._rest(run, call, approval, now))
        return await self._chat.tell(run, call, effect.user, effect.key, text, again=again)

    async def _summons(
        self, run: Run, call: Call, approval: Approval, names: tuple[str, ...], now: float
    ) -> tuple[Summons, ...]:
        """All of ``names`` who can decide, each with when they may be told. ``now``: the store's clock."""
        team, users = run.asked.place.team, {name.removeprefix("user:") for name in names if name.startswith("user:")}
        for group in groups_of(names):
            members = await self._chat.members(team, group)
            users |= frozenset() if isinstance(members, Refused) else members
        found: list[Summons] = []
        for user in sorted(users):
            person = Person(run.asked.person.team, user)
            if len(found) < MOST_SUMMONED and await self._can_decide(run, call, approval, person):
                found.append(Summons(user, await self._after_quiet(person, now)))
        return tuple(found)

    async def _after_quiet(self, person: Person, now: float) -> float:
        """``now``, or when this person's quiet hours are over."""
        profile = await self._chat.profile(person)
        zone = "" if isinstance(profile, Refused) else profile.zone
        return after_quiet(now, zone, self._people.policy.quiet)

    async def _can_decide(self, run: Run, call: Call, approval: Approval, person: Person) -> bool:
        """Whether a vote of this person counts now; of those who have voted, whether another one would."""
        if await self._people.may_decide(run, call, person) is not None:
            return False
        given = next((vote for vote in approval.votes if vote.person.user == person.user), None)
        if given is None:
            return True
        return may_again(
            approval, given, replace(given, counts_as=await self._people.counts_as(run, call, person, "slack"))
        )

    def _rest(self, run: Run, call: Call, approval: Approval, now: float) -> str:
        """Until when, and what whoever is reminded must know, so that they do not approve in vain."""
        glass = bool(self._people.policy.break_glass.people)
        told = in_vain(approval.terms, run.asked.person, approval.votes, glass=glass)
        return " ".join(filter(None, (f"It expires in {_left(approval, now)}.", told, self._held(run, call, now))))

    def _held(self, run: Run, call: Call, now: float) -> str:
        """What keeps it from being approved at this moment, and until when."""
        binding = call.proposal.binding
        if call.frozen is not None or binding is None:
            return f"{_frozen(call)}: it can be denied now, and approved once that is lifted." if call.frozen else ""
        closed = closed_until(self._people.policy, case_in(run, call, binding), now)
        return f"{closed} It can be denied now, and approved then." if closed else ""

    def held_at_its_end(self, run: Run, opaque: str, at: float) -> str:
        """What kept a question that nobody has decided from being approved when its time was over: whoever tried was refused."""
        call, _ = _asking(run, opaque)
        binding = call.proposal.binding
        if call.frozen is not None and call.frozen.since < at:
            return f"It could not be approved at the end. {_frozen(call)}."
        closed = closed_now(self._people.policy, case_in(run, call, binding), at) if binding is not None else None
        return f"It could not be approved at the end. {closed}" if closed else ""


def wanted(approval: Approval, effect: Remind | Escalate, requester: Person, now: float) -> tuple[str, ...]:
    """The approvers whose votes are lacking; those whom it escalates to at this moment. No person whose vote would change nothing:
    whoever may vote once more does so as one of a group, which stands here."""
    terms, votes = approval.terms, approval.votes
    without = {f"user:{vote.person.user}" for vote in votes}
    without |= set() if terms.requester_may_approve else {f"user:{requester.user}"}
    lacking = (name for lack in missing(terms, votes, now) for name in lack.approvers)
    names = called_in(approval, effect.at) if isinstance(effect, Escalate) else lacking
    return tuple(dict.fromkeys(name for name in names if name not in without))


def _asking(run: Run, opaque: str) -> tuple[Call, Approval]:
    call = run.call_of(opaque)
    if call is None or call.approval is None:
        raise LookupError(f"run {run.id} has no approval {opaque}")
    return call, call.approval


def _thread_text(call: Call, names: tuple[str, ...], effect: Remind | Escalate, approval: Approval, rest: str) -> str:
    who, what = ", ".join(names) or _nobody(approval), call.proposal.action
    if isinstance(effect, Escalate):
        more = f"so {who} may decide it now, too" if names else "and there is nobody more to call in"
        return f"Nobody has decided {what} yet, {more}. {rest}"
    return f"Reminder: {what} still waits for {who}. {rest}"


def _direct_text(run: Run, call: Call, effect: Summon, rest: str) -> str:
    binding = call.proposal.binding
    where = f" in {binding.environment}" if binding and binding.environment else ""
    why = (
        "Nobody has decided it yet, so you may now, too." if effect.of.startswith("escalate:") else "You can decide it."
    )
    return f"<@{run.asked.person.user}> asked for {call.proposal.action}{where}, and it waits. {why} {rest}"


def _nobody(approval: Approval) -> str:
    return "somebody else, whom no rule names yet" if approval.terms.approvers else "nobody (no approver is configured)"


def _frozen(call: Call) -> str:
    assert call.frozen is not None
    what = "BIGHUB's kill switch is on" if call.frozen.scope == BIGHUB else f"{call.frozen.scope} is frozen"
    return f"{what[0].upper()}{what[1:]}"


def _left(approval: Approval, at: float) -> str:
    return time_said(approval.terms.expires_at - at)
