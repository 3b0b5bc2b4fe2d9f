"""Programs of bighub-openai 0.1.0b5 and their agents: how they are made, read, closed, and given tools. See
`tests/api/test_programs_of_0_1_0b5.py`."""

import asyncio
import dataclasses
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot import (
    AdapterConfigurationError,
    AsyncBighubOpenAI,
    AsyncGuardedOpenAI,
    BighubOpenAI,
    GuardedOpenAI,
    GuardedToolResult,
    ProviderResponseError,
    ToolExecutionEvent,
    ToolResult,
)
from tests.api.programs.agents import ASK, Program, done, streamed
from tests.api.programs.fakes import Bighub, Json, LaterBighub, OpenAI

# --- the agent itself ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bighub", "bighub_client"])
async def test_a_client_may_be_given_by_either_name_and_is_closed(program: Program, name: str) -> None:
    kind, bighub = (AsyncBighubOpenAI, LaterBighub()) if program.later else (BighubOpenAI, Bighub())
    given: Json = {"openai_client": program.fake_openai(), name: bighub}
    agent: Any = kind(**given)
    await done(agent.close)
    assert bighub.closed == 1


async def test_an_agent_closes_its_client_when_its_block_ends(program: Program) -> None:
    agent = program.agent()
    if program.later:
        async with agent as entered:
            assert entered is agent and (await agent.run(**ASK))["output_text"] == "Done"
    else:
        with agent as entered:
            assert entered is agent and (await done(agent.run, **ASK))["output_text"] == "Done"
    assert program.bighub.closed == 1


KINDS = pytest.mark.parametrize("kind", [BighubOpenAI, AsyncBighubOpenAI])
WRONG: list[Json] = [
    {"openai_client": OpenAI()},
    {"bighub": Bighub()},
    {"openai_client": OpenAI(), "bighub": Bighub(), "bighub_client": Bighub()},
    {"openai_client": OpenAI(), "bighub": Bighub(), "fail_mode": "ajar"},
    {"openai_client": OpenAI(), "bighub": Bighub(), "decision_mode": "whisper"},
    {"openai_client": OpenAI(), "bighub": Bighub(), "max_tool_rounds": 0},
]


@KINDS
@pytest.mark.parametrize("wrong", WRONG, ids=lambda given: ",".join(list(given)[-2:]))
def test_a_wrong_configuration_is_refused(kind: Any, wrong: Json) -> None:
    with pytest.raises(AdapterConfigurationError):
        kind(**wrong)


async def test_a_wrong_decision_mode_of_a_tool_is_refused(program: Program) -> None:
    with pytest.raises(AdapterConfigurationError, match="decision_mode"):
        program.bare().register_tool("x", program.refund_payment, decision_mode="whisper")


async def test_an_agent_without_tools_cannot_run(program: Program) -> None:
    agent = program.bare()
    with pytest.raises(AdapterConfigurationError, match="No tools registered"):
        await done(agent.run, **ASK)
    with pytest.raises(AdapterConfigurationError, match="No tools registered"):
        await streamed(agent, **ASK)


GIVEN: Json = {
    **{"actor": "clerk", "domain": "money", "decision_mode": "submit_payload", "decision_objective": "speed"},
    **{"model_selection": "fast", "on_decision": print, "memory_enabled": False, "memory_source": "s"},
    **{"memory_source_version": "s@1", "memory_ingest_timeout_ms": 500, "outcome_reporting": False},
    **{"outcome_reporting_required": True, "fail_mode": "open", "max_tool_rounds": 3, "session_id": "sess"},
    **{"provider_timeout_seconds": 5.0, "provider_max_retries": 1, "provider_retry_backoff_seconds": 0.5},
    **{"provider_retry_max_backoff_seconds": 1.0, "provider_retry_jitter_seconds": 0.2, "evaluate_retries": 4},
    **{"provider_circuit_breaker_failures": 2, "provider_circuit_breaker_reset_seconds": 9.0},
}


def test_every_parameter_can_be_read_from_the_agent(program: Program) -> None:
    agent = program.bare(**GIVEN)
    assert {name: getattr(agent, name) for name in GIVEN} == GIVEN


