"""JSON schemas that OpenAI's strict mode accepts: how Pydantic's become such, and what is wrong with one that is not.

Rules
1. Every object is closed and requires all its properties; what was optional may be null instead, and null means
   "use the default". The inner form remembers that with two keywords of its own, `x-optional` and `x-default`.
2. Keywords that strict mode does not know are dropped where the values are checked again before the call (lengths,
   uniqueness, further formats), and are a fault where they carry the meaning.
3. `strict_faults` is the one gate: what it passes is offered as strict, everything else is refused with its words.

Source of the rules: OpenAI's guide to structured outputs, "Supported schemas" (2026). Pure: no Pydantic here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

OPTIONAL = "x-optional"
DEFAULT = "x-default"

_KEPT = frozenset(
    {
        "type", "enum", "anyOf", "items", "properties", "required", "additionalProperties", "description", "$ref", "$defs",
        "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "minItems", "maxItems", "const", "title",
    }
)  # fmt: skip
_CHECKED_BY_PYDANTIC = frozenset(
    {
        "title", "default", "examples", "minLength", "maxLength", "uniqueItems", "discriminator", "deprecated", "readOnly",
        "writeOnly", "contentMediaType", "contentEncoding", "contentSchema", "$comment", "$schema", "$id",
    }
)  # fmt: skip
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_MOST_PROPERTIES = 5000
_MOST_ENUM_VALUES = 1000
_MOST_NAME_CHARACTERS = 120_000
_DEEPEST = 10


def tighten(node: Schema, definitions: Mapping[str, Schema], inside: frozenset[str] = frozenset()) -> Schema:
    """A schema from Pydantic in our inner form. Nothing is refused here.

    definitions: its `$defs`, untouched. inside: the definitions that are being written in place of their `$ref`.
    """
    if "$ref" in node and len(node) > 1:  # strict mode allows no keyword beside $ref
        name = str(node["$ref"]).rpartition("/")[2]
        if name in inside:
            return {"$ref": node["$ref"]}
        inside = inside | {name}
        node = {**definitions[name], **{key: value for key, value in node.items() if key != "$ref"}}
    out = _keywords(node)
    for key in ("anyOf", "prefixItems"):
        if key in out:
            out[key] = [tighten(each, definitions, inside) for each in out[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), dict):
            out[key] = tighten(out[key], definitions, inside)
    if "properties" in out:
        required = out.get("required", [])
        out["properties"] = {
            name: tighten(each, definitions, inside) if name in required else _optional(each, definitions, inside)
            for name, each in out["properties"].items()
        }
        out.update(required=list(required), additionalProperties=False)
    return out


def offered(node: Any, *, strict: bool) -> Any:
    """The inner form as it goes on the wire: without our own keywords; in strict mode every property is required."""
    if isinstance(node, list):
        return [offered(each, strict=strict) for each in node]
    if not isinstance(node, dict):
        return node
    out: Schema = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):
            out[key] = {name: offered(each, strict=strict) for name, each in value.items()}
        elif key == "enum":
            out[key] = value
        elif key not in (OPTIONAL, DEFAULT):
            out[key] = offered(value, strict=strict)
    if strict and "properties" in out:
        out["required"] = list(out["properties"])
    return out


def strict_faults(schema: Schema) -> tuple[str, ...]:
    """Why OpenAI's strict mode would refuse this schema; empty when it would not."""
    if schema.get("type") != "object" or "anyOf" in schema or "properties" not in schema:
        return ("the parameters are not one closed object",)
    faults = list(_faults(schema, "", 0))
    nodes = list(_nodes(schema))
    names = [name for node in nodes for name in (*node.get("properties", ()), *node.get("$defs", ()))]
    values = [value for node in nodes for value in node.get("enum", ())]
    if sum(len(node.get("properties", ())) for node in nodes) > _MOST_PROPERTIES:
        faults.append(f"it has more than {_MOST_PROPERTIES:,} properties")
    if len(values) > _MOST_ENUM_VALUES:
        faults.append(f"it lists more than {_MOST_ENUM_VALUES:,} allowed values")
    if sum(map(len, names)) + sum(len(str(value)) for value in values) > _MOST_NAME_CHARACTERS:
        faults.append(f"its names and allowed values have more than {_MOST_NAME_CHARACTERS:,} characters")
    return tuple(faults)


