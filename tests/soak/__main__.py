"""`python -m tests.soak [--share 0.1] [--only T2,T4] [--seed N]`: runs the tiers one after the other, prints their table, and
writes it to `benchmarks/results/soak.md` where everything was run whole. T3 mostly waits: it has a process of its own beside the
others, and its lines still stand in the tiers' order."""

import argparse
import importlib
import os
import platform
import secrets
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

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
BESIDE = frozenset({"T3"})
RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "soak.md"
HONEST = "Each figure is of process death, not of power loss: a SIGKILL leaves the page cache. 0 of n bounds the rate at 3/n (95 %).\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="the part of the whole that is done (0.01: a look)")
    parser.add_argument("--only", default=",".join(TIERS), help="tiers, comma separated")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    chosen = parser.parse_args(arguments)
    lines = all_of(chosen.only.split(","), chosen.seed, chosen.share)
    whole = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {chosen.seed}.\n{HONEST}\n{table(lines)}"
    print(f"\n{whole}")
    if chosen.share >= 1.0 and chosen.only == ",".join(TIERS):
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(f"# Soak\n\nWritten by `make soak`. {whole}")
    return 0 if lines and all(line.holds for line in lines) else 1


def all_of(names: Sequence[str], seed: int, share: float) -> list[Line]:
    """The lines of these tiers, in this order, whatever order they were come by in."""
    with ProcessPoolExecutor(1, get_context("spawn")) as beside:
        waited = {
            name: beside.submit(lines_of, name, seed, share) for name in names if name in BESIDE and len(names) > 1
        }
        told = {name: lines_of(name, seed, share) for name in names if name not in waited}
        told |= {name: lines.result() for name, lines in waited.items()}
    return [line for name in names for line in told[name]]


def lines_of(name: str, seed: int, share: float) -> list[Line]:
    return list(_printed(importlib.import_module(f"tests.soak.{TIERS[name]}").soak(seed, share)))


def _printed(lines: Iterator[Line]) -> Iterator[Line]:
    for line in lines:
        print(table([line]).splitlines()[-1], flush=True)
        yield line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
