"""R6, S4, S5, S8: what is shown, bound and run are the same bytes."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.canonical import (
    MAX_BYTES,
    Refused,
    argument_lines,
    canonical_bytes,
    digest,
    has_invisible,
    parse_arguments,
    parse_lines,
    short,
)

NASTY = st.sampled_from(
    ['"', "\\", "\\u{200b}", "u{41}", "\u200b", "\u202e", "\n", "\r\n", "\x1b[31m", "  ", "{", "😀", "é", "e\u0301"]
)
TEXT = st.one_of(st.text(max_size=40), st.lists(NASTY, max_size=4).map("".join))
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([2**53 + 1, -(10**639), 10**400 + 7]),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=10,
)
ARGUMENTS = st.dictionaries(
    st.one_of(TEXT, st.sampled_from(["user_id", "group", "a-b.c", "_", ""])), VALUES, max_size=6
)


def refusal(raw: str | bytes) -> str:
    answer = parse_arguments(raw)
    assert isinstance(answer, Refused), answer
    return answer.reason


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Equality that tells 1, 1.0, True and -0.0 apart."""
    return left == right and canonical_bytes(left) == canonical_bytes(right)


@settings(max_examples=200, deadline=None)
@given(ARGUMENTS)
def test_r6_parsing_the_canonical_bytes_gives_the_same_arguments_with_the_same_types(arguments: dict[str, Any]) -> None:
    data = canonical_bytes(arguments)
    again = parse_arguments(data)
    assert isinstance(again, dict) and same(again, arguments)
    assert canonical_bytes(again) == data
    assert json.loads(data) == arguments


@settings(max_examples=200, deadline=None)
@given(ARGUMENTS, st.randoms(use_true_random=False))
def test_the_canonical_bytes_do_not_depend_on_the_order_of_keys_or_on_white_space(
    arguments: dict[str, Any], random: Any
) -> None:
    keys = list(arguments)
    random.shuffle(keys)
    loose = json.dumps({key: arguments[key] for key in keys}, indent=3)
    again = parse_arguments(loose)
    assert isinstance(again, dict)
    assert canonical_bytes(again) == canonical_bytes(arguments)


@settings(max_examples=300, deadline=None)
@given(ARGUMENTS)
@example({"a": '",\n  b  "1"'})
@example({"a b": 1, "a": 2, '"a"': 3})
@example({"x": [{"k": "v" * 50, "\u202e": ["\u2028" * 30]}] * 3})
def test_r6_what_the_lines_show_is_exactly_what_the_bytes_say(arguments: dict[str, Any]) -> None:
    data = canonical_bytes(arguments)
    lines = argument_lines(data)
    assert canonical_bytes(parse_lines(lines)) == data
    for line in lines:
        assert not has_invisible(line) and "\n" not in line and "\t" not in line


@settings(max_examples=200, deadline=None)
@given(ARGUMENTS, ARGUMENTS)
def test_r6_different_arguments_never_look_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    if canonical_bytes(one) != canonical_bytes(other):
        assert argument_lines(canonical_bytes(one)) != argument_lines(canonical_bytes(other))


def test_the_card_aligns_keys_and_shows_values_as_json() -> None:
    data = canonical_bytes({"user_id": "bob", "group": "okta-prod-admins", "duration": "48h"})
    assert argument_lines(data, order=("user_id", "group", "duration")) == (
        'user_id   "bob"',
        'group     "okta-prod-admins"',
        'duration  "48h"',
    )


def test_a_weird_key_is_shown_quoted_and_a_long_nested_value_over_several_lines() -> None:
    arguments: dict[str, Any] = {"two words": 1, "items": [{"name": "n" * 60}, {"name": "m" * 60}]}
    lines = argument_lines(canonical_bytes(arguments))
    assert lines[0].startswith("items ") and lines[0].endswith("[")
    assert all(line.startswith("  ") for line in lines[1:-1])
    assert lines[-1] == '"two words"  1'
    assert parse_lines(lines) == arguments


def test_every_argument_is_shown_even_where_the_order_names_only_some() -> None:
    data = canonical_bytes({"a": 1, "b": 2, "c": 3})
    assert argument_lines(data, order=("c", "gone")) == ("c  3", "a  1", "b  2")


def test_s20_a_secret_is_shown_by_its_length_and_cannot_be_taken_for_a_value() -> None:
    data = canonical_bytes({"password": "correct horse", "user": "[secret, 13 characters]"})
    lines = argument_lines(data, secret=("password",))
    assert lines == ("password  [secret, 13 characters]", 'user      "[secret, 13 characters]"')
    with pytest.raises(ValueError, match="not an argument"):
        parse_lines(lines)


