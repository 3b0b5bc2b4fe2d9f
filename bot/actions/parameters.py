"""The arguments of a call between JSON and Python: defaults filled in, faults named, values converted, edits written as JSON.

Rules
1. What is bound is filled in first: null for a parameter with a default means the default, at every level of nesting.
2. The bound bytes are converted by the type that the schema was made from, and by nothing looser.
3. No number is taken for another one: integers and floats are told apart, and a float that JSON cannot say is refused.

How a signature becomes the schema is `schema.py`'s; the words of the faults are `sentences.py`'s.
"""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic import TypeAdapter
from pydantic_core import ValidationError as ConversionError
from pydantic_core import to_jsonable_python

from bot.actions.sentences import conversion_sentences, conversion_sentences_by_name, validation_sentences
from bot.actions.strict import DEFAULT, OPTIONAL, Schema
from bot.core.canonical import Json, canonical_bytes

_LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an action takes. ``order``: the names as the signature has them; ``inner``: the schema that is checked."""

    offered: bytes
    inner: Schema = field(repr=False)
    order: tuple[str, ...]
    takes_key: bool
    adapter: TypeAdapter[Any] | None = field(repr=False, compare=False)
    validator: Any = field(repr=False, compare=False)

    def filled(self, arguments: dict[str, Json]) -> dict[str, Json]:
        """The arguments with every known default in the place of a null or a missing value."""
        if self.adapter is None:
            return dict(arguments)
        filled = self._walk(copy.deepcopy(arguments), self.inner, _fill)
        assert isinstance(filled, dict)
        return filled

    def faults(self, arguments: dict[str, Json], secret: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Everything that is wrong with (filled) arguments, one sentence each; values of secret ones are not quoted."""
        errors: list[ValidationError] = list(self.validator.iter_errors(arguments))
        if errors:
            return validation_sentences(errors, secret)
        try:
            self.values(arguments)
        except ConversionError as error:
            return conversion_sentences(error, secret)
        return ()

    def faults_by_name(self, arguments: dict[str, Json], secret: tuple[str, ...] = ()) -> dict[str, str]:
        """As `faults`, by the name of the argument ("" for those of no argument in particular)."""
        errors: dict[str, list[ValidationError]] = {}
        for error in self.validator.iter_errors(arguments):
            errors.setdefault(str(error.absolute_path[0]) if error.absolute_path else "", []).append(error)
        if errors:
            return {name: " ".join(validation_sentences(found, secret)) for name, found in errors.items()}
        try:
            self.values(arguments)
        except ConversionError as wrong:
            return conversion_sentences_by_name(wrong, secret)
        return {}

    def values(self, arguments: dict[str, Json]) -> dict[str, Any]:
        """The keyword arguments for the call. A null that still means "the default" is left out."""
        if self.adapter is None:
            return dict(arguments)
        pruned = self._walk(copy.deepcopy(arguments), self.inner, _prune)
        assert isinstance(pruned, dict)
        values: dict[str, Any] = self.adapter.validate_json(canonical_bytes(pruned), strict=True)
        return values

    def plain(self, arguments: Mapping[str, Any]) -> dict[str, Json]:
        """Arguments from Python as JSON: what JSON cannot say in the form that the parameter's type has in the schema.

        Raises ValueError where there is none, and whatever a type's own serializer raises.
        """
        return {name: self._dumped(name, value) for name, value in arguments.items()}

    def _dumped(self, name: str, value: Any) -> Json:
        try:
            canonical_bytes({name: value})
        except ValueError:
            if not _is_finite(value):
                raise
            if self.adapter is None or name not in self.order:
                dumped: Json = to_jsonable_python(value, by_alias=True)
            else:
                dumped = self.adapter.dump_python({name: value}, mode="json", by_alias=True, warnings="none")[name]
            return steady(value, dumped)
        return value  # type: ignore[no-any-return]

    def _walk(self, value: Json, node: Schema, settle: "Callable[[dict[str, Json], str, Schema], None]") -> Json:
        node = self._branch(value, node)
        if isinstance(value, dict):
            for name, each in node.get("properties", {}).items():
                settle(value, name, each)
            known = node.get("properties", {})
            for name in value:
                if name in known:
                    value[name] = self._walk(value[name], known[name], settle)
        elif isinstance(value, list) and isinstance(node.get("items"), dict):
            return [self._walk(each, node["items"], settle) for each in value]
        return value

    def _branch(self, value: Json, node: Schema) -> Schema:
        """The part of a union, or of a reference, that applies to this value."""
        if "$ref" in node:
            found: Schema = self.inner["$defs"][str(node["$ref"]).rpartition("/")[2]]
            return found
        if "anyOf" not in node or not isinstance(value, (dict, list)):
            return node
        for each in node["anyOf"]:
            rooted = {**self._branch(value, each), "$defs": self.inner.get("$defs", {})}
            if self.validator.evolve(schema=rooted).is_valid(value):
                return self._branch(value, each)
        return {}


def _fill(value: dict[str, Json], name: str, node: Schema) -> None:
    if DEFAULT in node and value.get(name) is None:
        value[name] = copy.deepcopy(node[DEFAULT])


def _prune(value: dict[str, Json], name: str, node: Schema) -> None:
    if OPTIONAL in node and value.get(name, ...) is None:
        del value[name]


def _is_finite(value: Any) -> bool:
    """Whether no infinity or NaN is inside, which some serializers write as null: null would mean the default."""
    match value:
        case float() | Decimal():
            return math.isfinite(value)
        case Mapping():
            return all(map(_is_finite, value.values()))
        case list() | tuple() | set() | frozenset():
            return all(map(_is_finite, value))
        case _:
            return True


def steady(value: Any, dumped: Json) -> Json:
    """A set in the same order in every process."""
    if isinstance(value, (set, frozenset)) and isinstance(dumped, list):
        return sorted(dumped, key=lambda each: canonical_bytes({"": each}))
    return dumped


def _is_exact_integer(_: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_exact_number(_: Any, value: object) -> bool:
    """A float, or an integer that a float holds exactly: otherwise another number would run than the one shown."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) <= _LARGEST_EXACT or _survives_as_float(value)


def _survives_as_float(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_exact_integer, "number": _is_exact_number}
    ),
)
