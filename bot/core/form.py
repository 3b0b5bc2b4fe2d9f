"""A form for the arguments of an action: which fields it has, what stands in them, and what was typed as arguments again. Pure.

Rules
1. What stands in a field and is sent back as it was is the value that was there, exactly.
2. Text is a field of text only where what is typed can be nothing else than what is meant; every other value is JSON.
3. A secret, and what is too long for a field, is not in the form: it stays as it is, and the form says so.
4. The fields follow from the schema and the arguments alone, so that whoever reads what was typed finds the same fields again.

How it looks is `slack/forms.py`'s; whether the arguments fit their action is the registry's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.core.canonical import Json, parse_arguments
from bot.core.refusal import Refused
from bot.core.visible import has_invisible, visible

Schema = Mapping[str, Any]

NOT_EMPTY = "This cannot be left empty."
NOT_JSON = "This is not valid JSON: a text stands in double quotes, a list in […], an object in {…}."
_LABEL = 150


class Kind(StrEnum):
    TEXT = "text"
    JSON = "json"
    CHOICE = "choice"


class Empty(StrEnum):
    """What it means to leave a field empty."""

    REFUSED = "refused"
    NULL = "null"
    TEXT = "text"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Room:
    """What a form can hold: fields, characters of one field, choices of one field, characters of one choice."""

    fields: int
    text: int
    choices: int
    choice: int


@dataclass(frozen=True, slots=True)
class Field:
    """``shown``: what stands in it, a choice by its number ("" for nothing); ``value``: the argument that this is, None beside ``shown``
    "" for one that is not there; ``hint``: what belongs there."""

    name: str
    kind: Kind
    value: Json
    shown: str
    choices: tuple[Json, ...]
    empty: Empty
    hint: str


@dataclass(frozen=True, slots=True)
class Form:
    """``kept``: the arguments that stay as they are, each with the reason; ``base``: their values."""

    fields: tuple[Field, ...]
    kept: tuple[tuple[str, str], ...]
    base: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with what was typed, by the number of the field."""

    by_field: Mapping[int, str]


def form_of(
    schema: Schema,
    arguments: Mapping[str, Json],
    better: Mapping[str, Json] | None = None,
    *,
    order: Sequence[str],
    secret: Sequence[str],
    room: Room,
) -> Form | Refused:
    """The form that begins with ``arguments``, or with ``better`` ones in their fields; or why there is none."""
    shown = arguments if better is None else better
    known = schema.get("properties", {})
    names = list(dict.fromkeys((*(name for name in order if name in known or name in arguments), *known, *shown)))
    fields, kept = list[Field](), list[tuple[str, str]]()
    for name in names:
        if name in secret:
            kept.append((name, "it is secret"))
            continue
        field = _field(schema, name, shown, room)
        if len(field.shown) > room.text:
            kept.append((name, f"its {len(field.shown):,} characters are more than the {room.text:,} of a field"))
        else:
            fields.append(field)
    if len(fields) > room.fields:
        return Refused(f"It has {len(fields)} arguments, and a form holds {room.fields}.")
    if not fields:
        why = "; ".join(f"{visible(name)}: {each}" for name, each in kept[:5])
        return Refused(f"Nothing of it can be changed in a form ({why})." if why else "It takes no arguments.")
    within = {field.name for field in fields}
    return Form(tuple(fields), tuple(kept), {k: v for k, v in arguments.items() if k not in within})


def typed(form: Form, given: Sequence[str | None]) -> dict[str, Json] | Faults:
    """The arguments that were typed, ``given`` field by field (a choice by its number, None for nothing)."""
    arguments, faults = dict(form.base), dict[int, str]()
    for number, (field, text) in enumerate(zip(form.fields, given, strict=True)):
        unchanged = (text or "") == field.shown and (text or field.empty is not Empty.REFUSED)
        value = field.value if unchanged else _value(field, text or "")
        if isinstance(value, Refused):
            faults[number] = value.reason
        elif text or field.empty is not Empty.LEFT_OUT:
            arguments[field.name] = value
    return Faults(faults) if faults else arguments


def choice_text(value: Json) -> str:
    """A choice as it is read."""
    return visible(value) if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)


# --- fields -----------------------------------------------------------------------------------------------------------


