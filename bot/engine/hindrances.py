"""What is recorded in place of a start that may not be, looked for in the transaction that would append `Started`.

Rule 1: nothing is decided here that `starting.py` and `rechecking.py` do not decide; this reads what they need and keeps their order.
Rule 2: where something is sealed with a key that is not held here, the call is left to a replica that holds it (`keyring.py`).
Doing the start is `doing.py`'s.
"""

from bot.core import holding
from bot.core.approval import BY_PROGRAM
from bot.core.call import Call, CallState
from bot.core.effects import StartAction
from bot.core.events import CallRefused, Judged
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import ApprovalId, Ground, Judgement, Verdict
from bot.engine.flooding import bounded
from bot.engine.keyring import Keys, leave_to_others
from bot.engine.people import People
from bot.engine.rechecking import TOO_OLD, decided_there, judged_again, stricter_now, too_old
from bot.engine.starting import asked_anew, case_in, deciding, limit_said, reason_to_ask_anew, refusal_to_start
from bot.ports import Actions, Writer


class Hindrances:
    """Why a call may not start at this moment. ``key_waits``: for how many seconds it is left to others who may hold another key."""

    def __init__(self, actions: Actions, people: People, seal_keys: Keys, key_waits: float) -> None:
        self._actions, self._people, self._seal_keys, self._key_waits = actions, people, seal_keys, key_waits

    async def instead(
        self, run: Run, call: Call, tx: Writer, lapsed: str, new: ApprovalId, recheck: Judgement | None
    ) -> CallRefused | Judged | Refused | None:
        """What is recorded in place of a start that may not be: why not, or the question that people are asked (anew). Raises
        `Unavailable` where another replica may know better."""
        found = await self._instead(run, call, tx, lapsed, new, recheck)
        if isinstance(found, CallRefused | Judged):
            trouble = run.trouble(StartAction(call.proposal.call).key)
            since = trouble.since if trouble is not None else tx.now
            leave_to_others(call, self._seal_keys, since + self._key_waits, tx.now)
        return (await bounded(run, [found], self._people.policy, tx))[0] if isinstance(found, Judged) else found

    async def _instead(
        self, run: Run, call: Call, tx: Writer, lapsed: str, new: ApprovalId, recheck: Judgement | None
    ) -> CallRefused | Judged | Refused | None:
        refused, policy, keys = await self._refusal(run, call, tx), self._people.policy, self._seal_keys
        if refused is not None:
            return refused
        held = await self._limited(run, call, tx)
        if held is not None and held.limit.verdict is Verdict.DENY:
            return CallRefused(call.proposal.call, Ground.BLOCKED, limit_said(held))
        beyond = limit_said(held) if held is not None and call.approval is None else ""
        why = lapsed or reason_to_ask_anew(run, call, policy, keys, tx.now) or beyond
        if why and recheck is None and not decided_there(run, call):
            return asked_anew(run, call, why, policy, new, tx.now, keys[0])
        if recheck is None:
            return TOO_OLD if why or too_old(run, call, policy, tx.now) else None
        if why or stricter_now(run, call, recheck, policy, keys, tx.now):
            return judged_again(run, call, recheck, why, policy, new, tx.now, keys)
        return None

    async def _limited(self, run: Run, call: Call, tx: Writer) -> holding.Limited | None:
        """The limit that this start would break; one that is tried again has counted already."""
        binding, policy = call.proposal.binding, self._people.policy
        case = case_in(run, call, binding) if binding is not None and call.state is CallState.ALLOWED else None
        seconds = holding.looks_back(policy, case) if case is not None else 0
        if case is None or not seconds:
            return None
        return holding.limited(policy, case, await tx.recent_starts(tx.now - seconds), tx.now)

    async def _refusal(self, run: Run, call: Call, tx: Writer) -> CallRefused | None:
        keys, policy, freezes = self._seal_keys, self._people.policy, await tx.freezes()
        return refusal_to_start(run, call, freezes=freezes, policy=policy, actions=self._actions, keys=keys, now=tx.now)

    async def lapsed(self, run: Run, call: Call) -> str:
        """The right of those by whom it was approved is asked again, however they voted; a program answers for itself."""
        for vote in deciding(run, call.approval, self._seal_keys) if call.approval else ():
            if vote.via != BY_PROGRAM and await self._people.lost_it(run, call, vote):
                return "Somebody who approved this may not do so any more."
        return ""
