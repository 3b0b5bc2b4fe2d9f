"""How a program's own functions are called back: a synchronous one in a thread of its own, so that it may block, or call the
agent again; an asynchronous one on the loop."""

import inspect
from collections.abc import Callable
from typing import Any

from bot.threads import in_thread


async def called_back(fn: Callable[..., Any], *given: Any) -> Any:
    """What ``fn(*given)`` returns, awaited where it is awaitable; raises what it raises."""
    if inspect.iscoroutinefunction(fn):
        return await fn(*given)
    result = await in_thread(lambda: fn(*given), f"callback {getattr(fn, '__name__', '')}")
    return await result if inspect.isawaitable(result) else result
