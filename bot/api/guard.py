"""The Guard port for programs: what the library asks BIGHUB, by whatever client it was given, and tells it without being held up.

Rules
1. `judge` never raises: what could not be judged is denied, and says so. Only an unreachable BIGHUB, and only with
   ``fail_mode="open"``, lets a call through unjudged; the decision then says that as well.
2. A callback of the program's that fails is no fault of BIGHUB's: the call is denied, whatever the fail mode.
3. There is no requester to wait for: where BIGHUB needs more context, the call is denied and the model is told so.
4. Reports are tried once, in the time that the program gives them; what comes of them is logged, or (outcomes, where the program
   requires them) raised as `Rejected`, which the engine keeps.
5. Arguments and metadata leave redacted. A client is given what bighub-openai 0.1.0b5 gave it, and more only if it names it.

The client's errors are read in `bot.bighub_errors`, its decisions in `core/verdict.py`, and how to call it is `clients.py`'s.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from bot.actions.output import output_text, plain
from bot.api.calling import called_back
from bot.api.clients import called
from bot.api.facts import Facts
from bot.bighub_client import Bighub, Submission
from bot.bighub_errors import DecidedAlready, Unreachable, told
from bot.bighub_listing import Approvals
from bot.bighub_reports import (
    approval_in,
    memory_report,
    plain_outcome_report,
    resolution_comment,
    resolution_word,
    trajectory,
)
from bot.core.approval import Approval
from bot.core.call import Call
from bot.core.moments import Moment
from bot.core.redact import redact_text, redacted
from bot.core.run import Run
from bot.core.values import Judgement, Verdict
from bot.core.verdict import SOURCE, read_decision
from bot.errors import SignoffError
from bot.execution_events import memory_events
from bot.logger import log
from bot.ports import Question, Rejected, Unavailable

Json = dict[str, Any]
_LONGEST_WAIT = 5.0
_NEEDS_CONTEXT = "BIGHUB needs more context: "


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """How the library asks and tells. Times in seconds: ``timeout_seconds`` for one attempt at a decision or a resolution
    (None: the client has a limit of its own), ``retry_wait_seconds`` before the first further one (doubling),
    ``report_timeout_seconds`` for a whole report."""

    actor: str
    domain: str
    objective: str
    model_selection: str
    session_id: str | None
    fail_mode: str
    evaluate_retries: int
    report_timeout_seconds: float
    outcome_reporting: bool
    outcome_required: bool
    memory_enabled: bool
    memory_source: str
    memory_source_version: str
    decision_mode: str = "submit"
    timeout_seconds: float | None = 10.0
    retry_wait_seconds: float = 0.5


class LibraryGuard:
    """BIGHUB judges, by a client of anybody's. ``facts``: what a tool says of a call; it may raise what a callback raises.

    ``client``: the SDK's, synchronous or asynchronous, or anything with the methods that are used.
    """

    name = SOURCE

    def __init__(self, client: Any, facts: Callable[[Question], Facts], options: GuardOptions) -> None:
        self._bighub = Bighub(client, called, options.timeout_seconds)
        self._approvals = Approvals(self._bighub)
        self._facts, self._options = facts, options

    async def close(self) -> None:
        """Close the client, if it can be closed."""
        await self._bighub.close()

    # --- the decision -------------------------------------------------------------------------------------------------

    async def judge(self, question: Question) -> Judgement:
        """BIGHUB's decision about a call, or what stands for it where there was none. Never raises."""
        try:
            asked = self._submission(question, await called_back(self._facts, question))
        except Exception as error:  # the edge of foreign code: a callback of the program's may raise anything
            return self._not_judged(_of_callback(error), question)
        try:
            judgement = read_decision(_as_json(await self._evaluated(asked)))
        except Unreachable as absent:
            return self._unreachable(absent, question)
        except Exception as error:  # the edge of foreign code: a client of somebody's own may raise anything
            return self._not_judged(_cause(error), question)
        if not judgement.needs_context:
            return judgement
        why = f"{_NEEDS_CONTEXT}{(judgement.reason or judgement.ours).removeprefix(_NEEDS_CONTEXT)}"
        return replace(judgement, verdict=Verdict.DENY, needs_context=False, reason=why, ours="")

    async def _evaluated(self, asked: Submission) -> Any:
        options = self._options
        first = options.retry_wait_seconds
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(options.evaluate_retries + 1),
            wait=wait_exponential_jitter(multiplier=first, max=_LONGEST_WAIT, jitter=first / 5),
            reraise=True,
        )
        return await attempts(self._bighub.evaluate, asked)

    def _submission(self, question: Question, facts: Facts) -> Submission:
        options = self._options
        return Submission(
            key=question.key,
            action=facts.action_name,
            value=facts.value,
            target=facts.target,
            actor=facts.actor or options.actor,
            domain=facts.domain or options.domain,
            context=self._context(question, facts.metadata),
            mode=facts.mode or options.decision_mode,
        )

    def _context(self, question: Question, metadata: Mapping[str, Any]) -> Json:
        """The program's own words first; nothing that it says there can stand for what is judged."""
        options, binding = self._options, question.binding
        context: Json = dict(redacted(output_text(dict(metadata)).encode()))
        context.setdefault("objective", options.objective)
        context.setdefault("model_selection", options.model_selection)
        return context | {
            "session_id": options.session_id or question.run,
            "trajectory_id": trajectory(question),
            "arguments": json.loads(question.arguments),
            "digest": binding.digest,
            "read_only": binding.read_only,
            "run": question.run,
        }

    def _unreachable(self, absent: Unreachable, question: Question) -> Judgement:
        if self._options.fail_mode != "open":
            return self._not_judged(_cause(absent), question)
        reason = f"Evaluation bypassed (fail_open): {_cause(absent)}"
        log.warning(
            "BIGHUB is unreachable; the call runs unjudged", action=question.action, run=question.run, why=reason
        )
        decision = {
            "allowed": True,
            "result": "allowed",
            "recommendation": "proceed",
            "enforcement_mode": "advisory",
            "reason": reason,
            "evaluation": "bypassed",
        }
        return Judgement(Verdict.ALLOW, reason, SOURCE, decision=json.dumps(decision))

    def _not_judged(self, why: str, question: Question) -> Judgement:
        closed = self._options.fail_mode != "open"
        how = "(fail_closed)" if closed else '(fail_mode="open" lets only an unreachable BIGHUB pass)'
        reason = f"Evaluation failed {how}: {why}"
        log.warning("BIGHUB has not judged this; it is blocked", action=question.action, run=question.run, why=why)
        decision = {
            "allowed": False,
            "result": "blocked",
            "recommendation": "do_not_proceed",
            "enforcement_mode": "advisory",
            "reason": reason,
        }
        return Judgement(Verdict.DENY, reason, SOURCE, decision=json.dumps(decision))

    # --- the approval -------------------------------------------------------------------------------------------------

    async def resolve(self, request_id: str, resolution: str, comment: str | None = None) -> Json:
        """Resolve BIGHUB's approval and return its receipt; where somebody else was first (409), what they decided.

        Raises what the client raises, as it is; TimeoutError where it does not answer in time.
        """
        receipt = await self._resolved(request_id, resolution, comment)
        if isinstance(receipt, BaseException):
            raise receipt
        return dict(receipt) if isinstance(receipt, Mapping) else {}

    async def _resolved(self, request_id: str, resolution: str, comment: str | None) -> Any:
        """The receipt, or what the client raised."""
        try:
            return await self._bighub.resolve(request_id, resolution, comment)
        except DecidedAlready as conflict:
            return await self._decided(request_id) or conflict.__cause__
        except (Unavailable, Rejected) as error:
            return error.__cause__

    async def _decided(self, request_id: str) -> Json | None:
        """The approval as somebody else left it; None where BIGHUB does not say."""
        for status in ("approved", "denied"):
            try:
                items, _ = await self._approvals.listed(status)
                found = approval_in(items, request_id)
            except Exception as error:  # the edge of foreign code: the conflict itself is then the better answer
                log.warning("BIGHUB's approvals cannot be listed", request_id=request_id, why=told(error))
                return None
            if found is not None:
                return {**found, "request_id": request_id, "status": status}
        return None

    # --- the reports --------------------------------------------------------------------------------------------------

    async def report_resolution(self, run: Run, call: Call, approval: Approval | None, *, again: bool = True) -> None:
        """What no vote decided (edited, stopped, expired), once. A vote's resolution BIGHUB heard before it (`approvals.py`)."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not request_id or (approval is not None and (approval.deciding_vote or approval.resolution is None)):
            return
        word, why = resolution_word(approval), resolution_comment(approval)
        try:
            await self._bighub.resolve(request_id, word, why, seconds=self._options.report_timeout_seconds)
        except Exception as error:  # the edge of foreign code: a report must not break the run that it is about
            log.warning("BIGHUB was not told of a resolution", run=run.id, call=call.proposal.call, why=told(error))

    async def report_outcome(self, run: Run, call: Call, *, again: bool = True) -> None:
        """Tell what became of a call, once. Raises `Rejected` where the program requires it and it failed."""
        request_id = call.judgement.request_id if call.judgement else ""
        if not self._options.outcome_reporting or not request_id or call.outcome is None:
            return
        fields = plain_outcome_report(call, self._options.actor)
        extras = {"observed_at": fields.pop("observed_at")}
        seconds = self._options.report_timeout_seconds
        try:
            await self._bighub.report({"request_id": request_id, **fields}, extras, seconds=seconds)
        except Exception as error:  # the edge of foreign code: a report must not break the run that it is about
            log.warning("BIGHUB was not told of an outcome", run=run.id, call=call.proposal.call, why=told(error))
            if self._options.outcome_required:
                raise Rejected(_cause(error)) from error

    async def remember(self, run: Run, moments: Sequence[Moment]) -> None:
        """Tell BIGHUB's memory what happened, with what the tools returned, once."""
        options = self._options
        if not options.memory_enabled or not self._bighub.has_memory or not moments:
            return
        try:
            events = memory_events(run, moments, options.memory_source_version, outputs=True)
            report = memory_report(run, events, options.memory_source, options.memory_source_version)
            fields = {"model": None, **report, "actor": options.actor, "domain": options.domain}
            await self._bighub.ingest(fields, seconds=options.report_timeout_seconds)
        except Exception as error:  # the edge of foreign code: a memory must not break the run that it is of
            log.warning("BIGHUB's memory was not told", run=run.id, why=told(error))


