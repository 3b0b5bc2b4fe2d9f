"""OpenAI's rules for strict schemas, written down a second time and on purpose without the product's code."""

from typing import Any

KEYWORDS = {
    "type", "enum", "const", "anyOf", "items", "properties", "required", "additionalProperties", "description", "$ref", "$defs",
    "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
}  # fmt: skip
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
TYPES = {"string", "number", "boolean", "integer", "object", "array", "null"}


def violations(schema: dict[str, Any]) -> list[str]:
    found = [] if schema.get("type") == "object" and "anyOf" not in schema else ["the root is no object"]
    return found + _below(schema, "$", schema.get("$defs", {}))


def _below(node: Any, path: str, definitions: dict[str, Any]) -> list[str]:
    if not isinstance(node, dict):
        return [f"{path}: no schema"]
    found = [f"{path}: {key}" for key in node if key not in KEYWORDS]
    if "$ref" in node:
        known = node["$ref"].removeprefix("#/$defs/") in definitions
        return [*found, *([] if known and len(node) == 1 else [f"{path}: $ref"])]
    types = node.get("type", [])
    types = types if isinstance(types, list) else [types]
    if not types and "anyOf" not in node:
        found.append(f"{path}: neither type nor anyOf")
    if not set(types) <= TYPES or node.get("format", "date") not in FORMATS:
        found.append(f"{path}: {types} {node.get('format')}")
    if "enum" in node and not node["enum"]:
        found.append(f"{path}: empty enum")
    if "object" in types and (
        node.get("additionalProperties") is not False or node.get("required") != list(node.get("properties", {"": 0}))
    ):
        found.append(f"{path}: not closed")
    if "array" in types and "items" not in node:
        found.append(f"{path}: items")
    children = {**node.get("properties", {}), **{f"anyOf{n}": each for n, each in enumerate(node.get("anyOf", []))}}
    children |= {f"$defs.{name}": each for name, each in node.get("$defs", {}).items()}
    children |= {"[]": node["items"]} if "items" in node else {}
    return found + [fault for name, each in children.items() for fault in _below(each, f"{path}.{name}", definitions)]
