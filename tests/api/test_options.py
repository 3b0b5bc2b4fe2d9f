"""Every parameter: keyword-only, checked when the agent is made, and named with what it may be when it is wrong."""

import subprocess
import sys
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
    with pytest.raises(AdapterConfigurationError, match="on_decision"):
        agent.on_decision = "print"


# --- addresses -----------------------------------------------------------------------------------------------------------------

NO_ADDRESSES: list[Any] = [
    *(3, "", "nonsense", "api.example.com", "https://", "https:///v1", "ftp://localhost", "https://a b", "https://a\n"),
    *("https://host:many", "https://host:70000", b"https://host"),
]


@pytest.mark.parametrize("kind", [BighubOpenAI, AsyncBighubOpenAI])
@pytest.mark.parametrize("name", ["openai_base_url", "bighub_base_url"])
@pytest.mark.parametrize("value", NO_ADDRESSES, ids=repr)
def test_h12_a_wrong_address_is_refused_by_the_constructor_and_named(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(AdapterConfigurationError, match=f"{name} must be an address"):
        kind(**KEYS, **{name: value})


@pytest.mark.parametrize("value", ["http://x.y", "http://10.0.0.1", "http://localhost.evil.example"])
def test_h12_bighub_is_asked_over_https_unless_it_is_on_this_machine(value: str) -> None:
    with pytest.raises(AdapterConfigurationError, match=r"bighub_base_url must be an https address"):
        BighubOpenAI(**KEYS, bighub_base_url=value)
    BighubOpenAI(**KEYS, openai_base_url=value)


@pytest.mark.parametrize(
    "value", ["https://x.y", "https://x.y:8443/bighub/", "http://localhost:1", "http://127.0.0.1:1"]
)
def test_h12_a_good_address_is_accepted(value: str) -> None:
    BighubOpenAI(**KEYS, bighub_base_url=value, openai_base_url=value)


ENVIRONMENT = """
import os
from bot import BighubOpenAI

KEYS = {"bighub_api_key": "bh_live_xxx", "openai_api_key": "sk-xxx"}
GOOD = {"bighub_base_url": "https://x.y", "openai_base_url": "https://x.y"}

def told(**given):
    try:
        BighubOpenAI(**given)
    except ValueError as wrong:
        return str(wrong)

for name in ("OPENAI_BASE_URL", "BIGHUB_BASE_URL"):
    os.environ[name] = "nonsense"
    print(told(**KEYS), told(**KEYS, **GOOD), told(openai_client=object(), bighub=object()), sep=" | ")
    del os.environ[name]
os.environ["BIGHUB_ALLOW_INSECURE_HTTP"] = "true"
print(told(**KEYS, bighub_base_url="http://10.0.0.1"), told(**KEYS, bighub_base_url="http://x.y"), sep=" | ")
"""


def test_h12_an_address_of_the_environment_is_checked_as_well_where_it_would_be_used() -> None:
    """A private host is asked in the clear where the SDK's own variable says so."""
    ended = subprocess.run([sys.executable, "-c", ENVIRONMENT], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [
        "OPENAI_BASE_URL must be an address, such as https://host/v1, not 'nonsense'. | None | None",
        "BIGHUB_BASE_URL must be an address, such as https://host/v1, not 'nonsense'. | None | None",
        "None | bighub_base_url must be an https address, not 'http://x.y'.",
    ]


def test_a_store_that_others_can_read_is_not_sealed_with_what_everybody_knows(sqlite_url: str) -> None:
    clients: dict[str, Any] = {"openai_client": object(), "bighub": object()}
    with pytest.raises(AdapterConfigurationError, match=r"store needs a secret.*set SIGNOFF_SEAL_KEY"):
        BighubOpenAI(**clients, store=sqlite_url)
    BighubOpenAI(**clients)
    BighubOpenAI(**clients, store=sqlite_url, bighub_api_key="bh_live_xxx")