def approved(receipt: Mapping[str, Any], resolution: str) -> tuple[bool, str]:
    """Whether BIGHUB's receipt is a clear approval, and why not. A receipt without a resolution is about the one asked for."""
    status, resolved = receipt.get("status"), receipt.get("resolution")
    given = (status, resolution if resolved is None else resolved)
    if all(isinstance(word, str) and word.strip().lower() == "approved" for word in given):
        return True, ""
    shown = ", ".join(f"{name} {_quoted(receipt[name])}" for name in ("status", "resolution") if name in receipt)
    return False, f"BIGHUB has not approved this: its receipt says {shown or 'neither a status nor a resolution'}."


def _as_json(answer: Any) -> Any:
    """What a client of somebody's own answers may hold more than JSON knows; numbers stay numbers, which brakes are read by."""

    def plainly(value: object) -> Any:
        return float(value) if isinstance(value, Decimal) else plain(value)

    return json.loads(json.dumps(answer, default=plainly)) if isinstance(answer, dict) else answer


def _quoted(value: object) -> str:
    return redact_text(json.dumps(value, default=repr, ensure_ascii=False))[:200]


def _of_callback(error: Exception) -> str:
    """What of the program's own failed: a sentence that names the tool and the callback (`facts.py`), or the error itself."""
    return redact_text(error.tell) if isinstance(error, SignoffError) else told(error)


def _cause(error: Exception) -> str:
    """Our sentence for an error, and the client's own words where they say more."""
    cause = error.__cause__
    words = told(error)
    return words if cause is None or str(cause) in words else f"{words} ({told(cause)})"
