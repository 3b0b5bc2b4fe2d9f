"""`BighubOpenAI`: the same agent for programs that block. There is no second implementation: the asynchronous one runs on a
loop in a daemon thread, so it works inside a running event loop, too, and a script that never closes it ends by itself.
"""

import weakref
from collections.abc import AsyncGenerator, Iterator
from types import TracebackType
from typing import Any, Self, Unpack

from bot.api.agent import AsyncBighubOpenAI
from bot.api.approvals import Callback
from bot.api.catalogue import Catalogue, know_all
from bot.api.options import Options, Parameters
from bot.api.shapes import Json
from bot.threads import LoopThread

LEAVE_SECONDS = 1.0


class BighubOpenAI(Catalogue):
    """An agent for synchronous programs, whose tool calls BIGHUB judges before they run. `__init__` tells its parameters.

    Safe to share between threads. Tools and callbacks run in worker threads and may call the agent again; asynchronous ones run
    on the agent's loop. Source: the founding README, Quickstart and Configuration; the constructor of bighub-openai 0.1.0b5.
    """

    def __init__(self, **options: Unpack[Parameters]) -> None:
        know_all(type(self).__name__, options, Parameters)
        self._agent = AsyncBighubOpenAI(**options)
        self._thread = LoopThread("signoff agent")
        super().__init__(self._agent._options, self._agent._tools)
        weakref.finalize(self, _left, self._agent, self._thread)

    __init__.__doc__ = Options.__doc__

    def _change(self, name: str, value: Any) -> None:
        super()._change(name, value)
        setattr(self._agent, name, value)

    def close(self) -> None:
        """Close the BIGHUB client, also one that was given, and what the agent opened itself. The agent cannot be used any more.

        Returns None. Raises what the client's `close` raises.
        Source: the founding README, API Reference.
        """
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
        """One request, worked until the model has answered or only approvals are waited for.

        messages: the input of the Responses API, a list of dicts, or one text. model: the model's name.
        instructions: the system's words (None: none). temperature: as the model takes it (None: the model's own default).
        extra_create_args: further arguments of `responses.create` (None: none). All of them go along on each turn.

        Returns ``{"response_id", "output_text", "output", "llm_response", "execution": {"events", "last"}, "run_id"}``.
        An event's status is executed, blocked, approval_required or tool_error; `resume_after_approval` goes on from there.
        Raises AdapterConfigurationError (a wrong parameter, no tools), ProviderResponseError (the model failed, or too many
        rounds; ``execution`` has what was done), RuntimeError (a required outcome report; ``response`` has the response).
        Source: the founding README, Quickstart and Response Shape. Where 0.1.0b5 does otherwise (H5, H16, H17, H21):
        `docs/library.md`.
        """
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
        """As `run`, seen as it happens. Leaving it early stops the run, and interrupts no tool that has started.

        messages, model, instructions, temperature, extra_create_args: as `run`'s.

        Yields dicts by ``type``: llm_delta, llm_text_done, output_item_added, function_call_args_delta, function_call_args_done,
        refusal_delta, response_done, response_failed, ``{"type": "execution_event", "event"}``, and at last
        ``{"type": "final_response", "response"}`` with what `run` returns.
        Raises as `run` does, while it is iterated over.
        Source: the founding README, Streaming; the fields of bighub-openai 0.1.0b5.
        """
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
        """As `run`, pausing at each call that needs a person, which ``on_approval_required`` decides inside the loop.

        messages, model, instructions, temperature, extra_create_args: as `run`'s.
        on_approval_required: called with ``{"request_id", "event", "response"}``, synchronous or asynchronous (None: all stay
        open). It returns ``{"resolution": "approved" or "denied", "comment", "arguments"}``, or None to leave the call open; what
        is no clear "approved" is a denial; changed ``arguments`` are validated and judged anew.

        Returns `run`'s response after the decisions, with ``approval_loop`` (the last approval: required, resolved, resumed,
        request_id, approval, tool_output, error) and ``approvals`` (all of them).
        Raises as `run` does, and what the callback or the client's `approvals.resolve` raises; then the call stays open.
        Source: the founding README, Human-in-the-loop approvals. Where 0.1.0b5 does otherwise (H17, H22): `docs/library.md`.
        """
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
        """Decide a call that waits for approval; its run goes on, and the model sees what came of it.

        tool_name, arguments, request_id: the event's ``tool``, ``arguments`` and ``request_id``. resolution: "approved"
        (the default); anything else denies. comment: for BIGHUB, and for the model where it is denied (None: none).

        Returns ``{"request_id", "resolved", "resumed", "approval", "tool_output", "error", "response"}``: ``approval`` is BIGHUB's
        receipt, ``tool_output`` is there where the tool ran, ``error`` where something is to be said, ``response`` as `run`'s.
        The same request id again gets the same result, and runs nothing. ``resolved`` is False for a vote that does not count.
        Raises AdapterConfigurationError for a request id that nothing waits for, and for another tool or other arguments than
        were judged; what the client's `approvals.resolve` raises, with nothing decided; ProviderResponseError, RuntimeError as `run`.
        Source: bighub-openai 0.1.0b5; what is right here and was not there: H6 in `docs/library.md`.
        """
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
        """BIGHUB's decision about a call, which is not run. Where it wants a person, `resume_after_approval` may run it later.

        tool_name: a registered tool. arguments: a dict, checked as the model's are.

        Returns the raw decision with ``_resolved_action``: execute, blocked or approval_required. Where BIGHUB was not asked, or
        gave no decision that can be read, ``reason`` says so.
        Raises AdapterConfigurationError for a tool that is not registered, and for arguments that are no dict or have no JSON form.
        Source: bighub-openai 0.1.0b5; H4 and H19 in `docs/library.md`.
        """
        return self._thread.run(self._agent.check_tool(tool_name, arguments))


def _left(agent: AsyncBighubOpenAI, thread: LoopThread) -> None:
    """The program has dropped the agent, or ends: what the agent opened itself is closed."""
    thread.leave(agent.leave(), LEAVE_SECONDS)


async def _next(events: AsyncGenerator[Json]) -> Json | None:
    return await anext(events, None)


async def _closed(events: AsyncGenerator[Json]) -> None:
    await events.aclose()
