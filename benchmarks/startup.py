"""How long a person waits for the command: `python -m benchmarks.startup`. Each figure is of whole processes, started cold."""

import statistics
import subprocess
import sys
import time

from benchmarks.report import columns, heading, row

ROUNDS = 9
COMMANDS = {
    "signoff --help": ("-m", "bot", "--help"),
    "signoff pending --help": ("-m", "bot", "pending", "--help"),
    "python alone": ("-c", "pass"),
}


def seconds(arguments: tuple[str, ...]) -> float:
    """One run of this interpreter, in wall-clock seconds. Raises CalledProcessError where the command fails."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    print(heading(f"Start-up ({ROUNDS} rounds)"))
    print(columns(("command", "median s", "slowest s")))
    for name, arguments in COMMANDS.items():
        seconds(arguments)  # once for the byte code
        taken = [seconds(arguments) for _ in range(ROUNDS)]
        print(row((name, f"{statistics.median(taken):.3f}", f"{max(taken):.3f}")))


if __name__ == "__main__":
    main()
