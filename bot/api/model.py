"""The library's Model port: one model call with everything that the program asked for, by its own client or ours, tried again
where that may help. What an answer means is read in `responses`; what the model is shown is `core/transcript`'s.

Rules
1. Every parameter of the program goes with every call of its run, and the whole input: nothing is looked up at the provider.
2. Only what may pass is tried again, and nothing of which the program has already seen a part.
3. A call ends in a `Reply` or in `Rejected`, whose cause is what the client raised; the engine has nothing to try again.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from bot.api.clients import BrokenOff, called, streamed
from bot.api.responses import Json, StreamReader, plain, replayable, reply_of
from bot.core.redact import redact_text
from bot.core.values import RunId
from bot.openai_model import OpenAIModel, refuses_reasoning, retry_after, transient, with_reasoning
from bot.ports import Prompt, Rejected, Reply, Unavailable

Listener = Callable[[Json], object]

_OURS = ("input", "stream")
NO_CALL = Reply("[]", "", ())


@dataclass(frozen=True, slots=True)
class Retries:
    """``timeout_seconds`` for one attempt (in a stream: for the silence between two events), ``max_retries`` after the first,
    waiting ``backoff_seconds`` doubled each time, at most ``max_backoff_seconds``, with ``jitter_seconds`` of chance.
    ``breaker_failures`` failed calls in a row (0: never) stop all calls for ``breaker_reset_seconds``."""

    timeout_seconds: float = 30.0
    max_retries: int = 2
    backoff_seconds: float = 0.25
    max_backoff_seconds: float = 2.0
    jitter_seconds: float = 0.1
    breaker_failures: int = 0
    breaker_reset_seconds: float = 30.0


class Breaker:
    """Counts failed calls; safe between threads. A call that was cancelled says nothing about the provider, and is not told."""

    def __init__(self, failures: int, reset_seconds: float) -> None:
        self._most, self._reset = failures, reset_seconds
        self._lock = threading.Lock()
        self._failures, self._opened = 0, 0.0

    def is_open(self) -> bool:
        with self._lock:
            if not 0 < self._most <= self._failures:
                return False
            if time.monotonic() - self._opened >= self._reset:
                self._failures = 0
            return self._failures > 0

    def worked(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            self._opened = time.monotonic()


class Hearing:
    """Whether the program has seen a part of this call's answer."""

    def __init__(self, listener: Listener | None) -> None:
        self.listener = listener
        self.heard = False

    def tell(self, event: Json | None) -> None:
        if event is not None and self.listener is not None:
            self.heard = True
            self.listener(event)


