"""The Guard port over the `bighub` SDK (not `bighub-openai`). What an answer means is `core/verdict.py`'s.

Rules
1. One attempt a call: the SDK's own retries are off, because they repeat what is not idempotent; the engine tries again.
2. A question carries its idempotency key; BIGHUB's approvals and outcomes take none, so they are read before they are sent.
3. The SDK turns every 200 that is not JSON into `{}`. As a judgement that is a deny; as a receipt it is no receipt.
4. Arguments come redacted; every other text of people or actions is redacted here, before it leaves the house.

Not settled by BIGHUB's documentation, so read widely: how lists are wrapped, and the words of its outcome taxonomy
(SUCCESS and FAILURE are known; a word that it does not offer is replaced by one that it does, see `bighub_reports.py`).
"""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any, TypeVar
from urllib.parse import quote

from bighub import AsyncBighubClient
from bighub.exceptions import (
    BighubAPIError,
    BighubAuthError,
    BighubNetworkError,
    BighubRateLimitError,
    BighubTimeoutError,
)

from bot.bighub_reports import (
    choose_status,
    outcome_report,
    reported_statuses,
    resolution_comment,
    resolution_word,
    words,
)
from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.events import Judgement
from bot.core.redact import redact_text
from bot.core.run import Run
from bot.core.verdict import SOURCE, read_decision
from bot.errors import ConfigurationError
from bot.ports import Question, Rejected, Unavailable

T = TypeVar("T")
DEFAULT_URL = "https://api.bighub.io"
_TRANSIENT = (408, 425, 429)


class BighubGuard:
    """BIGHUB judges, and is told what became of it. One connection pool; `close` ends it.

    Raises ConfigurationError: a key that no header can carry, or an address that the SDK refuses (https, or localhost).
    """

    name = SOURCE

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        actor: str = "signoff",
        domain: str = "it_actions",
        timeout: float = 10.0,
    ) -> None:
        if not api_key.strip() or not api_key.isascii() or not api_key.isprintable():
            raise ConfigurationError("BIGHUB_API_KEY is not a key: copy it again, without quotes or spaces.")
        url = base_url or DEFAULT_URL
        try:
            self._client = AsyncBighubClient(base_url=url, api_key=api_key, timeout=timeout, max_retries=0)
        except ValueError as error:
            raise ConfigurationError(f"BIGHUB_BASE_URL {url} is not accepted: write https://… .") from error
        self._actor = actor
        self._domain = domain
        self._timeout = timeout
        self._taxonomy: frozenset[str] | None = None

    async def close(self) -> None:
        await self._client.close()

    async def judge(self, question: Question) -> Judgement:
        """One question, the same key for the same run, call and digest. Raises `Unavailable`, `Rejected`."""
        answer = await self._attempt(
            self._client.decisions.evaluate(
                action=question.action,
                target=question.binding.target or None,
                actor=self._actor,
                domain=self._domain,
                context=_context(question),
                idempotency_key=question.key,
                raw=True,
            )
        )
        return read_decision(answer)

    async def report_resolution(self, run: Run, call: Call, approval: Approval) -> None:
        """Close BIGHUB's own approval, unless it is closed or was never opened (the local rules asked, not BIGHUB)."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not request_id or approval.resolution is None:
            return
        for status in ("pending", "approved", "denied"):
            listed = await self._attempt(self._client.approvals.list(status_filter=status, limit=500))
            if _is_among(request_id, listed):
                if status != "pending":
                    return
                break
        try:
            receipt = await self._attempt(
                self._client.approvals.resolve(
                    quote(request_id, safe=""),
                    resolution=resolution_word(approval.resolution),
                    comment=resolution_comment(approval),
                )
            )
        except (_NotThere, _DecidedAlready):
            return
        _expect_receipt(receipt)

    async def report_outcome(self, run: Run, call: Call) -> None:
        """Tell what became of a call, unless BIGHUB knows it already."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not request_id or not call.answered or call.outcome is None:
            return
        status = choose_status(call.outcome, await self._known_statuses())
        try:
            known = await self._attempt(self._client.outcomes.get(quote(request_id, safe="")))
        except _NotThere:
            known = {}
        if status in reported_statuses(known):
            return
        report = outcome_report(call, self._actor)
        receipt = await self._attempt(self._client.outcomes.report(status=status, request_id=request_id, **report))
        _expect_receipt(receipt)

    async def _known_statuses(self) -> frozenset[str]:
        """The words of BIGHUB's taxonomy, asked for once; nothing where it does not say."""
        if self._taxonomy is None:
            try:
                self._taxonomy = words(await self._attempt(self._client.outcomes.taxonomy()))
            except Rejected:
                self._taxonomy = frozenset()
        return self._taxonomy

    async def _attempt(self, request: Awaitable[T]) -> T:
        """One request under one time limit; raises `Unavailable` or `Rejected` and nothing else."""
        try:
            async with asyncio.timeout(self._timeout):
                return await request
        except (TimeoutError, BighubTimeoutError) as error:
            raise Unavailable(f"BIGHUB did not answer within {self._timeout:g} s.") from error
        except BighubNetworkError as error:
            raise Unavailable("BIGHUB cannot be reached.") from error
        except BighubAuthError as error:
            raise Rejected("BIGHUB refused the key: check BIGHUB_API_KEY and what that key may do.") from error
        except BighubRateLimitError as error:
            raise Unavailable("BIGHUB asks to wait.", error.retry_after_seconds or 0.0) from error
        except BighubAPIError as error:
            raise _told(error) from error


class _NotThere(Rejected):
    """404: BIGHUB does not know the thing; never leaves this file unexplained."""


class _DecidedAlready(Unavailable):
    """409: somebody was first, or is at it."""


def _told(error: BighubAPIError) -> Unavailable | Rejected:
    status = error.status_code
    if status == 409:
        return _DecidedAlready("BIGHUB is already at it (409).")
    if status >= 500 or status in _TRANSIENT:
        return Unavailable(f"BIGHUB answered {status}.")
    if status == 404:
        return _NotThere("BIGHUB does not know this (404): check BIGHUB_BASE_URL.")
    if status < 400:
        return Rejected(f"BIGHUB's address sends elsewhere ({status}): check BIGHUB_BASE_URL.")
    said = redact_text(str(error.detail or error.message))[:300]
    return Rejected(f"BIGHUB refused the request ({status}): {said}")


def _context(question: Question) -> dict[str, Any]:
    binding = question.binding
    return {
        "arguments": json.loads(question.arguments),
        "system": binding.system,
        "environment": binding.environment,
        "target": binding.target,
        "declared_risk": binding.risk,
        "read_only": binding.read_only,
        "digest": binding.digest,
        "requester": question.requester.user,
        "request": redact_text(question.request).encode("utf-8", "replace").decode(),
        "team": question.place.team,
        "channel": question.place.channel,
        "thread": question.place.thread,
        "trajectory_id": question.run,
    }


def _is_among(request_id: str, listed: object) -> bool:
    """Whether a listing of approvals names a request. A listing that is none is no reason to send blindly."""
    if isinstance(listed, dict):
        listed = next((listed[key] for key in ("approvals", "items", "results") if key in listed), None)
    if not isinstance(listed, list):
        raise Unavailable("BIGHUB's list of approvals cannot be read.")
    ids = ("request_id", "validation_id")
    return any(isinstance(item, dict) and request_id in (str(item.get(name)) for name in ids) for item in listed)


def _expect_receipt(receipt: object) -> None:
    if not isinstance(receipt, dict) or not receipt:
        raise Unavailable("BIGHUB's receipt cannot be read.")
