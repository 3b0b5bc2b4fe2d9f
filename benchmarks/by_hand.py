"""The work of one run by hand, on the plain openai and bighub SDKs: what `benchmarks.runs` holds Signoff against in the same minutes.

It asks the same servers for the same things (two model calls, one evaluation, one resolution, one outcome report) and commits as often as
a run does. It keeps no order, asks nobody, and finds nothing again after a crash.
"""

import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from bighub import AsyncBighubClient
from openai import AsyncOpenAI

from benchmarks.databases import Database, Insert
from benchmarks.servers import Addresses
from bot.actions import Registry

TABLE = "by_hand"
COLUMNS = "run TEXT, seq INTEGER, event TEXT, PRIMARY KEY (run, seq)"
_numbers = itertools.count(1)


class ByHand:
    """``click_to_text``: of each run, the seconds from its approval to its end."""

    def __init__(self, model: AsyncOpenAI, bighub: AsyncBighubClient, insert: Insert) -> None:
        self._model, self._bighub, self._insert = model, bighub, insert
        self._tools: Any = Registry.load("benchmarks.actions").offered()
        self.click_to_text: list[float] = []

    async def one_run(self) -> None:
        """From the request to the end; whoever approves does so at once."""
        run, seqs = f"{next(_numbers):032x}", itertools.count(1)

        async def append(event: object) -> None:
            await self._insert(run, next(seqs), json.dumps(event))

        given: list[Any] = [{"role": "user", "content": "restart checkout"}]
        await append({"asked": given[0]})
        proposed = (await self._reply(given)).output
        given += [item.model_dump(mode="json") for item in proposed]
        call = next(item for item in proposed if item.type == "function_call")
        arguments = json.loads(call.arguments)
        judged: Any = await self._bighub.actions.evaluate(
            action=call.name, domain="operations", context=arguments, idempotency_key=f"{run}:1"
        )
        await append({"proposed": given[1:], "judged": judged})
        began = time.perf_counter()
        await append({"approved": judged["request_id"]})
        await self._bighub.approvals.resolve(judged["request_id"], resolution="approved", comment="by hand")
        await append({"started": call.name})
        output = json.dumps(arguments)
        await append({"executed": output})
        await self._bighub.outcomes.report(request_id=judged["request_id"], status="SUCCESS")
        given.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
        await append({"said": (await self._reply(given)).output_text})
        self.click_to_text.append(time.perf_counter() - began)

    async def _reply(self, given: list[Any]) -> Any:
        return await self._model.responses.create(model="gpt-5.5", input=given, tools=self._tools, store=False)


@contextlib.asynccontextmanager
async def by_hand(base: Database, addresses: Addresses) -> AsyncIterator[ByHand]:
    """Its table is in ``base`` for the time of the block."""
    await base.script([f"CREATE TABLE {TABLE} ({COLUMNS})"])
    try:
        async with (
            AsyncOpenAI(api_key="sk-bench", base_url=addresses.openai) as model,
            AsyncBighubClient(base_url=addresses.bighub, api_key="bh_bench") as bighub,
            base.inserting(TABLE, 3) as insert,
        ):
            yield ByHand(model, bighub, insert)
    finally:
        await base.script([f"DROP TABLE {TABLE}"])
