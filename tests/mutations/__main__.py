"""`python -m tests.mutations [words]`: switches each guard off (those whose names hold one of the words) and says which tests noticed."""

import sys

from tests.mutations.guards import GUARDS
from tests.mutations.switched_off import detected


def main(words: list[str]) -> int:
    chosen = [guard for guard in GUARDS if not words or any(word in guard.name for word in words)]
    missed = 0
    for verdict in detected(chosen):
        missed += bool(verdict.fault)
        said = f"NOT DETECTED: {verdict.fault}" if verdict.fault else "detected"
        print(f"{verdict.seconds:6.1f} s  {verdict.guard.rows:<8} {verdict.guard.name}: {said}", flush=True)
    print(f"Guards removed {len(chosen)}, detected {len(chosen) - missed}.")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
