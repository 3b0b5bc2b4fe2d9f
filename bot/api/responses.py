"""What a model's client answers, read: a response of any shape becomes a `Reply`, a raw stream event becomes an event of the
README. Pure; asking is `model`'s part, and calling the client `clients`'.

Rules
1. A response may be a dict, an object of the SDK or a fake with the same attributes; nothing but plain JSON leaves this file.
2. Only a response that is complete is an answer. One that failed, was cut or is not finished is an error, in words.
3. What is kept is what came, apart from what the SDK itself adds; what must go before it can be sent again goes at sending.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from bot.core.redact import redact_text
from bot.ports import Rejected, Reply, Unavailable, Wish

Json = dict[str, Any]

DEEPEST = 8
_ADDED_BY_THE_SDK = frozenset({"parsed", "parsed_arguments"})
# What an item or a part is read for; an object may have them as attributes of its class.
_FIELDS = (
    *("type", "id", "call_id", "name", "arguments", "role", "status", "content", "text", "refusal", "summary"),
    *("encrypted_content", "code", "message", "reason", "input_tokens", "output_tokens", "total_tokens"),
)
_MAY_LOSE_ITS_ID = frozenset({"message", "function_call", "custom_tool_call"})
_PASSES = frozenset({"server_error", "rate_limit_exceeded"})
_ENDS = frozenset({"response.completed", "response.done", "response.incomplete", "response.failed"})
_CUT = {"max_output_tokens": "the longest answer that it may give", "content_filter": "the provider's content filter"}


def plain(response: object) -> Json:
    """A response of any shape as ``{id, status, output, output_text, error, incomplete_details, usage}``.

    ``output`` is a list of JSON objects, whose function calls have a ``call_id`` and their arguments as JSON text.
    Raises `Unavailable` for what is no response.
    """
    output, text = _got(response, "output"), _got(response, "output_text")
    if response is None or isinstance(response, str | bytes) or (output is None and not isinstance(text, str)):
        raise _nonsense("no response")
    if output is not None and not isinstance(output, list | tuple):
        raise _nonsense("no output")
    items = [_item(number, each) for number, each in enumerate(output or ())]
    status, name = _got(response, "status"), _got(response, "id")
    return {
        "id": name if isinstance(name, str) else "",
        "status": status if isinstance(status, str) and status else "completed",
        "output": items,
        "output_text": text if isinstance(text, str) and text else "".join(_words(items)),
        **{field: as_json(_got(response, field)) for field in ("error", "incomplete_details", "usage")},
    }


def reply_of(response: Json) -> Reply:
    """The `Reply` of a plain response; raises `Rejected` for one that is no answer, `Unavailable` where it may become one."""
    _check_status(response)
    calls = [item for item in response["output"] if item.get("type") == "function_call"]
    wishes = tuple(Wish(item["call_id"], item["name"], item["arguments"]) for item in calls)
    if len({wish.wire for wish in wishes}) < len(wishes):
        raise _nonsense("two calls with the same id")
    items, text = json.dumps(response["output"], separators=(",", ":")), response["output_text"]
    try:
        "".join((text, *(part for wish in wishes for part in (wish.wire, wish.action, wish.arguments)))).encode()
    except UnicodeEncodeError as error:
        raise _nonsense("broken Unicode") from error
    tokens = _got(response["usage"], "total_tokens")
    return Reply(items, text, wishes, tokens if isinstance(tokens, int) else 0, response["id"])


def replayable(items: Sequence[object]) -> list[object]:
    """Items of earlier turns as a server takes them that keeps nothing.

    It knows reasoning only by its encrypted content; where a turn's reasoning came without, that goes, and with it the ids
    by which the server would look for it, and what cannot be told without an id.
    """
    told: list[object] = []
    turn: list[object] = []
    for item in items:
        if _got(item, "type") == "function_call_output":
            told += [*_without_lost_reasoning(turn), item]
            turn = []
        else:
            turn.append(item)
    return told + _without_lost_reasoning(turn)


class StreamReader:
    """Reads one response's stream: `told` says what a raw event means for the program, ``final`` is the response at its end."""

    def __init__(self) -> None:
        self.final: object = None
        self._response: object = None
        self._calls: dict[object, tuple[object, object]] = {}

    def told(self, raw: object) -> Json | None:
        """The README's event for a raw one, or None. Ids and names that it lacks are known from the stream's earlier events."""
        kind = _got(raw, "type")
        response = _got(raw, "response")
        self._response = _got(raw, "response_id") or _got(response, "id") or self._response
        if kind in _ENDS and _got(response, "output") is not None:
            self.final = response
        event = self._event(kind, raw)
        return None if event is None else {**event, "response_id": self._response}

    def _event(self, kind: object, raw: object) -> Json | None:
        match kind:
            case "response.output_text.delta":
                return {"type": "llm_delta", "delta": _text(raw, "delta")}
            case "response.output_text.done":
                return {"type": "llm_text_done", "text": _text(raw, "text")}
            case "response.refusal.delta":
                return {"type": "refusal_delta", "delta": _text(raw, "delta")}
            case "response.output_item.added":
                item, index = _got(raw, "item"), _got(raw, "output_index")
                self._calls[index] = (_got(item, "call_id"), _got(item, "name"))
                return {"type": "output_item_added", "item_type": _got(item, "type"), "output_index": index}
            case "response.function_call_arguments.delta":
                call = self._call(raw)
                return {"type": "function_call_args_delta", "delta": _text(raw, "delta"), **call}
            case "response.function_call_arguments.done":
                call, name = self._call(raw), _got(raw, "name") or self._known(raw)[1]
                return {"type": "function_call_args_done", "arguments": _text(raw, "arguments"), "name": name, **call}
            case "response.completed" | "response.done":
                return {"type": "response_done"}
            case "response.failed":
                error = _got(raw, "error") or _got(_got(raw, "response"), "error")
                return {"type": "response_failed", "error": as_json(error)}
            case _:
                return None

    def _call(self, raw: object) -> Json:
        return {"call_id": _got(raw, "call_id") or self._known(raw)[0], "output_index": _got(raw, "output_index")}

    def _known(self, raw: object) -> tuple[object, object]:
        return self._calls.get(_got(raw, "output_index"), (None, None))


