"""T7: the guards of the product, switched off one by one (`tests/mutations`). Short form: `tests/mutations/test_guards.py`."""

import random
import time
from collections.abc import Iterator

from tests.mutations.guards import GUARDS
from tests.mutations.switched_off import detected
from tests.soak.report import Line

FEWEST = 25


def soak(seed: int, share: float) -> Iterator[Line]:
    """Violation: a guard whose removal its named tests do not notice."""
    began = time.monotonic()
    chosen = GUARDS if share >= 1.0 else random.Random(seed).sample(GUARDS, max(2, int(len(GUARDS) * share)))
    missed = []
    for verdict in detected(chosen):
        if verdict.fault:
            missed.append(verdict)
            print(f"not detected: {verdict.guard.name}: {verdict.fault}")
    rows = sorted({row for guard in chosen for row in guard.rows.split()}, key=lambda row: (row[0], int(row[1:])))
    work = f"guards removed {len(chosen)}, detected {len(chosen) - len(missed)}"
    floor = len(chosen) >= (FEWEST if share >= 1.0 else 2)
    seconds = time.monotonic() - began
    yield Line("T7", " ".join(rows), "each guard is switched off", work, len(missed), floor, seed, seconds)
