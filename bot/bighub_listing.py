"""BIGHUB's listing of approvals, read as far as it goes, for whoever looks into it: the guards and the oversight.

It has a limit and no pages, and nothing tells of an approval by its id. A full one is asked for again with more; where BIGHUB refuses
so wide a limit, with what the SDK asks for by itself. One that is full all the same, or as long as a limit that servers like to have,
may lack something.
"""

from typing import Any

from bot.bighub_client import MOST_APPROVALS, Bighub
from bot.bighub_reports import listed
from bot.ports import Rejected

_MOST = (MOST_APPROVALS, 5_000, 50_000)
_LEAST = 100
"""What the SDK asks for by itself, where BIGHUB refuses more."""
_OWN_LIMITS = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000})
"""What a server that gives no more than it likes usually likes, whatever limit it is asked for. It does not say so."""


class Approvals:
    """Asks for each listing as widely as it took before."""

    def __init__(self, bighub: Bighub) -> None:
        self._bighub = bighub
        self._widest: dict[str, int] = {}

    async def listed(self, status: str) -> tuple[list[dict[str, Any]], bool]:
        """BIGHUB's approvals in ``status``, and whether they are surely all. Raises `Unavailable`, and `Rejected` where it lists none."""
        items: list[dict[str, Any]] = []
        for wider in range(self._widest.get(status, 0), len(_MOST)):
            try:
                items = listed(await self._bighub.approvals(status, _MOST[wider]))
            except Rejected:
                if items:
                    break
                items = listed(await self._bighub.approvals(status, _LEAST))
                return items, not _is_cut(len(items), _LEAST)
            if not _is_cut(len(items), _MOST[wider]):
                self._widest[status] = wider
                return items, True
            if len(items) < _MOST[wider]:
                break
        return items, False


def _is_cut(count: int, limit: int) -> bool:
    """Whether a listing may lack something: it is full, or BIGHUB may keep to a limit of its own, which no wider one changes."""
    return count >= limit or count in _OWN_LIMITS
