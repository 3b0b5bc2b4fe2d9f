"""CONTROL, not the product: what the proof must find. A bot that acts first and writes down afterwards, and when it finds an approved
call that is not written down as done does it (again). Without it nobody would know that the harness is able to fail.
"""

import secrets
from copy import copy

from bot.core.call import Call
from bot.core.events import Finished, Started
from bot.core.run import Run
from bot.engine import Engine
from bot.engine.doing import Doer


class NaiveDoer(Doer):
    """No claim before the effect."""

    async def _start(self, run: Run, call: Call) -> None:
        attempt, name = secrets.token_hex(16), call.proposal.call
        ran = await self._actions.run(call.proposal, attempt)
        await self._door.record(
            run.id, Started(name, attempt, self._worker), Finished(name, attempt, ran.ok, ran.output, 0.0, ran.error)
        )


def act_first(engine: Engine) -> None:
    """Give the engine's worker such a doer; the rest of it is as it was."""
    engine._worker._doer = copy(engine._worker._doer)
    engine._worker._doer.__class__ = NaiveDoer
