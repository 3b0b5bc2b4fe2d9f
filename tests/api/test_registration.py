"""Registering a tool: what is offered strictly, what with a warning, what is refused, and in which words (H20, H26)."""

import asyncio
import json
import sys
import typing
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import EmailStr

from bot.actions import Checked, action
from bot.actions.declare import OnCrash, Risk
from bot.actions.definition import Action
from bot.api.tools import Tools
from bot.errors import AdapterConfigurationError, ConfigurationError, SignoffError
from tests.actions.strict_mode import violations
from tests.core.runs import binding

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
    "required": ["order_id", "amount"],
    "additionalProperties": False,
}
OPEN: dict[str, Any] = {"type": "object", "properties": {"order_id": {"type": "string"}}}


def refund(order_id: str, amount: float) -> dict[str, Any]:
    """Refund an order.

    Args:
        order_id: Which order.
    """
    return {"ok": True, "order_id": order_id, "amount": amount}


def registered(fn: Callable[..., Any] = refund, name: str = "refund", **options: Any) -> Action:
    tools = Tools(default_timeout=7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tools.register(name, fn, **options)
    found = tools.find(name)
    assert found is not None
    return found


def warned(fn: Callable[..., Any], **options: Any) -> tuple[str, Action]:
    tools = Tools()
    with pytest.warns(UserWarning) as caught:
        tools.register("refund", fn, **options)
    (told,) = (each for each in caught if each.category is UserWarning)  # not what others left to the garbage collector
    assert told.filename == __file__
    found = tools.find("refund")
    assert found is not None
    return str(told.message), found


def refused(fn: Any = refund, name: Any = "refund", **options: Any) -> str:
    tools = Tools()
    with pytest.raises(AdapterConfigurationError) as caught:
        tools.register(name, fn, **options)
    assert tools.actions == () and isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(f"tool {name}: ") and "action" not in str(caught.value).split(":")[0]
    return str(caught.value)


# --- strict mode ----------------------------------------------------------------------------------------------------


def test_h26_a_signature_that_strict_mode_can_express_is_offered_strictly() -> None:
    found = registered()
    assert found.strict and violations(json.loads(found.parameters_schema)) == []
    assert json.loads(found.parameters_schema)["properties"]["order_id"]["description"] == "Which order."
    assert registered(lambda: None).strict and registered(refund, strict=True).strict
    assert registered(lambda order_id, amount: None, parameters_schema=CLOSED).strict


def test_parameters_without_annotations_are_offered_with_a_warning_that_names_them_and_the_remedy() -> None:
    told, found = warned(lambda order_id, amount=1: None)
    assert "tool refund" in told and "order_id, amount" in told
    assert "Annotate" in told and "parameters_schema=" in told and "strict=False" in told
    assert not found.strict and json.loads(found.parameters_schema)["required"] == ["order_id"]

    def half(order_id: str, args) -> None: ...  # type: ignore[no-untyped-def]

    told, found = warned(half)
    assert "what args may be" in told and list(json.loads(found.parameters_schema)["properties"]) == [
        "order_id",
        "args",
    ]


def test_a_schema_of_ones_own_that_is_open_is_offered_with_a_warning() -> None:
    told, found = warned(lambda order_id: None, parameters_schema=OPEN)
    assert "parameters allows additional properties" in told and "strict=False" in told
    assert not found.strict and json.loads(found.parameters_schema) == OPEN


def test_who_says_strict_false_means_it_and_hears_no_warning() -> None:
    def loose(options: dict[str, int]) -> None: ...

    for fn, options in ((lambda a: None, {}), (loose, {}), (refund, {}), (refund, {"parameters_schema": OPEN})):
        assert registered(fn, strict=False, **options).strict is False


def test_h26_what_strict_mode_cannot_express_is_refused_with_reason_and_remedy() -> None:
    def loose(options: dict[str, int]) -> None: ...

    def stars(*names: str) -> None: ...

    def rest(**rest: str) -> None: ...

    told = refused(loose)
    assert "refund" in told and '"options" is an object with open keys' in told
    assert "parameters_schema=" in told and "strict=False" in told
    for fn, star in ((stars, "*names"), (rest, "**rest")):
        for strict in (None, False):
            assert f"{star} takes anything" in refused(fn, strict=strict)
            assert "Name the parameters, or give parameters_schema=" in refused(fn, strict=strict)
    assert registered(rest, parameters_schema=CLOSED).strict
    assert "allows additional properties" in refused(parameters_schema=OPEN, strict=True)
    assert '"a" has no annotation' in refused(lambda a: None, strict=True)
    assert "parameters_schema is no valid JSON schema" in refused(parameters_schema={"type": "nonsense"})

    def mails(to: EmailStr) -> None: ...

    told = refused(mails)  # what checks it is another package, which is not among ours
    assert told.startswith("tool refund: a parameter's type needs more than there is: email-validator is not installed")

    space: dict[str, Any] = {}
    exec("from __future__ import annotations\ndef fn(a: Gone) -> None: ...", space)
    assert "cannot be resolved" in refused(space["fn"])


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Pydantic reads typing's own there")
def test_a_typed_dict_of_an_older_python_is_refused_with_the_one_to_use() -> None:
    Order = typing.TypedDict("Order", {"order_id": str})  # noqa: UP013

    def fn(order: Order) -> None: ...

    told = refused(fn)
    assert "use `typing_extensions.TypedDict` instead" in told and "closed type" not in told


def test_a_single_argument_is_a_parameter_like_any_other() -> None:
    _, found = warned(lambda args: None)
    assert list(json.loads(found.parameters_schema)["properties"]) == ["args"]


# --- what else is said ----------------------------------------------------------------------------------------------


def test_the_description_falls_back_to_the_docstring_and_then_to_the_name() -> None:
    assert registered().description == "Refund an order."
    assert registered(description="Give it back.").description == "Give it back."
    assert registered(lambda: None, description="").description == "Execute refund"


def test_the_defaults_are_careful_ones() -> None:
    found = registered()
    assert (found.timeout, found.on_crash, found.risk, found.read_only) == (7, OnCrash.ASK, Risk.MEDIUM, False)
    assert registered(timeout=3).timeout == 3
    assert registered(read_only=True).on_crash is OnCrash.RERUN
    assert registered(probe=lambda order_id: True).on_crash is OnCrash.PROBE
    assert registered(on_crash="rerun", system="shop", environment="eu").on_crash is OnCrash.RERUN


@pytest.mark.parametrize(
    ("word", "risk"),
    [
        ("low", Risk.LOW),
        ("HIGH", Risk.HIGH),
        (" Critical ", Risk.CRITICAL),
        ("money moves", Risk.HIGH),
        ("0.2", Risk.HIGH),
        ("", Risk.MEDIUM),
        (None, Risk.MEDIUM),
    ],
)
def test_a_word_for_the_risk_that_nobody_knows_counts_as_high(word: Any, risk: Risk) -> None:
    assert registered(risk=word).risk is risk


def test_the_argument_named_target_is_the_target() -> None:
    def restart(target: str) -> None: ...

    assert registered(restart).target == "target" and registered().target is None
    assert registered(target_from_args="order_id").target == "order_id"
    schema = {"type": "object", "properties": {"target": {}}}
    assert registered(lambda **rest: None, parameters_schema=schema, strict=False).target == "target"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fn": 5}, "fn must be a function, not 5"),
        ({"name": "no spaces"}, "a name is 1 to 64 of"),
        ({"name": 5}, "a name is 1 to 64 of"),
        ({"decision_mode": "maybe"}, "decision_mode must be 'submit' or 'submit_payload', not 'maybe'"),
        ({"value_from_args": 5}, "value_from_args must be a plain function"),
        ({"target_from_args": 5}, "target_from_args must be a plain function"),
        ({"target_from_args": asyncio.sleep}, "target_from_args must be a plain function"),
        ({"target_from_args": "gone"}, "target names 'gone'; the arguments are amount, order_id"),
        ({"metadata_from_args": asyncio.sleep}, "metadata_from_args must be a plain function"),
        ({"strict": "yes"}, "strict must be True, False or None (wherever it can be), not 'yes'"),
        ({"risk": 0.5}, "risk must be a text, not 0.5"),
        ({"system": 5}, "system must be a text"),
        ({"environment": 5}, "environment must be a text"),
        ({"environment": "{gone}"}, "environment names 'gone'; the arguments are amount, order_id"),
        ({"domain": 5}, "domain must be a text"),
        ({"actor": 5}, "actor must be a text"),
        ({"action_name": 5}, "action_name must be a text"),
        ({"description": 5}, "description must be a text"),
        ({"timeout": 0}, "timeout must be a number of seconds, above 0 and at most 86,400, not 0"),
        ({"on_crash": "retry"}, "on_crash must be one of ask, probe, rerun, not 'retry'"),
        ({"on_crash": "probe"}, "needs probe="),
        ({"probe": 5}, "probe must be a function"),
        ({"read_only": "yes"}, "read_only must be True or False"),
        ({"secret": "order_id"}, "secret must be a tuple of argument names, such as (\"password\",), not 'order_id'"),
        ({"secret": ("gone",)}, "secret names 'gone'"),
        ({"parameters_schema": "{}"}, "parameters_schema must be a JSON schema as a dict"),
    ],
)
def test_a_wrong_parameter_is_named_with_the_tool_and_what_it_may_be(options: dict[str, Any], told: str) -> None:
    sentence = refused(**options)
    assert told in sentence and str(options.get("name", "refund")) in sentence


