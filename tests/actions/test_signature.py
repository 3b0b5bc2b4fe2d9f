"""Callables of every kind become actions: what they take, what is said of them, and what runs (H26)."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from bot.actions import Registry, define
from bot.actions.run import execute
from bot.core.values import Person
from bot.ports import Wish
from tests.actions.callables import Company, Greeter, LateGreeter, cached, deploy, logged, wrapped
from tests.actions.shapes import refused, schema_of
from tests.actions.strict_mode import violations

ACME = Company()
AUGUST = '{"service":"web","when":"2026-08-01"}'


@pytest.mark.parametrize(
    ("fn", "arguments", "output", "said"),
    [
        (ACME.restart, AUGUST, '"acme web 2026"', "Restart it."),
        (ACME.later, '{"service":"web"}', '"acme web later"', "it"),
        (Company.founded, '{"name":"acme"}', '"Company acme"', "Found one."),
        (Company.count, '{"of":[1,2]}', "3", "Count them."),
        (Company.__dict__["count"], '{"of":[1,2]}', "3", "Count them."),
        (Greeter("hello"), '{"name":"bob"}', '"hello bob"', "Greet somebody."),
        (LateGreeter("hello"), '{"name":"bob"}', '"hello bob, late"', "Greet somebody."),
        (wrapped, AUGUST, '"logged logged web 2026"', "Do it, logged."),
        (cached, '{"service":"web"}', '"cached web"', "Look it up."),
        (logged(ACME.restart), AUGUST, '"logged acme web 2026"', "Restart it."),
        (functools.partial(ACME.restart, "api"), '{"when":"2026-08-01"}', '"acme api 2026"', "Restart it."),
        (functools.partial(Greeter("hello")), '{"name":"bob"}', '"hello bob"', "Greet somebody."),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__) if callable(value) else "",
)
async def test_h26_every_kind_of_callable_is_offered_strictly_and_runs(
    fn: Callable[..., Any], arguments: str, output: str, said: str
) -> None:
    action = define(fn, name="it")
    assert violations(schema_of(action)) == [] and action.strict
    assert action.description == said
    registry = Registry([action])
    proposal = await registry.propose("c", Wish("w", "it", arguments), Person("T", "U"))
    assert proposal.refusal == ""
    ran = await registry.run(proposal, "k")
    assert (ran.ok, ran.output) == (True, output)


async def test_what_a_partial_binds_is_not_the_models_to_choose() -> None:
    staging = define(functools.partial(deploy, environment="staging"), name="deploy")
    assert list(schema_of(staging)["properties"]) == ["service", "replicas"]
    assert staging.description == "Deploy a service." and staging.parameters.takes_key
    ran = await execute(staging, b'{"replicas":2,"service":"web"}', idempotency_key="k1")
    assert ran.output == '"staging web 2 k1"'
    twice = define(functools.partial(functools.partial(deploy, environment="staging"), replicas=3), name="deploy")
    assert list(schema_of(twice)["properties"]) == ["service"]
    assert "secret names 'environment'" in refused(
        functools.partial(deploy, environment="staging"), name="deploy", secret=("environment",)
    )


def test_r14_another_bound_value_is_another_definition() -> None:
    def of(*given: Any, **bound: Any) -> str:
        return define(functools.partial(deploy, *given, **bound), name="deploy").definition_digest

    assert of(environment="staging") == of(environment="staging")
    assert len({of(environment="staging"), of(environment="production"), of("staging"), of("production")}) == 4
    assert of(environment=Greeter("a")) == of(environment=Greeter("b"))  # by type: an address says nothing tomorrow


def test_r14_what_an_object_does_is_in_its_definition() -> None:
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    for space, said in ((first, "hello"), (second, "goodbye")):
        exec(f"class Said:\n    def __call__(self, name: str) -> str:\n        return {said!r} + name", space)
    digests = {define(space["Said"](), name="say").definition_digest for space in (first, second)}
    assert len(digests) == 2


def test_a_method_without_its_object_is_refused_with_the_remedy() -> None:
    for fn in (Company.restart, lambda self, a: a, lambda cls: cls):
        told = refused(fn, name="restart", strict=False)
        assert "would be the model's to choose" in told and "company.restart" in told
    assert "marks functions, not classmethod" in refused(Company.__dict__["founded"], name="founded")


async def test_a_class_is_called_with_what_its_objects_are_made_of() -> None:
    action = define(Greeter, name="greeter")
    assert action.strict and action.description == "A greeter."
    assert schema_of(action)["properties"]["greeting"]["type"] == "string"
    kept: list[object] = []
    assert (await execute(action, b'{"greeting":"hi"}', idempotency_key="", keep=kept.append)).ok
    assert isinstance(kept[0], Greeter) and kept[0].greeting == "hi"


def test_a_decorated_functions_annotations_are_those_of_its_own_module() -> None:
    space: dict[str, Any] = {}
    exec(
        "from __future__ import annotations\nfrom datetime import time as Clock\ndef at(when: Clock) -> None: ...",
        space,
    )
    assert schema_of(define(logged(space["at"])))["properties"]["when"]["format"] == "time"


def test_an_object_is_described_by_its_class_where_its_call_says_nothing() -> None:
    class Pinger:
        """Ping somebody."""

        def __call__(self, host: str) -> None: ...

    assert define(Pinger(), name="ping").description == "Ping somebody."
    assert define(functools.partial(deploy, "staging"), name="it", description="Mine.").description == "Mine."


def test_a_signature_that_python_does_not_tell_is_refused_unless_a_schema_is_given() -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert "cannot be read" in refused(type("Odd", (), {"__signature__": 5, "__call__": print})(), name="odd")
    assert define(dict, name="empty", parameters_schema=schema).parameters.takes_key is False


def test_an_annotation_that_only_the_shown_signature_has_counts() -> None:
    import inspect

    def injected(*args: Any, **named: Any) -> str:
        return str(named)

    parameter = inspect.Parameter("service", inspect.Parameter.KEYWORD_ONLY, annotation=int)
    injected.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    assert schema_of(define(injected))["properties"]["service"]["type"] == "integer"


def test_h26_a_type_that_only_the_enclosing_function_knows_is_refused_with_the_remedy() -> None:
    space: dict[str, Any] = {}
    exec(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "def make():\n    @dataclass\n    class Local:\n        a: int\n"
        "    def fn(local: Local) -> None: ...\n    return fn",
        space,
    )
    told = refused(space["make"]())
    assert "'Local' is not defined" in told and "at the module's top" in told
