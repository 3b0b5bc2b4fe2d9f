"""Signatures become schemas that OpenAI's strict mode accepts, and arguments become what the signature asks for (H26)."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.actions.definition import define
from tests.actions.shapes import (
    EVERYTHING,
    Colour,
    Level,
    Node,
    Rule,
    Window,
    everything,
    faults_of,
    refused,
    schema_of,
    values_of,
)
from tests.actions.strict_mode import violations

if TYPE_CHECKING:
    from nowhere import Unresolvable


def test_h26_a_schema_of_every_type_is_valid_in_strict_mode() -> None:
    schema = schema_of(define(everything))
    assert violations(schema) == []
    assert list(schema["properties"]) == list(inspect.signature(everything).parameters)
    assert schema["properties"]["e"]["enum"] == ["x", 1, None]
    assert schema["properties"]["x"]["enum"] == ["red", 2, None]
    assert schema["properties"]["k"]["type"] == "string"
    assert schema["properties"]["h"]["format"] == "date"


def test_h26_what_takes_nothing_is_strict_too() -> None:
    for fn in (lambda: None, dict):
        options = {} if fn is not dict else {"parameters_schema": schema_of(define(lambda: None, name="f"))}
        schema = schema_of(define(fn, name="f", **options))
        assert violations(schema) == [] and schema["properties"] == {}


def test_json_becomes_the_types_that_the_signature_names() -> None:
    values = values_of(define(everything), json.dumps(EVERYTHING))
    assert values["f"] is Colour.TWO and values["g"] is Level.LOW and values["h"] == date(2026, 1, 2)
    assert values["k"] == Decimal("1.10") and values["p"] == {"a", "b"} and values["q"] == (1, 2)
    assert values["l"].next == Window(datetime(2026, 1, 3), "CET", [1]) and values["l"].zone == "UTC"
    assert values["m"] == Rule(kind="rule", cidr="10.0.0.0/8") and values["u"] == timedelta(hours=1)
    assert values["o"] == {"team": "ops"} and values["v"] == "5" and values["r"] is None
    assert values["x"] is Colour.RED and values["z"] == Decimal("0.1") and values["y"].zone == "UTC"
    assert values["node"].inner == Node(name="in") and "w" not in values


def test_null_means_the_default_at_every_level_and_the_default_is_bound() -> None:
    filled = define(everything).parameters.filled(json.loads(json.dumps(EVERYTHING)))
    assert isinstance(filled["l"], dict) and isinstance(filled["m"], dict) and isinstance(filled["y"], dict)
    assert filled["l"]["zone"] == "UTC" and filled["m"]["port"] == 443
    assert filled["x"] == "red" and filled["z"] == "0.1" and filled["y"]["start"] == "2026-01-01T00:00:00"


def test_an_argument_that_a_lenient_provider_left_out_is_filled_in_too() -> None:
    def scale(service: str, replicas: int = 3) -> None: ...

    assert values_of(define(scale), '{"service":"a"}') == {"service": "a", "replicas": 3}


def test_a_default_of_none_without_optional_is_left_to_the_function() -> None:
    def scale(service: str, note: str = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert values_of(define(scale), '{"service":"a","note":null}') == {"service": "a"}


def test_the_docstring_describes_action_and_parameters() -> None:
    def grant(user: str, duration: Annotated[str, "unused"] = "1h") -> None:
        """Grant access.

        Args:
            user: Who gets it.
            duration: How long.
        """

    action = define(grant)
    assert action.description == "Grant access."
    properties = schema_of(action)["properties"]
    assert properties["user"]["description"] == "Who gets it."
    assert properties["duration"]["description"] == 'How long. Null means the default: "1h".'


def test_the_idempotency_key_is_not_the_models_to_choose() -> None:
    def pay(amount: int, *, idempotency_key: str) -> None: ...

    def pay_by_key(amount: int, idempotency_key: str) -> None: ...

    assert list(schema_of(define(pay))["properties"]) == ["amount"]
    assert define(pay).parameters.takes_key
    assert list(schema_of(define(pay_by_key))["properties"]) == ["amount", "idempotency_key"]
    assert not define(pay_by_key).parameters.takes_key


def test_what_strict_mode_cannot_say_is_refused_with_reason_and_remedy() -> None:
    def open_dict(options: dict[str, str]) -> None: ...

    def bare_dict(options: dict) -> None: ...  # type: ignore[type-arg]

    def bare_list(items: list) -> None: ...  # type: ignore[type-arg]

    def anything(value: Any) -> None: ...

    def inside(values: list[dict[str, int]]) -> None: ...

    def pair(value: tuple[int, str]) -> None: ...

    for fn, told in [
        (open_dict, '"options" is an object with open keys'),
        (bare_dict, '"options" is an object with open keys'),
        (bare_list, '"items[]" has no type'),
        (anything, '"value" has no type'),
        (inside, '"values[]" is an object with open keys'),
        (pair, "prefixItems"),
    ]:
        sentence = refused(fn)
        assert told in sentence and fn.__name__ in sentence
        assert "a dataclass, a TypedDict or a Pydantic model" in sentence and "strict=False" in sentence
        assert define(fn, strict=False).strict is False


def test_parameters_that_no_schema_names_are_refused_with_the_remedy() -> None:
    def stars(*names: str) -> None: ...

    def options(**rest: str) -> None: ...

    def positional(a: str, /) -> None: ...

    def bare(a) -> None: ...  # type: ignore[no-untyped-def]

    def unknown(a: Unresolvable) -> None: ...

    def odd(a: Callable[[], int]) -> None: ...

    def instance(a: object = object()) -> None: ...

    def wrong(a: int = "three") -> None: ...  # type: ignore[assignment]

    assert "*names takes anything" in refused(stars) and "parameters_schema=" in refused(stars)
    assert "**rest takes anything" in refused(options, strict=False)
    assert "positional only" in refused(positional)
    assert '"a" has no annotation' in refused(bare) and "strict=False" in refused(bare)
    assert "cannot be resolved" in refused(unknown) and "Unresolvable" in refused(unknown)
    assert "cannot come from JSON" in refused(odd)
    assert "cannot be shown as JSON" in refused(instance)
    assert "does not fit its annotation" in refused(wrong)


def test_without_strict_mode_open_and_unannotated_parameters_pass_as_they_are() -> None:
    def loose(a, options: dict[str, int], b=5) -> None: ...  # type: ignore[no-untyped-def]

    action = define(loose, strict=False)
    assert schema_of(action)["required"] == ["a", "options"]
    assert values_of(action, '{"a":[1],"options":{"x":1}}') == {"a": [1], "options": {"x": 1}, "b": 5}
    assert "must be a whole number" in faults_of(action, '{"a":1,"options":{"x":"1"}}')


def test_a_schema_of_ones_own_is_taken_as_it_is_and_checked() -> None:
    def anything(**arguments: Any) -> None: ...

    schema = {
        "type": "object",
        "properties": {"x": {"type": "integer", "minimum": 3}},
        "required": ["x"],
        "additionalProperties": False,
    }
    action = define(anything, parameters_schema=schema)
    assert schema_of(action) == schema
    assert values_of(action, '{"x":3}') == {"x": 3}
    assert '"x" breaks the rule minimum 3: it is 2' in faults_of(action, '{"x":2}')
    assert "allows additional properties" in refused(anything, parameters_schema={"type": "object", "properties": {}})
    assert "no valid JSON schema" in refused(anything, parameters_schema={"type": "nonsense"})
    for wrong in ({"type": "object", "properties": {"x": {"enum": {1, 2}}}}, {"default": float("nan")}):
        assert "parameters_schema is no JSON" in refused(anything, parameters_schema=wrong)
    titled = {**schema, "title": "Arguments"}
    assert schema_of(define(anything, parameters_schema=titled)) == titled


def test_h19_every_fault_is_named_and_secrets_are_not_quoted() -> None:
    def login(user: str, password: str, level: Level, window: Window) -> None: ...

    action = define(login, secret=("password",))
    told = faults_of(action, '{"user":1,"password":["hunter2"],"level":3,"window":{"start":"x","zone":5},"extra":1}')
    assert '"user" must be a string, not 1.' in told
    assert '"password" must be a string.' in told and "hunter2" not in told
    assert '"level" must be one of 1, 2, not 3.' in told
    assert '"window.zone" must be a string or null, not 5.' in told
    assert '"extra" is not among the parameters.' in told
    assert '"user", "password", "level", "window" are missing.' in faults_of(action, "{}")
    late = (
        '{"user":"a","password":"hunter2","level":1,"window":{"start":"yesterday","zone":null,"days":null,"next":null}}'
    )
    assert '"window.start" is not acceptable: Input should be a valid datetime' in faults_of(action, late)


def test_rules_that_strict_mode_does_not_know_are_checked_all_the_same() -> None:
    def open_port(rule: Rule) -> None: ...

    action = define(open_port)
    assert "minLength" not in action.parameters_schema.decode()
    assert "at least 1 character" in faults_of(action, '{"rule":{"kind":"rule","cidr":"","port":1}}')
    assert "the whole internet" in faults_of(action, '{"rule":{"kind":"rule","cidr":"0.0.0.0/0","port":1}}')
    assert "maximum 65535" in faults_of(action, '{"rule":{"kind":"rule","cidr":"a","port":70000}}')


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('{"n":1.0,"x":1}', '"n" must be a whole number, not 1.0'),
        ('{"n":true,"x":1}', '"n" must be a whole number, not true'),
        ('{"n":"1","x":1}', "must be a whole number"),
        ('{"n":1,"x":9007199254740993}', '"x" must be a number, not 9007199254740993'),
        ('{"n":1,"x":' + "9" * 500 + "}", '"x" must be a number'),
    ],
)
def test_r6_no_number_runs_that_differs_from_the_one_shown(raw: str, told: str) -> None:
    def scale(n: int, x: float) -> None: ...

    assert told in faults_of(define(scale), raw)


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**200), 2**200), st.text(max_size=30))
def test_r6_plain_values_arrive_exactly_as_they_were_bound(x: float, n: int, s: str) -> None:
    assert repr(values_of(PLAIN, json.dumps({"x": x, "n": n, "s": s}))) == repr({"x": x, "n": n, "s": s})


def plain(x: float, n: int, s: str) -> None: ...


PLAIN = define(plain)


def test_r14_a_set_as_a_default_is_the_same_in_every_process() -> None:
    program = (
        "from bot.actions import define\n"
        "def tag(tags: set[str] = {'v', 'w', 'x', 'y', 'z'}) -> None: ...\n"
        "tag.__module__ = '__main__'\n"
        "print(define(tag).parameters_schema)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1 and "Null means the default" in said.pop()
