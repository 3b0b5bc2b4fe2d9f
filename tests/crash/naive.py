"""CONTROL, not the product: what the proof must find. A bot that acts first and writes down afterwards, and when it finds an approved
call that is not written down as done does it (again). Without it nobody would know that the harness is able to fail.
"""

import secrets
from typing import Any

from bot.core.call import Call
from bot.core.events import Finished, Started
from bot.core.run import Run
from bot.engine import Engine
from bot.engine.doing import Doer
from bot.engine.worker import Worker


class NaiveDoer(Doer):
    """No claim before the effect."""

    async def _start(self, run: Run, call: Call) -> None:
        attempt, name = secrets.token_hex(16), call.proposal.call
        ran = await self._actions.run(call.proposal, attempt)
        await self._door.record(
            run.id, Started(name, attempt, self._worker), Finished(name, attempt, ran.ok, ran.output, 0.0, ran.error)
        )


def act_first(engine: Engine, **ports: Any) -> None:
    """Give the engine a worker that does so."""
    real = engine._worker._doer
    doer = NaiveDoer(
        door=engine._door,
        model=real._model,
        people=engine._people,
        limits=engine.limits,
        seal_keys=real._seal_keys,
        worker=engine._worker.name,
        parking=real._parking,
        **ports,
    )
    engine._worker = Worker(
        name=engine._worker.name,
        store=engine._store,
        door=engine._door,
        doer=doer,
        parking=real._parking,
        limits=engine.limits,
    )
