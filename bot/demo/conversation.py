"""The input of a request as a conversation: who said what, which calls were proposed, what came of them. Only reading;
what to answer is `scripted_model`'s part.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the bot said about a call: its `function_call_output` as far as it could be read."""

    status: str
    reason: str = ""
    output: Any = None
    better_action: str = ""
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that the model proposed before; `arguments` is empty if they were no JSON object."""

    call_id: str
    name: str
    arguments: JsonObject


@dataclass(slots=True)
class Conversation:
    """`asked` are the user's messages, oldest first; `new_words` those that the model has not answered yet;
    `unreported` the outcomes that it has not spoken about; `turns` the calls of each of its turns."""

    asked: list[str] = field(default_factory=list)
    new_words: list[str] = field(default_factory=list)
    unreported: list[tuple[PastCall, Outcome]] = field(default_factory=list)
    turns: list[list[PastCall]] = field(default_factory=list)
    last_answer: str = ""
    calls_since_asked: list[str] = field(default_factory=list)


def read_conversation(given: Any) -> Conversation:
    """Read `input`, a text or the list of items, of a request that was found valid."""
    conversation = Conversation()
    calls: dict[str, PastCall] = {}
    in_turn = False
    for item in _items(given):
        kind = item.get("type", "message")
        if kind == "function_call":
            call = PastCall(item["call_id"], item["name"], _json_object(item["arguments"]))
            calls[call.call_id] = call
            _propose(conversation, call, in_turn)
        elif kind == "function_call_output":
            conversation.unreported.append((calls[item["call_id"]], read_outcome(item["output"])))
        elif kind == "message":
            _say(conversation, item["role"], text_of(item["content"]))
        in_turn = kind == "function_call"
    return conversation


def read_outcome(output: Any) -> Outcome:
    """Read one `function_call_output`. What is no JSON object with a `status` is quoted as it came."""
    text = text_of(output)
    fields = _json_object(text)
    if not isinstance(fields.get("status"), str):
        return Outcome("unknown", output=text)
    return Outcome(
        # The founding README's status is coarser than the outcome: "blocked" is also what a denial is called there.
        status=_first_text(fields, ("outcome", "status")),
        reason=_first_text(fields, ("reason", "error", "message", "comment")),
        output=fields.get("output", fields.get("result")),
        better_action=_first_text(fields, ("better_action",)),
        by=_first_text(fields, ("by", "decided_by", "denied_by")),
        note=_first_text(fields, ("note",)),
    )


def text_of(content: Any) -> str:
    """The text of a message's content or a call's output: a string, or the texts of its parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or () if isinstance(part, dict))


def _items(given: Any) -> Iterator[Mapping[str, Any]]:
    yield from [{"role": "user", "content": given}] if isinstance(given, str) else given


def _propose(conversation: Conversation, call: PastCall, in_turn: bool) -> None:
    if not in_turn:
        conversation.turns.append([])
    conversation.turns[-1].append(call)
    conversation.calls_since_asked.append(call.name)
    conversation.new_words.clear()


def _say(conversation: Conversation, role: str, text: str) -> None:
    if role == "user":
        conversation.asked.append(text)
        conversation.new_words.append(text)
        conversation.calls_since_asked.clear()
    elif role == "assistant":
        conversation.last_answer = text
        conversation.new_words.clear()
        conversation.unreported.clear()


def _first_text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if isinstance(fields.get(name), str) and fields[name]), "")


def _json_object(text: str) -> JsonObject:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
