"""A form says the arguments and nothing else: what is not touched comes back exactly, what is typed is what is meant, or is a fault."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.canonical import Json, canonical_bytes
from bot.core.form import NOT_EMPTY, NOT_JSON, Empty, Faults, Field, Form, Kind, Room, form_of, typed
from bot.core.refusal import Refused

ROOM = Room(fields=20, text=300, choices=10, choice=20)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "service": {"type": "string", "description": "Which one."},
        "replicas": {"type": "integer"},
        "ratio": {"type": ["number", "null"]},
        "dry_run": {"type": "boolean"},
        "level": {"enum": ["low", "high"], "type": "string"},
        "speed": {"anyOf": [{"$ref": "#/$defs/Speed"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"type": ["string", "null"]},
        "extra": {"type": "string"},
    },
    "required": ["service", "replicas", "dry_run", "level", "tags"],
    "$defs": {"Speed": {"enum": [1, 2, 3], "type": "integer"}},
}
ARGUMENTS: dict[str, Json] = {
    "service": "checkout",
    "replicas": 3,
    "ratio": 1.0,
    "dry_run": False,
    "level": "low",
    "speed": None,
    "tags": ["a", "b"],
    "note": None,
}


def form(arguments: dict[str, Json] = ARGUMENTS, schema: dict[str, Any] = SCHEMA, **more: Any) -> Form:
    made = form_of(schema, arguments, **{"order": tuple(arguments), "secret": (), "room": ROOM} | more)
    assert isinstance(made, Form)
    return made


def field(name: str, made: Form | None = None) -> Field:
    return next(each for each in (made or form()).fields if each.name == name)


def filled_in(made: Form, **changes: str | None) -> dict[str, Json] | Faults:
    return typed(made, [changes.get(each.name, each.shown or None) for each in made.fields])


def test_each_kind_of_argument_has_its_kind_of_field_with_the_argument_in_it() -> None:
    shown = {each.name: (each.kind, each.shown) for each in form().fields}
    assert shown == {
        "service": (Kind.TEXT, "checkout"),
        "replicas": (Kind.JSON, "3"),
        "ratio": (Kind.JSON, "1.0"),
        "dry_run": (Kind.CHOICE, "1"),
        "level": (Kind.CHOICE, "0"),
        "speed": (Kind.CHOICE, ""),
        "tags": (Kind.JSON, '["a", "b"]'),
        "note": (Kind.TEXT, ""),
        "extra": (Kind.TEXT, ""),
    }
    assert field("level").choices == ("low", "high") and field("speed").choices == (1, 2, 3)
    assert field("service").hint == "Which one." and field("replicas").hint == "A whole number."


def test_what_is_typed_becomes_the_argument() -> None:
    changed = filled_in(form(), service="ca fé", replicas="12", dry_run="0", level="1", speed="2", tags="[]", note="x")
    assert changed == {**ARGUMENTS, "service": "ca fé", "replicas": 12, "dry_run": True, "level": "high"} | {
        "speed": 3,
        "tags": [],
        "note": "x",
    }


def test_a_field_that_is_emptied_is_null_or_left_out_or_a_fault_as_its_schema_says() -> None:
    kinds = {each.name: each.empty for each in form().fields}
    assert kinds["service"] is kinds["tags"] is Empty.REFUSED and kinds["note"] is kinds["ratio"] is Empty.NULL
    assert kinds["extra"] is Empty.LEFT_OUT
    assert filled_in(form(), ratio=None) == {**ARGUMENTS, "ratio": None}
    assert filled_in(form({**ARGUMENTS, "extra": "x"}), extra=None) == ARGUMENTS
    assert filled_in(form({**ARGUMENTS, "service": ""}), replicas="4") == {**ARGUMENTS, "service": "", "replicas": 4}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("service", None, NOT_EMPTY),
        ("level", "7", NOT_EMPTY),
        ("level", "high", NOT_EMPTY),
        ("replicas", "twelve", NOT_JSON),
        ("tags", "[1, 2", NOT_JSON),
        ("tags", '1, "other": 2', NOT_JSON),
        ("tags", '[]} , {"x": 1', NOT_JSON),
        ("ratio", "NaN", "NaN"),
        ("tags", '{"a": 1, "a": 2}', "twice"),
    ],
)
def test_s8_what_cannot_be_meant_is_a_fault_at_its_field(name: str, text: str | None, fault: str) -> None:
    made = form()
    found = typed(made, [text if each.name == name else each.shown or None for each in made.fields])
    assert isinstance(found, Faults)
    ((number, sentence),) = found.by_field.items()
    assert made.fields[number].name == name and fault in sentence


def test_s5_a_text_that_a_field_would_not_show_as_it_is_stands_there_as_json() -> None:
    for text in ("a\u200bb", " a", "a\r\n", "\u202eevil", "tab\there"):
        shown = field("service", form({**ARGUMENTS, "service": text}))
        assert shown.kind is Kind.JSON and json.loads(shown.shown) == text and "\u200b" not in shown.shown
        assert "\u202e" not in shown.shown


def test_s20_a_secret_is_not_in_the_form_and_stays() -> None:
    made = form(secret=("service",))
    assert "service" not in [each.name for each in made.fields] and made.kept == (("service", "it is secret"),)
    assert filled_in(made, replicas="4") == {**ARGUMENTS, "replicas": 4}


def test_what_is_too_long_for_a_field_stays_and_the_form_says_why_also_where_the_guard_wants_another() -> None:
    long = {**ARGUMENTS, "service": "x" * 301}
    made = form(long)
    assert made.kept == (("service", "its 301 characters are more than the 300 of a field"),)
    assert filled_in(made, level="1") == {**long, "level": "high"}
    suggested = form_of(SCHEMA, ARGUMENTS, {**long, "level": "high"}, order=tuple(ARGUMENTS), secret=(), room=ROOM)
    assert isinstance(suggested, Form)
    assert filled_in(suggested) == {**ARGUMENTS, "level": "high"}


def test_where_there_is_nothing_to_change_it_says_why() -> None:
    for arguments, secret, why in (
        ({}, (), "no arguments"),
        ({"token": "x"}, ("token",), "token: it is secret"),
        ({f"a{n}": n for n in range(21)}, (), "21 arguments, and a form holds 20"),
    ):
        made = form_of({}, arguments, order=(), secret=secret, room=ROOM)
        assert isinstance(made, Refused) and why in made.reason


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NODES = st.sampled_from(
    [{}, {"type": "string"}, {"type": ["string", "null"]}, {"type": "integer"}, {"type": "boolean"}, {"enum": ["a", 1]}]
)


@given(st.dictionaries(WORDS, st.tuples(PLAIN, NODES), max_size=6))
def test_r6_a_form_that_is_sent_back_untouched_says_exactly_the_same_arguments(
    given_: dict[str, tuple[Json, dict[str, Any]]],
) -> None:
    arguments: dict[str, Json] = {name: value for name, (value, _) in given_.items()}
    properties = {name: node for name, (_, node) in given_.items()}
    made = form_of({"properties": properties}, arguments, order=(), secret=(), room=Room(99, 10_000, 9, 75))
    if isinstance(made, Refused):
        assert not arguments
        return
    back = typed(made, [each.shown or None for each in made.fields])
    assert isinstance(back, dict) and canonical_bytes(back) == canonical_bytes(arguments)


@given(PLAIN)
def test_r6_a_value_that_is_typed_as_json_is_that_value(value: Json) -> None:
    made = form_of({"properties": {"v": {}}}, {"v": [0]}, order=(), secret=(), room=Room(9, 10_000, 9, 75))
    assert isinstance(made, Form)
    back = typed(made, [json.dumps(value)])
    assert isinstance(back, dict) and canonical_bytes(back) == canonical_bytes({"v": value})
