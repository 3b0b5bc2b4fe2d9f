"""Tier T0 of the soak: many more of the histories of `tests/crash/histories.py` (contract R1, R7, R16)."""

import time
import traceback
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.crash.histories import AnyHistory
from tests.soak.report import Line

HISTORIES, STEPS = 3_000, 40


def soak(number: int, share: float) -> Iterator[Line]:
    began, histories, failures = time.monotonic(), max(20, round(HISTORIES * share)), 0
    AnyHistory.seen.clear()
    chosen = settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    machine = seed(number)(type("Seeded", (AnyHistory,), {}))
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except BaseException:  # the outermost edge of a tier: the violation is told, and counted
        traceback.print_exc()
        failures = 1
    seen = AnyHistory.seen
    ends = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen.items()))
    met = seen["executed"] >= histories // 10 and seen["expired"] > 0 and seen["frozen"] > 0
    what = "any history of clicks, expiry ±1 ms, freezes, edits, stops, restarts, clock jumps of a day, death within an action"
    work = f"{histories} histories of {STEPS} steps, {seen.total()} calls ({ends})"
    yield Line("T0", "R1 R7 R16", what, work, failures, met, number, time.monotonic() - began)
