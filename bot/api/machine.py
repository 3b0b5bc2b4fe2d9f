"""An agent at work on one event loop: the engine, wired for a program, and what the program sees of its runs.

Rules
1. A run is worked to its rest in a task of its own: a caller who goes away stops the run, and interrupts no tool that started.
2. Each execution event is seen once, in the order in which it was recorded; the response holds the same events.
3. Runs share nothing here but their names: what one of them sees is in its own `Feed`.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass, field
from typing import Any

from bot.api.alone import POLICY, THE_PROGRAM, Alone, translate
from bot.api.calling import called_back
from bot.api.guard import LibraryGuard
from bot.api.model import LibraryModel
from bot.api.options import Options
from bot.api.shapes import Json, execution_of, response_of
from bot.api.tools import Tools
from bot.core.again import idempotency_key
from bot.core.call import Call, CallState
from bot.core.moments import Moment, moments, rests
from bot.core.run import ENDS, Run, RunState
from bot.core.values import RunId
from bot.engine import Engine, Limits
from bot.engine.words import TOO_MANY_ROUNDS
from bot.errors import ProviderResponseError
from bot.execution_events import execution_event, in_order
from bot.logger import log
from bot.ports import Prompt, Rejected, Reply, Store, Unavailable
from bot.projections import request_name

MOST_CALLS = 128
MOST_NAMES = 10_000
SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5


@dataclass(slots=True)
class Feed:
    """What the program sees of one run. ``fault``: what the model's client raised, where the run failed of it."""

    seen: set[str]
    events: list[Json]
    queue: "asyncio.Queue[Json | None]" = field(default_factory=asyncio.Queue)
    fault: BaseException | None = None


