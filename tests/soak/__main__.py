"""`python -m tests.soak [--share 0.1] [--only T2,T4] [--beside T3] [--seed N]`: runs the tiers one after the other, prints their table, and
writes it to `benchmarks/results/soak.md` where everything was run whole."""

import argparse
import os
import platform
import secrets
import sys
from pathlib import Path

from tests.soak.report import table
from tests.soak.tiers import TIERS, all_of

RESULT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "soak.md"
HONEST = "Each figure is of process death, not of power loss: a SIGKILL leaves the page cache. 0 of n bounds the rate at 3/n (95 %).\n"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="the part of the whole that is done (0.01: a look)")
    parser.add_argument("--only", default=",".join(TIERS), help="tiers, comma separated")
    parser.add_argument("--beside", default="T3", help="the tier that has a process of its own beside the others")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    chosen = parser.parse_args(arguments)
    lines = all_of(chosen.only.split(","), chosen.seed, chosen.share, chosen.beside)
    whole = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {chosen.seed}.\n{HONEST}\n{table(lines)}"
    print(f"\n{whole}")
    if chosen.share >= 1.0 and chosen.only == ",".join(TIERS):
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(f"# Soak\n\nWritten by `make soak`. {whole}")
    return 0 if lines and all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
