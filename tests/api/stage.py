"""Where the library's stories play: a model and a BIGHUB on real ports, and agents that talk to them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot import AsyncBighubOpenAI, BighubOpenAI
from tests.servers.bighub_decisions import review
from tests.servers.bighub_server import BighubServer, running_bighub
from tests.servers.model_server import Calls, ModelServer, Text, running_model

T = TypeVar("T")
ASKED = [{"role": "user", "content": "Grant Alice temporary Okta admin access for 48h"}]
GRANT = {"user_id": "alice", "group": "okta-admins", "duration": "48h"}


async def beside(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """What a blocking program does, while the servers answer it."""
    return await asyncio.to_thread(work, *given, **named)


@dataclass
class Stage:
    """``granted``: what `grant_access` really did."""

    model: ModelServer
    bighub: BighubServer
    granted: list[dict[str, str]] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def given(self, **options: Any) -> dict[str, Any]:
        """The parameters of an agent that talks to this stage."""
        clients: dict[str, Any] = {}
        if "openai_client" not in options:
            clients |= {"openai_api_key": "sk-test", "openai_base_url": self.model.base_url}
        if not {"bighub", "bighub_client"} & options.keys():
            clients |= {"bighub_api_key": self.bighub.api_key, "bighub_base_url": self.bighub.url}
        return {"actor": "ops-agent", **clients, **options}

    async def agent(self, **options: Any) -> AsyncBighubOpenAI:
        """An asynchronous agent with `grant_access`, closed when the story ends."""
        agent = await self.stack.enter_async_context(AsyncBighubOpenAI(**self.given(**options)))
        agent.action(system="okta", risk="high", environment="production")(self.grant_access)
        return agent

    def blocking(self, **options: Any) -> BighubOpenAI:
        """A blocking agent with `grant_access`."""
        agent = BighubOpenAI(**self.given(**options))
        agent.action(system="okta", risk="high", environment="production")(self.grant_access)
        return agent

    def grant_access(self, user_id: str, group: str, duration: str) -> dict[str, object]:
        """Put a user into a group for a while."""
        self.granted.append({"user_id": user_id, "group": group, "duration": duration})
        return {"ok": True, **self.granted[-1]}

    def wish(self, *arguments: dict[str, Any], then: str = "Done.") -> None:
        """The model proposes to grant access, once for each of ``arguments``, and then says ``then``."""
        self.model.say(Calls([("grant_access", each) for each in arguments or (GRANT,)]), Text(then))

    def review(self, **more: Any) -> None:
        """BIGHUB wants a person to decide everything."""
        self.bighub.default = review(**more)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    async with running_model() as model, running_bighub() as bighub:
        stage = Stage(model, bighub)
        async with stage.stack:
            yield stage


def statuses(response: dict[str, Any]) -> list[str]:
    return [event["status"] for event in response["execution"]["events"]]
