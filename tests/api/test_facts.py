"""What a tool tells BIGHUB of a call: the program's callbacks, asked with care (H1, H2, H25)."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bot.api.facts import Facts
from bot.api.tools import Tools
from bot.core.values import Person
from bot.errors import AdapterConfigurationError
from bot.ports import Wish
from tests.core.runs import binding

LOOSE: dict[str, Any] = {"type": "object"}


def take(**arguments: Any) -> None: ...


def facts(arguments: dict[str, Any], fn: Callable[..., Any] = take, **options: Any) -> Facts:
    tools = Tools()
    given = {"parameters_schema": LOOSE, "strict": False} if fn is take else {}
    tools.register("pay", fn, **given, **options)
    wish = Wish("fc_1", "pay", tools.as_json("pay", arguments))
    proposal = asyncio.run(tools.propose("t1c1", wish, Person("T1", "U1")))
    assert proposal.binding is not None, proposal.refusal
    return tools.facts("pay", proposal.binding)


def wrong(arguments: dict[str, Any], **options: Any) -> AdapterConfigurationError:
    with pytest.raises(AdapterConfigurationError) as caught:
        facts(arguments, **options)
    assert "tool pay" in str(caught.value)
    return caught.value


def test_h1_a_call_without_any_number_has_no_value() -> None:
    def grant_access(user_id: str, group: str, duration: str) -> None: ...

    assert facts({"user_id": "alice", "group": "admins", "duration": "48h"}, grant_access) == Facts(
        action_name="pay", value=None, target="", actor=None, domain=None, metadata={}, mode=None
    )


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"value": 1, "amount": 2}, 1.0),
        ({"total": 4, "price": 3, "amount": 2.5}, 2.5),
        ({"price": 3}, 3.0),
        ({"total": 4}, 4.0),
        ({"value": True, "amount": 2}, 2.0),
        ({"value": "12", "price": 3}, 3.0),
        ({"value": None, "total": 0}, 0.0),
        ({"value": False}, None),
        ({"cost": 5}, None),
    ],
)
def test_the_first_argument_that_is_a_number_with_a_numbers_name_is_the_value(
    arguments: dict[str, Any], value: float | None
) -> None:
    assert facts(arguments).value == value


def test_a_decimal_is_a_number_although_json_writes_it_as_text() -> None:
    def pay(amount: Decimal, value: str = "7") -> None: ...

    assert facts({"amount": Decimal("1.50")}, pay).value == 1.5


def test_a_secret_number_is_no_value() -> None:
    def pay(amount: int) -> None: ...

    assert facts({"amount": 4711}, pay, secret=("amount",)).value is None


@pytest.mark.parametrize(
    ("said", "value"), [(5, 5.0), ("12.5", 12.5), (Decimal("1.5"), 1.5), (None, None), (-1.0, -1.0)]
)
def test_the_programs_own_value_goes_before(said: Any, value: float | None) -> None:
    assert facts({"amount": 99}, value_from_args=lambda arguments: said).value == value


@pytest.mark.parametrize(
    ("said", "shown"),
    [(True, "True"), (False, "False"), (float("nan"), "nan"), (float("-inf"), "-inf"), ("much", "str"), ([], "list"), (10**400, "int")],
)  # fmt: skip
def test_h25_a_value_that_is_no_number_is_refused_and_not_made_one(said: Any, shown: str) -> None:
    error = wrong({}, value_from_args=lambda arguments: said)
    assert f"value_from_args returned {shown}, which is no number" in str(error)
    assert isinstance(error, ValueError)


def test_an_argument_too_large_for_any_value_is_not_passed_over() -> None:
    assert "amount is int, which is no number" in str(wrong({"amount": 10**400}))


@pytest.mark.parametrize("callback", ["value_from_args", "metadata_from_args"])
def test_a_callback_that_fails_is_named_with_its_tool_and_its_cause(callback: str) -> None:
    error = wrong({}, **{callback: lambda arguments: arguments["gone"]})
    assert str(error) == f"tool pay: {callback} failed: KeyError: 'gone'"
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize("callback", ["value_from_args", "metadata_from_args"])
def test_a_callback_that_turns_out_to_be_asynchronous_is_told_so(callback: str) -> None:
    async def later() -> Any: ...

    assert "is asynchronous" in str(wrong({}, **{callback: lambda arguments: later()}))


def test_each_callback_has_the_arguments_to_itself() -> None:
    seen: list[dict[str, Any]] = []

    def cruel(arguments: dict[str, Any]) -> Any:
        seen.append(json.loads(json.dumps(arguments)))
        arguments["labels"].append("evil")
        arguments["more"] = "evil"

    def pay(labels: list[str], amount: int = 3) -> None: ...

    told = facts({"labels": ["a"]}, pay, value_from_args=cruel, target_from_args=cruel, metadata_from_args=cruel)
    assert seen == [{"labels": ["a"], "amount": 3}] * 3
    assert (told.value, told.target, told.metadata) == (None, "", {})


def test_what_was_declared_stands_above_what_the_callback_says() -> None:
    said = {"system": "none", "app": "web", "at": date(2026, 1, 2), "tags": ("a",)}
    told = facts(
        {}, metadata_from_args=lambda arguments: said, system="okta", risk="Rather High", environment="production"
    )
    assert told.metadata == {
        "system": "okta", "app": "web", "at": "2026-01-02", "tags": ["a"], "risk": "Rather High", "environment": "production",
    }  # fmt: skip
    assert list(told.metadata) == ["system", "app", "at", "tags", "risk", "environment"]
    assert facts({}, metadata_from_args=lambda arguments: None).metadata == {}
    assert said["system"] == "none"
    assert "metadata_from_args failed" in str(wrong({}, metadata_from_args=lambda arguments: 5))


def test_an_environment_that_an_argument_names_is_told_as_what_it_says() -> None:
    def deploy(stage: str) -> None: ...

    assert facts({"stage": "staging"}, deploy, environment="{stage}").metadata == {"environment": "staging"}


def test_h2_the_target_is_what_the_program_says_or_the_argument_of_that_name() -> None:
    def restart(target: str | None = None) -> None: ...

    assert facts({"target": "web"}, restart).target == "web" and facts({}, restart).target == ""
    assert facts({"target": "web"}, restart, target_from_args=lambda arguments: 5).target == "5"


def test_s20_no_secret_and_no_credential_leaves_with_the_facts() -> None:
    def login(user: str, password: str, pin: int) -> None: ...

    told = facts(
        {"user": "bob", "password": "hunter2", "pin": 4711},
        login,
        secret=("password", "pin"),
        target_from_args=lambda arguments: f"{arguments['password']} Bearer abcdefghijkl",
        metadata_from_args=lambda arguments: {**arguments, "url": [f"https://{arguments['password']}/"]},
    )
    assert told.metadata == {"user": "bob", "password": "[secret]", "pin": "[secret]", "url": ["https://[secret]/"]}
    assert "hunter2" not in told.target and "abcdefghijkl" not in told.target

    def leak(arguments: dict[str, Any]) -> float:
        raise LookupError(arguments["password"])

    with pytest.raises(AdapterConfigurationError) as caught:
        facts({"user": "bob", "password": "hunter2", "pin": 1}, login, secret=("password",), value_from_args=leak)
    assert "hunter2" not in str(caught.value) and "[secret]" in str(caught.value)


def test_facts_are_only_told_of_a_tool_that_there_is() -> None:
    with pytest.raises(AdapterConfigurationError, match=r"Tool .gone. is not registered\. The tools are: none\."):
        Tools().facts("gone", binding())