def test_the_published_order_of_parameters_is_kept() -> None:
    tools = Tools()

    def value(arguments: dict[str, Any]) -> float:
        return 5.0

    def target(arguments: dict[str, Any]) -> str:
        return "t"

    def metadata(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"m": 1}

    tools.register(
        "r", refund, "Do.", CLOSED, value, target, "refunding", "shop", "bob", metadata, "submit_payload", True
    )
    facts = tools.facts("r", binding('{"amount":1,"order_id":"o"}', environment=""))
    checked = tools.check("r", {"amount": 1, "order_id": "o"})
    assert isinstance(checked, Checked) and checked.target == "t"
    assert (facts.value, facts.action_name, facts.domain, facts.actor, facts.metadata, facts.mode) == (
        5.0, "refunding", "shop", "bob", {"m": 1}, "submit_payload",
    )  # fmt: skip
    assert tools.offered()[0]["description"] == "Do." and tools.offered()[0]["strict"] is True


def test_a_function_that_is_marked_as_an_action_brings_its_options_along() -> None:
    def happened(order_id: str) -> bool:
        return bool(order_id)

    @action(
        system="shop",
        risk="critical",
        environment="eu",
        probe=happened,
        timeout=9,
        target="order_id",
        secret=("note",),
        description="Marked.",
        strict=False,
    )
    def marked(order_id: str, note: str = "") -> None: ...

    found = registered(marked)
    assert (found.system, found.risk, found.environment, found.timeout) == ("shop", Risk.CRITICAL, "eu", 9)
    assert (found.on_crash, found.probe, found.target, found.secret) == (OnCrash.PROBE, happened, "order_id", ("note",))
    assert (found.description, found.strict, found.name) == ("Marked.", False, "refund")
    own = registered(
        marked, system="warehouse", risk="low", environment="us", timeout=2, description="Own.", strict=True,
        target_from_args="note", secret=("order_id",), probe=lambda note: None,
    )  # fmt: skip
    assert (own.system, own.risk, own.environment, own.timeout) == ("warehouse", Risk.LOW, "us", 2)
    assert (own.description, own.strict, own.target, own.secret) == ("Own.", True, "note", ("order_id", "note"))
    assert own.probe is not happened

    @action(read_only=True)
    def looking(order_id: str) -> None: ...

    assert registered(looking).read_only and registered(looking).on_crash is OnCrash.RERUN
    assert registered(looking, on_crash="ask").on_crash is OnCrash.ASK
    assert registered(looking, probe=lambda order_id: True).on_crash is OnCrash.PROBE
    assert "secret must be a tuple of argument names" in refused(marked, secret="order_id")


def test_the_library_has_the_published_errors_within_the_projects_own() -> None:
    assert issubclass(AdapterConfigurationError, ValueError) and issubclass(AdapterConfigurationError, SignoffError)
    with pytest.raises(AdapterConfigurationError) as caught:
        registered(risk="low", timeout=-1)
    assert isinstance(caught.value.__cause__, ConfigurationError) and caught.value.tell == str(caught.value)
