"""Asking the guard about a call, and its answer as the event that is recorded. What may start is `starting.py`'s."""

import asyncio
import secrets
from collections.abc import Sequence

from bot.core import changes
from bot.core.call import Call
from bot.core.events import Event, Judged, ModelReplied
from bot.core.refusal import Refused
from bot.core.resolving import begun, begun_at, noted
from bot.core.run import Run
from bot.core.turns import proposed
from bot.core.values import ApprovalId, CallId, Judgement
from bot.engine.door import Door
from bot.engine.flooding import bounded
from bot.engine.people import People
from bot.engine.rechecking import ANSWER_HOLDS_SECONDS, occasion
from bot.engine.starting import judged
from bot.ports import Actions, Guard, Question, Writer

AT_ONCE_SECONDS = 2.0


class Judging:
    """``in_order``: the calls of a turn are judged one after the other."""

    def __init__(
        self, guard: Guard, actions: Actions, people: People, door: Door, seal_key: bytes, *, in_order: bool
    ) -> None:
        self._guard, self._actions, self._people, self._door = guard, actions, people, door
        self._seal_key, self._in_order = seal_key, in_order

    async def judge(self, run: Run, call: Call) -> None:
        """Have a call judged, and record that."""
        answer = await self.ask(run, call)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            return Refused("There is no such run.") if run is None else await self.events(run, [(call, answer)], tx)

        if isinstance(await self._door.decide(run.id, decide), Refused):
            await self._note(run, call, answer)

    async def once_more(self, run: Run, call: Call) -> Judgement:
        """What the guard says of an approved call now. That it is asked is written down before, its name for that before anything comes of
        its answer."""
        since, now, answer = await self._asked_since(run, call, 0.0)
        if since <= now - ANSWER_HOLDS_SECONDS:
            _, _, answer = await self._asked_since(run, call, now)
        return answer

    async def _asked_since(self, run: Run, call: Call, earliest: float) -> tuple[float, float, Judgement]:
        """Since when the guard is being asked once more (``earliest`` at the earliest), what time it was now, and its answer."""
        fresh, now = await self._door.load(run.id)
        run = fresh or run
        since = begun_at(run, call)
        if since is None or since < earliest:
            since = now
            await self._door.record(run.id, begun(run, call, since))
        answer = await self.ask(run, call, occasion(run, call, since))
        await self._note(run, call, answer)
        return since, now, answer

    async def _note(self, run: Run, call: Call, answer: Judgement) -> None:
        if answer.request_id:
            await self._door.record(run.id, noted(call, answer.request_id))

    async def ask(self, run: Run, call: Call, occasion: str = "") -> Judgement:
        """What the guard says. ``occasion``: why it is asked again about the same thing; without one it is the same question, and the
        guard may give the answer that it gave. Raises `Unavailable`, `Rejected`."""
        binding = call.proposal.binding
        if binding is None:
            raise LookupError(f"call {call.proposal.call} is bound to nothing, so nobody can judge it")
        old = changes.before(call, run.calls)
        question = Question(
            run=run.id,
            key=":".join(filter(None, (run.id, call.proposal.call, binding.digest, occasion))),
            action=call.proposal.action,
            arguments=self._actions.redacted(call.proposal),
            binding=binding,
            requester=run.asked.person,
            place=run.asked.place,
            request=run.asked.text,
            supersedes=old.judgement.request_id if old is not None and old.judgement is not None else "",
            earlier=tuple(c.judgement.decision for c in run.calls if c.judgement and c.judgement.decision),
        )
        return await self._guard.judge(question)

    async def at_once(self, run: Run, replied: ModelReplied) -> dict[CallId, Judgement]:
        """The guard's answers about a turn's calls, as far as they come without waiting for anything; the others are owed."""
        calls = [proposed(len(run.turns) + 1, proposal, 0.0) for proposal in replied.proposals if proposal.binding]
        calls = calls[:1] if self._in_order else calls
        asking = [asyncio.create_task(self.ask(run, call)) for call in calls]
        try:
            answered = (await asyncio.wait(asking, timeout=AT_ONCE_SECONDS))[0] if asking else set()
        finally:
            for task in asking:
                task.cancel()
        good = {task for task in answered if task.exception() is None}
        return {call.proposal.call: task.result() for call, task in zip(calls, asking, strict=True) if task in good}

    async def events(self, run: Run, answers: Sequence[tuple[Call, Judgement]], tx: Writer) -> list[Judged]:
        """The guard's answers with the present policy's terms, sealed; in the transaction that appends them."""
        policy, key = self._people.policy, self._seal_key
        ids = [ApprovalId(secrets.token_hex(16)) for _ in answers]
        found = [judged(run, *answer, policy, new, tx.now, key) for answer, new in zip(answers, ids, strict=True)]
        return await bounded(run, found, policy, tx)
