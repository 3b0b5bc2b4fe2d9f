"""Whatever an action returns becomes JSON text that never breaks a run (H7, R17)."""

import dataclasses
import json
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot.actions.output import MAX_BYTES, output_text


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    when: date


class Model(BaseModel):
    at: datetime
    colour: Colour


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class BrokenMapping(dict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no items")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ("plain", '"plain"'),
        ({"ok": True, "n": 1.5}, '{"ok":true,"n":1.5}'),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"'),
        (Decimal("1.10"), '"1.10"'),
        ({3, 1, 2}, "[1,2,3]"),
        (b"text", '"text"'),
        (b"\xff\x00", '{"base64":"/wA="}'),
        (Point(1, date(2026, 1, 2)), '{"x":1,"when":"2026-01-02"}'),
        (Model(at=datetime(2026, 1, 2), colour=Colour.RED), '{"at":"2026-01-02T00:00:00","colour":"red"}'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (timedelta(seconds=5), '"0:00:05"'),
        (PurePosixPath("/a/b"), '"/a/b"'),
        (float("nan"), '"nan"'),
        ([float("-inf")], '["-inf"]'),
        ((1, deque([2])), "[1,[2]]"),
        (OrderedDict(a=1), '{"a":1}'),
        ({1: "a", "1": "b", None: "c"}, '{"1":"a","1 (str, 1)":"b","None":"c"}'),
        (ValueError("bad"), '"ValueError: bad"'),
        (Hostile(), '"<Hostile>"'),
        ("\ud800", '"\\\\ud800"'),
        (16**1000, '"0x1' + "0" * 1000 + '"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_h7_values_without_a_json_form_are_shown_all_the_same(value: object, text: str) -> None:
    assert output_text(value) == text


def test_an_object_is_shown_by_its_repr_and_a_class_is_no_dataclass() -> None:
    assert "object object at" in json.loads(output_text(object()))
    assert "Point" in json.loads(output_text(Point))
    assert isinstance(json.loads(output_text(BrokenMapping(a=1))), str)


def test_a_value_that_contains_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "[left out: too deep]" in output_text(loop)
    wide: list[Any] = []
    wide.extend([wide] * 10)
    assert len(output_text(wide).encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    "value", ["x" * 10_000_000, '"\\\n' * 100_000, "é😀" * 50_000, list(range(100_000)), [["a"] * 9] * 300_000]
)
def test_r17_a_huge_output_is_cut_and_says_so_in_valid_json(value: object) -> None:
    text = output_text(value)
    assert MAX_BYTES // 2 < len(text.encode()) <= MAX_BYTES
    cut = json.loads(text)
    assert set(cut) == {"truncated", "beginning"}
    assert "Only the beginning of" in cut["truncated"] and "the rest was left out" in cut["truncated"]


def test_an_output_just_inside_the_limit_is_not_cut() -> None:
    assert output_text("x" * (MAX_BYTES - 2)) == '"' + "x" * (MAX_BYTES - 2) + '"'
    assert "truncated" in output_text("x" * (MAX_BYTES - 1))


def test_s20_named_secrets_do_not_come_back_out() -> None:
    text = output_text({"echo": ["it is hunter22"], "hunter22": b"hunter22"}, ("hunter22",))
    assert "hunter22" not in text and text.count("[secret]") == 3


ANY = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=20),
        st.binary(),
        st.dates(),
        st.decimals(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=4),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_h7_any_value_gives_json_text(value: object) -> None:
    text = output_text(value)
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
    text.encode()
