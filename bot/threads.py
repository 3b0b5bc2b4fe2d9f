"""Between threads and event loops: blocking work beside a loop, and a loop for those who block.

Rules
1. Every thread here is a daemon: one that never ends neither starves others nor holds up the end of the program.
2. Nobody has to end a loop: its thread dies with the program.
3. A forked child has none of its parent's threads: it begins a loop of its own.
"""

import asyncio
import contextlib
import contextvars
import os
import selectors
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")


async def in_thread(work: Callable[[], T], name: str) -> T:
    """What ``work`` returns, done in a thread of its own with the caller's context; raises what it raises."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def end(result: Any, raised: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((result, raised))

    def body() -> None:
        try:
            outcome: tuple[Any, BaseException | None] = (context.run(work), None)
        except BaseException as error:  # carried over to the event loop, where it is raised again
            outcome = (None, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for this any more
            loop.call_soon_threadsafe(end, *outcome)

    threading.Thread(target=body, name=name, daemon=True).start()
    result, raised = await ended
    if isinstance(raised, StopIteration):  # a coroutine may not raise it
        raise RuntimeError(f"StopIteration: {raised}") from raised
    if raised is not None:
        raise raised
    return cast(T, result)


class LoopThread:
    """An event loop in a daemon thread, begun on first use; any thread may give it work and wait for the result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin_anew()
        _loop_threads.add(self)

    def _begin_anew(self) -> None:
        self._begin = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.current_thread()
        self._selector: selectors.EpollSelector | None = None

    def in_a_forked_child(self) -> None:
        """Leave the parent's loop alone, which the child holds a copy of: both would otherwise listen by one kernel object,
        and what the child closes at its end the parent would not hear of any more."""
        if self._loop is not None and self._selector is not None:
            with selectors.EpollSelector() as own:
                os.dup2(own.fileno(), self._selector.fileno(), inheritable=False)
            self._loop.set_exception_handler(lambda *_: None)  # that the parent's connections are not closed here
        self._begin_anew()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns or raises. RuntimeError when called from the loop's own thread, which would wait for itself;
        an interrupt of the waiting thread cancels the work."""
        loop = self._running()
        if _running_here() is loop:
            work.close()
            raise RuntimeError(
                "This would wait for itself: an async function cannot call the blocking agent it runs in."
            )
        future = asyncio.run_coroutine_threadsafe(_carried(work), loop)
        try:
            result, ended = future.result()
        except BaseException:
            future.cancel()
            raise
        if ended is not None:
            raise ended
        return cast(T, result)

    def leave(self, work: Coroutine[Any, Any, None], seconds: float) -> None:
        """Let the loop do ``work`` as its last, waiting at most ``seconds``, and end it if nothing else is left on it."""
        with self._begin:
            loop = self._loop
        if loop is None or loop.is_closed():
            return work.close()

        async def last() -> None:
            await work
            if len(asyncio.all_tasks()) == 1:
                loop.call_soon(loop.stop)

        future = asyncio.run_coroutine_threadsafe(last(), loop)
        if _running_here() is not loop:
            with contextlib.suppress(TimeoutError):
                future.result(seconds)
                self._thread.join(seconds)
        return None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._begin:
            if self._loop is None:
                self._loop, self._selector = loop, _ = _new_loop()
                self._thread = threading.Thread(target=_forever, args=(loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


_loop_threads: weakref.WeakSet[LoopThread] = weakref.WeakSet()


def _in_a_forked_child() -> None:
    for each in list(_loop_threads):
        each.in_a_forked_child()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_a_forked_child)


def _new_loop() -> tuple[asyncio.AbstractEventLoop, "selectors.EpollSelector | None"]:
    """A loop, and what it listens by where a fork would share that."""
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.new_event_loop(), None
    selector = selectors.EpollSelector()
    return asyncio.SelectorEventLoop(selector), selector


def _forever(loop: asyncio.AbstractEventLoop) -> None:
    """Until somebody stops it; what nobody can use any more is closed."""
    loop.run_forever()
    loop.close()


async def _carried(work: Coroutine[Any, Any, T]) -> tuple[Any, BaseException | None]:
    """What would end the loop's thread is carried to the thread that waits, and ends that one."""
    try:
        return await work, None
    except (SystemExit, KeyboardInterrupt) as ended:
        return None, ended


def _running_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
