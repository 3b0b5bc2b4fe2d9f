"""Arguments from Python, such as edited ones, written as JSON: exactly, or not at all (R6)."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from bot.actions.definition import define
from bot.core.canonical import canonical_bytes
from tests.actions.shapes import EVERYTHING, Colour, Level, Node, Rule, Window, everything, values_of

PYTHON: dict[str, Any] = {
    "a": "t", "b": 2, "c": 1.0, "d": True, "e": None, "f": Colour.TWO, "g": Level.LOW, "h": date(2026, 1, 2),
    "i": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "j": UUID(int=1), "k": Decimal("1.10"),
    "l": Window(datetime(2026, 1, 2), next=Window(datetime(2026, 1, 3), "CET", [1])),
    "m": Rule(kind="rule", cidr="10.0.0.0/8"), "n": ([1], ()), "o": {"team": "ops"}, "p": {"b", "a"}, "q": (1, 2),
    "r": None, "s": 9, "t": None, "u": timedelta(hours=1), "v": "5", "w": None, "x": Colour.RED,
    "node": Node(name="top", inner=Node(name="in")),
}  # fmt: skip


def test_values_of_every_type_arrive_as_they_were_given() -> None:
    action = define(everything)
    plain = action.parameters.plain(PYTHON)
    assert values_of(action, canonical_bytes(plain).decode()) == values_of(
        action, json.dumps({**EVERYTHING, "x": "red"})
    )
    assert action.parameters.plain({"p": set("zyxwvut")}) == {"p": list("tuvwxyz")}
    assert plain["p"] == ["a", "b"] and plain["q"] == [1, 2] and plain["n"] == [[1], []] and plain["k"] == "1.10"


def test_what_json_can_say_stays_as_it_is() -> None:
    given = {"a": 1, "b": [1.5, None], "c": {"x": "5"}, "unknown": True}
    action = define(lambda a, b, c: None, name="any", strict=False)
    assert action.parameters.plain(given) == given


class Version:
    """A type of somebody's own, which only Pydantic's annotations know how to write."""

    def __init__(self, text: str) -> None:
        self.text = text


OwnVersion = Annotated[
    Version, PlainValidator(Version), PlainSerializer(lambda version: version.text), WithJsonSchema({"type": "string"})
]


def test_a_type_of_ones_own_is_written_as_its_annotation_says() -> None:
    def pin(version: OwnVersion) -> None: ...

    assert define(pin).parameters.plain({"version": Version("1.2")}) == {"version": "1.2"}


def test_without_a_type_a_value_goes_by_its_own() -> None:
    loose = define(lambda a: None, name="any", strict=False)
    given = define(lambda **rest: None, name="any", parameters_schema={"type": "object"}, strict=False)
    for action in (loose, given):
        plain = action.parameters.plain({"a": (date(2026, 1, 2), {"b": Decimal("1.5")}), "unknown": {2, 1}})
        assert plain == {"a": ["2026-01-02", {"b": "1.5"}], "unknown": [1, 2]}


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), float("inf"), [float("-inf")], (1, {"x": float("nan")}), Decimal("Infinity"), b"\xff", {1: object()}],
)  # fmt: skip
def test_r6_what_has_no_json_form_is_refused_and_never_becomes_null(value: Any) -> None:
    schema = {"type": "object"}
    for action in (
        define(lambda a: None, name="any", strict=False),
        define(lambda **rest: None, name="any", parameters_schema=schema, strict=False),
    ):
        with pytest.raises(ValueError):
            action.parameters.plain({"a": value})