@pytest.mark.parametrize(
    "lines", [("a",), ("a  1", "a  2"), ("a  1 2",), (" a  1",), ('"\\ud800"  1',), ('"a  1',), ("a  NaN",)]
)
def test_lines_that_no_card_made_are_not_read(lines: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        parse_lines(lines)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ('{"replicas":1,"replicas":100}', 'the key "replicas" twice'),
        ('{"a":{"b":[{"c":1,"c":1}]}}', 'the key "c" twice'),
        ('{"a":1,"\\u0061":2}', 'the key "a" twice'),
        ('{"\\u202e":1,"\\u202e":2}', "\\u{202e}"),
        ('{"a":NaN}', "NaN"),
        ('{"a":[Infinity]}', "Infinity"),
        ('{"a":-Infinity}', "-Infinity"),
        ('{"a":1e400}', "1e400, which is too large"),
        ('{"a":-1e400}', "too large"),
        ("[]", "not a list"),
        ('"x"', "not a string"),
        ("1", "not a number"),
        ("true", "not true or false"),
        ("null", "not null"),
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("{'a':1}", "not valid JSON"),
        ('{"a":1} x', "not valid JSON"),
        ('{"a":"\n"}', "not valid JSON"),
        ("\ufeff{}", "not valid JSON"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not valid UTF-8"),
        ('{"a":"\ud800"}', "not valid UTF-8"),
        ('{"a":"\\ud800"}', "surrogate"),
        ('{"\\udfff":1}', "surrogate"),
        ('{"a":' + "9" * 641 + "}", "640 digits"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", "64 levels"),
        ('{"a":' + "[" * 64 + "]" * 64 + "}", "64 levels"),
        ('{"a":"' + "x" * MAX_BYTES + '"}', "at most 1,000,000"),
        ('{"a":"' + "é" * 500_000 + '"}', "at most 1,000,000"),
    ],
)
def test_s8_ambiguous_arguments_are_refused_with_a_sentence(raw: str | bytes, told: str) -> None:
    assert told in refusal(raw)


def test_arguments_just_inside_the_limits_are_accepted() -> None:
    deep = '{"a":' + "[" * 63 + "]" * 63 + "}"
    assert isinstance(parse_arguments(deep), dict)
    long = '{"a":"' + "x" * (MAX_BYTES - 8) + '"}'
    assert len(long) == MAX_BYTES and isinstance(parse_arguments(long), dict)
    assert parse_arguments('{"a":' + "9" * 640 + "}") == {"a": 10**640 - 1}


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse_arguments('{"a":"\\ud83d\\ude00"}') == {"a": "😀"}


def test_whole_numbers_and_floats_stay_what_they_are() -> None:
    parsed = parse_arguments('{"a":1,"b":1.0,"c":9007199254740993,"d":-0.0,"e":1E5}')
    assert isinstance(parsed, dict)
    assert canonical_bytes(parsed) == b'{"a":1,"b":1.0,"c":9007199254740993,"d":-0.0,"e":100000.0}'


@pytest.mark.parametrize(
    "arguments",
    [{"a": float("nan")}, {"a": float("inf")}, {1: "a"}, {"a": (1,)}, {"a": "\ud800"}, {"a": 10**640}, {"a": b""}],
)
def test_what_could_not_be_parsed_is_not_written_either(arguments: Any) -> None:
    with pytest.raises(ValueError):
        canonical_bytes(arguments)


PARTS = st.fixed_dictionaries(
    {"action": TEXT, "definition": TEXT, "arguments": st.binary(max_size=30), "target": TEXT, "requester": TEXT}
)


@settings(max_examples=200, deadline=None)
@given(PARTS, PARTS)
def test_the_digest_is_one_per_list_of_parts(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (digest(**one) == digest(**other)) == (one == other)


def test_moving_a_byte_from_one_part_to_the_next_changes_the_digest() -> None:
    whole = digest(action="ab", definition="c", arguments=b"{}", target="", requester="t")
    assert whole != digest(action="a", definition="bc", arguments=b"{}", target="", requester="t")
    assert whole != digest(action="ab", definition="c", arguments=b"{}", target="t", requester="")
    assert re.fullmatch("[0-9a-f]{64}", whole)
    assert short("3fa9c1d0" + "0" * 56) == "3fa9 c1d0"


def test_the_digest_never_changes_between_releases() -> None:
    made = digest(action="grant", definition="d", arguments=b"{}", target="bob", requester="T1/U1")
    assert made == "8883b3c7e1757a900c8004446a55f473583e147d95bf379beda6b4e06a0977a9"
