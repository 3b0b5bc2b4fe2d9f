"""`BighubOpenAI`: the same agent for programs that block. There is no second implementation: the asynchronous one runs on a
loop in a daemon thread, so it works inside a running event loop, too, and a script that never closes it ends by itself.
"""

import weakref
from collections.abc import AsyncGenerator, Iterator
from types import TracebackType
from typing import Any, Self

from bot.api.agent import AsyncBighubOpenAI
from bot.api.approvals import Callback
from bot.api.catalogue import Catalogue
from bot.api.shapes import Json
from bot.threads import LoopThread

LEAVE_SECONDS = 1.0


class BighubOpenAI(Catalogue):
    """An agent for synchronous programs, safe to share between threads. Parameters, results and errors: `AsyncBighubOpenAI`.

    Tools and callbacks run in worker threads and may call the agent again; asynchronous ones run on the agent's loop.
    """

    def __init__(self, **options: Any) -> None:
        self._agent = AsyncBighubOpenAI(**options)
        self._thread = LoopThread("signoff agent")
        super().__init__(self._agent._options, self._agent._tools)
        weakref.finalize(self, _left, self._agent, self._thread)

    def close(self) -> None:
        """See `AsyncBighubOpenAI.close`."""
        self._thread.run(self._agent.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self,
        *,
        messages: list[Json] | str,
        model: str,
        instructions: str | None = None,
        temperature: float | None = None,
        extra_create_args: Json | None = None,
    ) -> Json:
        """See `AsyncBighubOpenAI.run`."""
        return self._thread.run(
            self._agent.run(
                messages=messages,
                model=model,
                instructions=instructions,
                temperature=temperature,
                extra_create_args=extra_create_args,
            )
        )

    def run_stream(
        self,
        *,
        messages: list[Json] | str,
        model: str,
        instructions: str | None = None,
        temperature: float | None = None,
        extra_create_args: Json | None = None,
    ) -> Iterator[Json]:
        """See `AsyncBighubOpenAI.run_stream`."""
        events = self._agent.run_stream(
            messages=messages,
            model=model,
            instructions=instructions,
            temperature=temperature,
            extra_create_args=extra_create_args,
        )
        try:
            while (event := self._thread.run(_next(events))) is not None:
                yield event
        finally:
            self._thread.run(_closed(events))

    def run_with_approval(
        self,
        *,
        messages: list[Json] | str,
        model: str,
        instructions: str | None = None,
        temperature: float | None = None,
        extra_create_args: Json | None = None,
        on_approval_required: Callback | None = None,
    ) -> Json:
        """See `AsyncBighubOpenAI.run_with_approval`."""
        return self._thread.run(
            self._agent.run_with_approval(
                messages=messages,
                model=model,
                instructions=instructions,
                temperature=temperature,
                extra_create_args=extra_create_args,
                on_approval_required=on_approval_required,
            )
        )

    def resume_after_approval(
        self,
        *,
        tool_name: str,
        arguments: Json,
        request_id: str,
        resolution: str = "approved",
        comment: str | None = None,
    ) -> Json:
        """See `AsyncBighubOpenAI.resume_after_approval`."""
        return self._thread.run(
            self._agent.resume_after_approval(
                tool_name=tool_name,
                arguments=arguments,
                request_id=request_id,
                resolution=resolution,
                comment=comment,
            )
        )

    def check_tool(self, tool_name: str, arguments: Json) -> Json:
        """See `AsyncBighubOpenAI.check_tool`."""
        return self._thread.run(self._agent.check_tool(tool_name, arguments))


def _left(agent: AsyncBighubOpenAI, thread: LoopThread) -> None:
    """The program has dropped the agent, or ends: what the agent opened itself is closed."""
    thread.leave(agent.leave(), LEAVE_SECONDS)


async def _next(events: AsyncGenerator[Json]) -> Json | None:
    return await anext(events, None)


async def _closed(events: AsyncGenerator[Json]) -> None:
    await events.aclose()
