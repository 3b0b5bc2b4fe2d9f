"""One line of the soak's table, and the table. What is proven, and how, is the tiers' own business."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

COLUMNS = (
    "tier",
    "contract",
    "what was done to it",
    "work that was really done",
    "violations",
    "seed",
    "seconds",
    "commit",
)


@dataclass(frozen=True, slots=True)
class Line:
    """``rows``: the rows of the contract that it is about ("R1 R2"). ``what``: the fault. ``work``: the amount of real work, so
    that a run which did nothing cannot pass. ``floor_met``: whether that was at least what the tier demands. ``figure``: what
    else was measured, "" for nothing; ``commit``: of what, "" for what is in this working tree."""

    tier: str
    rows: str
    what: str
    work: str
    violations: int
    floor_met: bool
    seed: int
    seconds: float
    figure: str = ""
    commit: str = ""

    @property
    def holds(self) -> bool:
        return self.violations == 0 and self.floor_met


Tier = Callable[[int, float], Iterator[Line]]
"""``soak(seed, share)``: does its faults with this seed, ``share`` (1.0: all of it) of their number, and yields its lines."""


def table(lines: Iterable[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *map(_cells, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    work = f"{line.work}; {line.figure}" if line.figure else line.work
    work = work if line.floor_met else f"TOO LITTLE: {work}"
    return (
        line.tier,
        line.rows,
        line.what,
        work,
        str(line.violations),
        str(line.seed),
        f"{line.seconds:.0f}",
        line.commit,
    )
