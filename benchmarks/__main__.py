"""How long a person waits for the command: `python -m benchmarks`. Each figure is of whole processes, started cold."""

import os
import statistics
import subprocess
import sys
import time

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
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {ROUNDS} rounds")
    for name, arguments in COMMANDS.items():
        seconds(arguments)  # once for the byte code
        taken = [seconds(arguments) for _ in range(ROUNDS)]
        print(f"{name:24} median {statistics.median(taken):.3f} s, slowest {max(taken):.3f} s")


if __name__ == "__main__":
    main()
