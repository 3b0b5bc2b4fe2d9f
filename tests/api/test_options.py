"""Every parameter: keyword-only, checked when the agent is made, and named with what it may be when it is wrong."""

from typing import Any

import pytest

from bot import AdapterConfigurationError, AsyncBighubOpenAI, BighubOpenAI
from bot.api.options import Options

KEYS: dict[str, Any] = {"bighub_api_key": "bh_live_xxx", "openai_api_key": "sk-xxx"}
NEGATIVE = [
    "memory_ingest_timeout_ms",
    "max_tool_rounds",
    "provider_timeout_seconds",
    "provider_max_retries",
    "provider_retry_backoff_seconds",
    "provider_retry_max_backoff_seconds",
    "provider_retry_jitter_seconds",
    "provider_circuit_breaker_failures",
    "provider_circuit_breaker_reset_seconds",
    "evaluate_retries",
    "tool_timeout_seconds",
]
WRONG: list[tuple[str, Any]] = [
    *((name, value) for name in NEGATIVE for value in (-1, "3", True, float("nan"), float("inf"), None)),
    ("max_tool_rounds", 0),
    ("max_tool_rounds", 1.5),
    ("fail_mode", "ajar"),
    ("decision_mode", "whisper"),
    ("actor", ""),
    ("domain", 7),
    ("memory_enabled", "yes"),
    ("outcome_reporting", 1),
    ("outcome_reporting_required", None),
    ("session_id", ""),
    ("on_decision", "print"),
    ("store", 7),
    ("store", "oracle://x"),
    ("bighub_api_key", " "),
    ("openai_api_key", "sk-\n"),
]


@pytest.mark.parametrize("kind", [BighubOpenAI, AsyncBighubOpenAI])
@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_wrong_parameter_is_named_with_what_it_may_be(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(AdapterConfigurationError, match=name):
        kind(**{**KEYS, name: value})


@pytest.mark.parametrize(("name", "allowed"), [("fail_mode", "'open'"), ("decision_mode", "'submit_payload'")])
def test_the_allowed_values_are_told(name: str, allowed: str) -> None:
    with pytest.raises(AdapterConfigurationError, match=allowed):
        BighubOpenAI(**KEYS, **{name: "x"})


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_needed_unless_its_client_is_given(name: str) -> None:
    with pytest.raises(AdapterConfigurationError, match=name):
        BighubOpenAI(**{**KEYS, name: None})


def test_one_bighub_client_is_enough() -> None:
    with pytest.raises(AdapterConfigurationError, match="only one"):
        BighubOpenAI(openai_api_key="sk-xxx", bighub=object(), bighub_client=object())


def test_parameters_are_given_by_name_and_an_unknown_one_is_refused() -> None:
    with pytest.raises(TypeError):
        BighubOpenAI("bh_live_xxx")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        BighubOpenAI(**KEYS, colour="red")


def test_the_parameters_can_be_read_from_the_agent_but_not_the_keys() -> None:
    agent = BighubOpenAI(**KEYS, actor="ops-agent", max_tool_rounds=3)
    assert (agent.actor, agent.max_tool_rounds, agent.fail_mode) == ("ops-agent", 3, "closed")
    with pytest.raises(AttributeError):
        agent.bighub_api_key  # noqa: B018
    assert "sk-xxx" not in repr(agent)


def test_a_configuration_error_is_a_value_error_as_it_always_was() -> None:
    with pytest.raises(ValueError, match="fail_mode"):
        Options(**KEYS, fail_mode="ajar")


def test_a_parameter_that_is_set_later_is_refused_and_never_silently_without_effect() -> None:
    agent = BighubOpenAI(**KEYS, fail_mode="open")
    with pytest.raises(AttributeError, match="fail_mode"):
        agent.fail_mode = "closed"
    assert agent.fail_mode == "open"
