"""The Oversight port over BIGHUB: its kill switch, and what was denied on its dashboard. What follows from them is the engine's.

Not settled by BIGHUB's documentation (the SDK gives no types), so read strictly: without a readable ``is_active`` the switch is
unknown; ``active_switches`` under an inactive one counts as active, and an active one without a list is one without a name.
Its listing of denials may be cut (`bighub_listing.py`): then it does not say what was not denied, because the denial that matters may be
what is missing. What is listed among those that wait or were approved was not.
"""

from typing import Any

from bot.bighub_client import Bighub, sdk_client
from bot.bighub_errors import DecidedAlready, NotThere
from bot.bighub_listing import Approvals
from bot.bighub_reports import approval_in
from bot.ports import Denial, Denials, Switch, Unavailable
from bot.projections import request_name

_IDS = ("switch_id", "id")
_LONGEST = 500
_CUT = "BIGHUB's list of denials is cut after {}, so nobody can say what else was denied there."


class BighubOversight:
    """One connection pool; `close` ends it. ``timeout`` in seconds a request.

    Raises ConfigurationError: a key that no header can carry, or an address that the SDK refuses (https, or localhost).
    """

    def __init__(self, api_key: str, base_url: str | None = None, timeout: float = 5.0) -> None:
        self._bighub = Bighub(sdk_client(api_key, base_url, timeout), timeout=timeout)
        self._approvals = Approvals(self._bighub)

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
        items, whole = await self._approvals.listed("denied")
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
            items, _ = await self._approvals.listed(status)
            if approval_in(items, request_id) is not None:
                return True
        return False


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
    return Switch(_first(item, _IDS), _first(item, ("reason",)) or "no reason was given", domain)


def _first(item: Any, names: tuple[str, ...]) -> str:
    found = (item.get(name) for name in names) if isinstance(item, dict) else ()
    return next((str(each) for each in found if isinstance(each, str | int) and each != ""), "")
