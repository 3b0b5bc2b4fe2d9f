"""What follows where an effect could not be done: it is tried again later, the run ends, or people must look at it.

Rule: a failure is recorded with a later ``not_before``, and nothing of it is lost; a delivery is tried for ever, a model or a guard
only for so long.
"""

import time
from collections.abc import Sequence

from bot.core import effects as owed
from bot.core.call import CallState
from bot.core.effects import Effect
from bot.core.events import AttemptFailed, Event, RunFailed
from bot.core.owed import pending
from bot.core.refusal import Refused
from bot.core.run import Run
from bot.engine.delivering import REPORTS, undeliverable
from bot.engine.door import Door
from bot.engine.limits import Limits
from bot.engine.parking import Parking
from bot.engine.words import given_up
from bot.logger import log
from bot.ports import NotYet, Unavailable, Writer


class Failing:
    """Records failures. ``guard_name`` is what people know the guard by; ``began`` is of `time.monotonic`."""

    def __init__(self, door: Door, parking: Parking, limits: Limits, guard_name: str) -> None:
        self._door, self._parking, self._limits, self._guard_name = door, parking, limits, guard_name

    async def broke(self, run: Run, effect: Effect, error: str, began: float) -> bool:
        """Try again a few times; then people must look at it. Not while an action is under way, whose end is still to come; and
        a program works its own runs, and hears of it by itself."""
        after = await self.failed(run, effect, error, 0.0, began, inside=True)
        trouble = after.trouble(effect.key) if isinstance(after, Run) else None
        often = trouble is not None and trouble.breaks >= self._limits.breaks_before_parking
        if not isinstance(after, Run) or not often or self._limits.programs:
            return False
        if any(call.state is CallState.STARTED for call in after.calls):
            return False
        doing = f"It was doing this: {effect.key.partition(':')[0]}; {self._limits.breaks_before_parking} attempts ended so."
        return await self._parking.park(run.id, f"{error} {doing}")

    async def absent(self, run: Run, effect: Effect, absent: Unavailable, began: float) -> None:
        """Try again later; whoever has a turn comes when it comes, or would lose it."""
        waits = isinstance(absent, NotYet)
        await self.failed(run, effect, str(absent), absent.retry_after, began, waits=waits)

    async def failed(
        self,
        run: Run,
        effect: Effect,
        error: str,
        retry_after: float,
        began: float,
        *,
        inside: bool = False,
        waits: bool = False,
    ) -> Run | Refused:
        """Try again later; a model or guard that stays away too long ends the run. What is not owed any more has not failed: it
        was recorded, and the answer to the commit was lost."""
        limits, trouble, took = self._limits, run.trouble(effect.key), round(time.monotonic() - began, 3)
        thinking = isinstance(effect, owed.CallModel | owed.Judge | owed.StartAction)
        longest = limits.longest_backoff if thinking else limits.longest_delivery_backoff
        backoff = 0.0 if waits else limits.backoff(trouble.count if trouble else 0, longest)
        delay = max(retry_after, backoff)

        async def decide(run: Run | None, tx: Writer) -> Sequence[Event]:
            if run is not None and all(owes.key != effect.key for owes in pending(run)):
                return []
            since = trouble.since if trouble else tx.now - took
            if thinking and tx.now + delay - since > limits.give_up_after:
                return [RunFailed(given_up(effect, self._guard_name, limits.give_up_after, error))]
            return [AttemptFailed(effect.key, error, tx.now + delay, took, inside, waits)]

        return await self._door.decide(run.id, decide)

    async def rejected(self, run: Run, effect: Effect, error: str, began: float) -> None:
        """Refused for good: a model or guard ends the run; a delivery is kept and tried again, rarely."""
        trouble, patience = run.trouble(effect.key), self._limits.patience_with_refusals
        if isinstance(effect, owed.CallModel | owed.Judge):
            await self._door.record(run.id, RunFailed(error))
        elif trouble is None or run.last_at - trouble.since < patience or isinstance(effect, REPORTS):
            await self.failed(run, effect, error, min(patience / 10, self._limits.longest_delivery_backoff), began)
        else:
            log.error(
                "Slack refuses this for good; the run goes on without it", run=run.id, effect=effect.key, why=error
            )
            await self._door.record(run.id, undeliverable(run, effect, error))
