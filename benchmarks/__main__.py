"""`python -m benchmarks [name …]`: the benchmarks one after the other, each in a process of its own. What all of them print is kept in
`benchmarks/results/bench.md`; what only some print is not."""

import datetime
import subprocess
import sys
from pathlib import Path

BENCHES = ("startup", "model_call", "runs", "clicks", "pending", "memory")
RESULT = Path(__file__).resolve().parent / "results" / "bench.md"


def printed(name: str) -> str:
    """What a benchmark prints, which is shown at once. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}"]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        for line in bench.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if bench.returncode:
        raise subprocess.CalledProcessError(bench.returncode, command)
    print(flush=True)
    return "".join(lines)


def main(names: list[str]) -> None:
    told = [printed(name) for name in names or BENCHES]
    if not names:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        written = f"Written by `make bench` on {datetime.date.today()}."
        RESULT.write_text("\n".join((f"# Benchmarks\n\n{written}\n", *told)))


if __name__ == "__main__":
    main(sys.argv[1:])
