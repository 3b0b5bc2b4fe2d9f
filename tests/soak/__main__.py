"""`python -m tests.soak [--share 0.1] [--only T2,T4] [--beside T3] [--seed N]`: runs the tiers one after the other, prints their table, and
keeps in `benchmarks/results` what was run whole. The whole takes about two hours of an idle machine; a part of it can be done at a time."""

import argparse
import secrets
import sys

from tests.soak.report import Line, table
from tests.soak.results import HONEST, keep
from tests.soak.tiers import TIERS, all_of


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="the part of the whole that is done (0.01: a look)")
    parser.add_argument("--only", default=",".join(TIERS), help="tiers, comma separated")
    parser.add_argument("--beside", default="T3", help="the tier that has a process of its own beside the others")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.only.split(",")) - set(TIERS):
        parser.error(f"there is no tier {', '.join(sorted(unknown))}; there are {', '.join(TIERS)}")
    lines: list[Line] = []
    for found in all_of(chosen.only.split(","), chosen.seed, chosen.share, chosen.beside):
        lines += found
        if chosen.share >= 1.0:
            keep(found, TIERS)
    lines.sort(key=lambda line: list(TIERS).index(line.tier))
    print(f"\nseed {chosen.seed}\n{HONEST}\n\n{table(lines)}")
    return 0 if lines and all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
