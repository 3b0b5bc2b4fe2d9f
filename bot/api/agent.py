"""`AsyncBighubOpenAI`: an OpenAI agent whose tool calls BIGHUB judges before they run. The public, asynchronous class.

What an agent does is the engine's (`machine.py` wires it); who decides an approval is `approvals.py`'s.
"""

import asyncio
import contextlib
import json
import secrets
import threading
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self, Unpack
from weakref import WeakKeyDictionary

from bot.api.alone import THE_PROGRAM
from bot.api.approvals import Approvals, Callback
from bot.api.catalogue import Catalogue, know_all
from bot.api.machine import Machine
from bot.api.options import Options, Parameters
from bot.api.parts import (
    breaker_of,
    check_addresses,
    database_of,
    guard_of,
    keys_of,
    migrate_database,
    model_of,
    shared_store_of,
    tools_of,
)
from bot.api.request_ids import RequestIds
from bot.api.requests import asked_for, asked_for_one_call
from bot.api.shapes import Json
from bot.core.refusal import Refused
from bot.core.signals import signals
from bot.core.values import RunId, Verdict
from bot.errors import AdapterConfigurationError, ProviderResponseError
from bot.ports import Question, Wish

_RESOLVED = {Verdict.ALLOW: "execute", Verdict.ASK: "approval_required", Verdict.DENY: "blocked"}


