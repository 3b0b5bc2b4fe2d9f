"""One BIGHUB client, the SDK's or anybody's, as the guards use it, and what its errors mean. What to send is the guards' matter.

Rules
1. One attempt a call, under one time limit; whoever asked tries again. The SDK's own retries repeat what is not idempotent.
2. The same question carries the same idempotency key, and a question that differs in anything carries another.
3. `Unreachable` only where BIGHUB did not answer: the network, the time limit, 408, 5xx. No refusal, no fault of ours, and no
   certificate that cannot be trusted is that.
4. A client of somebody's own is called with the arguments that bighub-openai 0.1.0b5 passes, and with more only if it names them.
5. The SDK turns every 200 that is not JSON into `{}`: as a receipt of the SDK's that is none.
"""

import asyncio
import hashlib
import json
import re
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import httpx
from bighub import AsyncBighubClient, BighubClient
from bighub.exceptions import BighubAPIError, BighubAuthError, BighubNetworkError, BighubTimeoutError

from bot.core.redact import redact_text
from bot.errors import ConfigurationError
from bot.ports import Rejected, Unavailable, still_ours

Json = dict[str, Any]
Calling = Callable[[Callable[..., Any], Mapping[str, Any], Mapping[str, Any]], Awaitable[Any]]
DEFAULT_URL = "https://api.bighub.io"
_BUSY = (425, 429)
_MOST_APPROVALS = 500
_MOST_CAUSES = 10
_LONGEST_TEXT = 300
# A file that is missing, a key that no header can carry and an address that is none are faults of the caller's, whatever class
# they have, and whatever the client wraps them in.
_OURS = (
    *(ValueError, FileNotFoundError, PermissionError),
    *(httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects),
)
_OWN_FAULT = re.compile(
    r"\bloop\b|api.?key|credential|configur|not set\b|environment|unauthori|forbidden", re.IGNORECASE
)
_NOT_THE_CLIENTS = sys.stdlib_module_names | {"aiohttp", "anyio", "httpcore", "httpx", "requests", "urllib3"}
_AWAY = (httpx.TransportError, aiohttp.ClientConnectionError, OSError)


class Unreachable(Unavailable):
    """BIGHUB did not answer."""


class DecidedAlready(Unavailable):
    """409: somebody was first, or is at it."""


class NotThere(Rejected):
    """404: BIGHUB does not know the thing."""


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
        self, request_id: str, resolution: str, comment: str | None, *, seconds: float | None = None
    ) -> Any:
        fields = {"request_id": self._in_path(request_id), "resolution": resolution, "comment": comment}
        return await self._attempt(self._client.approvals.resolve, fields, None, seconds)

    async def approvals(self, status: str) -> Any:
        """A listing of the approvals in ``status``: pending, approved or denied."""
        return await self._attempt(self._client.approvals.list, {"status_filter": status}, {"limit": _MOST_APPROVALS})

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
            meaning = _meaning(error, late, is_sdk=self._is_sdk)
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


def told(error: BaseException) -> str:
    """An error of a client as a person may read it: its kind, and its words without credentials."""
    text = redact_text(str(error).strip())[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    if isinstance(error, Unavailable | Rejected):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _meaning(error: Exception, late: str, *, is_sdk: bool) -> Unavailable | Rejected | None:
    """What a client's error says about BIGHUB; None where it says nothing about it."""
    status = _status(error)
    if isinstance(error, BighubAuthError) or status in (401, 403):
        return Rejected("BIGHUB refused the key: check BIGHUB_API_KEY and what that key may do.")
    if status is not None:
        return _of_status(error, status)
    if isinstance(error, _OURS):
        return None
    if (behind := _no_absence(error)) is not None:
        return behind
    if isinstance(error, BighubTimeoutError):
        return Unreachable(late)
    if isinstance(error, BighubNetworkError):
        return Unreachable("BIGHUB cannot be reached.")
    if isinstance(error, _AWAY) or (not is_sdk and _plainly_down(error)):
        return Unreachable(f"BIGHUB cannot be reached: {told(error)}")
    return None


def _plainly_down(error: BaseException) -> bool:
    """Whoever writes a client of three lines says "it is down" with the plainest of errors, in any words; the SDK never does.
    What Python itself or an HTTP library says so, and what speaks of a key, a setting or an event loop, is about this side."""
    if type(error) not in (RuntimeError, Exception) or _OWN_FAULT.search(str(error)):
        return False
    raised_in, trace = "", error.__traceback__
    while trace is not None:
        raised_in, trace = str(trace.tb_frame.f_globals.get("__name__", "")), trace.tb_next
    return raised_in.partition(".")[0] not in _NOT_THE_CLIENTS


def _no_absence(error: BaseException) -> Unavailable | Rejected | None:
    """What is behind an error that a client raises as if nobody had answered, where it is something else."""
    behind = tuple(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in behind):
        return Rejected(
            "BIGHUB's certificate cannot be trusted: check BIGHUB_BASE_URL and the certificates of this machine."
        )
    if any(isinstance(each, httpx.DecodingError) for each in behind):
        return Unavailable("BIGHUB's answer cannot be read.")
    if any(isinstance(each, _OURS) for each in behind):
        return Rejected("The request to BIGHUB cannot be sent: check BIGHUB_API_KEY and BIGHUB_BASE_URL.")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of. Every client wraps what it meets in errors of its own."""
    found: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__


def _of_status(error: Exception, status: int) -> Unavailable | Rejected:
    if status == 409:
        return DecidedAlready("BIGHUB is already at it (409).")
    if status >= 500 or status == 408:
        return Unreachable(f"BIGHUB answered {status}.")
    if status in _BUSY:
        return Unavailable("BIGHUB asks to wait." if status == 429 else f"BIGHUB answered {status}.", _wait(error))
    if status == 404:
        return NotThere("BIGHUB does not know this (404): check BIGHUB_BASE_URL.")
    if status < 400:
        return Rejected(f"BIGHUB's address sends elsewhere ({status}): check BIGHUB_BASE_URL.")
    said = error.detail or error.message if isinstance(error, BighubAPIError) else error
    return Rejected(f"BIGHUB refused the request ({status}): {redact_text(str(said))[:_LONGEST_TEXT]}")


def _status(error: Exception) -> int | None:
    """The HTTP status that an error carries: as the SDK's, aiohttp's or urllib's do, or as those of httpx and requests."""
    response = getattr(error, "response", None)
    given = (
        getattr(error, "status_code", None),
        getattr(error, "status", None),
        getattr(response, "status_code", None),
    )
    return next((each for each in given if isinstance(each, int) and not isinstance(each, bool)), None)


def _wait(error: Exception) -> float:
    seconds = getattr(error, "retry_after_seconds", None)
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _hash(fields: Json) -> str:
    """Sixteen digits of what is asked."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=repr).encode()).hexdigest()[:16]
