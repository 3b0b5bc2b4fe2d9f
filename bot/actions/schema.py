"""The parameters of an action: from a Python signature to a JSON schema, and from checked JSON to Python values.

Rules
1. What the schema says, the card shows and the function receives is the same: defaults are filled in before the
   arguments are bound, and the bound bytes are converted by the type that the schema was made from.
2. Null for a parameter with a default means the default, at every level of nesting.
3. A signature that the schema cannot express is refused when the action is defined, with the reason and the remedy.

The rules of strict mode are in `strict.py`; parsing of arguments is in `core/canonical.py`.
"""

import copy
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Annotated, Any, NotRequired, Required, get_type_hints

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from pydantic import Field, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema
from pydantic_core import ValidationError as ConversionError
from typing_extensions import TypedDict

from bot.actions.declare import Declared, takes_key
from bot.actions.docstrings import parameter_descriptions
from bot.actions.sentences import conversion_sentences, validation_sentences
from bot.actions.strict import DEFAULT, OPTIONAL, Schema, offered, strict_faults, tighten
from bot.core.canonical import Json, canonical_bytes
from bot.errors import ConfigurationError

_CLOSED = "Give it a closed type: a dataclass, a TypedDict or a Pydantic model"
_OTHERWISE = "or declare the action with parameters_schema= or strict=False"
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

    def values(self, arguments: dict[str, Json]) -> dict[str, Any]:
        """The keyword arguments for the call. A null that still means "the default" is left out."""
        if self.adapter is None:
            return dict(arguments)
        pruned = self._walk(copy.deepcopy(arguments), self.inner, _prune)
        assert isinstance(pruned, dict)
        values: dict[str, Any] = self.adapter.validate_json(canonical_bytes(pruned), strict=True)
        return values

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


def parameters_of(declared: Declared) -> Parameters:
    """The parameters of a declared action. ConfigurationError, with the remedy, for what no schema can say."""
    if declared.parameters_schema is not None:
        return _given(declared, json.loads(json.dumps(declared.parameters_schema)))
    described = parameter_descriptions(inspect.getdoc(declared.fn))
    fields: dict[str, Any] = {}
    defaults: dict[str, Json] = {}
    key = False
    for name, parameter, annotation in _signature(declared):
        if takes_key(name, parameter):
            key = True
            continue
        if name in described:
            annotation = Annotated[annotation, Field(description=described[name])]
        if parameter.default is not parameter.empty:
            defaults[name] = _plain(declared, name, annotation, parameter.default)
            fields[name] = NotRequired[annotation]
        else:
            fields[name] = Required[annotation]
    adapter, raw = _adapted(declared, fields)
    for name, default in defaults.items():
        raw["properties"][name]["default"] = default
    return _checked(declared, adapter, _inner(raw), tuple(fields), key)


def _given(declared: Declared, schema: Schema) -> Parameters:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise _wrong(declared, f"parameters_schema is no valid JSON schema: {error.message[:200]}.") from None
    key = any(takes_key(*each) for each in inspect.signature(declared.fn).parameters.items())
    return _checked(declared, None, schema, tuple(schema.get("properties", ())), key)


def _checked(
    declared: Declared, adapter: TypeAdapter[Any] | None, inner: Schema, order: tuple[str, ...], key: bool
) -> Parameters:
    wire = inner if adapter is None else offered(inner, strict=declared.strict)
    faults = strict_faults(wire) if declared.strict else ()
    if faults:
        told = "; ".join(faults[:5])
        raise _wrong(declared, f"OpenAI's strict mode cannot express this: {told}. {_CLOSED}, {_OTHERWISE}.")
    # Not sorted: the model writes the arguments in this order.
    text = json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
    parameters = Parameters(text.encode(), inner, order, key, adapter, _Validator(inner))
    for name, node in inner.get("properties", {}).items() if adapter else ():
        default = node.get(DEFAULT)
        rooted = {**node, "$defs": inner.get("$defs", {})}
        if default is not None and not parameters.validator.evolve(schema=rooted).is_valid(default):
            raise _wrong(declared, f'the default of "{name}" does not fit its annotation.')
    return parameters


def _signature(declared: Declared) -> Iterator[tuple[str, inspect.Parameter, Any]]:
    try:
        hints = get_type_hints(_without_return(declared.fn), include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise _wrong(
            declared, f"its annotations cannot be resolved ({error}). Define or import those types at the module's top."
        ) from None
    for name, parameter in inspect.signature(declared.fn).parameters.items():
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.VAR_KEYWORD:
                star = "*" if parameter.kind is inspect.Parameter.VAR_POSITIONAL else "**"
                raise _wrong(
                    declared,
                    f"{star}{name} takes anything, which no schema says. Name the parameters, or give parameters_schema=.",
                )
            case inspect.Parameter.POSITIONAL_ONLY:
                raise _wrong(declared, f'"{name}" is positional only, and actions are called by name. Remove the "/".')
            case _:
                annotation = hints.get(name, Any)
        if name not in hints and declared.strict and not takes_key(name, parameter):
            raise _wrong(declared, f'"{name}" has no annotation. Annotate it, {_OTHERWISE}.')
        yield name, parameter, annotation


def _without_return(fn: Callable[..., Any]) -> FunctionType:
    """A stand-in with the annotations of the parameters: what a function returns need not be resolvable."""
    inner: Any = inspect.unwrap(getattr(fn, "func", fn))
    if not inspect.isroutine(inner):
        inner = type(inner).__call__
    bare = FunctionType((lambda: None).__code__, getattr(inner, "__globals__", {}))
    annotations = getattr(inner, "__annotations__", {})
    bare.__annotations__ = {name: each for name, each in annotations.items() if name != "return"}
    return bare


def _adapted(declared: Declared, fields: Mapping[str, Any]) -> tuple[TypeAdapter[Any], Schema]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(TypedDict("Arguments", dict(fields)))  # type: ignore[operator]
        return adapter, adapter.json_schema(schema_generator=_Generator)
    except PydanticUserError as error:
        told = str(error).split("\n")[0].rstrip(".")
        raise _wrong(declared, f"a parameter's type cannot come from JSON: {told}. {_CLOSED}.") from None


def _inner(raw: Schema) -> Schema:
    definitions = raw.pop("$defs", {})
    inner = tighten(raw, definitions)
    kept = {name: tighten(each, definitions) for name, each in definitions.items()}
    used = json.dumps([inner, kept])
    referred = {name: each for name, each in kept.items() if f'"#/$defs/{name}"' in used}
    return {**inner, **({"$defs": referred} if referred else {})}


def _plain(declared: Declared, name: str, annotation: Any, default: Any) -> Json:
    if default is None:
        return None
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        plain: Json = adapter.dump_python(default, mode="json", by_alias=True, warnings="none")
        canonical_bytes({name: plain})
    except PydanticUserError:
        return None  # the type itself is refused, in better words, when the whole signature is read
    except (PydanticSerializationError, ValueError, TypeError):
        raise _wrong(
            declared,
            f'the default of "{name}" ({default!r}) cannot be shown as JSON. Use None, and choose the value inside.',
        ) from None
    return plain


def _wrong(declared: Declared, why: str) -> ConfigurationError:
    return ConfigurationError(f"action {declared.name}: {why}")


class _Generator(GenerateJsonSchema):
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Only text: a JSON number would pass through binary floating point on its way."""
        return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}


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


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_exact_integer, "number": _is_exact_number}
    ),
)
