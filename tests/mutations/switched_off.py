"""Switches one guard off in a copy of the checkout and runs the tests that are named for it. Which guards there are is `guards.py`'s.

Rule 1: the product has no hook for this: a guard is a piece of its text, and what stands there without it.
Rule 2: a guard is detected when every test named for it fails by what it promises. Code that the change only broke (an import, a
name, a type) does not count, and neither does a test that hangs or that fails anyway.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.guards import Guard

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("bot", "tests", "migrations", "examples", "docs", "benchmarks")
AT_ONCE = 2
SECONDS, SECONDS_A_TEST = 240.0, 10.0
_ONLY_BROKEN = re.compile(
    r"(?:\w+\.)*(?:Syntax|Indentation|Import|ModuleNotFound|Name|UnboundLocal|Type|Attribute)Error\b"
    # What a test says that looks into a refusal where there is none.
    r"(?!: 'NoneType' object has no attribute '(?:ground|reason)')"
)
_ENDED = re.compile(r"^(FAILED|ERROR) (\S+?::.*?)(?: - (.*))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one guard's removal; ``fault`` says why it does not count as detected, "" where it does."""

    guard: Guard
    fault: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of pytest ended: its exit status (None: it hung), and the failed tests with what each of them said."""

    status: int | None
    failed: dict[str, str]
    printed: str


def detected(guards: Sequence[Guard]) -> Iterator[Verdict]:
    """The verdict of each guard, two at a time; the named tests must pass while nothing is switched off."""
    named = sorted({test for guard in guards for test in guard.tests})
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for honest in threads.map(as_they_are, filter(None, (named[n::AT_ONCE] for n in range(AT_ONCE)))):
            if honest.status != 0:
                raise AssertionError(f"the named tests do not pass as they are:\n{honest.printed[-4000:]}")
        yield from threads.map(switched_off, guards)


def as_they_are(tests: Sequence[str]) -> Ended:
    with checkout() as folder:
        return tested(folder, tests, SECONDS + SECONDS_A_TEST * len(tests))


def switched_off(guard: Guard) -> Verdict:
    began = time.monotonic()
    with checkout() as folder:
        file = folder / guard.file
        text = file.read_text()
        if text.count(guard.old) != 1:
            return Verdict(guard, f"its text stands {text.count(guard.old)} times in {guard.file}", 0.0)
        file.write_text(text.replace(guard.old, guard.new))
        fault = fault_of(guard, tested(folder, guard.tests))
    return Verdict(guard, fault, time.monotonic() - began)


def fault_of(guard: Guard, ran: Ended) -> str:
    """Why ``ran`` does not show that the guard is missed; "" where it does."""
    if ran.status != 1:
        how = {None: "the tests hung", 0: "every test passed"}.get(ran.status, f"pytest ended with {ran.status}")
        return how if ran.status in (None, 0) else f"{how}: {ran.printed[-500:]}"
    for test in guard.tests:
        said = [why for name, why in ran.failed.items() if name == test or name.startswith(f"{test}[")]
        if not said:
            return f"{test} passed"
        if all(_ONLY_BROKEN.match(why) for why in said):
            return f"the code is only broken: {said[0]}"
    return ""


@contextmanager
def checkout() -> Iterator[Path]:
    """A copy of this checkout, as it is on the disk."""
    with tempfile.TemporaryDirectory(prefix="signoff-guard-") as name:
        folder = Path(name)
        for each in FOLDERS:
            if (ROOT / each).is_dir():
                shutil.copytree(ROOT / each, folder / each, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
        for file in ROOT.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        yield folder


def tested(folder: Path, tests: Iterable[str], seconds: float = SECONDS) -> Ended:
    """Run these tests of the checkout in ``folder``, each in what is there and not in what is installed."""
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-q",
        "-rfE",
        "--tb=no",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"}
    running = subprocess.Popen(
        [*command, *tests],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        return Ended(None, {}, running.communicate()[0])
    failed = {name: why or "" for how, name, why in _ENDED.findall(printed) if how == "FAILED"}
    return Ended(running.returncode, failed, printed)
