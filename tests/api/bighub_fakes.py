"""BIGHUB clients as programs write them for their tests: they accept what bighub-openai 0.1.0b5 passes, and nothing else."""

import time
from typing import Any

Json = dict[str, Any]
PROCEED: Json = {"request_id": "req_1", "recommendation": "proceed", "risk_score": 0.1, "enforcement_mode": "advisory"}


class Decisions:
    def __init__(self, answer: Any, raised: list[Exception]) -> None:
        self.asked: list[Json] = []
        self._answer, self._raised = answer, raised

    def evaluate(
        self, *, action: str, value: float | None, target: str, domain: str, actor: str, context: Json | None, raw: bool
    ) -> Any:
        self.asked.append({"action": action, "value": value, "target": target, "domain": domain, "actor": actor})
        self.asked[-1] |= {"context": context, "raw": raw}
        if self._raised:
            raise self._raised.pop(0)
        return self._answer


class Outcomes:
    def __init__(self, seconds: float = 0.0, raised: Exception | None = None) -> None:
        self.reported: list[Json] = []
        self._seconds, self._raised = seconds, raised

    def report(
        self,
        *,
        request_id: str,
        status: str,
        description: str,
        production_action: str,
        human_final_action: str,
        recommendation_followed: bool | None,
        outcome_label_quality: str,
        reported_by: str,
        details: Json,
        **optional: Any,
    ) -> None:
        assert optional.keys() <= {"decision_snapshot", "correction_needed"}, optional
        time.sleep(self._seconds)
        if self._raised:
            raise self._raised
        self.reported.append({**{name: value for name, value in locals().items() if name != "self"}, **optional})


class Actions:
    def __init__(self, seconds: float = 0.0, raised: Exception | None = None) -> None:
        self.remembered: list[Json] = []
        self._seconds, self._raised = seconds, raised

    def ingest_memory(
        self,
        *,
        events: list[Json],
        source: str,
        source_version: str,
        actor: str,
        domain: str,
        model: str | None,
        trace_id: str,
        redact: bool,
        redaction_policy: str,
    ) -> None:
        time.sleep(self._seconds)
        if self._raised:
            raise self._raised
        self.remembered.append({name: value for name, value in locals().items() if name != "self"})


class Approvals:
    def __init__(self, receipt: Any, raised: Exception | None = None) -> None:
        self.resolved: list[Json] = []
        self._receipt, self._raised = receipt, raised

    def resolve(self, *, request_id: str, resolution: str, comment: str | None) -> Any:
        self.resolved.append({"request_id": request_id, "resolution": resolution, "comment": comment})
        if self._raised:
            raise self._raised
        return self._receipt


class FakeBighub:
    """A whole synchronous client. ``raised``: what `decisions.evaluate` raises, one error for each call, before it answers."""

    def __init__(self, answer: Any = PROCEED, *raised: Exception) -> None:
        self.decisions = Decisions(answer, list(raised))
        self.outcomes = Outcomes()
        self.actions = Actions()
        self.approvals = Approvals({"status": "approved"})
        self.closed = False

    def close(self) -> None:
        self.closed = True


class OnlyActions:
    """An asynchronous client of the older kind: no decisions, and nothing to close."""

    def __init__(self, answer: Any = PROCEED) -> None:
        self.actions = _Submitting(answer)


class _Submitting:
    def __init__(self, answer: Any) -> None:
        self.submitted: list[Json] = []
        self.payloads: list[Json] = []
        self._answer = answer

    async def submit(
        self, *, action: str, value: float | None, target: str, domain: str, actor: str, context: Json | None
    ) -> Any:
        self.submitted.append({name: given for name, given in locals().items() if name != "self"})
        return self._answer

    async def submit_payload(self, *, payload: Json) -> Any:
        self.payloads.append(payload)
        return self._answer
