"""What the soak has found, tier by tier: `benchmarks/results/soak.json`, and the table of it, `soak.md`. A tier that was run whole takes
the place of what it found before; each line says of which commit it is."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.soak.report import Line, table

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
HONEST = "Each figure is of process death, not of power loss: a SIGKILL leaves the page cache. 0 of n bounds the rate at 3/n (95 %)."


def keep(lines: Iterable[Line], tiers: Iterable[str], folder: Path = FOLDER) -> None:
    """``tiers``: the names of all there are, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    file, commit = folder / "soak.json", _commit()
    kept = {} if not file.exists() else json.loads(file.read_text())
    new: dict[str, list[dict[str, object]]] = {}
    for line in lines:
        new.setdefault(line.tier, []).append(asdict(line) | {"commit": commit})
    kept = {name: (kept | new)[name] for name in tiers if name in kept | new}
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    missing = ", ".join(name for name in tiers if name not in kept) or "none"
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}. Tiers that were not run yet: {missing}."
    found = table(Line(**each) for each_tier in kept.values() for each in each_tier)
    (folder / "soak.md").write_text(f"# Soak\n\nWritten by `make soak`. {machine}\n{HONEST}\n\n{found}")


def _commit() -> str:
    """Of the working tree, "+" behind it where there is more in it than in the commit."""
    named = ["git", "describe", "--always", "--abbrev=7", "--dirty=+", "--exclude=*"]
    done = subprocess.run(named, cwd=Path(__file__).parent, capture_output=True, text=True)
    return done.stdout.strip() or "?"
