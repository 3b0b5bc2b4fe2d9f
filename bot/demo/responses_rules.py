"""What OpenAI's Responses API takes as a request. A client that passes here also passes there on these points:

1. Nothing is stored, so `previous_response_id`, `conversation` and item references lead nowhere.
2. Each `function_call` has exactly one `function_call_output`, after it; no output stands alone.
3. A reasoning item comes back with the encrypted content that it was given, and its next item with it.
4. A strict schema closes every object, requires every property and uses no keyword outside the subset.

The wording follows OpenAI's own errors where they are known. Building answers is `responses_wire`'s part.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEAL_MARK = "signoff-scripted."
_NOT_PERMITTED = frozenset(
    {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"}
)
_SAYS_ITS_TYPE = ("type", "anyOf", "$ref", "enum", "const")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken, in OpenAI's fields."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400
    type: str = "invalid_request_error"

    def body(self) -> dict[str, Any]:
        """The JSON that goes out."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def refusal_of(body: Mapping[str, Any]) -> Refusal | None:
    """The first reason not to take `body`, the parsed JSON of `POST /v1/responses`; None if there is none."""
    return next(_refusals(body), None)


def sealed_reasoning(item_id: str) -> str:
    """Encrypted content that only this item may carry; there is nothing in it to decrypt."""
    digest = hashlib.sha256(f"signoff scripted reasoning {item_id}".encode()).digest()
    return _SEAL_MARK + base64.urlsafe_b64encode(digest * 4).decode()


