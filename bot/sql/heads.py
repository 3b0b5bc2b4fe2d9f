"""What was committed last of each run, so that an append need not ask for it. In memory; the truth is the run's row.

Rule: a head is only a guess: what it names is compared in the statement that appends.
"""

from collections import OrderedDict
from collections.abc import Mapping

_HEADS = 4096


class Heads:
    """What was committed last of each run, as far as this process knows: its length and the hash of its last event. A journal that
    somebody else has continued has another one, so an append that builds on an old one changes nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def of(self, run: str, length: int) -> str | None:
        known = self._known.get(run)
        return known[1] if known is not None and known[0] == length else None

    def keep(self, heads: Mapping[str, tuple[int, str]]) -> None:
        for run, head in heads.items():
            self._known[run] = head
            self._known.move_to_end(run)
        while len(self._known) > _HEADS:
            self._known.popitem(last=False)
