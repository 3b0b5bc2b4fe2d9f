"""Types and a signature with everything that a schema can say, and the ways into one, for the schema's tests."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from bot.actions.definition import Action, define
from bot.core.canonical import parse_arguments
from bot.errors import ConfigurationError

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
