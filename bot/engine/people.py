"""Who may do what, asked of the policy with the facts of this moment. One function authorises every click, command and modal.

The rules are `core/authority.py`'s; this file only gathers the facts and fails closed. Terms of an open approval are never taken for
milder than the policy of today would make them.
"""

from collections.abc import Callable

from bot.core import authority, emergency
from bot.core import policy as rules
from bot.core.approval import Vote
from bot.core.call import Call
from bot.core.changes import editors
from bot.core.glass import BY_GLASS
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.terms import all_approvers, both, counts_from
from bot.core.vain import nobody_else
from bot.core.values import ApprovalId, Person, Terms
from bot.engine.words import NOBODY_KNOWS, OTHERS_REQUEST
from bot.ports import ApprovalGroup, Chat, Unavailable


class People:
    """Gathers a person's facts through the Chat port and asks the policy."""

    def __init__(self, chat: Chat, policy: Policy) -> None:
        self._chat = chat
        self.policy = policy

    async def may_ask(self, person: Person, team: str, *, shared: bool = False) -> Refused | None:
        """Whether this person may start a run or speak in one. Raises `Unavailable` when nobody can say."""
        profile = await self._chat.profile(person)
        return profile if isinstance(profile, Refused) else authority.may_ask(self.policy, profile, team, shared=shared)

    async def may_retry(self, run: Run, person: Person) -> Refused | None:
        """Whether this person may begin a failed request anew: whoever may ask, while its requester may. Raises `Unavailable`."""
        asker, team = run.asked.person, run.asked.place.team
        refused = await self.may_ask(person, team)
        if refused is not None or person == asker:
            return refused
        gone = await self.may_ask(asker, team)
        return Refused(OTHERS_REQUEST.format(asker.user, gone.reason)) if gone is not None else None

    async def may_decide(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may vote on this call now. Raises `Unavailable` when nobody can say."""
        if call.approval is None:
            return await self.may_settle(run, call, person)
        return await self._may(run.asked.person, run.asked.place.team, self.terms_now(run, call), person)

    async def may_decide_group(self, group: ApprovalGroup, person: Person, team: str) -> bool:
        """Whether this person may vote on these approvals, by the terms that they were opened with. Raises `Unavailable`."""
        requester = person if group.own else Person(team, "")
        terms = Terms(ApprovalId(""), group.approvers, 1, group.requester_may_approve, 0.0)
        return await self._may(requester, team, terms, person) is None

    async def may_edit(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may change what is asked about: who may decide it, and the requester. Raises `Unavailable`."""
        if person == run.asked.person:
            return await self.may_ask(person, run.asked.place.team)
        return await self.may_decide(run, call, person)

    async def decides_from(self, run: Run, call: Call, person: Person) -> float:
        """From when on (epoch seconds) this person, who may decide, does: 0.0 for at once, else when it escalates to them. Raises
        `Unavailable`."""
        counts_as = await self.counts_as(run, call, person, "slack")
        return counts_from(self.terms_now(run, call), person.user, counts_as)

    async def acts_from(self, run: Run, call: Call, person: Person) -> float:
        """The same about what its requester may do as well, who may at once. Raises `Unavailable`."""
        return 0.0 if person == run.asked.person else await self.decides_from(run, call, person)

    async def settles_from(self, run: Run, call: Call, person: Person) -> float:
        """The same about an action in doubt, of which the present policy alone says whose answer counts. Raises `Unavailable`."""
        terms = self._present_terms(run, call)
        members = await self._members(run.asked.place.team, all_approvers(terms))
        return counts_from(terms, person.user, authority.counts_as(person.user, all_approvers(terms), members))

    async def may_vote(self, run: Run, call: Call, person: Person, via: str) -> Refused | None:
        """Whether this person may vote this way now. Raises `Unavailable` when nobody can say."""
        if via == BY_GLASS:
            return await self.may_break_glass(run, person)
        return await (self.may_decide_by_shell if via == "shell" else self.may_decide)(run, call, person)

    async def may_break_glass(self, run: Run, person: Person) -> Refused | None:
        """Whether the policy names this person for deciding alone. Raises `Unavailable` when nobody can say."""
        team, names = run.asked.place.team, self.policy.break_glass.people
        return await self._may_in_emergency(person, team, names, emergency.may_break_glass)

    async def may_freeze(self, person: Person, team: str) -> Refused | None:
        """Whether this person may freeze, and lift what somebody else froze. Raises `Unavailable` when nobody can say."""
        names = emergency.freezers(self.policy)
        return await self._may_in_emergency(person, team, names, emergency.may_freeze)

    async def _may_in_emergency(
        self, person: Person, team: str, names: tuple[str, ...], may: Callable[..., Refused | None]
    ) -> Refused | None:
        profile = await self._chat.profile(person)
        if isinstance(profile, Refused):
            return profile
        return may(self.policy, profile, await self._members(team, names), team)

    async def lost_it(self, run: Run, call: Call, vote: Vote) -> bool:
        """Whether this person may not decide any more, this way, or is not all of what the vote counted as. Raises `Unavailable`, but
        for a shell's vote that counts by the person's id alone: that holds while Slack is away, as it was given."""
        if vote.via == BY_GLASS:
            return await self.may_break_glass(run, vote.person) is not None
        by_id = {f"user:{vote.person.user}"} & set(all_approvers(self.terms_now(run, call)))
        unseen = vote.via == "shell" and bool(by_id) and set(vote.counts_as) <= by_id
        may = self.may_decide_by_shell if unseen else self.may_decide
        if (vote.via == "shell" and not self.policy.shell_may_decide) or await may(run, call, vote.person) is not None:
            return True
        via = "shell" if unseen else "slack"
        return not set(vote.counts_as) <= set(await self.counts_as(run, call, vote.person, via))

    async def counts_as(self, run: Run, call: Call, person: Person, via: str) -> tuple[str, ...]:
        """Which approvers this person is now. While Slack is away, a shell's vote counts by the person's id only."""
        approvers = () if via == BY_GLASS else all_approvers(self.terms_now(run, call))
        try:
            members = await self._members(run.asked.place.team, approvers)
        except Unavailable:
            if via != "shell":
                raise
            members = {}
        return authority.counts_as(person.user, approvers, members)

    def terms_now(self, run: Run, call: Call) -> Terms:
        """An approval's terms, made stricter by what the policy of today demands beyond them."""
        present = self._present_terms(run, call)
        return present if call.approval is None else both(call.approval.terms, present)

    async def may_decide_by_shell(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Like a click, where the policy lets shells decide; while Slack is away only whom the policy names by id may."""
        if not self.policy.shell_may_decide:
            return Refused("policy.yml does not let shells decide; `shell_may_decide: true` would.")
        try:
            return await self.may_decide(run, call, person)
        except Unavailable:
            if call.approval is None:
                raise
            return authority.may_decide_unseen(person.user, run.asked.person, self.terms_now(run, call))

    async def may_settle(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may say what became of an action in doubt: whoever may approve it, by the present policy."""
        if call.proposal.binding is None or call.question is None:
            return Refused("Nobody was asked about this action.")
        return await self._may(run.asked.person, run.asked.place.team, self._present_terms(run, call), person)

    async def may_review(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may review what somebody decided alone: whoever may decide it, by the present policy."""
        return await self._may(run.asked.person, run.asked.place.team, self._present_terms(run, call), person)

    def edits_in_vain(self, run: Run, call: Call, person: Person) -> bool:
        """Whether nobody could approve what this person makes of the call, as far as names tell; by the policy of today."""
        return not run.of_program and nobody_else(self._present_terms(run, call, person.user), run.asked.person)

    def _present_terms(self, run: Run, call: Call, *more: str) -> Terms:
        """The terms by the policy of today; a vote must hold under them too. ``more``: users who would have changed it, too."""
        binding = call.proposal.binding
        assert binding is not None
        score = call.judgement.risk if call.judgement else None
        case = rules.case_of(
            call.proposal.action, binding, run.asked.person, run.asked.place, score, (*editors(call, run.calls), *more)
        )
        return rules.terms(self.policy, case, ApprovalId(""), call.approval.opened_at if call.approval else 0.0)

    async def _may(self, requester: Person, team: str, terms: Terms, person: Person) -> Refused | None:
        profile = await self._chat.profile(person)
        if isinstance(profile, Refused):
            return profile
        members = await self._members(team, all_approvers(terms))
        return authority.may_decide(profile, requester, terms, members, team)

    async def _members(self, team: str, approvers: tuple[str, ...]) -> dict[str, frozenset[str]]:
        members: dict[str, frozenset[str]] = {}
        for group in authority.groups_of(approvers):
            found = await self._chat.members(team, group)
            members[group] = frozenset() if isinstance(found, Refused) else found
        return members

    async def may_read(self, run: Run, person: Person) -> Refused | None:
        """Whether this person may see a card's details: whoever belongs here."""
        try:
            return await self.may_ask(person, run.asked.place.team)
        except Unavailable:
            return Refused(NOBODY_KNOWS)