def _faults(node: Any, path: str, depth: int) -> Iterator[str]:
    where = f'"{path}"' if path else "the parameters"
    if not isinstance(node, dict):
        yield f"{where} has no schema of its own"
        return
    unknown = sorted(set(node) - _KEPT)
    if unknown:
        yield f"{where} uses {', '.join(unknown)}"
    if not {"type", "anyOf", "$ref", "const"} & set(node):
        yield f"{where} has no type"
    if "$ref" in node and len(node) > 1:
        yield f"{where} has keywords beside $ref"
    if depth > _DEEPEST:
        yield f"{where} is nested more than {_DEEPEST} levels deep"
        return
    yield from _object_faults(node, where)
    for name, each in _children(node):
        deeper = depth + (name not in ("", "[]"))
        yield from _faults(each, f"{path}{'.' if path and name not in ('', '[]') else ''}{name}", deeper)


def _object_faults(node: Schema, where: str) -> Iterator[str]:
    types = node.get("type")
    if "array" in (types if isinstance(types, list) else [types]) and "items" not in node:
        yield f"{where} is a list of anything"
    if "object" not in (types if isinstance(types, list) else [types]):
        return
    if "properties" not in node:
        yield f"{where} is an object with open keys"
    elif node.get("additionalProperties") is not False:
        yield f"{where} allows additional properties"
    elif set(node.get("required", ())) != set(node["properties"]):
        yield f"{where} does not require all its properties"


def _children(node: Schema) -> Iterator[tuple[str, Any]]:
    """The schemas right below one, each with what its path is longer by: "" for a branch of a union."""
    yield from node.get("properties", {}).items()
    yield from ((f"$defs.{name}", each) for name, each in node.get("$defs", {}).items())
    yield from (("", each) for each in node.get("anyOf", ()))
    if "items" in node:
        yield "[]", node["items"]


def _nodes(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        yield node
        for _, each in _children(node):
            yield from _nodes(each)


def _keywords(node: Schema) -> Schema:
    out = {key: value for key, value in node.items() if key not in _CHECKED_BY_PYDANTIC}
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if "oneOf" in out:
        out["anyOf"] = out.pop("oneOf")
    if out.get("format") not in _FORMATS:
        out.pop("format", None)
    if any(group in str(out.get("pattern", "")) for group in ("(?=", "(?!", "(?<")):
        out.pop("pattern")
    if "enum" in out and "type" not in out:
        out["type"] = _types_of(out["enum"])
    return out


def _optional(node: Schema, definitions: Mapping[str, Schema], inside: frozenset[str]) -> Schema:
    tight = tighten(node, definitions, inside)
    described = str(tight.pop("description", ""))
    out = _nullable(tight)
    meaning = "Null means the default."
    if "default" in node:
        out[DEFAULT] = node["default"]
        if node["default"] is not None:
            meaning = f"Null means the default: {json.dumps(node['default'], ensure_ascii=False)}."
    return {**out, "description": f"{described} {meaning}".strip(), OPTIONAL: True}


def _nullable(node: Schema) -> Schema:
    if not node or "$ref" in node or "prefixItems" in node:
        return {"anyOf": [node, {"type": "null"}]} if node else {}
    if "anyOf" in node:
        known = any(each.get("type") == "null" for each in node["anyOf"])
        return node if known else {**node, "anyOf": [*node["anyOf"], {"type": "null"}]}
    types = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
    if "object" in types or "array" in types:
        return {"anyOf": [node, {"type": "null"}]}
    out = {**node, "type": [*types, *(["null"] if "null" not in types else [])]}
    if len(out["type"]) == 1:
        out["type"] = out["type"][0]
    if "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out


def _types_of(values: list[Any]) -> str | list[str]:
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
    found = list(dict.fromkeys(names.get(type(value), "string") for value in values))
    return found[0] if len(found) == 1 else found
