"""What a program asks, as the event that begins its run. Pure but for the names that it is given."""

import json
from collections.abc import Mapping

from bot.api.alone import TEAM, THE_PROGRAM
from bot.api.responses import as_json
from bot.api.shapes import Json
from bot.core.events import Asked
from bot.core.values import Place, RunId
from bot.errors import AdapterConfigurationError

_OURS = {
    "input": "pass messages=",
    "stream": "use run_stream",
    "background": "a run waits for its response",
}


def asked_for(
    run_id: RunId,
    *,
    messages: object,
    model: object,
    instructions: object = None,
    temperature: object = None,
    extra_create_args: object = None,
) -> Asked:
    """A run's first event. Raises AdapterConfigurationError for a parameter that no model call could be made with."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list | tuple) or not messages:
        raise AdapterConfigurationError("messages must be a list of messages, at least one.")
    written = as_json(list(messages))
    strange = next((n for n, message in enumerate(written) if not isinstance(message, dict)), None)
    if strange is not None:
        raise AdapterConfigurationError(f"messages[{strange}] must be a dict, not {type(messages[strange]).__name__}.")
    if not isinstance(model, str) or not model:
        raise AdapterConfigurationError(f"model must be the name of a model, not {model!r}.")
    if instructions is not None and not isinstance(instructions, str):
        raise AdapterConfigurationError("instructions must be a text, or None.")
    if temperature is not None and (isinstance(temperature, bool) or not isinstance(temperature, int | float)):
        raise AdapterConfigurationError("temperature must be a number, or None.")
    brief = {
        "messages": written,
        "model": model,
        "instructions": instructions,
        "temperature": temperature,
        "extra_create_args": {name: value for name, value in _extra(extra_create_args).items() if _travels(value)},
        "model_call": True,
    }
    text = _last_words(brief["messages"])
    return _asked(run_id, text, brief)


def asked_for_one_call(run_id: RunId, tool: str) -> Asked:
    """The first event of a run of one call, which no model proposed and none is told about."""
    return _asked(run_id, tool, {"messages": [], "model_call": False})


def _extra(given: object) -> Json:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise AdapterConfigurationError("extra_create_args must be a dict of arguments of responses.create.")
    for name, remedy in _OURS.items():
        if name in given:
            raise AdapterConfigurationError(f"extra_create_args may not have {name!r}: {remedy}.")
    return dict(given)


def _travels(value: object) -> bool:
    """Whether JSON can carry it to another process; what it cannot stays with the model of this one (`remember_extras`)."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _last_words(messages: list[Json]) -> str:
    """The last thing that a person wrote, for whoever judges."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else []
            return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)).strip()
    return ""


def _asked(run_id: RunId, text: str, brief: Json) -> Asked:
    try:
        told = json.dumps(brief, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise AdapterConfigurationError(f"the request cannot be written as JSON: {error}.") from None
    return Asked(THE_PROGRAM, Place(TEAM, "", run_id), run_id, text, brief=told)
