"""T1 and T2: SIGKILL at every point of every flow, and at random points of several at once, on both databases (contract R1, R2, R3, R7,
R15, R16, R18). The stories and their judgement are `tests/crash`'s; here they are shared out to a few processes.

A failure is printed with the command that tells its story again.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.crash.campaigns import Tally
from tests.crash.flows import FLOWS
from tests.databases import running_postgres
from tests.soak.report import Line

ROOT = Path(__file__).resolve().parents[2]
KILLS, CONTROLS = 10_000, 300
HANDS = 4
"""How many processes tell stories at once: each mostly waits, for a sweep or for a commit."""
Job = dict[str, Any]


def every_point(seed: int, share: float) -> Iterator[Line]:
    """T1. With a smaller share it takes only every n-th point."""
    step = max(1, round(1 / share))
    jobs = [{"flow": flow, "seed": seed, "first": 1 + seed % step, "step": step} for flow in FLOWS]
    for database, urls in _databases():
        began = time.monotonic()
        tally = _shared(urls, "every_point", _dealt(jobs, len(urls)))
        what = f"{database}: SIGKILL at every point of {len(FLOWS)} flows; then again, and a second one in the recovery"
        if step > 1:
            what = what.replace("every point", f"every {step}. point")
        met = tally.points >= len(FLOWS) * 30 // step and tally.effects > 0 and tally.doubts > 0
        yield _line("T1", "R1 R2 R3 R7 R16 R18", what, tally, f"{tally.points} points, ", met, seed, began)
        if database == "Postgres":
            began = time.monotonic()
            commits = [{"flow": flow, "first": 1 + seed % step, "step": step} for flow in FLOWS]
            tally = _shared(urls, "every_commit", _dealt(commits, len(urls)))
            what = "Postgres: the connection is cut at every commit, before the server hears of it and after it has committed"
            cut = f"{tally.cuts} cuts ({tally.heard_cuts} committed and not heard of), "
            met = tally.cuts >= len(FLOWS) * 10 // step and tally.heard_cuts > 0
            yield _line("T1", "R15", what, tally, cut, met, seed, began)


def at_random(seed: int, share: float) -> Iterator[Line]:
    """T2, and its control."""
    kills = max(20, round(KILLS * share))
    for database, urls in _databases():
        began = time.monotonic()
        jobs = [[{"seed": seed + 1_000_000 * n, "kills": kills // len(urls)}] for n in range(len(urls))]
        tally = _shared(urls, "at_random", jobs)
        what = f"{database}: SIGKILL at random points and times of one to four flows at once, recoveries too"
        work = (
            f"{tally.kills} kills ({tally.timed} at any time, {tally.grouped} with several works in the open commit), "
        )
        if tally.cuts:
            work += f"{tally.cuts} connections cut at a commit ({tally.heard_cuts} committed and not heard of), "
        met = tally.kills >= kills // len(urls) * len(urls) and tally.effects > 0
        yield _line("T2", "R1 R2 R3 R7 R15 R16 R18", what, tally, work, met, seed, began)
    yield _control(seed, share)


def _control(seed: int, share: float) -> Line:
    """The harness must be able to fail."""
    began, stories = time.monotonic(), max(10, round(CONTROLS * share))
    jobs = [[{"seed": seed + 1_000_000 * n, "stories": stories // HANDS}] for n in range(HANDS)]
    tally = _shared(["sqlite"] * HANDS, "control", jobs)
    happened = tally.effects - tally.twice
    found = f"{tally.doubled} of {happened} actions happened again ({100 * tally.doubled / max(1, happened):.1f} %)"
    what = "CONTROL, SQLite: the same with a bot that acts before it writes down; here doubles are wanted"
    work = f"{tally.kills} kills of {tally.runs} runs, {found}"
    missed = 0 if tally.doubled else 1
    return Line("T2", "R1", what, work, missed, tally.kills >= stories, seed, time.monotonic() - began)


def _databases() -> Iterator[tuple[str, list[str]]]:
    yield "SQLite", ["sqlite"] * HANDS
    with running_postgres() as server:
        yield "Postgres", [server.create("migrated") for _ in range(HANDS)]


def _dealt(jobs: Sequence[Job], hands: int) -> list[list[Job]]:
    return [list(jobs[hand::hands]) for hand in range(hands)]


def _shared(urls: Sequence[str], what: str, jobs: Sequence[list[Job]]) -> Tally:
    """What these processes found together: each has its own database and its own jobs."""
    orders = [
        json.dumps({"database": url, "jobs": [(what, job) for job in own]}) for url, own in zip(urls, jobs, strict=True)
    ]
    started = [
        subprocess.Popen([sys.executable, "-m", "tests.crash", "--campaign", order], cwd=ROOT, stdout=subprocess.PIPE)
        for order in orders
    ]
    tally = Tally()
    for process in started:
        told, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"a campaign ended with {process.returncode}; what it said is on stderr")
        for each in json.loads(told):
            tally.add(each)
    return tally


def _line(tier: str, rows: str, what: str, tally: Tally, work: str, met: bool, seed: int, began: float) -> Line:
    seconds = time.monotonic() - began
    for failure in tally.failures:
        flow, rest = failure["again"].split(" ", 1)
        print(f"python -m tests.crash {flow} {what.split(':')[0].lower()} {rest}\n  {failure}", flush=True)
    work += f"{tally.runs} runs, {tally.effects} effects, {tally.doubts} in doubt and asked about"
    rate = tally.kills / seconds
    figure = (
        f"{rate:.0f} kills/s, {1000 * tally.cpu / max(1, tally.kills):.0f} ms of CPU each on {os.cpu_count()} cores"
        if tally.kills
        else ""
    )
    return Line(tier, rows, what, work, len(tally.failures), met, seed, seconds, figure)
