"""Who may do what, asked of the policy with the facts of this moment. One function authorises every click, command and modal.

The rules are `core/policy.py`'s; this file only gathers the facts and fails closed.
"""

from bot.core import policy as rules
from bot.core.call import Call
from bot.core.policy import Policy
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Person, Terms
from bot.engine.words import NOBODY_KNOWS
from bot.ports import Chat, Unavailable


class People:
    """Gathers a person's facts through the Chat port and asks the policy."""

    def __init__(self, chat: Chat, policy: Policy) -> None:
        self._chat = chat
        self.policy = policy

    async def may_ask(self, person: Person, team: str) -> Refused | None:
        """Whether this person may start a run or speak in one. Raises `Unavailable` when nobody can say."""
        profile = await self._chat.profile(person)
        return profile if isinstance(profile, Refused) else rules.may_ask(self.policy, profile, team)

    async def may_decide(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may vote on this call now. Raises `Unavailable` when nobody can say."""
        if call.approval is None:
            return await self.may_settle(run, call, person)
        refused = await self._may(run, call.approval.terms, person)
        return refused if refused is not None else await self._may(run, self._present_terms(run, call), person)

    async def may_decide_by_shell(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Like a click, where the policy lets shells decide; while Slack is away only whom the policy names by id may."""
        if not self.policy.shell_may_decide:
            return Refused("policy.yml does not let shells decide; `shell_may_decide: true` would.")
        try:
            return await self.may_decide(run, call, person)
        except Unavailable:
            if call.approval is None:
                raise
            return rules.may_decide_unseen(person.user, run.asked.person, call.approval.terms)

    async def may_settle(self, run: Run, call: Call, person: Person) -> Refused | None:
        """Whether this person may say what became of an action in doubt: whoever may approve it, by the present policy."""
        if call.proposal.binding is None or call.question is None:
            return Refused("Nobody was asked about this action.")
        return await self._may(run, self._present_terms(run, call), person)

    def _present_terms(self, run: Run, call: Call) -> Terms:
        """The terms by the policy of today; a vote must hold under them too."""
        binding = call.proposal.binding
        assert binding is not None
        case = rules.case_of(call.proposal.action, binding, run.asked.person, run.asked.place)
        return rules.terms(self.policy, case, ApprovalId(""), 0.0)

    async def _may(self, run: Run, terms: Terms, person: Person) -> Refused | None:
        place = run.asked.place
        profile = await self._chat.profile(person)
        if isinstance(profile, Refused):
            return profile
        members: dict[str, frozenset[str]] = {}
        for approver in terms.approvers:
            kind, _, group = approver.partition(":")
            if kind == "group":
                found = await self._chat.members(place.team, group)
                members[group] = frozenset() if isinstance(found, Refused) else found
        return rules.may_decide(profile, run.asked.person, terms, members, place.team)

    async def may_read(self, run: Run, person: Person) -> Refused | None:
        """Whether this person may see a card's details: whoever belongs here."""
        try:
            return await self.may_ask(person, run.asked.place.team)
        except Unavailable:
            return Refused(NOBODY_KNOWS)