def _refusals(body: Mapping[str, Any]) -> Iterator[Refusal]:
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield Refusal("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    if (previous := body.get("previous_response_id")) is not None:
        message = f"Previous response with id '{previous}' not found."
        yield Refusal(message, "previous_response_id", "previous_response_not_found")
    if body.get("conversation") is not None:
        yield Refusal("Conversations are not kept here.", "conversation", "unsupported_parameter")
    yield from _input_refusals(body.get("input"))
    yield from _tools_refusals(body.get("tools") or [])


def _input_refusals(given: Any) -> Iterator[Refusal]:
    if isinstance(given, str):
        return
    if not isinstance(given, list) or not given:
        yield Refusal("Missing required parameter: 'input'.", "input", "missing_required_parameter")
        return
    for position, item in enumerate(given):
        yield from _item_refusals(f"input[{position}]", item)
    yield from _pairing_refusals(given)
    yield from _reasoning_refusals(given)


def _item_refusals(where: str, item: Any) -> Iterator[Refusal]:
    if not isinstance(item, dict):
        yield Refusal(f"Invalid type for '{where}': expected an object.", where, "invalid_type")
        return
    match item.get("type", "message"):
        case "message":
            yield from _message_refusals(where, item)
        case "function_call":
            yield from _text_field_refusals(where, item, ("call_id", "name", "arguments"))
        case "function_call_output":
            yield from _text_field_refusals(where, item, ("call_id",))
            if not isinstance(item.get("output"), str | list):
                yield Refusal(f"Missing required parameter: '{where}.output'.", f"{where}.output", "invalid_type")
        case "reasoning":
            yield from _text_field_refusals(where, item, ("id",))
        case "item_reference":
            yield _not_kept(item.get("id"))
        case other:
            yield Refusal(f"Invalid value: '{other}'.", f"{where}.type", "invalid_value")


def _message_refusals(where: str, item: Mapping[str, Any]) -> Iterator[Refusal]:
    if item.get("role") not in ("user", "assistant", "system", "developer"):
        yield Refusal(f"Invalid value: '{item.get('role')}'.", f"{where}.role", "invalid_value")
    content = item.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        yield Refusal(f"Missing required parameter: '{where}.content'.", f"{where}.content", "invalid_type")
        return
    allowed = ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text",)
    for position, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed:
            supported = ", ".join(f"'{name}'" for name in allowed)
            message = f"Invalid value: '{kind}'. Supported values are: {supported}."
            yield Refusal(message, f"{where}.content[{position}]", "invalid_value")


def _text_field_refusals(where: str, item: Mapping[str, Any], fields: Sequence[str]) -> Iterator[Refusal]:
    for field in fields:
        if not isinstance(item.get(field), str):
            path = f"{where}.{field}"
            yield Refusal(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def _pairing_refusals(items: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    waiting: set[str] = set()
    answered: set[str] = set()
    for item in items:
        call_id = str(item.get("call_id"))
        if item.get("type") == "function_call":
            if call_id in waiting | answered:
                yield Refusal(f"Duplicate function call with call_id {call_id}.", "input")
            waiting.add(call_id)
        elif item.get("type") == "function_call_output":
            if call_id in answered:
                yield Refusal(f"Duplicate tool output found for function call {call_id}.", "input")
            elif call_id not in waiting:
                yield Refusal(f"No tool call found for function call output with call_id {call_id}.", "input")
            waiting.discard(call_id)
            answered.add(call_id)
    for call_id in sorted(waiting):
        yield Refusal(f"No tool output found for function call {call_id}.", "input")


def _reasoning_refusals(items: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    for item, following in zip(items, [*items[1:], {}], strict=True):
        if item.get("type") != "reasoning":
            continue
        item_id, sealed = str(item["id"]), item.get("encrypted_content")
        if not sealed:
            yield _not_kept(item_id)
        elif not isinstance(sealed, str) or (sealed.startswith(_SEAL_MARK) and sealed != sealed_reasoning(item_id)):
            message = f"The encrypted content for item {item_id} could not be verified."
            yield Refusal(message, "input", "invalid_encrypted_content")
        made_by_model = following.get("role") == "assistant" or following.get("type") in ("function_call", "reasoning")
        if not made_by_model:
            message = f"Item '{item_id}' of type 'reasoning' was provided without its required following item."
            yield Refusal(message, "input")


def _not_kept(item_id: object) -> Refusal:
    message = f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false."
    remedy = "Try again with `store` set to true, or remove this item from your input."
    return Refusal(f"{message} {remedy}", "input", status=404)


def _tools_refusals(tools: Any) -> Iterator[Refusal]:
    if not isinstance(tools, list):
        yield Refusal("Invalid type for 'tools': expected an array of objects.", "tools", "invalid_type")
        return
    names: set[str] = set()
    for position, tool in enumerate(tools):
        where = f"tools[{position}]"
        if not isinstance(tool, dict) or tool.get("type") != "function":
            yield Refusal("Only function tools are offered here.", f"{where}.type", "unsupported_value")
            continue
        name = tool.get("name")
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            message = f"Invalid '{where}.name': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'."
            yield Refusal(message, f"{where}.name", "invalid_value")
        elif name in names:
            yield Refusal(f"Tool names must be unique: '{name}'.", f"{where}.name", "invalid_value")
        names.add(str(name))
        for fault in _parameters_faults(tool):
            message = f"Invalid schema for function '{name}': {fault}"
            yield Refusal(message, f"{where}.parameters", "invalid_function_parameters")


def _parameters_faults(tool: Mapping[str, Any]) -> Iterator[str]:
    schema = tool.get("parameters")
    if schema is None and not tool.get("strict"):
        return
    if not isinstance(schema, dict) or schema.get("type") != "object":
        kind = schema.get("type") if isinstance(schema, dict) else None
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    elif tool.get("strict"):
        yield from _strict_faults(schema, ())


def _strict_faults(schema: Any, path: tuple[str, ...]) -> Iterator[str]:
    where = f"In context={path!r}"
    if not isinstance(schema, dict):
        yield f"{where}, schema must be an object."
        return
    for keyword in sorted(_NOT_PERMITTED & schema.keys()):
        yield f"{where}, '{keyword}' is not permitted."
    if not any(key in schema for key in _SAYS_ITS_TYPE):
        yield f"{where}, schema must have a 'type' key."
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "object" in kinds or "properties" in schema:
        yield from _closed_object_faults(schema, where)
    if "array" in kinds and "items" not in schema:
        yield f"{where}, array schema missing items."
    for step, inner in _inner_schemas(schema):
        yield from _strict_faults(inner, (*path, *step))


def _closed_object_faults(schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield f"{where}, 'additionalProperties' is required to be supplied and to be false."
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    properties = schema.get("properties") or {}
    for name in properties:
        if name not in required:
            rule = "'required' is required to be supplied and to be an array including every key in properties."
            yield f"{where}, {rule} Missing '{name}'."
    for name in required:
        if name not in properties:
            yield f"{where}, 'required' names '{name}', which is not in properties."


def _inner_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for group in ("properties", "$defs", "definitions"):
        if isinstance(schema.get(group), dict):
            yield from (((group, name), inner) for name, inner in schema[group].items())
    if isinstance(schema.get("anyOf"), list):
        yield from ((("anyOf", str(position)), inner) for position, inner in enumerate(schema["anyOf"]))
    if "items" in schema:
        yield (("items",), schema["items"])
