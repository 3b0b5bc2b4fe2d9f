"""The end of `signoff run`: a stop signal is heard, and ends the process, whatever of it hangs. What is done until then is `app.py`'s.

Rule 1: a thread hears the signal, and ends the process when the drain is over; `LEAVE_SECONDS` before that nothing is waited for any
more. Neither an action that blocks the event loop nor one that will not be cancelled keeps it from that. Not covered: foreign code
that never gives the interpreter's lock back.
Rule 2: nothing of the process is left behind: where anything still runs then, it ends at once and with everything.
What is cut off so is in doubt by design: its start is in the journal, so the next bot asks people about it. Other replicas ask
`CUT_OFF_SECONDS` (`worker.py`) after nothing was waited for any more, which is later.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LEAVE_SECONDS = 1.5
_FLUSH_SECONDS = 0.1
_EXECUTOR_SECONDS = 0.2
_WATCH = "stop signal"
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def told_to_stop(drain_seconds: float) -> Iterator[asyncio.Event]:
    """The event is set by SIGTERM or Ctrl-C within the block, and from then on the process has its drain, or `LEAVE_SECONDS` where that
    is less, also beyond the block. In the main thread, on its event loop."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    watch = threading.Thread(target=_watch, args=(heard, loop, stop, drain_seconds), name=_WATCH, daemon=True)
    watch.start()
    earlier = {each: signal.signal(each, lambda *_: None) for each in _SIGNALS}
    # Written to by the interpreter's own handler, also while the main thread runs no Python.
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_as_usual)
    try:
        yield stop
    finally:
        if not stop.is_set():
            signal.set_wakeup_fd(-1)
            for each, before in earlier.items():
                signal.signal(each, before)
            os.close(told)


def working_seconds(drain_seconds: float) -> float:
    """How much of the drain is for what is under way."""
    return max(0.0, drain_seconds - LEAVE_SECONDS)


def _watch(heard: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event, drain_seconds: float) -> None:
    if not os.read(heard, 1):
        os.close(heard)
        return
    # It stays open until the process ends: every further signal is written to it as well.
    until = time.monotonic() + max(drain_seconds, LEAVE_SECONDS)
    with suppress(RuntimeError):  # the loop is closed: we are at the very end already
        loop.call_soon_threadsafe(stop.set)
    time.sleep(max(0.0, until - _FLUSH_SECONDS - time.monotonic()))
    end_now()


def _as_usual() -> None:
    """A forked child of an action is no bot: a signal ends it, and the bot hears nothing of it."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def leave() -> None:
    """Return where nothing is left that Python would wait for; else end the process."""
    executor = asyncio.create_task(asyncio.get_running_loop().shutdown_default_executor())
    await asyncio.wait({executor}, timeout=_EXECUTOR_SECONDS)
    others = [
        thread for thread in threading.enumerate() if thread is not threading.main_thread() and thread.name != _WATCH
    ]
    if others or len(asyncio.all_tasks()) > 1:
        end_now()


def end_now() -> None:
    """End the process, with what was printed said where that can be done."""
    flush = threading.Thread(target=_flush, name="last words", daemon=True)
    flush.start()
    flush.join(_FLUSH_SECONDS)  # whoever hangs in the middle of printing keeps the stream
    os._exit(0)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