class LibraryModel:
    """The Model port for a program: ``client`` is its own, anything with ``responses.create``; else ``own`` asks.

    ``breaker`` may be shared by several models of one agent; without one this model has its own.
    """

    def __init__(
        self, client: Any | None, own: OpenAIModel | None, retries: Retries, breaker: Breaker | None = None
    ) -> None:
        self._client, self._own, self._retries = client, own, retries
        self._breaker = breaker or Breaker(retries.breaker_failures, retries.breaker_reset_seconds)
        self._extras: dict[RunId, Json] = {}
        self._listeners: dict[RunId, Listener] = {}
        self._without_reasoning: set[str] = set()

    async def close(self) -> None:
        """Close our own client; a program closes its own."""
        if self._own is not None:
            await self._own.close()

    def remember_extras(self, run: RunId, extras: Mapping[str, Any]) -> None:
        """The run's ``extra_create_args`` as they were given, for what its brief cannot carry as JSON."""
        self._extras[run] = dict(extras)

    def listen(self, run: RunId, listener: Listener) -> None:
        """From now on the run's answers are streamed, where the client can, and ``listener`` gets the README's events in order."""
        self._listeners[run] = listener

    def stop_listening(self, run: RunId) -> None:
        self._listeners.pop(run, None)

    def forget(self, run: RunId) -> None:
        """The run has ended: no turn of it comes any more."""
        self._extras.pop(run, None)

    async def reply(self, prompt: Prompt) -> Reply:
        """One answer, or `Rejected` in words, after the retries. A run of one call that no model proposed has no conversation."""
        brief = _brief(prompt)
        if brief.get("model_call") is False:
            return NO_CALL
        if self._breaker.is_open():
            raise Rejected("Provider circuit breaker is open")
        body = request_body(prompt, brief, self._extras.get(prompt.run, {}))
        limit = body.pop("timeout", self._retries.timeout_seconds)
        hearing = Hearing(self._listeners.get(prompt.run))
        try:
            reply = await self._persistently(body, limit, hearing)
        except Rejected:  # it did answer
            self._breaker.worked()
            raise
        except Exception as error:  # the outermost edge of foreign code: a client may raise anything
            self._breaker.failed()
            passing = transient(error) and not hearing.heard
            how = "after retries" if passing else "(non-retryable)"
            raise Rejected(f"Provider call failed {how}: {_words(error, limit)}") from error
        self._breaker.worked()
        return reply

    async def _persistently(self, body: Json, limit: Any, hearing: Hearing) -> Reply:
        retries, most = self._retries, self._retries.max_backoff_seconds
        backoff = wait_exponential_jitter(multiplier=retries.backoff_seconds, max=most, jitter=retries.jitter_seconds)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return (min(retry_after(error), most) if error else 0.0) or backoff(state)

        async def once() -> Reply:
            return reply_of(plain(await self._answer(body, limit, hearing)))

        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda error: not hearing.heard and transient(error)),
            stop=stop_after_attempt(retries.max_retries + 1),
            wait=pause,
            reraise=True,
        )
        return await attempts(once)

    async def _answer(self, body: Json, limit: Any, hearing: Hearing) -> object:
        if self._own is not None:
            reader = StreamReader()
            each = (lambda raw: hearing.tell(reader.told(raw))) if hearing.listener is not None else None
            return await self._own.respond(body, _seconds(limit), each)
        name, base = str(body.get("model")), {**body, "timeout": limit}
        if body["store"] or name in self._without_reasoning:
            return await self._of_client(base, {}, hearing)
        try:
            return await self._of_client(base, {"include": with_reasoning(body.get("include"))}, hearing)
        except Exception as error:  # the outermost edge of foreign code; only one kind is taken, the rest goes on
            if not refuses_reasoning(error):
                raise
            self._without_reasoning.add(name)
            return await self._of_client(base, {}, hearing)

    async def _of_client(self, base: Json, extras: Json, hearing: Hearing) -> object:
        responses: Any = getattr(self._client, "responses", None)
        if not callable(getattr(responses, "create", None)):
            raise Rejected("openai_client cannot be asked: it has no responses.create.")
        stream, seconds = getattr(responses, "stream", None), _seconds(base["timeout"])
        if hearing.listener is None or not callable(stream):
            async with asyncio.timeout(seconds):
                return await called(responses.create, base, extras)
        if type(responses).__module__.startswith("openai.resources."):
            # The SDK's `stream` parses the arguments of strict tools: it fails of some that the model can be told about.
            stream, base = responses.create, {**base, "stream": True}
        reader = StreamReader()

        def each(raw: Any) -> None:
            hearing.tell(reader.told(raw))

        try:
            final = await streamed(stream, base, extras, each=each, silence=seconds)
        except BrokenOff as broken:
            if reader.final is None:
                raise Unavailable(f"The model's stream broke off before its end: {broken}") from broken.__cause__
            return reader.final  # its last event carried the whole response
        if final is None and reader.final is None:
            raise Unavailable("The model's stream broke off before its end.")
        return reader.final if final is None else final


def request_body(prompt: Prompt, brief: Json, live: Json) -> Json:
    """The arguments of `responses.create` for this turn: the program's, and everything that was said since."""
    messages = brief.get("messages") or []
    body: Json = {"model": brief.get("model")}
    if prompt.tools:
        body["tools"] = list(prompt.tools)
    if brief.get("instructions"):
        body["instructions"] = brief["instructions"]
    if brief.get("temperature") is not None:
        body["temperature"] = brief["temperature"]
    body.update(brief.get("extra_create_args") or {})
    body.update(live)
    body.setdefault("store", False)
    for name in _OURS:
        body.pop(name, None)
    since = prompt.items[len(messages) :]
    if since and _demands_a_call(body.get("tool_choice")):  # it would never let the model answer
        del body["tool_choice"]
    if since and body.get("conversation"):  # the provider keeps what was said, and would hear it twice
        return {**body, "input": _newest_outputs(since)}
    return {**body, "input": [*messages, *(since if body["store"] else replayable(since))]}


def _demands_a_call(choice: object) -> bool:
    return choice == "required" or (isinstance(choice, dict) and choice.get("mode") != "auto")


def _newest_outputs(since: Sequence[object]) -> list[object]:
    def is_output(item: object) -> bool:
        return isinstance(item, dict) and item.get("type") == "function_call_output"

    return [*takewhile(is_output, reversed(since))][::-1]


def _brief(prompt: Prompt) -> Json:
    try:
        brief = json.loads(prompt.brief)
    except ValueError:
        brief = None
    if not isinstance(brief, dict):
        raise Rejected("What the program asked is no longer known: its run was purged.")
    return brief


def _seconds(limit: Any) -> float | None:
    """A limit as the SDK takes it: seconds, None for none, or an object with a ``read`` timeout."""
    if limit is None or isinstance(limit, int | float):
        return limit
    return _seconds(getattr(limit, "read", None))


def _words(error: Exception, limit: Any) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        seconds = _seconds(limit)
        return "no answer in time" if seconds is None else f"no answer within {seconds:g} s"
    return redact_text(str(error).strip() or type(error).__name__)[:1000]
