"""From `Started` to the end of an action, and what becomes of one whose worker died.

Rule 1: only the worker that wrote `Started` runs the action, and only while it holds the run; the result is recorded however long
the store is away.
Rule 2: nobody repeats a started action, except one declared ``on_crash="rerun"``, after all the checks of a first start
(`doing.py`); a ``probe`` may find out what happened.
Rule 3: an attempt that nobody waited for any longer may happen yet, so a probe's "it did not" counts only where its process is gone.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence

from bot.core.again import idempotency_key
from bot.core.call import Call, CallState
from bot.core.events import Doubted, Event, Finished, Settled
from bot.core.faults import BrokenJournal
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.core.values import Answer, ApprovalId, RunId
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.engine.words import HALTED
from bot.logger import log
from bot.ports import Actions, NotOurs, Unavailable, Writer, still_ours

RECORD_AGAIN_SECONDS = 1.0


class Finishing:
    """Runs started actions and finds out about orphaned ones."""

    def __init__(self, door: Door, actions: Actions, limits: Limits, worker: str) -> None:
        self._door, self._actions, self._limits, self._worker = door, actions, limits, worker

    async def run_action(self, run: Run, call: Call) -> None:
        """Run a started call's action with exactly the bound bytes, and record its end."""
        try:
            await still_ours()
        except (NotOurs, Unavailable):
            return await self._record(run.id, Finished(call.proposal.call, call.attempt, False, "null", 0.0, HALTED))
        before = time.monotonic()
        ran = await self._actions.run(call.proposal, idempotency_key(run.id, call, run.calls))
        took = round(time.monotonic() - before, 3)
        if ran.unknown and call.proposal.binding is not None and call.proposal.binding.on_crash != "rerun":
            return await self.find_out(run, call, gone=False, error=ran.error)
        return await self._record(
            run.id, Finished(call.proposal.call, call.attempt, ran.ok, ran.output, took, ran.error)
        )

    async def _record(self, run_id: RunId, finished: Finished) -> None:
        """An effect that happened is recorded, if it takes all night; were it lost, people would be asked about it."""
        while True:
            try:
                outcome = await self._door.record(run_id, finished)
            except BrokenJournal:
                log.exception("the end of an action has no journal to go to", run=run_id, call=finished.call)
                return  # whoever can read the run goes on with it, and asks people what happened
            except Exception:  # whatever the store's trouble is, the result must not be lost with it
                log.exception("the end of an action could not be recorded yet", run=run_id, call=finished.call)
                await asyncio.sleep(RECORD_AGAIN_SECONDS)
                continue
            if isinstance(outcome, Refused):
                log.warning("the end of an action came too late", run=run_id, call=finished.call, why=outcome.reason)
            return

    async def find_out(self, run: Run, call: Call, *, gone: bool = True, error: str = "") -> None:
        """Nobody saw the end of this attempt: ask the action's probe what happened, or people. ``gone``: so is its process;
        ``error``: what is known of it all the same."""
        binding = call.proposal.binding
        probing = binding is not None and binding.on_crash == "probe"
        key = idempotency_key(run.id, call, run.calls)
        happened = await self._actions.probe(call.proposal, key) if probing else None
        happened = happened if gone or happened else None
        run_id = run.id
        question = ApprovalId(secrets.token_hex(16))

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event] | Refused:
            now = run.call(call.proposal.call) if run else None
            if now is None or now.state is not CallState.STARTED or now.attempt != call.attempt:
                return Refused("Its end is known meanwhile.")
            if not await tx.take_lease(run_id, self._worker, self._limits.lease):
                return Refused("Another worker holds this run, and may know.")
            doubted = Doubted(call.proposal.call, call.attempt, question, tx.now + self._limits.doubt_asks, error)
            if happened is None:
                return [doubted]
            answer = Answer.DID_RUN if happened else Answer.DID_NOT_RUN
            return [doubted, Settled(call.proposal.call, answer, None)]

        await self._door.decide(run_id, decide)
