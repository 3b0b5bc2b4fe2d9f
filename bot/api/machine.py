"""An agent at work on one event loop: the engine, wired for a program, and what the program sees of its runs.

Rules
1. Each caller sees each execution event once (`feeds.py`); the response holds the same events, all of the run as it ended.
2. What a run became while a caller looked on (a callback may resume it) belongs to that caller's response.
3. Nobody waits for a report before the end of a call, and then once (`working.py`).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager
from typing import Any

from bot.api.alone import POLICY, Alone, translate
from bot.api.calling import called_back
from bot.api.feeds import Feed, Feeds
from bot.api.guard import LibraryGuard
from bot.api.model import LibraryModel
from bot.api.options import Options
from bot.api.request_ids import RequestIds
from bot.api.shapes import Json, execution_of, response_of
from bot.api.tools import Tools
from bot.api.working import LONGEST_WAIT, Working, at_rest
from bot.core.again import idempotency_key
from bot.core.call import Call
from bot.core.moments import Moment
from bot.core.run import ENDS, Run, RunState
from bot.core.values import RunId
from bot.engine import Engine, Limits
from bot.engine.words import TOO_MANY_ROUNDS
from bot.errors import ProviderResponseError
from bot.execution_events import execution_event
from bot.logger import log
from bot.ports import Prompt, Rejected, Reply, Store, Unavailable
from bot.projections import request_name

MOST_CALLS = 128


class Machine:
    """Works runs for a program; belongs to the event loop that it is first used on. ``on_decision`` gives the callback of the
    moment, or None."""

    def __init__(
        self,
        options: Options,
        *,
        tools: Tools,
        store: Store,
        model: LibraryModel,
        guard: LibraryGuard,
        seal_keys: tuple[bytes, ...],
        request_ids: RequestIds,
        on_decision: Callable[[], Callable[[Json], Any] | None],
    ) -> None:
        self.guard, self.model, self.tools, self.request_ids = guard, model, tools, request_ids
        self._options, self._store, self._on_decision = options, store, on_decision
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
        self._feeds = Feeds(self._event)
        self._working = Working(self.engine, self._watch)

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

        Raises ProviderResponseError (with ``execution``) where the run failed. What was not reported by then is
        `expect_reports`'s, when the caller has nothing more to do.
        """
        try:
            run = await self.engine.run(run_id)
            with self.calling(run_id), self._feeds.open(run_id, run) as feed:
                if stream:
                    self.model.listen(run_id, feed.queue.put_nowait)
                work = self._work(run_id, run, feed)
                while True:
                    while (event := await feed.queue.get()) is not None:
                        if event["type"] == "execution_event":
                            await self._tell(event["event"])
                        yield event
                    if work.done():
                        work.result()
                    run = await self.engine.run(run_id)
                    if run is not None and not at_rest(run):
                        work = self._work(run_id, run, feed)
                    elif run is not None and feed.queue.empty():
                        break
                yield {"type": "final_response", "response": await self._response(run, feed)}
        except Unavailable as absent:
            raise ProviderResponseError(f"The store does not answer: {absent}") from absent
        finally:
            if stream:
                self.model.stop_listening(run_id)

    def _work(self, run_id: RunId, run: Run | None, feed: Feed) -> "asyncio.Task[None]":
        work = self._working.begin(run_id, resting=run is not None and at_rest(run))
        work.add_done_callback(lambda _: feed.queue.put_nowait(None))
        return work

    def calling(self, run_id: RunId) -> AbstractContextManager[None]:
        """Somebody works this run, or is about to, and leaves at the end of the block."""
        return self._working.calling(run_id)

    async def finish(self, run_id: RunId) -> Json:
        """The response of the run once it rests. Raises as `drive`."""
        async with contextlib.aclosing(self.drive(run_id)) as events:
            async for event in events:
                if event["type"] == "final_response":
                    response: Json = event["response"]
                    return response
        raise ProviderResponseError("The run ended without a response.")

    async def expect_reports(self, run_id: RunId, response: Json) -> None:
        """Wait for the reports of a run at rest, as long as they may take; for required ones until they have arrived or failed.

        Raises RuntimeError, with ``response``, where the program requires outcome reports and one has failed.
        """
        required = self._options.outcome_reporting_required
        await self._working.reported(run_id, None if required else self._options.report_seconds)
        run = await self.engine.run(run_id) if required else None
        unreported = next((each for each in run.troubles if each.key.startswith("outcome:")), None) if run else None
        if unreported is not None:
            error = RuntimeError(f"BIGHUB outcome report failed: {unreported.error}")
            error.response = response  # type: ignore[attr-defined]
            raise error

    async def asked_about(self, request_id: str) -> list[tuple[Run, Call]]:
        """Every call that people were asked about under this request id, of the newest run first."""
        runs = [await self.engine.run(run_id) for run_id in self.request_ids.runs(request_id)]
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
            self._feeds.blame(prompt.run, rejected.__cause__)
            raise

    def _watch(self, run: Run) -> None:
        """A run has changed, here or in another process."""
        for call in run.calls:
            self.request_ids.note(request_id_of(call), run.id)
        if run.state in ENDS:
            self.model.forget(run.id)
        self._working.saw(run)
        self._feeds.tell(run, rests=at_rest(run))

    def _event(self, run: Run, moment: Moment, seq: int) -> Json:
        event = execution_event(run, moment, seq)
        call = run.call(moment.call)
        if call is not None and moment.status == "executed":
            kept, value = self.tools.returned(idempotency_key(run.id, call, run.calls))
            event["output"] = value if kept else event["output"]
        return {**event, "source_version": self._options.memory_source_version}

    async def _tell(self, event: Json) -> None:
        on_decision = self._on_decision()
        if on_decision is None:
            return
        try:
            await called_back(on_decision, event)
        except Exception:  # the outermost edge of foreign code: a program that looks on must not break its run
            log.exception("on_decision failed", tool=event.get("tool"))

    async def _response(self, run: Run, feed: Feed) -> Json:
        if run.state in (RunState.FAILED, RunState.CANCELLED):
            await self._working.reported(run.id, self._options.report_seconds)
            raise self._failure(run, feed)
        return response_of(run, feed.events_of(run))

    def _failure(self, run: Run, feed: Feed) -> ProviderResponseError:
        rounds = self._options.max_tool_rounds
        too_many = run.end_reason == TOO_MANY_ROUNDS.format(rounds)
        why = f"Max tool rounds reached without final response ({rounds})." if too_many else run.end_reason
        error = ProviderResponseError(why)
        error.execution = execution_of(feed.events_of(run))
        error.__cause__ = feed.fault
        return error


def request_id_of(call: Call) -> str:
    return call.judgement.request_id if call.judgement else ""
