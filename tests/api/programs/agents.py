"""A program with an agent of either class, its fakes, and a tool that writes down what it did. It knows nothing of this project but
the two classes, so that with one word changed it is a program for the published package."""

import asyncio
import inspect
from typing import Any

from bot import AsyncBighubOpenAI, BighubOpenAI
from tests.api.programs.fakes import Bighub, Json, LaterBighub, LaterResponses, OpenAI, Responses

MESSAGES = [{"role": "user", "content": "refund order ord_1 for 120"}]
ASK: Json = {"messages": MESSAGES, "model": "gpt-4.1"}


async def done(method: Any, *given: Any, **named: Any) -> Any:
    """What a method of either class returns."""
    if inspect.iscoroutinefunction(method):
        return await method(*given, **named)
    return await asyncio.to_thread(method, *given, **named)


async def streamed(agent: Any, **given: Any) -> list[Json]:
    """All events of a stream of either class."""
    if inspect.isasyncgenfunction(agent.run_stream):
        return [event async for event in agent.run_stream(**given)]
    return await asyncio.to_thread(lambda: list(agent.run_stream(**given)))


class Program:
    """``later``: an asynchronous one. The newest agent's clients are its ``openai`` and its ``bighub``."""

    def __init__(self, later: bool) -> None:
        self.later = later
        self.kind: Any = AsyncBighubOpenAI if later else BighubOpenAI
        self.refunds: list[Json] = []
        self.openai: Any = None
        self.bighub: Any = None

    def fake_openai(self, *says: Any, kind: type[Responses] | None = None) -> OpenAI:
        return OpenAI(*says, kind=kind or (LaterResponses if self.later else Responses))

    def fake_bighub(self, *answers: Any, **more: Any) -> Any:
        return (LaterBighub if self.later else Bighub)(*answers, **more)

    def bare(self, openai_client: Any = None, bighub: Any = None, **options: Any) -> Any:
        """An agent without tools, which loses no time when something fails."""
        self.openai, self.bighub = openai_client or self.fake_openai(), bighub or self.fake_bighub()
        quick: Json = {
            "provider_retry_backoff_seconds": 0.0,
            "provider_retry_jitter_seconds": 0.0,
            "evaluate_retries": 0,
        }
        given = {"openai_client": self.openai, "bighub_client": self.bighub, "actor": "ops", **quick, **options}
        return self.kind(**given)

    def agent(self, *given: Any, **options: Any) -> Any:
        """An agent that can refund."""
        agent = self.bare(*given, **{"domain": "payments", **options})
        agent.tool("refund_payment", self.refund_payment, value_from_args=lambda a: float(a["amount"]))
        return agent

    def refund_payment(self, order_id: str, amount: float) -> Json:
        """Refund a payment."""
        self.refunds.append({"order_id": order_id, "amount": amount})
        return {"ok": True, **self.refunds[-1]}
