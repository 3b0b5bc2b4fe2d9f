"""The decorator: what it notes, and what it says about wrong options (H20)."""

import subprocess
import sys
from typing import Any

import pytest

from bot.actions import action
from bot.actions.declare import OnCrash, Risk, declared
from bot.errors import ConfigurationError


def restart(service: str, password: str = "") -> str:
    return service + password


def happened(service: str, idempotency_key: str) -> bool:
    return bool(service and idempotency_key)


def noted(**options: Any) -> Any:
    def fresh(service: str, password: str = "") -> str:
        return restart(service, password)

    return declared(action(**options)(fresh))


def test_bare_and_with_options_the_function_stays_callable() -> None:
    @action
    def one(a: int) -> int:
        return a + 1

    @action(system="okta")
    def two(a: int) -> int:
        return a + 2

    assert (one(1), two(1)) == (2, 3)
    assert declared(one) is not None and declared(restart) is None


def test_the_defaults_are_careful_ones() -> None:
    plain = noted()
    assert (plain.risk, plain.on_crash, plain.timeout, plain.read_only, plain.strict) == (
        Risk.MEDIUM,
        OnCrash.ASK,
        60,
        False,
        True,
    )
    reading = noted(read_only=True)
    assert (reading.risk, reading.on_crash) == (Risk.LOW, OnCrash.RERUN)
    assert noted(read_only=True, on_crash="ask", risk="high").on_crash is OnCrash.ASK
    assert noted(probe=happened).on_crash is OnCrash.PROBE


def test_h20_a_decorator_used_twice_gives_both_functions_the_same_options() -> None:
    both = action(system="okta", risk="critical")

    @both
    def one() -> None: ...

    @both
    def two() -> None: ...

    notes = [declared(one), declared(two)]
    assert [(each.name, each.system, each.risk) for each in notes if each] == [
        ("one", "okta", "critical"),
        ("two", "okta", "critical"),
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"risk": "extreme"}, "risk must be one of low, medium, high, critical, not 'extreme'"),
        ({"risk": 3}, "risk must be one of"),
        ({"on_crash": "retry"}, "on_crash must be one of ask, probe, rerun"),
        ({"on_crash": "probe"}, "needs probe="),
        ({"on_crash": "rerun", "probe": happened}, "only asked with"),
        ({"probe": 3}, "probe must be a function"),
        ({"probe": lambda gone: True}, "the probe asks for gone"),
        ({"timeout": 0}, "timeout must be a number of seconds"),
        ({"timeout": True}, "timeout must be a number of seconds"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds"),
        ({"timeout": 1e9}, "timeout must be a number of seconds"),
        ({"timeout": "60"}, "timeout must be a number of seconds"),
        ({"read_only": "yes"}, "read_only must be True or False"),
        ({"system": 1}, "system must be a text"),
        ({"target": "gone"}, "target names 'gone'; the arguments are password, service"),
        ({"target": 1}, "target must be the name of an argument or a function"),
        ({"secret": "password"}, 'such as ("password",)'),
        ({"secret": ("gone",)}, "secret names 'gone'"),
        ({"name": "no spaces"}, "a name is 1 to 64 of"),
        ({"name": ""}, "a name is 1 to 64 of"),
        ({"name": 7}, "a name is 1 to 64 of"),
        ({"parameters_schema": "{}"}, "parameters_schema must be a JSON schema as a dict"),
        ({"retries": 3}, "there is no option retries"),
    ],
)
def test_a_wrong_option_is_named_at_once_with_what_it_may_be(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        noted(**options)
    assert told in caught.value.tell and "action " in caught.value.tell


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="marks functions"):
        action(3)  # type: ignore[type-var]
    with pytest.raises(ConfigurationError, match='name="'):
        action(lambda a: a)


def test_the_decorator_imports_nothing_heavy() -> None:
    program = "import sys; from bot.actions import action; print([m for m in ('pydantic','jsonschema','asyncio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
