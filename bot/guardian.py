"""The bot's guardian: a small process that outlives the bot for a moment and ends every process that the bot's actions left.

It runs by itself (`python -I -S guardian.py PID SESSION`, the bot's), with the standard library only; `children.py` starts it. Only
its reading of processes is used elsewhere (`processes.py`). SIGNOFF_COOKIE is the bot's cookie; the end of its input, or of the bot,
is its signal. Linux only.

Rule 1: a process belongs to the bot when its first environment holds the cookie, or when it was seen below the bot while that
lived (so one that was given another environment is known once it has lived for `LOOK_SECONDS`).
Rule 2: it is killed through a handle (pidfd) opened before it is looked at once more: a number that was used again is never hit.
Rule 3: it looks again until nobody is left, and says on stderr whom it killed and whom it could not.
"""

import os
import select
import signal
import sys
import time

VARIABLE = b"SIGNOFF_PROCESS="
COOKIE = "SIGNOFF_COOKIE"
LOOK_SECONDS = 0.5
AGAIN_SECONDS = 0.02
QUIET_LOOKS = 3
"""A process that is just being started shows no environment for a moment."""
LONGEST_SECONDS = 10.0
Seen = dict[int, str]
"""Process → when it started, as the kernel counts it."""


def main(bot: int, session: str) -> int:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    cookie, seen = os.environ.get(COOKIE, "").encode(), Seen()
    if cookie and os.getppid() == bot:
        _watch(bot, seen)
    if cookie:
        _end_all(bot, session, cookie, seen)
    return 0


def _watch(bot: int, seen: Seen) -> None:
    """Until the input ends or the bot does, remember who is below the bot. A fork of the bot may hold the other end of the
    input, so the bot itself is watched too."""
    try:
        handle = os.pidfd_open(bot)
    except OSError:
        return
    while not select.select([0, handle], [], [], LOOK_SECONDS)[0]:
        _remember(bot, seen)
    if os.getppid() == bot:
        _remember(bot, seen)


def _remember(bot: int, seen: Seen) -> None:
    everyone = {pid: fields for pid in pids() if (fields := fields_of(pid)) is not None}
    for pid in [pid for pid in seen if pid not in everyone or everyone[pid][START] != seen[pid]]:
        del seen[pid]
    known = {bot, *seen}
    while below := [pid for pid, each in everyone.items() if int(each[PARENT]) in known and pid not in known]:
        known.update(below)
    seen.update((pid, everyone[pid][START]) for pid in known - {bot, os.getpid()})


def _end_all(bot: int, session: str, cookie: bytes, seen: Seen) -> None:
    began, quiet = time.monotonic(), 0
    told: set[tuple[int, str]] = set()
    while quiet < QUIET_LOOKS and time.monotonic() - began < LONGEST_SECONDS:
        found = [pid for pid in pids() if pid not in (bot, os.getpid()) and _is_ours(pid, cookie, seen)]
        for pid in found:
            _end(pid, session, cookie, seen, told)
        quiet = 0 if found else quiet + 1
        time.sleep(AGAIN_SECONDS)


def _end(pid: int, session: str, cookie: bytes, seen: Seen, told: set[tuple[int, str]]) -> None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        fields = fields_of(pid)
        if fields is None or not _is_ours(pid, cookie, seen):
            return
        what, key = _described(pid, fields, session), (pid, fields[START])
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            said = "killed"
        except PermissionError:
            said = "could not kill"
        if key not in told:
            told.add(key)
            print(f"signoff: {said} process {what}, which an action had left running", file=sys.stderr, flush=True)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _is_ours(pid: int, cookie: bytes, seen: Seen) -> bool:
    fields = fields_of(pid)
    if fields is None:
        return False
    if seen.get(pid) == fields[START]:
        return True
    entries = _read(f"/proc/{pid}/environ").split(b"\0")
    return any(entry.startswith(VARIABLE) and cookie in entry for entry in entries)


def _described(pid: int, fields: list[str], session: str) -> str:
    words = _read(f"/proc/{pid}/cmdline").split(b"\0")
    name = os.path.basename(words[0]).decode("utf-8", "replace") or "?"
    return f"{pid} ({name}{', in a session of its own' if fields[SESSION] != session else ''})"


STATE, PARENT, SESSION, START = 0, 1, 3, 19
"""Places in /proc/PID/stat behind the name."""


def fields_of(pid: int) -> list[str] | None:
    """What the kernel says of a process; None where it is gone, or dead and only not buried yet."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].decode().split()
    return fields if len(fields) > START and fields[STATE] not in "ZX" else None


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
