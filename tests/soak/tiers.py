"""The tiers and their order. One of them may have a process of its own beside the others (T3 mostly waits). Such a process finds nothing
in a `__main__`, so this is not there."""

import importlib
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.soak.report import Line, table

TIERS: dict[str, str] = {
    "T0": "any_history",
    "T1": "crashes_at_every_point",
    "T2": "crashes_at_random",
    "T3": "replicas",
    "T4": "outages",
    "T5": "upgrades",
    "T6": "fuzz",
    "T7": "mutations",
    "R3": "deliveries",
    "R5": "races",
    "R21": "children",
}
"""The tier's name → its module in this package."""


def all_of(names: Sequence[str], seed: int, share: float, beside: str) -> Iterator[list[Line]]:
    """The lines of each of these tiers as it is done; ``beside``: the one that others need not wait for."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        waited = [pool.submit(lines_of, name, seed, share) for name in names if name == beside]
        for name in names:
            if name != beside:
                yield lines_of(name, seed, share)
            if waited and waited[0].done():
                yield waited.pop().result()
        yield from (lines.result() for lines in waited)


def lines_of(name: str, seed: int, share: float) -> list[Line]:
    """What the tier found; one that breaks off itself is a violation, and the others go on."""
    lines, began = list[Line](), time.monotonic()
    try:
        lines += _printed(importlib.import_module(f"tests.soak.{TIERS[name]}").soak(seed, share))
    except Exception as broken:  # the outermost edge of a tier
        traceback.print_exc()
        what = f"BROKE OFF: {type(broken).__name__}: {broken}".replace("|", "/")
        lines.append(Line(name, "", what, "nothing", 1, False, seed, time.monotonic() - began))
    return lines


def _printed(lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        print(table([line]).splitlines()[-1], flush=True)
        yield line
