"""The processes that one thread of ours started, ended with all that is below them. Linux only; elsewhere nobody is found.

What is left at the bot's own end is ended by its guardian (`guardian.py`), which knows it by other marks.

Rule 1: a process is the thread's when the kernel lists it as started by that thread, or when it was seen below such a one.
Rule 2: it is asked to end (SIGTERM), and after a while killed, each time through a handle (pidfd) opened before it is looked at once
more: a number that was used again is never hit.
Rule 3: what another thread started is left alone, since nobody can tell whose it is: so is what an asynchronous function starts, on
the event loop's thread, and what lost its parent before anybody looked.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from bot.guardian import PARENT, START, Seen, fields_of, pids

AGAIN_SECONDS: Final = 0.02
LONGEST_SECONDS: Final = 5.0


def end_processes_of(thread: threading.Thread, grace: float) -> None:
    """Until none is left, or none that can be ended. ``grace``: for how many seconds they are only asked to."""
    if sys.platform != "linux":
        return
    began, seen, told = time.monotonic(), Seen(), set[tuple[int, signal.Signals]]()
    while True:
        seen = _present(seen | _started_by(thread))
        took = time.monotonic() - began
        if not seen or took > grace + LONGEST_SECONDS:
            return
        how = signal.SIGTERM if took < grace else signal.SIGKILL
        for pid, start in seen.items():
            if (pid, how) not in told:
                told.add((pid, how))
                _send(pid, start, how)
        time.sleep(AGAIN_SECONDS)


def _started_by(thread: threading.Thread) -> Seen:
    """Those whom the thread started itself. Once it has ended, its number may be another thread's."""
    try:
        listed = Path(f"/proc/self/task/{thread.native_id}/children").read_text().split()
    except OSError:
        return {}
    return {int(pid): found[START] for pid in listed if thread.is_alive() and (found := fields_of(int(pid)))}


def _present(seen: Seen) -> Seen:
    """Those of ``seen`` that are there still, and all below them."""
    everyone = {pid: found for pid in pids() if (found := fields_of(pid)) is not None}
    present = {pid: start for pid, start in seen.items() if pid in everyone and everyone[pid][START] == start}
    while below := {
        pid: found[START] for pid, found in everyone.items() if int(found[PARENT]) in present and pid not in present
    }:
        present |= below
    return present


def _send(pid: int, start: str, how: signal.Signals) -> None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        found = fields_of(pid)
        if found is not None and found[START] == start:
            signal.pidfd_send_signal(handle, how)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        os.close(handle)
