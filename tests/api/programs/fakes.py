"""Clients as programs of bighub-openai 0.1.0b5 fake them: they take what that adapter passes them, and raise TypeError for
anything else. The asynchronous ones are the same behind a coroutine. Nothing here knows this project.
"""

import json
from types import SimpleNamespace, TracebackType
from typing import Any

Json = dict[str, Any]
REFUND: Json = {"order_id": "ord_1", "amount": 120.0}
ALLOWED: Json = {"allowed": True, "result": "allowed", "reason": "ok", "request_id": "req_1"}
ASKED: Json = {"allowed": False, "result": "requires_approval", "reason": "Look at it.", "request_id": "req_1"}
BLOCKED: Json = {"allowed": False, "result": "blocked", "reason": "Too risky.", "request_id": "req_1"}
MODERN: Json = {
    **{"request_id": "req_1", "recommendation": "proceed", "risk_score": 0.15, "enforcement_mode": "advisory"},
    **{"allowed": True, "result": "allowed", "recommendation_confidence": "high", "can_run": True},
    "execution_mode": "autonomous",
    "intelligence": {"trajectory_id": "traj_1", "trajectory_health": "healthy"},
    "decision_packet": {"signal": {"risk_band": "low"}, "metadata": {"snapshot": 1}},
    "responsible_action_space": {"available": [{"action": "refund_payment"}]},
    "salient_factors": [{"factor": "weak_verifier_coverage", "severity": "warn"}, "no object"],
}


# --- the model ----------------------------------------------------------------------------------------------------------------


def call(name: str = "refund_payment", arguments: Any = REFUND, number: int = 1) -> Json:
    """A function call as a plain dict. ``arguments`` that are a dict are written as JSON."""
    written = json.dumps(arguments) if isinstance(arguments, dict) else arguments
    return {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": written,
    }


def turn(*calls: Json, name: str | None = "resp_1") -> Json:
    """A response that proposes ``calls``."""
    return {"id": name, "output": list(calls), "output_text": ""}