class Machine:
    """Works runs for a program; belongs to the event loop that it is first used on."""

    def __init__(
        self,
        options: Options,
        *,
        tools: Tools,
        store: Store,
        model: LibraryModel,
        guard: LibraryGuard,
        seal_keys: tuple[bytes, ...],
    ) -> None:
        self.guard, self.model, self.tools = guard, model, tools
        self._options, self._store = options, store
        alone = Alone()
        self.engine = Engine(
            store=store,
            model=self,
            guard=guard,
            chat=alone,
            actions=tools,
            dispatch=alone,
            translate=translate,
            policy=POLICY,
            seal_keys=seal_keys,
            limits=Limits(
                max_tool_rounds=options.max_tool_rounds,
                max_calls_per_turn=MOST_CALLS,
                max_tokens=None,
                max_run_seconds=None,
                longest_answer=None,
                doubt_asks=0.0,
                sweep_every=LONGEST_WAIT,
                one_call_at_a_time=True,
                programs=True,
            ),
            watch=self._watch,
        )
        self._feeds: dict[RunId, Feed] = {}
        self._asked: OrderedDict[str, tuple[RunId, ...]] = OrderedDict()
        self._under_way: set[asyncio.Task[Any]] = set()

    async def close(self, *, guard: bool, store: bool) -> None:
        """Wait for nothing: what is under way goes on without its clients, and fails."""
        await self.model.close()
        if guard:
            await self.guard.close()
        if store:
            await self._store.close()

    # --- a run, seen from outside -------------------------------------------------------------------------------------

    async def drive(self, run_id: RunId, *, stream: bool = False) -> AsyncGenerator[Json]:
        """The events of the run until it rests, then its response. ``stream``: also what the model says, as it says it.

        Raises ProviderResponseError (with ``execution``) where the run failed, RuntimeError for a required report.
        """
        feed = await self._open(run_id)
        if stream:
            self.model.listen(run_id, feed.queue.put_nowait)
        work = self._task(self._settled(run_id))
        work.add_done_callback(lambda _: feed.queue.put_nowait(None))
        try:
            while (event := await feed.queue.get()) is not None:
                if event["type"] == "execution_event":
                    await self._tell(event["event"])
                yield event
            yield {"type": "final_response", "response": self._response(work.result(), feed)}
        except Unavailable as absent:
            raise ProviderResponseError(f"The store does not answer: {absent}") from absent
        finally:
            if not work.done():
                self._task(self._stop(run_id))
            if self._feeds.get(run_id) is feed:
                del self._feeds[run_id]
            self.model.stop_listening(run_id)

    async def finish(self, run_id: RunId) -> Json:
        """The response of the run once it rests. Raises as `drive`."""
        async with contextlib.aclosing(self.drive(run_id)) as events:
            async for event in events:
                if event["type"] == "final_response":
                    response: Json = event["response"]
                    return response
        raise ProviderResponseError("The run ended without a response.")

    async def asked_about(self, request_id: str) -> list[tuple[Run, Call]]:
        """Every call that people were asked about under this request id, of the newest run first."""
        runs = [await self.engine.run(run_id) for run_id in reversed(self._asked.get(request_id, ()))]
        stored = await self.engine.programs.run_of(request_name(request_id))
        if stored is not None and stored.of_program and all(run is None or run.id != stored.id for run in runs):
            runs.append(stored)
        found = [(run, call) for run in runs if run is not None for call in run.calls]
        return [pair for pair in found if request_id_of(pair[1]) == request_id and pair[1].approval is not None]

    # --- inside -------------------------------------------------------------------------------------------------------

    async def reply(self, prompt: Prompt) -> Reply:
        """The Model port: the library's model, whose faults the program gets to see."""
        try:
            return await self.model.reply(prompt)
        except Rejected as rejected:
            if prompt.run in self._feeds:
                self._feeds[prompt.run].fault = rejected.__cause__
            raise

    async def _open(self, run_id: RunId) -> Feed:
        run = await self.engine.run(run_id)
        past = in_order(run) if run is not None else ()
        events = [self._event(run, moment, seq) for seq, moment in enumerate(past)] if run is not None else []
        feed = self._feeds[run_id] = Feed({moment.id for moment in past}, events)
        return feed

    def _watch(self, run: Run) -> None:
        """A run has changed: what is new about its calls becomes events."""
        for call in run.calls:
            if call.state is CallState.ASKING and (name := request_id_of(call)):
                known = tuple(run_id for run_id in self._asked.get(name, ()) if run_id != run.id)
                self._asked[name] = (*known, run.id)
                self._asked.move_to_end(name)
        while len(self._asked) > MOST_NAMES:
            self._asked.popitem(last=False)
        feed = self._feeds.get(run.id)
        for moment in moments(run) if feed is not None else ():
            if feed is not None and moment.id not in feed.seen:
                feed.seen.add(moment.id)
                feed.events.append(self._event(run, moment, len(feed.events)))
                feed.queue.put_nowait({"type": "execution_event", "event": feed.events[-1]})

    def _event(self, run: Run, moment: Moment, seq: int) -> Json:
        event = execution_event(run, moment, seq)
        call = run.call(moment.call)
        if call is not None and moment.status == "executed":
            kept, value = self.tools.returned(idempotency_key(run.id, call, run.calls))
            event["output"] = value if kept else event["output"]
        return {**event, "source_version": self._options.memory_source_version}

    async def _settled(self, run_id: RunId) -> Run:
        """Advance the run until it rests, also where another process holds it or something is tried again later."""
        wait = SHORTEST_WAIT
        while True:
            await self.engine.advance(run_id)
            run = await self.engine.run(run_id)
            if run is None:
                raise ProviderResponseError("The run is not in the store any more.")
            if run.state in ENDS:
                self.model.forget(run_id)
            if run.state in ENDS or (run.state is RunState.ACTING and rests(run)):
                return run
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _stop(self, run_id: RunId) -> None:
        with contextlib.suppress(Unavailable):
            await self.engine.programs.stop(run_id, THE_PROGRAM, "The program went away.")

    async def _tell(self, event: Json) -> None:
        if self._options.on_decision is None:
            return
        try:
            await called_back(self._options.on_decision, event)
        except Exception:  # the outermost edge of foreign code: a program that looks on must not break its run
            log.exception("on_decision failed", tool=event.get("tool"))

    def _response(self, run: Run, feed: Feed) -> Json:
        if run.state in (RunState.FAILED, RunState.CANCELLED):
            raise self._failure(run, feed)
        response = response_of(run, feed.events)
        unreported = next((each for each in run.troubles if each.key.startswith("outcome:")), None)
        if self._options.outcome_reporting_required and unreported is not None:
            error = RuntimeError(f"BIGHUB outcome report failed: {unreported.error}")
            error.response = response  # type: ignore[attr-defined]
            raise error
        return response

    def _failure(self, run: Run, feed: Feed) -> ProviderResponseError:
        rounds = self._options.max_tool_rounds
        too_many = run.end_reason == TOO_MANY_ROUNDS.format(rounds)
        why = f"Max tool rounds reached without final response ({rounds})." if too_many else run.end_reason
        error = ProviderResponseError(why)
        error.execution = execution_of(feed.events)
        error.__cause__ = feed.fault
        return error

    def _task(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task


def request_id_of(call: Call) -> str:
    return call.judgement.request_id if call.judgement else ""
