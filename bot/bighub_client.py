"""One BIGHUB client, the SDK's or anybody's, as the guards use it. What to send is the guards' matter, what errors mean
`bighub_errors.py`'s.

Rules
1. One attempt a call, under one time limit; whoever asked tries again. The SDK's own retries repeat what is not idempotent.
2. The same question carries the same idempotency key, and a question that differs in anything carries another.
3. A client of somebody's own is called with the arguments that bighub-openai 0.1.0b5 passes, and with more only if it names them.
4. The SDK turns every 200 that is not JSON into `{}`: as a receipt of the SDK's that is none.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bighub import AsyncBighubClient, BighubClient

from bot.bighub_errors import Unreachable, meaning_of
from bot.errors import ConfigurationError
from bot.ports import Rejected, Unavailable, still_ours

Json = dict[str, Any]
Calling = Callable[[Callable[..., Any], Mapping[str, Any], Mapping[str, Any]], Awaitable[Any]]
DEFAULT_URL = "https://api.bighub.io"
MOST_APPROVALS = 500


@dataclass(frozen=True, slots=True)
class Submission:
    """A question as BIGHUB is asked it. ``key`` names it; ``mode``: "submit" or "submit_payload", the client's method."""

    key: str
    action: str
    target: str | None
    actor: str
    domain: str
    context: Json
    value: float | None = None
    mode: str = "submit"


async def directly(method: Callable[..., Any], base: Mapping[str, Any], extras: Mapping[str, Any]) -> Any:
    """How the SDK's asynchronous client is called: it names every argument."""
    return await method(**base, **extras)


def sdk_client(api_key: str, base_url: str | None = None, timeout: float = 10.0) -> AsyncBighubClient:
    """The SDK's client, without its retries. ``timeout`` in seconds.

    Raises ConfigurationError: a key that no header can carry, or an address that the SDK refuses (https, or localhost).
    """
    if not api_key.strip() or not api_key.isascii() or not api_key.isprintable():
        raise ConfigurationError("BIGHUB_API_KEY is not a key: copy it again, without quotes or spaces.")
    url = base_url or DEFAULT_URL
    try:
        return AsyncBighubClient(base_url=url, api_key=api_key, timeout=timeout, max_retries=0)
    except ValueError as error:
        raise ConfigurationError(f"BIGHUB_BASE_URL {url} is not accepted: write https://… .") from error