def test_the_defaults_are_the_adapters(program: Program) -> None:
    kind = AsyncBighubOpenAI if program.later else BighubOpenAI
    agent = kind(openai_client=OpenAI(), bighub=Bighub())
    wanted: Json = {
        **{
            "actor": "AI_AGENT",
            "domain": "it_actions",
            "decision_mode": "submit",
            "decision_objective": "better_decision",
        },
        **{"model_selection": "auto", "on_decision": None, "memory_enabled": True, "memory_source": "openai_adapter"},
        **{"memory_ingest_timeout_ms": 300, "outcome_reporting": True, "outcome_reporting_required": False},
        **{"fail_mode": "closed", "max_tool_rounds": 8, "provider_timeout_seconds": 30.0, "provider_max_retries": 2},
        **{"provider_retry_backoff_seconds": 0.25, "provider_retry_max_backoff_seconds": 2.0},
        **{"provider_retry_jitter_seconds": 0.1, "provider_circuit_breaker_failures": 0},
        **{"provider_circuit_breaker_reset_seconds": 30.0, "evaluate_retries": 2},
    }
    assert {name: getattr(agent, name) for name in wanted} == wanted


SCHEMA: Json = {
    "type": "object",
    "properties": {"location": {"type": "string"}, "units": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["location", "units"],
    "additionalProperties": False,
}


def test_tools_are_listed_as_the_chat_api_writes_them(program: Program) -> None:
    agent = program.bare()
    agent.register_tool(
        "get_weather", lambda location, units="celsius": None, "Current weather", SCHEMA, lambda a: 0.0, strict=True
    )
    function = {"name": "get_weather", "description": "Current weather", "parameters": SCHEMA, "strict": True}
    assert agent.list_tools() == [{"type": "function", "function": function}]


def test_a_tools_schema_comes_from_its_signature(program: Program) -> None:
    agent = program.bare()

    def deploy(service: str, replicas: int, canary: bool, share: float) -> None:
        pass

    agent.tool("deploy", deploy)
    (tool,) = agent.list_tools()
    assert (tool["function"]["name"], tool["function"]["description"]) == ("deploy", "Execute deploy")
    parameters = tool["function"]["parameters"]
    types = {name: each["type"] for name, each in parameters["properties"].items()}
    assert types == {"service": "string", "replicas": "integer", "canary": "boolean", "share": "number"}
    assert parameters["type"] == "object" and parameters["additionalProperties"] is False
    assert parameters["required"] == ["service", "replicas", "canary", "share"]


def test_a_tool_may_be_registered_by_name_or_in_order(program: Program) -> None:
    agent = program.bare()
    agent.register_tool(name="one", fn=program.refund_payment, description="Refund", value_from_args=lambda a: 1.0)
    agent.tool("two", program.refund_payment, description="Refund")
    agent.register_tool(
        "three", program.refund_payment, "Refund", None, lambda a: 1.0, lambda a: "x", "r", "money", "me"
    )
    assert [tool["function"]["name"] for tool in agent.list_tools()] == ["one", "two", "three"]


PARAMETERS = {
    "register_tool": [
        *("name", "fn", "description", "parameters_schema", "value_from_args", "target_from_args", "action_name"),
        *("domain", "actor", "metadata_from_args", "decision_mode", "strict"),
    ],
    "run": ["messages", "model", "instructions", "temperature", "extra_create_args"],
    "run_stream": ["messages", "model", "instructions", "temperature", "extra_create_args"],
    "run_with_approval": [
        "messages",
        "model",
        "instructions",
        "temperature",
        "extra_create_args",
        "on_approval_required",
    ],
    "resume_after_approval": ["tool_name", "arguments", "request_id", "resolution", "comment"],
    "check_tool": ["tool_name", "arguments"],
}


@KINDS
@pytest.mark.parametrize("method", PARAMETERS)
def test_the_methods_take_what_they_took(kind: Any, method: str) -> None:
    taken = [name for name in inspect.signature(getattr(kind, method)).parameters if name != "self"]
    assert [name for name in taken if name != "options"] == PARAMETERS[method]


@KINDS
def test_a_run_takes_its_arguments_by_name_only(kind: Any) -> None:
    for method in ("run", "run_stream", "run_with_approval", "resume_after_approval"):
        kinds = {
            each.kind for name, each in inspect.signature(getattr(kind, method)).parameters.items() if name != "self"
        }
        assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_a_tool_result_is_what_it_was() -> None:
    result = ToolResult(status="executed", decision={"allowed": True}, output=[1])
    assert GuardedToolResult is ToolResult and (result.error, result.risk_band, result.safe_novelty_lane) == (
        None,
        None,
        None,
    )
    assert [field.name for field in dataclasses.fields(ToolResult)][:9] == [
        *("status", "decision", "output", "error", "recommendation", "risk_score", "enforcement_mode"),
        *("trajectory_health", "risk_band"),
    ]
    assert len(dataclasses.fields(ToolResult)) == 22


def test_an_events_fields_are_what_they_were() -> None:
    event = ToolExecutionEvent("refund_payment", "call_1", "executed", {}, {})
    assert event.schema_version == 1 and event.seq is None and event.__dict__["source_version"] is None
    assert [field.name for field in dataclasses.fields(ToolExecutionEvent)] == [
        *(
            "tool",
            "call_id",
            "status",
            "decision",
            "arguments",
            "output",
            "error",
            "event_id",
            "trace_id",
            "request_id",
        ),
        *("seq", "schema_version", "source_version", "recommendation", "risk_score", "enforcement_mode"),
        *("trajectory_health", "decision_packet", "responsible_action_space", "salient_factors", "operational_intent"),
        *("agent_operational_body", "action_interpretation_layer", "performative_contracts", "catastrophic_ceiling"),
        *("expected_regret_vector", "signal_epistemology", "safe_novelty_lane"),
    ]


def test_the_package_says_its_version() -> None:
    package = importlib.import_module(BighubOpenAI.__module__.split(".")[0])
    assert isinstance(package.__version__, str)


def test_the_names_are_what_they_were() -> None:
    assert GuardedOpenAI is BighubOpenAI and AsyncGuardedOpenAI is AsyncBighubOpenAI
    assert issubclass(AdapterConfigurationError, ValueError) and issubclass(ProviderResponseError, RuntimeError)


# --- a program of its own ---------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from bot import BighubOpenAI
from tests.api.programs.fakes import ALLOWED, Bighub, OpenAI, Outcomes, call, said, turn

bighub = Bighub(ConnectionError("down"), ALLOWED)
bighub.outcomes = Outcomes(RuntimeError("down"))
model = OpenAI(RuntimeError("transient provider failure"), turn(call()), said())
agent = BighubOpenAI(openai_client=model, bighub=bighub, evaluate_retries=1, on_decision=lambda event: event["none"])
agent.tool("refund_payment", lambda order_id, amount: {lines})
print(agent.run(messages=[{{"role": "user", "content": "refund"}}], model="gpt-4.1")["output_text"])
"""


async def script(lines: str, program: str = SCRIPT) -> tuple[int, str]:
    """What such a program, whose tool does ``lines``, prints and ends with."""
    command = [sys.executable, "-W", "ignore", "-c", program.format(lines=lines)]
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True, timeout=30
    )
    return ended.returncode, ended.stdout


async def test_the_standard_output_is_the_programs_alone_also_when_everything_stumbles() -> None:
    assert await script('{"ok": True}') == (0, "Done\n")


@pytest.mark.parametrize("tool", ["lambda order_id, amount: sys.exit(3)", "leave"])
async def test_a_tool_that_would_end_the_program_has_failed_and_the_run_goes_on(tool: str) -> None:
    made = "async def leave(order_id, amount):\n    sys.exit(3)\n"
    lines = SCRIPT.replace("agent.tool(", f"{made}agent.tool(").replace("lambda order_id, amount: {lines}", tool)
    assert await script("", lines) == (0, "Done\n")


async def test_a_callback_that_ends_the_program_ends_it() -> None:
    """It runs in a worker thread; the caller's thread hears of it, and nobody waits for ever."""
    lines = SCRIPT.replace('event["none"]', "sys.exit(3)")
    assert await script('{"ok": True}', lines) == (3, "")
