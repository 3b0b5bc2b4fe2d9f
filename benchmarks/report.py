"""How the benchmarks print: Markdown, with the machine in the first line. What is measured is the modules' own business."""

import os
import platform
from collections.abc import Iterable, Sequence


def heading(what: str) -> str:
    """``what`` and the machine that the figures below it are of."""
    load = os.getloadavg()[0]
    return f"### {what}\n\n{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} at the start.\n"


def row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def columns(names: Sequence[str]) -> str:
    """The first two lines of a table."""
    return f"{row(names)}\n{row('---' for _ in names)}"


def percentile(taken: Sequence[float], percent: int) -> float:
    """The smallest that at least ``percent`` of 100 do not exceed."""
    return sorted(taken)[max(0, -(-len(taken) * percent // 100) - 1)]
