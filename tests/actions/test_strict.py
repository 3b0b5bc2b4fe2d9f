"""H26: schemas that OpenAI's strict mode accepts, and how those that it would refuse are told apart."""

import inspect
import json
import keyword
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from bot.actions.definition import define
from bot.actions.strict import strict_faults
from tests.actions.shapes import Colour, Either, Labels, Level, Node, Rule, Window, faults_of, schema_of
from tests.actions.strict_mode import violations

LEAVES = st.sampled_from(
    [str, int, float, bool, date, datetime, time, UUID, Decimal, Colour, Level, Window, Rule, Node, Labels, Either,
     Literal["a", "b"], Literal[1, None], Annotated[str, Field(pattern="^a", max_length=3)], Annotated[int, Field(multiple_of=5)]]
)  # fmt: skip
TYPES = st.recursive(
    LEAVES, lambda inner: st.one_of(inner.map(lambda t: list[t]), inner.map(lambda t: t | None)), max_leaves=4
)
SIGNATURES = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.tuples(TYPES, st.booleans()), max_size=6)


@settings(max_examples=80, deadline=None)
@given(SIGNATURES)
def test_h26_any_signature_of_closed_types_gives_a_strict_schema(signature: dict[str, tuple[Any, bool]]) -> None:
    names = {name: each for name, each in signature.items() if not keyword.iskeyword(name)}

    def fn(**arguments: Any) -> None: ...

    kind = inspect.Parameter.KEYWORD_ONLY
    fn.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(n, kind, default=None if d else inspect.Parameter.empty) for n, (_, d) in names.items()]
    )
    fn.__annotations__ = {name: annotation for name, (annotation, _) in names.items()}
    action = define(fn)
    schema = schema_of(action)
    assert violations(schema) == [] and strict_faults(schema) == ()
    assert list(schema["properties"]) == list(names)
    optional = json.dumps({name: None for name, (_, default) in names.items() if default})
    missing = [name for name, (_, default) in names.items() if not default]
    told = faults_of(action, optional)
    assert all(f'"{name}"' in told for name in missing) and ("missing" in told) == bool(missing)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"anyOf": [{"type": "object"}]}, "not one closed object"),
        ({"type": "array", "items": {"type": "string"}}, "not one closed object"),
        ({"a": {"type": "string", "minLength": 1}}, "uses minLength"),
        ({"a": {"allOf": [{"type": "string"}]}}, "uses allOf"),
        ({"a": {}}, "has no type"),
        ({"a": True}, "has no schema of its own"),
        ({"a": {"type": "array"}}, "is a list of anything"),
        ({"a": {"$ref": "#/$defs/B", "description": "x"}}, "beside $ref"),
        ({"a": {"type": "object", "properties": {"b": {"type": "string"}}, "required": [], "additionalProperties": False}}, "require all"),
        ({"a": {"type": "string", "enum": ["x" * 9] * 1001}}, "1,000 allowed values"),
        ({"a" * 120_001: {"type": "string"}}, "120,000 characters"),
        ({f"a{n}": {"type": "string"} for n in range(5001)}, "5,000 properties"),
    ],
)  # fmt: skip
def test_h26_a_schema_that_strict_mode_would_refuse_is_told_apart(schema: dict[str, Any], told: str) -> None:
    if "type" not in schema and "anyOf" not in schema:
        schema = {"type": "object", "properties": schema, "required": list(schema), "additionalProperties": False}
    assert any(told in fault for fault in strict_faults(schema)), strict_faults(schema)


def test_h26_deep_nesting_is_refused_at_registration() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(11):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    assert any("more than 10 levels" in fault for fault in strict_faults(schema))
    assert strict_faults(schema["properties"]["a"]) == ()
