"""What whoever sends something for a run asks last: is the run still ours? The engine answers (`worker.py`); adapters ask.

A process may be halted at any point, for longer than its lease, and its run worked by another one meanwhile. It goes on in the middle
of an effect and does not know. So an adapter asks right before a request that others must not see twice: then only the request itself
can be sent too late. Asking costs nothing while our own clock says that the lease holds.

Rule: outside an effect of a run everything is ours.
Not covered: a whole machine that was halted with its clock. It does not know how long that was.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Ours = Callable[[], Awaitable[bool]]
_ours: ContextVar[Ours | None] = ContextVar("ours", default=None)


class NotOurs(Exception):
    """The run was another worker's meanwhile: nothing is sent, and whoever holds it now knows what is owed."""


@contextmanager
def fenced(ours: Ours) -> Iterator[None]:
    """Around an effect: what is sent within the block asks ``ours`` first."""
    token = _ours.set(ours)
    try:
        yield
    finally:
        _ours.reset(token)


async def still_ours() -> None:
    """Raises `NotOurs`; `Unavailable` where nobody can say."""
    ours = _ours.get()
    if ours is not None and not await ours():
        raise NotOurs