class Bighub:
    """The requests that the guards make. ``timeout``: seconds for each, unless it says otherwise; None: as long as it takes.

    Each raises `Unavailable` or `Rejected` from what the client raised, where that is understood; else what the client raised.
    """

    def __init__(self, client: Any, calling: Calling = directly, timeout: float | None = 10.0) -> None:
        self._client, self._calling, self._timeout = client, calling, timeout
        self._is_sdk = isinstance(client, AsyncBighubClient | BighubClient)

    async def close(self) -> None:
        close = getattr(self._client, "close", None)
        if callable(close):
            await self._calling(close, {}, {})

    async def evaluate(self, asked: Submission) -> Any:
        """BIGHUB's answer as parsed JSON, by whichever method the client has."""
        fields: Json = {"action": asked.action, "value": asked.value, "target": asked.target}
        fields |= {"domain": asked.domain, "actor": asked.actor, "context": asked.context}
        extras = {"idempotency_key": f"{asked.key}:{_hash(fields)}"}
        if asked.mode == "submit_payload":
            payload = {name: value for name, value in fields.items() if value is not None}
            answer = await self._attempt(self._method("actions.submit_payload"), {"payload": payload}, extras)
        elif callable(evaluate := getattr(getattr(self._client, "decisions", None), "evaluate", None)):
            answer = await self._attempt(evaluate, {**fields, "raw": True}, extras)
        else:
            answer = await self._attempt(self._method("actions.submit"), fields, extras)
        raw = getattr(answer, "raw", None)
        return raw if not isinstance(answer, dict) and isinstance(raw, dict) else answer

    async def resolve(
        self,
        request_id: str,
        resolution: str,
        comment: str | None,
        *,
        modified: str = "",
        seconds: float | None = None,
    ) -> Any:
        """``modified``: what people want instead of what was asked about."""
        if modified and callable(reviewed := getattr(getattr(self._client, "reviews", None), "resolve", None)):
            told = {"decision": resolution, "reason": comment, "modified_action": modified}
            return await self._attempt(reviewed, {"request_id": self._in_path(request_id), **told}, None, seconds)
        fields = {"request_id": self._in_path(request_id), "resolution": resolution, "comment": comment}
        return await self._attempt(self._client.approvals.resolve, fields, None, seconds)

    async def approvals(self, status: str, most: int = MOST_APPROVALS) -> Any:
        """A listing of the approvals in ``status``: pending, approved or denied. It has no pages: what is beyond ``most`` is missing."""
        return await self._attempt(self._client.approvals.list, {"status_filter": status}, {"limit": most})

    async def kill_switches(self) -> Any:
        return await self._attempt(self._client.kill_switch.status, {})

    async def activate_switch(self, payload: Json) -> Any:
        return await self._attempt(self._client.kill_switch.activate, {"payload": payload})

    async def deactivate_switch(self, switch_id: str, payload: Json) -> Any:
        fields = {"switch_id": self._in_path(switch_id), "payload": payload}
        return await self._attempt(self._client.kill_switch.deactivate, fields)

    async def taxonomy(self) -> Any:
        return await self._attempt(self._client.outcomes.taxonomy, {})

    async def outcome(self, request_id: str) -> Any:
        return await self._attempt(self._client.outcomes.get, {"request_id": self._in_path(request_id)})

    async def report(self, fields: Json, extras: Json | None = None, *, seconds: float | None = None) -> None:
        """Report an outcome. ``extras``: fields that only the SDK's clients are sure to know."""
        self.expect_receipt(await self._attempt(self._client.outcomes.report, fields, extras, seconds))

    @property
    def has_memory(self) -> bool:
        return callable(getattr(getattr(self._client, "actions", None), "ingest_memory", None))

    async def ingest(self, fields: Json, *, seconds: float | None = None) -> None:
        """Give execution events to BIGHUB's memory."""
        self.expect_receipt(await self._attempt(self._client.actions.ingest_memory, fields, None, seconds))

    def _method(self, name: str) -> Callable[..., Any]:
        area, _, method = name.partition(".")
        found = getattr(getattr(self._client, area, None), method, None)
        if callable(found):
            return found  # type: ignore[no-any-return]
        instead = "decisions.evaluate or " if method == "submit" else ""
        raise Rejected(f"This client of BIGHUB's cannot be asked: it has no {instead}{name}.")

    async def _attempt(
        self, method: Callable[..., Any], base: Json, extras: Json | None = None, seconds: float | None = None
    ) -> Any:
        await still_ours()
        limit = self._timeout if seconds is None else seconds
        late = "BIGHUB did not answer in time." if limit is None else f"BIGHUB did not answer within {limit:g} s."
        clock = asyncio.timeout(limit)
        try:
            async with clock:
                return await self._calling(method, base, extras or {})
        except Exception as error:  # the edge of foreign code: a client of somebody's own may raise anything
            if clock.expired():
                raise Unreachable(late) from TimeoutError(late)
            meaning = meaning_of(error, late, is_sdk=self._is_sdk)
            if meaning is None:
                raise
            raise meaning from error

    def expect_receipt(self, receipt: object) -> None:
        """Raises `Unavailable` for a receipt of the SDK that is none; what another client returns says nothing."""
        if self._is_sdk and (not isinstance(receipt, dict) or not receipt):
            raise Unavailable("BIGHUB's receipt cannot be read.")

    def _in_path(self, request_id: str) -> str:
        """The SDK writes ids into paths as they are."""
        return quote(request_id, safe="") if self._is_sdk else request_id


def _hash(fields: Json) -> str:
    """Sixteen digits of what is asked."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:16]
