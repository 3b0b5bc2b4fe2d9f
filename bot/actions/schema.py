"""The parameters of an action: from a Python signature, or a schema that was given, to the JSON schema that is offered.

Rules
1. What the schema says, the card shows and the function receives is the same: one Pydantic type makes the schema and
   converts the arguments (`parameters.py`).
2. A signature that the schema cannot express is refused when the action is defined, with the reason and the remedy.

How a callable is read is `signature.py`'s; the rules of strict mode are in `strict.py`.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NotRequired, Required

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import Field, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema
from typing_extensions import TypedDict

from bot.actions.declare import Declared
from bot.actions.docstrings import parameter_descriptions
from bot.actions.parameters import Parameters, Validator, steady
from bot.actions.signature import annotations_of, docstring, is_open, parameters_by_name, takes_key
from bot.actions.strict import DEFAULT, Schema, offered, strict_faults, tighten
from bot.core.canonical import Json, canonical_bytes
from bot.errors import ConfigurationError

_CLOSED = "Give it a closed type: a dataclass, a TypedDict or a Pydantic model"
_OTHERWISE = "or declare the action with parameters_schema= or strict=False"


def parameters_of(declared: Declared) -> Parameters:
    """The parameters of a declared action. ConfigurationError, with the remedy, for what no schema can say."""
    if declared.parameters_schema is not None:
        return _given(declared)
    described = parameter_descriptions(docstring(declared.fn))
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


def _given(declared: Declared) -> Parameters:
    try:
        schema: Schema = json.loads(json.dumps(dict(declared.parameters_schema or {}), allow_nan=False))
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise _wrong(declared, f"parameters_schema is no valid JSON schema: {error.message[:200]}.") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise _wrong(declared, f"parameters_schema is no JSON: {error}.") from None
    try:
        key = any(takes_key(*each) for each in parameters_by_name(declared.fn).items())
    except (TypeError, ValueError):
        key = False  # a built-in that does not tell: the given schema is all there is
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
    parameters = Parameters(text.encode(), inner, order, key, adapter, Validator(inner))
    for name, node in inner.get("properties", {}).items() if adapter else ():
        default = node.get(DEFAULT)
        rooted = {**node, "$defs": inner.get("$defs", {})}
        if default is not None and not parameters.validator.evolve(schema=rooted).is_valid(default):
            raise _wrong(declared, f'the default of "{name}" does not fit its annotation.')
    return parameters


def _signature(declared: Declared) -> Iterator[tuple[str, inspect.Parameter, Any]]:
    try:
        hints = annotations_of(declared.fn)
    except (NameError, TypeError, AttributeError) as error:
        raise _wrong(
            declared, f"its annotations cannot be resolved ({error}). Define or import those types at the module's top."
        ) from None
    for name, parameter in parameters_by_name(declared.fn).items():
        why = _not_by_name(name, parameter, name in hints)
        if why:
            raise _wrong(declared, why)
        if name not in hints and declared.strict and not takes_key(name, parameter):
            raise _wrong(declared, f'"{name}" has no annotation. Annotate it, {_OTHERWISE}.')
        yield name, parameter, hints.get(name, Any)


def _not_by_name(name: str, parameter: inspect.Parameter, annotated: bool) -> str:
    """Why a parameter cannot be an argument, with the remedy; "" where it can."""
    if is_open(parameter):
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
        return f"{star}{name} takes anything, which no schema says. Name the parameters, or give parameters_schema=."
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return f'"{name}" is positional only, and actions are called by name. Remove the "/".'
    if name in ("self", "cls") and not annotated:
        return f'"{name}" would be the model\'s to choose: give the method of an object, such as company.restart.'
    return ""


def _adapted(declared: Declared, fields: Mapping[str, Any]) -> tuple[TypeAdapter[Any], Schema]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(TypedDict("Arguments", dict(fields)))  # type: ignore[operator]
        return adapter, adapter.json_schema(schema_generator=_Generator)
    except PydanticUserError as error:
        told = str(error).split("\n")[0].rstrip(".")
        remedy = "" if error.code == "typed-dict-version" else f" {_CLOSED}."  # Pydantic names one itself
        raise _wrong(declared, f"a parameter's type cannot come from JSON: {told}.{remedy}") from None
    except ImportError as error:
        raise _wrong(declared, f"a parameter's type needs more than there is: {error}.") from None


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
        plain: Json = steady(default, adapter.dump_python(default, mode="json", by_alias=True, warnings="none"))
        canonical_bytes({name: plain})
    except (PydanticUserError, ImportError):
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
