"""Signatures become schemas that OpenAI's strict mode accepts, and arguments become what the signature asks for (H26)."""

from __future__ import annotations

import dataclasses
import inspect
import json
import keyword
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Optional
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from bot.actions.definition import Action, define
from bot.actions.strict import strict_faults
from bot.core.canonical import parse_arguments
from bot.errors import ConfigurationError
from tests.actions.strict_mode import violations

if TYPE_CHECKING:
    from nowhere import Unresolvable


class Colour(Enum):
    RED = "red"
    TWO = 2


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Window:
    """When it may happen."""

    start: datetime
    zone: str = "UTC"
    days: list[int] = dataclasses.field(default_factory=list)
    next: Window | None = None


class Rule(BaseModel):
    kind: Literal["rule"]
    cidr: str = Field(min_length=1, max_length=18, description="The network.")
    port: int = Field(default=443, ge=1, le=65535)

    @field_validator("cidr")
    @classmethod
    def closed(cls, value: str) -> str:
        if value == "0.0.0.0/0":
            raise ValueError("the whole internet")
        return value


class Peer(BaseModel):
    kind: Literal["peer"]
    id: UUID


class Labels(TypedDict):
    team: str
    cost: NotRequired[str]


class Node(BaseModel):
    name: str
    inner: Annotated[Node, Field(description="One below.")] | None = None
    nodes: list[Node] = []


Either = Annotated[Rule | Peer, Field(discriminator="kind")]


def values_of(action: Action, raw: str) -> dict[str, Any]:
    parsed = parse_arguments(raw)
    assert isinstance(parsed, dict)
    filled = action.parameters.filled(parsed)
    faults = action.parameters.faults(filled, action.secret)
    assert faults == (), faults
    return action.parameters.values(filled)


def faults_of(action: Action, raw: str) -> str:
    parsed = parse_arguments(raw)
    assert isinstance(parsed, dict)
    return " ".join(action.parameters.faults(action.parameters.filled(parsed), action.secret))


def schema_of(action: Action) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(action.parameters_schema)
    return schema


def refused(fn: Callable[..., Any], **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        define(fn, **options)
    return caught.value.tell


def everything(
    a: str,
    b: int,
    c: float,
    d: bool,
    e: Literal["x", 1, None],
    f: Colour,
    g: Level,
    h: date,
    i: datetime,
    j: UUID,
    k: Decimal,
    l: Window,  # noqa: E741
    m: Either,
    n: list[list[int]],
    o: Labels,
    p: set[str],
    q: tuple[int, ...],
    r: Optional[int],  # noqa: UP045
    s: Annotated[int, Field(ge=1, le=9)],
    t: time | None,
    u: timedelta,
    v: int | str,
    w: list[Window] | None = None,
    x: Colour = Colour.RED,
    y: Window = Window(datetime(2026, 1, 1)),  # noqa: B008
    z: Decimal = Decimal("0.1"),
    node: Node | None = None,
) -> Unresolvable:
    """Everything that can be said."""


EVERYTHING = {
    "a": "t", "b": 2, "c": 1, "d": True, "e": None, "f": 2, "g": 1, "h": "2026-01-02", "i": "2026-01-02T03:04:05Z",
    "j": "00000000-0000-0000-0000-000000000001", "k": "1.10", "l": {"start": "2026-01-02T00:00:00", "zone": None,
    "days": None, "next": {"start": "2026-01-03T00:00:00", "zone": "CET", "days": [1], "next": None}},
    "m": {"kind": "rule", "cidr": "10.0.0.0/8", "port": None}, "n": [[1], []], "o": {"team": "ops", "cost": None},
    "p": ["a", "b"], "q": [1, 2], "r": None, "s": 9, "t": None, "u": "PT1H", "v": "5", "w": None, "x": None, "y": None,
    "z": None, "node": {"name": "top", "inner": {"name": "in", "inner": None, "nodes": None}, "nodes": None},
}  # fmt: skip


def test_h26_a_schema_of_every_type_is_valid_in_strict_mode() -> None:
    schema = schema_of(define(everything))
    assert violations(schema) == []
    assert list(schema["properties"]) == list(inspect.signature(everything).parameters)
    assert schema["properties"]["e"]["enum"] == ["x", 1, None]
    assert schema["properties"]["x"]["enum"] == ["red", 2, None]
    assert schema["properties"]["k"]["type"] == "string"
    assert schema["properties"]["h"]["format"] == "date"


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

LEAVES = st.sampled_from(
    [str, int, float, bool, date, datetime, time, UUID, Decimal, Colour, Level, Window, Rule, Node, Labels, Either,
     Literal["a", "b"], Literal[1, None], Annotated[str, Field(pattern="^a", max_length=3)], Annotated[int, Field(multiple_of=5)]]
)  # fmt: skip
TYPES = st.recursive(
    LEAVES, lambda inner: st.one_of(inner.map(lambda t: list[t]), inner.map(lambda t: t | None)), max_leaves=4
)
SIGNATURES = st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.tuples(TYPES, st.booleans()), max_size=6)


@settings(max_examples=150, deadline=None)
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