def said(text: str = "Done", name: str | None = "resp_2") -> Json:
    """A response that answers."""
    content = [{"type": "output_text", "text": text}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    return {"id": name, "output": [item], "output_text": text}


def as_object(value: Any) -> Any:
    """The same with attributes, as the SDK's objects have them."""
    match value:
        case dict():
            return SimpleNamespace(**{name: as_object(each) for name, each in value.items()})
        case list():
            return [as_object(each) for each in value]
        case _:
            return value


class Responses:
    """``says``: responses, or errors to raise, in this order; the last one again and again."""

    def __init__(self, says: list[Any]) -> None:
        self.says, self.requests = says, list[Json]()

    def create(
        self,
        *,
        model: str,
        input: Any,
        tools: list[Json],
        timeout: float,
        store: bool,
        previous_response_id: str | None = None,
        instructions: str | None = None,
        temperature: float | None = None,
        max_output_tokens: int | None = None,
    ) -> Any:
        self.requests.append({name: given for name, given in locals().items() if name != "self" and given is not None})
        answer = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class LaterResponses(Responses):
    async def create(self, **given: Any) -> Any:
        return super().create(**given)


class StreamingResponses(Responses):
    def stream(self, **given: Any) -> Any:
        return Stream(self.create(**given))


class LaterStreamingResponses(LaterResponses):
    def stream(self, **given: Any) -> Any:
        return LaterStream(Responses.create(self, **given))


class AwaitedStreamingResponses(LaterResponses):
    """Its ``stream`` has to be awaited for the manager."""

    async def stream(self, **given: Any) -> Any:
        return LaterStream(await self.create(**given))


class Stream:
    """A stream that is a context manager and an iterator of raw events."""

    def __init__(self, final: Any) -> None:
        self.final = final
        self.open = False

    def events(self) -> list[Any]:
        text = self.final["output_text"]
        given: list[Any] = [{"type": "response.created"}, {"type": "response.unheard_of"}]
        for number, item in enumerate(self.final["output"]):
            given.append({"type": "response.output_item.added", "item": item, "output_index": number})
        for half in (text[: len(text) // 2], text[len(text) // 2 :]) if text else ():
            given.append({"type": "response.output_text.delta", "delta": half, "response_id": self.final["id"]})
        return [as_object({**event, "response_id": self.final["id"]}) for event in given]

    def __enter__(self) -> "Stream":
        self.open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False

    def __iter__(self) -> Any:
        return iter(self.events())

    def get_final_response(self) -> Any:
        assert self.open, "the stream was closed before its end"
        return self.final


class LaterStream:
    """The same for asynchronous programs."""

    def __init__(self, final: Any) -> None:
        self.inner = Stream(final)

    async def __aenter__(self) -> "LaterStream":
        self.inner.open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.inner.open = False

    async def __aiter__(self) -> Any:
        for event in self.inner.events():
            yield event

    async def get_final_response(self) -> Any:
        return self.inner.get_final_response()


class OpenAI:
    """A client that has nothing but ``responses``."""

    def __init__(self, *says: Any, kind: type[Responses] = Responses) -> None:
        self.responses = kind(list(says) or [turn(call()), said()])

    @property
    def requests(self) -> list[Json]:
        return self.responses.requests


# --- BIGHUB -------------------------------------------------------------------------------------------------------------------


class Actions:
    """``answers``: decisions, or errors to raise, in this order; the last one again and again."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers, self.submitted, self.payloads, self.memory = answers, list[Json](), list[Json](), list[Json]()

    def answer(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def submit(
        self, *, action: str, value: float | None, target: str, domain: str, actor: str, context: Json | None
    ) -> Any:
        self.submitted.append({name: given for name, given in locals().items() if name != "self"})
        return self.answer()

    def submit_payload(self, *, payload: Json) -> Any:
        self.payloads.append(payload)
        return self.answer()

    def ingest_memory(
        self,
        *,
        events: list[Json],
        source: str,
        source_version: str,
        actor: str,
        domain: str,
        model: str,
        trace_id: str,
        redact: bool,
        redaction_policy: str,
    ) -> Json:
        self.memory.append({name: given for name, given in locals().items() if name != "self"})
        return {"accepted": len(events)}


class Decisions:
    def __init__(self, actions: Actions) -> None:
        self.actions, self.asked = actions, list[Json]()

    def evaluate(
        self, *, action: str, value: float | None, target: str, domain: str, actor: str, context: Json | None, raw: bool
    ) -> Any:
        self.asked.append({name: given for name, given in locals().items() if name != "self"})
        return self.actions.answer()


class Outcomes:
    def __init__(self, error: Exception | None = None) -> None:
        self.reported, self.error = list[Json](), error

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
        decision_snapshot: Json | None = None,
        correction_needed: bool = False,
    ) -> Json:
        if self.error is not None:
            raise self.error
        self.reported.append({name: given for name, given in locals().items() if name != "self"})
        return {"ok": True}


class Approvals:
    """``status``: what the receipt says, whatever was asked for."""

    def __init__(self, status: str = "approved") -> None:
        self.resolved, self.status = list[Json](), status

    def resolve(self, *, request_id: str, resolution: str, comment: str | None) -> Json:
        self.resolved.append({"request_id": request_id, "resolution": resolution, "comment": comment})
        return {"request_id": request_id, "status": self.status, "resolution": resolution}


class LaterActions(Actions):
    async def submit(self, **given: Any) -> Any:
        return super().submit(**given)

    async def submit_payload(self, **given: Any) -> Any:
        return super().submit_payload(**given)

    async def ingest_memory(self, **given: Any) -> Json:  # type: ignore[override]
        return super().ingest_memory(**given)


class LaterDecisions(Decisions):
    async def evaluate(self, **given: Any) -> Any:
        return super().evaluate(**given)


class LaterOutcomes(Outcomes):
    async def report(self, **given: Any) -> Json:  # type: ignore[override]
        return super().report(**given)


class LaterApprovals(Approvals):
    async def resolve(self, **given: Any) -> Json:  # type: ignore[override]
        return super().resolve(**given)


class Bighub:
    """A client of the older kind: no ``decisions``. ``answers``: see `Actions`."""

    def __init__(self, *answers: Any, status: str = "approved") -> None:
        self.actions = Actions(list(answers) or [ALLOWED])
        self.outcomes, self.approvals = Outcomes(), Approvals(status)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class LaterBighub:
    """The same for asynchronous programs."""

    def __init__(self, *answers: Any, status: str = "approved") -> None:
        self.actions = LaterActions(list(answers) or [ALLOWED])
        self.outcomes, self.approvals = LaterOutcomes(), LaterApprovals(status)
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1
