"""OpenAI's Responses API on the wire, from the server's side: a `Reply` becomes a response object, and the response
becomes the events of a stream. What a reply says is decided by the scripted model and by the tests' model server; what
a request may contain is decided in `responses_rules`.
"""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from bot.demo.responses_rules import Refusal, refusal_of, sealed_reasoning

JsonObject = dict[str, Any]

_ECHOED_DEFAULTS: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


class Ending(StrEnum):
    """How a response ends; the values are OpenAI's `status`."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A function call that the model wishes for; `arguments` is the text as it goes out, valid JSON or not."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What one response says, in the order of its output items: reasoning, then text or refusal, then calls."""

    text: str = ""
    calls: tuple[ProposedCall, ...] = ()
    refusal: str = ""
    reasoning: bool = False
    ending: Ending = Ending.COMPLETED
    ending_reason: str = ""


async def read_request(request: Request) -> JsonObject | Refusal:
    """The body of `POST /v1/responses`, or why OpenAI would not take it."""
    if not request.headers.get("authorization", "").removeprefix("Bearer ").strip():
        return Refusal("You didn't provide an API key.", status=401, code="invalid_api_key")
    try:
        body = json.loads(await request.body())
    except ValueError:
        return Refusal("We could not parse the JSON body of your request.")
    if not isinstance(body, dict):
        return Refusal("We expected a JSON object as the body of your request.")
    return refusal_of(body) or body


def refusal_response(refusal: Refusal) -> Response:
    """OpenAI's error shape: `{"error": {message, type, param, code}}`."""
    return JSONResponse(refusal.body(), status_code=refusal.status, headers=_headers())


def reply_response(request: Mapping[str, Any], reply: Reply, *, model: str, pace: float = 0.0) -> Response:
    """`reply` as one JSON object or, if the request says `stream`, as server-sent events `pace` seconds apart."""
    response = build_response(request, reply, model=model)
    if not request.get("stream"):
        return JSONResponse(response, headers=_headers())
    return StreamingResponse(_paced(response, pace), media_type="text/event-stream", headers=_headers())


def build_response(request: Mapping[str, Any], reply: Reply, *, model: str) -> JsonObject:
    """The whole response object, fields as in OpenAI's reference, with fresh ids and plausible token counts."""
    output = _output_items(request, reply)
    now = int(time.time())
    completed = reply.ending is Ending.COMPLETED
    return {
        "id": _new_id("resp"),
        "object": "response",
        "created_at": now,
        "status": reply.ending.value,
        "completed_at": now if completed else None,
        "error": _error(reply),
        "incomplete_details": {"reason": reply.ending_reason} if reply.ending is Ending.INCOMPLETE else None,
        **{name: default if request.get(name) is None else request[name] for name, default in _ECHOED_DEFAULTS.items()},
        "model": model,
        "output": output,
        "usage": _usage(request, output) if reply.ending is not Ending.FAILED else None,
    }


def stream_events(response: JsonObject) -> Iterator[JsonObject]:
    """The events that build up `response`, in OpenAI's order and numbered from 0."""
    for number, event in enumerate(_events(response)):
        yield {**event, "sequence_number": number}


def sse(event: Mapping[str, Any]) -> bytes:
    """One event as bytes of a `text/event-stream`."""
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


async def _paced(response: JsonObject, pace: float) -> AsyncIterator[bytes]:
    for event in stream_events(response):
        if pace and event["type"].endswith(".delta"):
            await asyncio.sleep(pace)
        yield sse(event)


def _events(response: JsonObject) -> Iterator[JsonObject]:
    unfinished = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    unfinished |= {"error": None, "incomplete_details": None}
    yield {"type": "response.created", "response": unfinished}
    yield {"type": "response.in_progress", "response": unfinished}
    for index, item in enumerate(response["output"]):
        yield from _item_events(index, item)
    yield {"type": f"response.{response['status']}", "response": response}


def _item_events(index: int, item: JsonObject) -> Iterator[JsonObject]:
    where = {"output_index": index}
    yield {"type": "response.output_item.added", **where, "item": _unfilled(item)}
    where["item_id"] = item["id"]
    match item["type"]:
        case "message":
            for content_index, part in enumerate(item["content"]):
                yield from _part_events({**where, "content_index": content_index}, part)
        case "function_call":
            for piece in _pieces(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", **where, "delta": piece}
            done = {"name": item["name"], "arguments": item["arguments"]}
            yield {"type": "response.function_call_arguments.done", **where, **done}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part_events(where: Mapping[str, Any], part: JsonObject) -> Iterator[JsonObject]:
    field, kind = ("text", "output_text") if part["type"] == "output_text" else ("refusal", "refusal")
    extra: JsonObject = {"logprobs": []} if kind == "output_text" else {}
    yield {"type": "response.content_part.added", **where, "part": {**part, field: ""}}
    for piece in _pieces(part[field]):
        yield {"type": f"response.{kind}.delta", **where, "delta": piece, **extra}
    yield {"type": f"response.{kind}.done", **where, field: part[field], **extra}
    yield {"type": "response.content_part.done", **where, "part": part}


def _unfilled(item: JsonObject) -> JsonObject:
    match item["type"]:
        case "message":
            return {**item, "status": "in_progress", "content": []}
        case "function_call":
            return {**item, "status": "in_progress", "arguments": ""}
        case "reasoning" if item.get("encrypted_content"):
            # OpenAI warns that this one may be incomplete; a client that keeps it must notice here first.
            return {**item, "encrypted_content": item["encrypted_content"][:24]}
        case _:
            return item


def _output_items(request: Mapping[str, Any], reply: Reply) -> list[JsonObject]:
    cut = "completed" if reply.ending is Ending.COMPLETED else "incomplete"
    items: list[JsonObject] = []
    if reply.reasoning:
        items.append(_reasoning_item(request))
    if reply.text or reply.refusal:
        part: JsonObject = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        if reply.refusal:
            part = {"type": "refusal", "refusal": reply.refusal}
        message = {"id": _new_id("msg"), "type": "message", "role": "assistant", "status": cut, "content": [part]}
        items.append({**message, "phase": "commentary" if reply.calls else "final_answer"})
    for call in reply.calls:
        wish = {"call_id": _new_id("call"), "name": call.name, "arguments": call.arguments}
        items.append({"id": _new_id("fc"), "type": "function_call", "status": cut, **wish})
    return items


def _reasoning_item(request: Mapping[str, Any]) -> JsonObject:
    item: JsonObject = {"id": _new_id("rs"), "type": "reasoning", "summary": []}
    if "reasoning.encrypted_content" in (request.get("include") or ()):
        item["encrypted_content"] = sealed_reasoning(item["id"])
    return item


def _error(reply: Reply) -> JsonObject | None:
    if reply.ending is not Ending.FAILED:
        return None
    return {"code": reply.ending_reason or "server_error", "message": "The model failed to generate a response."}


def _usage(request: Mapping[str, Any], output: list[JsonObject]) -> JsonObject:
    # About four characters a token: good enough for a figure that must only be there and be consistent.
    read = 1 + len(json.dumps([request.get(name) for name in ("instructions", "input", "tools")])) // 4
    written = 1 + len(json.dumps(output)) // 4
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S{1,40}|\s+", text)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


def _headers() -> dict[str, str]:
    return {"x-request-id": _new_id("req"), "openai-version": "2020-10-01"}
