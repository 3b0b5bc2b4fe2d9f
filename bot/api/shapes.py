"""The founding README's shapes: what `run` returns and what its events look like. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from bot.core.run import Run

Json = dict[str, Any]


@dataclass
class ToolResult:
    """What became of one tool call, as a program may keep it. ``status``: executed, blocked, approval_required or tool_error.

    Source: bighub-openai 0.1.0b5, for programs that build one.
    """

    status: str
    decision: Json
    output: Any = None
    error: str | None = None
    recommendation: str | None = None
    risk_score: float | None = None
    enforcement_mode: str | None = None
    trajectory_health: str | None = None
    risk_band: str | None = None
    confidence_zone: str | None = None
    regret_band: str | None = None
    decision_packet: Json | None = None
    responsible_action_space: Json | None = None
    salient_factors: list[Json] | None = None
    operational_intent: Json | None = None
    agent_operational_body: Json | None = None
    action_interpretation_layer: Json | None = None
    performative_contracts: list[Json] | None = None
    catastrophic_ceiling: Json | None = None
    expected_regret_vector: Json | None = None
    signal_epistemology: Json | None = None
    safe_novelty_lane: Json | None = None


@dataclass
class ToolExecutionEvent:
    """One execution event. ``call_id`` is the model's, ``seq`` counts from 0 within a run, ``event_id`` is stable.

    Source: bighub-openai 0.1.0b5; ``ToolExecutionEvent(**event)`` makes one of an event of a response.
    """

    tool: str
    call_id: str
    status: str
    decision: Json
    arguments: Json
    output: Any = None
    error: str | None = None
    event_id: str | None = None
    trace_id: str | None = None
    request_id: str | None = None
    seq: int | None = None
    schema_version: int = 1
    source_version: str | None = None
    recommendation: str | None = None
    risk_score: float | None = None
    enforcement_mode: str | None = None
    trajectory_health: str | None = None
    decision_packet: Json | None = None
    responsible_action_space: Json | None = None
    salient_factors: list[Json] | None = None
    operational_intent: Json | None = None
    agent_operational_body: Json | None = None
    action_interpretation_layer: Json | None = None
    performative_contracts: list[Json] | None = None
    catastrophic_ceiling: Json | None = None
    expected_regret_vector: Json | None = None
    signal_epistemology: Json | None = None
    safe_novelty_lane: Json | None = None


def response_of(run: Run, events: list[Json]) -> Json:
    """What `run` returns: the model's last response, flat and under ``llm_response``, and the execution events."""
    turn = run.turns[-1] if run.turns else None
    llm = {
        "response_id": (turn.response or None) if turn else None,
        "output_text": turn.text if turn else "",
        "output": json.loads(turn.items) if turn else [],
    }
    return {**llm, "llm_response": llm, "execution": execution_of(events), "run_id": run.id}


def execution_of(events: list[Json]) -> Json:
    return {"events": events, "last": events[-1] if events else None}