def _field(schema: Schema, name: str, arguments: Mapping[str, Json], room: Room) -> Field:
    node, nullable = _meaning(schema.get("properties", {}).get(name, {}), schema)
    there, value = name in arguments, arguments.get(name)
    choices = _choices(node, room)
    if choices and (value is None or _number(choices, value)):
        kind, shown = Kind.CHOICE, _number(choices, value)
    elif _is_text(node) and (value is None or _is_plain(value)):
        kind, shown = Kind.TEXT, value if isinstance(value, str) else ""
    else:
        kind, shown, choices = Kind.JSON, "" if value is None else _written(value), ()
    return Field(
        name,
        kind,
        value,
        shown,
        choices if kind is Kind.CHOICE else (),
        _empty(schema, name, there, value, nullable),
        _hint(node, kind),
    )


def _meaning(node: Schema, root: Schema) -> tuple[Schema, bool]:
    """What a value must be where it is not null, and whether it may be null. {} where it may be several things."""
    for _ in range(8):  # a reference to a reference, and no further
        if "$ref" not in node:
            break
        node = root.get("$defs", {}).get(str(node["$ref"]).rpartition("/")[2], {})
    branches = node.get("anyOf")
    if isinstance(branches, list):
        others = [each for each in branches if each.get("type") != "null"]
        inner = _meaning(others[0], root)[0] if len(others) == 1 else {}
        return inner, len(others) < len(branches)
    kinds = _kinds(node)
    return node, "null" in kinds or not kinds


def _kinds(node: Schema) -> list[str]:
    given = node.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def _choices(node: Schema, room: Room) -> tuple[Json, ...]:
    """All values that there are, where they are few and short enough to be chosen from."""
    listed = node.get("enum", [node["const"]] if "const" in node else None)
    if listed is None and [kind for kind in _kinds(node) if kind != "null"] == ["boolean"]:
        listed = [True, False]
    values = tuple(each for each in listed or () if each is not None)
    fits = 0 < len(values) <= room.choices and all(len(choice_text(each)) <= room.choice for each in values)
    return values if fits and not any(isinstance(each, str) and has_invisible(each) for each in values) else ()


def _number(choices: Sequence[Json], value: Json) -> str:
    """The number of a value among the choices; "" where it is none of them."""
    exact = [_written(each) for each in choices]
    return str(exact.index(_written(value))) if _written(value) in exact else ""


def _is_text(node: Schema) -> bool:
    return [kind for kind in _kinds(node) if kind != "null"] == ["string"] and "enum" not in node


def _is_plain(value: Json) -> bool:
    """Whether a text can stand in a field so that all of it is seen, and comes back as it was."""
    if not isinstance(value, str) or has_invisible(value) or value != value.strip():
        return False
    return all(char == "\n" or char >= " " for char in value)


def _empty(schema: Schema, name: str, there: bool, value: Json, nullable: bool) -> Empty:
    if not there:
        return Empty.LEFT_OUT if name not in schema.get("required", ()) else Empty.REFUSED
    if value == "":
        return Empty.TEXT
    if value is None:
        return Empty.NULL
    if nullable and name in schema.get("properties", {}):
        return Empty.NULL
    return Empty.REFUSED if name in schema.get("required", ()) or not schema.get("properties") else Empty.LEFT_OUT


def _hint(node: Schema, kind: Kind) -> str:
    said = str(node.get("description", "")).strip()
    wanted = [each for each in _kinds(node) if each != "null"]
    form = (
        {"integer": "A whole number.", "number": "A number."}.get(wanted[0], "As JSON.")
        if len(wanted) == 1
        else "As JSON."
    )
    return " ".join(part for part in (said, form if kind is Kind.JSON else "") if part)


# --- what was typed ---------------------------------------------------------------------------------------------------


def _value(field: Field, text: str) -> Json | Refused:
    if not text:
        return Refused(NOT_EMPTY) if field.empty is Empty.REFUSED else "" if field.empty is Empty.TEXT else None
    match field.kind:
        case Kind.TEXT:
            return text
        case Kind.CHOICE:
            known = text.isdecimal() and int(text) < len(field.choices)
            return field.choices[int(text)] if known else Refused(NOT_EMPTY)
        case Kind.JSON:
            return _read(text)


def _read(text: str) -> Json | Refused:
    """One JSON value, by the rules of `canonical.py`: no key twice, no NaN, not too deep."""
    parsed = parse_arguments(f'{{"value": {text}\n}}')
    if isinstance(parsed, Refused) or list(parsed) != ["value"]:
        broken = isinstance(parsed, dict) or "not valid JSON" in parsed.reason
        return Refused(NOT_JSON) if broken else parsed
    return parsed["value"]


def _written(value: Json) -> str:
    """JSON that shows every character, and is the same value again."""
    return "".join(_lines(json.dumps(value, ensure_ascii=False, sort_keys=True)))


def _lines(text: str) -> Iterator[str]:
    for char in text:
        yield char if char <= "~" or not has_invisible(char) else json.dumps(char)[1:-1]
