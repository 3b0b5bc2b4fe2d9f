"""A small memory whose entries are forgotten after a while. Here is no I/O: whoever keeps a value has asked for it."""

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST: Final = 10_000


class Remembered(Generic[K, V]):
    """Values for at most ``seconds``, at most 10,000 of them. ``clock`` counts seconds, from anywhere."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        kept = self._kept.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < self._seconds else None

    def keep(self, key: K, value: V) -> V:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (self._clock(), value)
        return value
