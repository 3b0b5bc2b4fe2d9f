"""Points at which a process can die: before and after every call of a port, and before, inside and after every commit.

The product has no hooks for this: the ports are wrapped. A point is its number in the life that passes it; its name
is for people.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.ports import Store, Writer

T = TypeVar("T")


class Points:
    """Counts the points that are passed. At the one that is numbered ``fatal`` (0: none), or the first that is called ``named`` at its
    end ("": none), ``last_words`` are called with its name and with how many works are in the open commit; then the process is gone."""

    def __init__(self, fatal: int, named: str, last_words: Callable[[str, int], None]) -> None:
        self.passed = 0
        self.uncommitted: set[object] = set()
        self._fatal, self._named, self._last_words = fatal, named, last_words

    def passing(self, name: str) -> None:
        self.passed += 1
        if self.passed == self._fatal or (self._named and name.endswith(self._named)):
            self._last_words(name, len(self.uncommitted))
            os.kill(os.getpid(), signal.SIGKILL)


class MortalStore:
    """A store whose writes can die before the work, between the work and its commit, and before the caller hears of the commit."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        name, mark = getattr(work, "__qualname__", "work").replace(".<locals>", ""), object()
        self._points.passing(f"{name}, to be written")

        async def mortal(tx: Writer) -> T:
            result = await work(tx)
            self._points.uncommitted.add(mark)
            self._points.passing(f"{name}, written and not committed")
            return result

        try:
            result = await self._store.write(mortal)
        finally:
            self._points.uncommitted.discard(mark)
        self._points.passing(f"{name}, committed and not heard of")
        return result

    def __getattr__(self, name: str) -> Any:
        """Whatever else a store does: what is only read is lost with the process, wherever that dies."""
        return getattr(self._store, name)


class Mortal:
    """Any other port: its process can die before and after each call of ``methods``, also of one that raises."""

    def __init__(self, port: Any, points: Points, *methods: str) -> None:
        self._port, self._points, self._methods = port, points, methods

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if name not in self._methods:
            return method
        called = f"{type(self._port).__name__}.{name}"

        async def mortal(*arguments: Any, **named: Any) -> Any:
            self._points.passing(f"{called}, to be called")
            try:
                return await method(*arguments, **named)
            finally:
                self._points.passing(f"{called}, returned")

        return mortal
