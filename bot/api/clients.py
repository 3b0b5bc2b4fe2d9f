"""How a client that a program brought is called, whatever it is: synchronous or asynchronous, the real SDK or a fake.
What is asked of it is `model`'s and `guard`'s; what it answers is read in `responses` and `guard`.

Rules
1. A client gets the arguments that it was always given; one that is new only where its signature names it (a ``**kwargs``
   does not: a fake may pass it on to something that does not know it).
2. A synchronous client never blocks the event loop: it works in a daemon thread, and whoever stops waiting leaves it there.
3. Whoever waits is told what the client raised, as it is.
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.threads import in_thread

Each = Callable[[Any], object]
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_END = object()


class BrokenOff(Exception):
    """A stream ended, and its client has no final response of it; the cause is what the client said."""


async def called(method: Callable[..., Any], base: Mapping[str, Any], extras: Mapping[str, Any] = _NOTHING) -> Any:
    """What ``method(**base)`` returns, awaited where it can be; of ``extras`` it gets what its signature names."""
    given = {**base, **{name: extras[name] for name in extras.keys() & named(method)}}
    if _is_async(method):
        return await method(**given)
    result = await in_thread(lambda: method(**given), name="client")
    return await result if inspect.isawaitable(result) else result


def named(method: Callable[..., Any]) -> frozenset[str]:
    """The parameters that a method's signature names; none where it has no signature to read."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(each.name for each in parameters if each.kind in _BY_NAME)


async def streamed(
    method: Callable[..., Any],
    base: Mapping[str, Any],
    extras: Mapping[str, Any] = _NOTHING,
    *,
    each: Each,
    silence: float | None,
) -> Any:
    """Open the stream that ``method`` returns, give ``each`` of its events to the caller as it arrives, and return what its
    ``get_final_response()`` returns; None where it has none.

    Raises TimeoutError after ``silence`` seconds without an event (None: it waits for ever), `BrokenOff`, and what the stream
    itself raises.
    """
    async with asyncio.timeout(silence):
        stream = await called(method, base, extras)
    if _asynchronous(stream, method):
        return await _drained(stream, each, silence)
    return await _drained_beside(stream, each, silence)


def _is_async(method: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(method))


def _asynchronous(stream: Any, method: Callable[..., Any]) -> bool:
    kind = type(stream)
    asynchronous = hasattr(kind, "__aenter__") or hasattr(kind, "__aiter__")
    synchronous = hasattr(kind, "__enter__") or hasattr(kind, "__iter__")
    return asynchronous and (not synchronous or _is_async(method))  # a mock is both: then its method tells


async def _drained(stream: Any, each: Each, silence: float | None) -> Any:
    async with contextlib.AsyncExitStack() as stack:
        if hasattr(type(stream), "__aenter__"):
            async with asyncio.timeout(silence):
                stream = await stack.enter_async_context(stream)
        events = aiter(stream)
        while True:
            async with asyncio.timeout(silence):
                event = await anext(events, _END)
            if event is _END:
                break
            each(event)
        async with asyncio.timeout(silence):
            final = _final_of(stream)
            return await _awaited(final) if inspect.isawaitable(final) else final


async def _drained_beside(stream: Any, each: Each, silence: float | None) -> Any:
    """The same for a synchronous stream: one thread opens, reads and closes it, and hands over what it reads."""
    loop, given_up = asyncio.get_running_loop(), threading.Event()
    read: asyncio.Queue[tuple[Any, BaseException | None, bool]] = asyncio.Queue()

    def hand_over(value: Any, raised: BaseException | None = None, last: bool = True) -> None:
        try:
            loop.call_soon_threadsafe(read.put_nowait, (value, raised, last))
        except RuntimeError:  # the loop is closed: nobody waits for this any more
            given_up.set()

    def work() -> None:
        try:
            with contextlib.ExitStack() as stack:
                opened = stack.enter_context(stream) if hasattr(type(stream), "__enter__") else stream
                for event in opened:
                    if given_up.is_set():
                        return
                    hand_over(event, last=False)
                hand_over(_final_of(opened))
        except BaseException as error:  # carried over to the event loop, where it is raised again
            hand_over(None, error)

    reader = asyncio.create_task(in_thread(work, name="client stream"))
    try:
        while True:
            async with asyncio.timeout(silence):
                value, raised, last = await read.get()
            if raised is not None:
                raise raised
            if last:
                return await _awaited(value) if inspect.isawaitable(value) else value
            each(value)
    finally:
        given_up.set()
        reader.cancel()


def _final_of(stream: Any) -> Any:
    try:
        return getattr(stream, "get_final_response", lambda: None)()
    except Exception as error:  # the outermost edge of foreign code: the SDK says so with a RuntimeError
        raise BrokenOff(str(error)) from error


async def _awaited(final: Awaitable[Any]) -> Any:
    try:
        return await final
    except Exception as error:  # as above
        raise BrokenOff(str(error)) from error
