"""The Oversight port over BIGHUB: its kill switch, and what was denied on its dashboard. What follows from them is the engine's.

Not settled by BIGHUB's documentation (the SDK gives no types), so read strictly: without a readable ``is_active`` the switch is
unknown; ``active_switches`` under an inactive one counts as active, and an active one without a list is one without a name.
Its listing of approvals has a limit and no pages, and nothing tells of one by its id. A full one is asked for again with more; one that
is cut all the same, or as long as a limit that servers like to have, does not say what was not denied, because the denial that matters
may be what is missing. What is listed among those that wait or were approved was not.
"""

from typing import Any

from bot.bighub_client import MOST_APPROVALS, Bighub, sdk_client
from bot.bighub_errors import DecidedAlready, NotThere
from bot.bighub_reports import approval_in, listed
from bot.ports import Denial, Denials, Rejected, Switch, Unavailable
from bot.projections import request_name

_IDS = ("switch_id", "id")
_LONGEST = 500
_MOST = (MOST_APPROVALS, 5_000, 50_000)
_LEAST = 100
"""What the SDK asks for by itself, where BIGHUB refuses more."""
_OWN_LIMITS = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000})
"""What a server that gives no more than it likes usually likes, whatever limit it is asked for. It does not say so."""
_CUT = "BIGHUB's list of denials is cut after {}, so nobody can say what else was denied there."


class BighubOversight:
    """One connection pool; `close` ends it. ``timeout`` in seconds a request.

    Raises ConfigurationError: a key that no header can carry, or an address that the SDK refuses (https, or localhost).
    """

    def __init__(self, api_key: str, base_url: str | None = None, timeout: float = 5.0) -> None:
        self._bighub = Bighub(sdk_client(api_key, base_url, timeout), timeout=timeout)
        self._widest: dict[str, int] = {}

    async def close(self) -> None:
        await self._bighub.close()

    async def switches(self) -> tuple[Switch, ...]:
        return switches_in(await self._bighub.kill_switches())

    async def activate(self, reason: str) -> str:
        receipt = await self._bighub.activate_switch({"reason": reason, "scope": "global"})
        self._bighub.expect_receipt(receipt)
        return _first(receipt, _IDS)

    async def deactivate(self, switch: str, reason: str) -> None:
        try:
            receipt = await self._bighub.deactivate_switch(switch, {"reason": reason})
        except (NotThere, DecidedAlready):
            return
        self._bighub.expect_receipt(receipt)

    async def denials(self) -> Denials:
        items, whole = await self._listed("denied")
        found = []
        for item in items:
            request_id = _first(item, ("request_id", "validation_id"))
            if request_id:
                said = _first(item, ("comment", "resolution_comment", "reason"))
                found.append(Denial(request_id, request_name(request_id), said[:_LONGEST]))
        return Denials(tuple(found), "" if whole else _CUT.format(len(items)))

    async def stands(self, request_id: str) -> bool:
        """What moves from the first list to the second meanwhile is found in one of them."""
        for status in ("pending", "approved"):
            items, _ = await self._listed(status)
            if approval_in(items, request_id) is not None:
                return True
        return False

    async def _listed(self, status: str) -> tuple[list[dict[str, Any]], bool]:
        """BIGHUB's approvals in ``status``, asked for as widely as it took before, and whether they are surely all."""
        items: list[dict[str, Any]] = []
        for wider in range(self._widest.get(status, 0), len(_MOST)):
            try:
                items = listed(await self._bighub.approvals(status, _MOST[wider]))
            except Rejected:
                if wider:
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


def switches_in(status: object) -> tuple[Switch, ...]:
    """The switches that are on. `Unavailable` for an answer that does not say it."""
    active = status.get("is_active") if isinstance(status, dict) else None
    if not isinstance(status, dict) or not isinstance(active, bool):
        raise Unavailable("BIGHUB's answer about its kill switch cannot be read.")
    found = status.get("active_switches")
    switches = tuple(_switch(each) for each in found) if isinstance(found, list) else ()
    return switches or ((Switch("", "no reason was given"),) if active else ())


def _switch(item: object) -> Switch:
    """One that cannot be read counts for everything."""
    if not isinstance(item, dict):
        return Switch("", "its reason cannot be read")
    domain = _first(item, ("domain",)) if _first(item, ("scope",)) == "domain" else ""
    return Switch(_first(item, _IDS), _first(item, ("reason",))[:_LONGEST] or "no reason was given", domain)


def _first(item: Any, names: tuple[str, ...]) -> str:
    found = (item.get(name) for name in names) if isinstance(item, dict) else ()
    return next((str(each) for each in found if isinstance(each, str | int) and each != ""), "")