class AsyncBighubOpenAI(Catalogue):
    """An agent for asynchronous programs, whose tool calls BIGHUB judges before they run. `__init__` tells its parameters.

    Safe to share: runs have nothing in common but the tools. Used on several event loops, it has its clients on each.
    Source: the founding README, Async and Configuration; the constructor of bighub-openai 0.1.0b5.
    """

    def __init__(self, **options: Unpack[Parameters]) -> None:
        know_all(type(self).__name__, options, Parameters)
        checked = Options(**options)
        check_addresses(checked)
        super().__init__(checked, tools_of(checked))
        self._store, self._seal_keys = shared_store_of(checked), keys_of(checked)
        self._breaker, self._request_ids = breaker_of(checked), RequestIds()
        self._works: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Machine, Approvals]] = WeakKeyDictionary()
        self._building = threading.Lock()
        self._migrated = self._closed = False

    __init__.__doc__ = Options.__doc__

    async def close(self) -> None:
        """Close the BIGHUB client, also one that was given, and what the agent opened itself. The agent cannot be used any more.

        Returns None. Raises what the client's `close` raises.
        Source: the founding README, API Reference.
        """
        self._closed = True
        machine, _ = self._on_this_loop()
        await machine.guard.close()
        await self.leave()

    async def leave(self) -> None:
        """Close what the agent opened itself on this loop; clients that were given stay as they are.

        Returns None. Raises nothing. Source: this project, for programs that drop an agent without closing it.
        """
        if asyncio.get_running_loop() in self._works:
            machine, _ = self._on_this_loop()
            await machine.close(guard=self._options.any_bighub is None, store=self._store is None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def run(
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
        machine, _ = await self._ready()
        run_id = await self._begun(machine, locals())
        response = await machine.finish(run_id)
        await machine.expect_reports(run_id, response)
        return response

    async def run_stream(
        self,
        *,
        messages: list[Json] | str,
        model: str,
        instructions: str | None = None,
        temperature: float | None = None,
        extra_create_args: Json | None = None,
    ) -> AsyncGenerator[Json]:
        """As `run`, seen as it happens. Leaving it early stops the run, and interrupts no tool that has started.

        messages, model, instructions, temperature, extra_create_args: as `run`'s.

        Yields dicts by ``type``: llm_delta, llm_text_done, output_item_added, function_call_args_delta, function_call_args_done,
        refusal_delta, response_done, response_failed, ``{"type": "execution_event", "event"}``, and at last
        ``{"type": "final_response", "response"}`` with what `run` returns.
        Raises as `run` does, while it is iterated over.
        Source: the founding README, Streaming; the fields of bighub-openai 0.1.0b5.
        """
        machine, _ = await self._ready()
        run_id = await self._begun(machine, locals())
        async with contextlib.aclosing(machine.drive(run_id, stream=True)) as events:
            async for event in events:
                if event["type"] == "final_response":
                    await machine.expect_reports(run_id, event["response"])
                yield event

    async def run_with_approval(
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
        machine, approvals = await self._ready()
        callback = on_approval_required
        run_id = await self._begun(machine, locals())
        with machine.calling(run_id):
            response = await approvals.offer(run_id, await machine.finish(run_id), callback)
        await machine.expect_reports(run_id, response)
        return response

    async def resume_after_approval(
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
        _, approvals = await self._ready()
        return await approvals.resume(tool_name, arguments, request_id, resolution, comment)

    async def check_tool(self, tool_name: str, arguments: Json) -> Json:
        """BIGHUB's decision about a call, which is not run. Where it wants a person, `resume_after_approval` may run it later.

        tool_name: a registered tool. arguments: a dict, checked as the model's are.

        Returns the raw decision with ``_resolved_action``: execute, blocked or approval_required. Where BIGHUB was not asked, or
        gave no decision that can be read, ``reason`` says so.
        Raises AdapterConfigurationError for a tool that is not registered, and for arguments that are no dict or have no JSON form.
        Source: bighub-openai 0.1.0b5; H4 and H19 in `docs/library.md`.
        """
        machine, _ = await self._ready()
        if self._tools.find(tool_name) is None:
            raise AdapterConfigurationError(f"Tool '{tool_name}' is not registered")
        run_id = RunId(secrets.token_hex(16))
        wish = Wish(run_id, tool_name, self._tools.as_json(tool_name, arguments))
        proposal = await self._tools.propose("t1c1", wish, THE_PROGRAM)
        if proposal.binding is None:
            return {"allowed": False, "result": "blocked", "reason": proposal.refusal, "_resolved_action": "blocked"}
        asked = asked_for_one_call(run_id, tool_name)
        shown, key = self._tools.redacted(proposal), f"{run_id}:t1c1:{proposal.binding.digest}"
        question = Question(run_id, key, tool_name, shown, proposal.binding, THE_PROGRAM, asked.place, "")
        judgement = await machine.guard.judge(question)
        machine.request_ids.note(judgement.request_id, run_id)
        if judgement.verdict is Verdict.ASK and judgement.request_id:
            await machine.engine.programs.ask(run_id, asked, proposal, judgement)
        decision: Json = json.loads(judgement.decision or "{}")
        if not any(signals(decision)):
            decision.setdefault("reason", judgement.reason or judgement.ours)
        return {**decision, "_resolved_action": _RESOLVED[judgement.verdict]}

    async def _begun(self, machine: Machine, given: Json) -> RunId:
        self._need_tools()
        run_id = RunId(secrets.token_hex(16))
        names = ("messages", "model", "instructions", "temperature", "extra_create_args")
        asked = asked_for(run_id, **{name: given[name] for name in names})
        machine.model.remember_extras(run_id, given["extra_create_args"] or {})
        begun = await machine.engine.programs.begin(run_id, asked)
        if isinstance(begun, Refused):
            raise ProviderResponseError(begun.reason)
        return run_id

    async def _ready(self) -> tuple[Machine, Approvals]:
        if self._closed:
            raise AdapterConfigurationError("This agent is closed.")
        if not self._migrated and isinstance(self._options.store, str):
            await migrate_database(self._options.store)
        machine, approvals = self._on_this_loop()
        if not self._migrated:
            await machine.engine.settle_restore()
        self._migrated = True
        return machine, approvals

    def _on_this_loop(self) -> tuple[Machine, Approvals]:
        loop = asyncio.get_running_loop()
        with self._building:
            if loop not in self._works:
                machine = Machine(
                    self._options,
                    tools=self._tools,
                    store=self._store or database_of(str(self._options.store)),
                    model=model_of(self._options, self._breaker),
                    guard=guard_of(self._options, self._tools),
                    seal_keys=self._seal_keys,
                    request_ids=self._request_ids,
                    on_decision=lambda: self._options.on_decision,
                )
                self._works[loop] = machine, Approvals(machine, adopts=self._options.store is None)
            return self._works[loop]
