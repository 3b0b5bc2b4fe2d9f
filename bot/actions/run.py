"""Runs an action with the stored bytes, and asks its probe. Whether it may run is not decided here.

Rules
1. The function receives what the canonical bytes say, converted by the types of its signature, and nothing else.
2. A synchronous function never blocks the event loop: each call has a daemon thread of its own, so that one which
   never ends neither starves others nor holds up the shutdown.
3. Whatever the function raises becomes a sentence, SystemExit too: one action does not end the process that others run in.
   KeyboardInterrupt and cancellation pass through.
4. A timeout is reported as what it is: nobody waited any longer, and it may still have happened. An asynchronous function is
   cancelled. A thread cannot be ended, but the processes are that it started, and with them what it most likely waits for; a function
   that only computes goes on until it ends by itself, or the bot does.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from bot.actions.definition import Action
from bot.actions.output import output_text, without
from bot.actions.signature import KEY_PARAMETER
from bot.core.canonical import Json, Refused, parse_arguments
from bot.ports import Ran
from bot.processes import end_processes_of
from bot.threads import in_thread

T = TypeVar("T")
_GRACE_SECONDS = 1.0
_LONGEST_ERROR = 2000
_SHORTEST_SECRET = 4


class _TimedOutError(Exception):
    """Nobody waits any longer; never leaves this file."""


async def execute(
    action: Action,
    arguments: bytes,
    *,
    idempotency_key: str,
    keep: Callable[[object], None] | None = None,
    unspoken: Iterable[str] = (),
) -> Ran:
    """Call the action with canonical `arguments`. Never raises for what the action does; see the rules.

    keep: is given what the action returned, before it becomes JSON text; not called where it failed.
    unspoken: texts that the result must not carry further, besides the secret arguments.
    """
    parsed = parse_arguments(arguments)
    if isinstance(parsed, Refused):
        return Ran(ok=False, output="null", error=f"{action.name} was not run: {parsed.reason}")
    secrets = [*secret_texts(action, parsed), *unspoken]
    try:
        values = action.parameters.values(parsed)
    except Exception as error:  # the outermost edge of foreign code: validators of the parameters' types
        return _failed(f"{action.name} was not run: {_told(error)}", secrets)
    if action.parameters.takes_key:
        values[KEY_PARAMETER] = idempotency_key
    try:
        result = await _called(action.fn, values, action.timeout)
    except _TimedOutError:
        sentence = (
            f"{action.name} did not answer within {action.timeout:g} s. It may still have happened, or happen yet."
        )
        return replace(_failed(sentence, secrets), unknown=True)
    except Exception as error:  # the outermost edge of foreign code: an action may raise anything
        return _failed(f"{action.name} failed: {_told(error)}", secrets)
    if keep is not None:
        keep(result)
    return Ran(ok=True, output=output_text(result, secrets))


async def ask_probe(action: Action, arguments: bytes, *, idempotency_key: str) -> bool | None:
    """Whether an interrupted attempt happened, by the action's probe. None where it cannot tell, fails or is missing."""
    parsed = parse_arguments(arguments)
    if action.probe is None or isinstance(parsed, Refused):
        return None
    try:
        values = {**action.parameters.values(parsed), KEY_PARAMETER: idempotency_key}
        answer = await _called(action.probe, _accepted(action.probe, values), action.timeout)
    except Exception:  # the outermost edge of foreign code: a probe that fails cannot tell
        return None
    return answer if isinstance(answer, bool) else None


async def in_time(work: Callable[[], T], name: str, seconds: float) -> T | None:
    """What other foreign code returns, by rules 2 and 4; None where it takes longer than `seconds`."""
    try:
        result: T = await _in_thread_within(work, name, seconds)
    except _TimedOutError:
        return None
    return result


async def _called(fn: Callable[..., Any], values: dict[str, Any], seconds: float) -> Any:
    """The function's result within `seconds`; raises what it raises, or _TimedOutError."""
    if inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None)):  # noqa: B004
        return await _within(fn(**values), seconds)
    loop = asyncio.get_running_loop()
    began = loop.time()
    result = await _in_thread_within(lambda: fn(**values), f"action {getattr(fn, '__name__', '')}", seconds)
    if inspect.isawaitable(result):
        return await _within(result, max(seconds - (loop.time() - began), 0.001))
    return result


async def _in_thread_within(work: Callable[[], Any], name: str, seconds: float) -> Any:
    """``work``'s result; where it takes longer, what it started is ended before anybody is told."""
    threads: list[threading.Thread] = []

    def known() -> Any:
        threads.append(threading.current_thread())
        return work()

    try:
        return await _within(in_thread(known, name), seconds)
    except _TimedOutError:
        for thread in threads:
            await in_thread(partial(end_processes_of, thread, _GRACE_SECONDS), f"end of {name}")
        raise


async def _contained(work: Awaitable[Any]) -> Any:
    """A task that ended with SystemExit would take the event loop with it."""
    try:
        return await work
    except SystemExit as end:
        raise RuntimeError(f"it would have ended the process: SystemExit({end.code!r})") from end


async def _within(work: Awaitable[Any], seconds: float) -> Any:
    task = asyncio.ensure_future(_contained(work))
    task.add_done_callback(_looked_at)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE_SECONDS)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done() or task.cancelled():
        raise _TimedOutError
    return task.result()


def _looked_at(task: "asyncio.Future[Any]") -> None:
    """What a task raises after nobody waits for it any more is no news: asyncio need not log it."""
    if not task.cancelled():
        task.exception()


def _accepted(probe: Callable[..., Any], values: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(probe).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return values
    return {name: value for name, value in values.items() if name in parameters}


def _failed(sentence: str, secrets: list[str]) -> Ran:
    text = without(sentence, secrets).encode(errors="backslashreplace").decode()
    if len(text) > _LONGEST_ERROR:
        text = f"{text[:_LONGEST_ERROR]}… (cut from {len(text):,} characters)"
    return Ran(ok=False, output="null", error=text)


def _told(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:  # the outermost edge of foreign code: an exception's own __str__
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def secret_texts(action: Action, arguments: dict[str, Json]) -> list[str]:
    """Every text inside the arguments declared secret that is long enough not to occur by chance."""
    found: list[str] = []
    left = [arguments[name] for name in action.secret if name in arguments]
    while left:
        match left.pop():
            case str() as text if len(text) >= _SHORTEST_SECRET:
                found.append(text)
            case list() as items:
                left.extend(items)
            case dict() as items:
                left.extend(items.values())
            case _:
                continue
    return found
