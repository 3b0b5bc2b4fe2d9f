"""The request ids under which an agent's calls were judged, and in which runs. What came of them is in the runs' journals.

Rules
1. Every judged call has its id here, whether people were asked about it or not: an id that is known is never one from elsewhere.
2. One for all event loops of an agent, and safe between their threads. An id is known for longer than its run.
"""

import threading
from collections import OrderedDict

from bot.core.values import RunId

MOST_IDS = 50_000


class RequestIds:
    """Knows the newest ``most`` ids."""

    def __init__(self, most: int = MOST_IDS) -> None:
        self._most, self._lock = most, threading.Lock()
        self._runs: OrderedDict[str, tuple[RunId, ...]] = OrderedDict()

    def __contains__(self, request_id: str) -> bool:
        with self._lock:
            return request_id in self._runs

    def note(self, request_id: str, run: RunId) -> None:
        """A call of this run was judged under this id."""
        if not request_id:
            return
        with self._lock:
            known = self._runs.get(request_id, ())
            if known[-1:] != (run,):
                self._runs[request_id] = (*(each for each in known if each != run), run)
            self._runs.move_to_end(request_id)
            while len(self._runs) > self._most:
                self._runs.popitem(last=False)

    def runs(self, request_id: str) -> tuple[RunId, ...]:
        """The runs with such a call, the newest first."""
        with self._lock:
            return self._runs.get(request_id, ())[::-1]
