"""The Guard port of the bot over BIGHUB. Its client is `bighub_client.py`'s, what an answer means is `core/verdict.py`'s.

Rules
1. The engine tries again, so each report is durable: `Unavailable` and `Rejected` reach it, and nothing is swallowed here.
2. A question carries its idempotency key; BIGHUB's approvals and outcomes take none, so they are read before they are sent again.
   Memory events carry ids of their own, so that a double is known as one.
3. As a judgement `{}` is a deny (the SDK makes it of every 200 that is not JSON); as a receipt it is no receipt.
4. Arguments come redacted; every other text of people or actions is redacted here, before it leaves the house. What an
   action returned does not leave it at all.

Not settled by BIGHUB's documentation, so read widely: how lists are wrapped, and the words of its outcome taxonomy
(SUCCESS and FAILURE are known; a word that it does not offer is replaced by one that it does, see `bighub_reports.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.bighub_client import Bighub, Submission, sdk_client
from bot.bighub_errors import DecidedAlready, NotThere
from bot.bighub_listing import Approvals
from bot.bighub_reports import (
    approval_in,
    choose_status,
    memory_report,
    modified_action,
    outcome_report,
    reported_statuses,
    resolution_comment,
    resolution_word,
    trajectory,
    words,
)
from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.moments import Moment
from bot.core.redact import redact_text
from bot.core.run import Run
from bot.core.values import Judgement
from bot.core.verdict import SOURCE, read_decision
from bot.execution_events import SOURCE_VERSION, memory_events
from bot.ports import Question, Rejected

MEMORY_SOURCE = "signoff"


class BighubGuard:
    """BIGHUB judges, and is told what became of it. One connection pool; `close` ends it. ``timeout`` in seconds a request.
    ``memory``: whether its memory is told what became of each call.

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
        memory: bool = True,
    ) -> None:
        self._bighub = Bighub(sdk_client(api_key, base_url, timeout), timeout=timeout)
        self._approvals = Approvals(self._bighub)
        self._actor = actor
        self._domain = domain
        self._memory = memory
        self._taxonomy: frozenset[str] | None = None

    async def close(self) -> None:
        await self._bighub.close()

    async def judge(self, question: Question) -> Judgement:
        """One question, the same key for the same run, call and digest. Raises `Unavailable`, `Rejected`."""
        asked = Submission(
            key=question.key,
            action=question.action,
            target=question.binding.target or None,
            actor=self._actor,
            domain=self._domain,
            context=_context(question),
        )
        return replace(read_decision(await self._bighub.evaluate(asked)), memory=self._memory)

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        """Close BIGHUB's own approval, unless it is closed or was never opened (the local rules asked, not BIGHUB)."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not request_id or (approval is not None and approval.resolution is None):
            return
        for status in ("pending", "approved", "denied") if again else ():
            items, _ = await self._approvals.listed(status)
            if approval_in(items, request_id) is not None:
                if status != "pending":
                    return
                break
        try:
            word, comment = resolution_word(approval), resolution_comment(approval, call)
            receipt = await self._bighub.resolve(request_id, word, comment, modified=modified_action(call))
        except (NotThere, DecidedAlready):
            return
        self._bighub.expect_receipt(receipt)

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        """Tell what became of a call, unless BIGHUB knows it already."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not request_id or not call.answered or call.outcome is None:
            return
        status = choose_status(call.outcome, await self._known_statuses())
        if not again or status not in await self._reported(request_id):
            await self._bighub.report({"status": status, "request_id": request_id, **outcome_report(call, self._actor)})

    async def _reported(self, request_id: str) -> frozenset[str]:
        try:
            return reported_statuses(await self._bighub.outcome(request_id))
        except NotThere:
            return frozenset()

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        """Tell BIGHUB's memory what happened; doubles are harmless, because every event has its id."""
        events = memory_events(run, moments, SOURCE_VERSION, outputs=False)
        report = memory_report(run, events, MEMORY_SOURCE, SOURCE_VERSION)
        await self._bighub.ingest({**report, "actor": self._actor, "domain": self._domain})

    async def _known_statuses(self) -> frozenset[str]:
        """The words of BIGHUB's taxonomy, asked for once; nothing where it does not say."""
        if self._taxonomy is None:
            try:
                self._taxonomy = words(await self._bighub.taxonomy())
            except Rejected:
                self._taxonomy = frozenset()
        return self._taxonomy


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
        "trajectory_id": trajectory(question),
        **({"supersedes": question.supersedes} if question.supersedes else {}),
    }