def as_json(value: object, depth: int = 0) -> Any:
    """``value`` as plain JSON: an object by its own dump or by its attributes."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(k): as_json(v, depth) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(each, depth) for each in value]
    if depth > DEEPEST or isinstance(value, type):
        return str(value)
    fields = {k: as_json(v, depth + 1) for k, v in _dumped(value).items() if k not in _ADDED_BY_THE_SDK}
    return fields if fields or getattr(value, "__dict__", None) else str(value)


def _dumped(value: object) -> Mapping[str, Any]:
    """An object's fields. Of the SDK's those that came; of any other those that say something."""
    if isinstance(value, BaseModel):
        fields = {
            field.alias or name: (name, getattr(value, name, None)) for name, field in type(value).model_fields.items()
        }
        came = value.model_fields_set
        return {k: v for k, (name, v) in fields.items() if v is not None or name in came} | (value.model_extra or {})
    if callable(dump := getattr(value, "model_dump", None)) and isinstance(dumped := dump(), Mapping):
        return dumped
    # A mock has an attribute for every name: callable, so never taken for a field.
    found = {name: getattr(value, name, None) for name in (*_FIELDS, *getattr(value, "__dict__", {}))}
    return {k: v for k, v in found.items() if v is not None and not callable(v) and not k.startswith("_")}


def _item(number: int, value: object) -> Json:
    item = as_json(value)
    if not isinstance(item, dict):
        raise _nonsense("an item that is no object")
    if item.get("type") != "function_call":
        return item
    arguments = item.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps({} if arguments is None else arguments)
    if not isinstance(item.get("name"), str) or not item["name"]:
        raise _nonsense("a call without a name")
    wire = item.get("call_id") or item.get("id") or f"call_{number}"
    return {**item, "call_id": str(wire), "arguments": arguments or "{}"}


def _words(items: Iterable[Json]) -> Iterator[str]:
    for item in items:
        content = item.get("content") if item.get("type") != "reasoning" else None
        if isinstance(content, str):
            yield content
        for part in content if isinstance(content, list) else ():
            spoken = (part.get("text") or part.get("refusal")) if isinstance(part, dict) else None
            if isinstance(spoken, str):
                yield spoken


def _check_status(response: Json) -> None:
    match response["status"]:
        case "completed":
            return
        case "failed":
            error = response["error"]
            message, code = _got(error, "message"), _got(error, "code")
            said = redact_text(str(message or code or "no reason was given"))[:300]
            kind = Unavailable if code in _PASSES else Rejected
            raise kind(f"The model's response failed: {said}")
        case "incomplete":
            reason = str(_got(response["incomplete_details"], "reason") or "a limit that was not named")
            raise Rejected(f"The model's response is incomplete: it was cut at {_CUT.get(reason, reason)}.")
        case "cancelled":
            raise Rejected("The model's response was cancelled.")
        case other:
            raise Rejected(f"The model's response is not finished: its status is {other[:40]!r}.")


def _without_lost_reasoning(turn: Sequence[object]) -> list[object]:
    lost = [item for item in turn if _got(item, "type") == "reasoning" and not _got(item, "encrypted_content")]
    if not lost:
        return list(turn)
    kept: list[object] = []
    for item in turn:
        kind = _got(item, "type") or "message"
        if isinstance(item, dict) and kind in _MAY_LOSE_ITS_ID:
            kept.append({name: value for name, value in item.items() if name != "id"})
        elif kind == "reasoning" and _got(item, "encrypted_content"):
            kept.append(item)
    return kept


def _got(value: object, name: str) -> Any:
    """A field of a dict or of an object; None for one that only a mock would say it has, or that only says what it lacks."""
    try:
        found = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    except TypeError:  # the SDK's `output_text` of a response without output
        return None
    return None if callable(found) else found


def _text(raw: object, name: str) -> str:
    found = _got(raw, name)
    return found if isinstance(found, str) else ""


def _nonsense(what: str) -> Unavailable:
    return Unavailable(f"The model's answer is nonsense ({what}).")
