"""What is wrong with arguments, in sentences for the model and a person. Only words; the checks are in `schema.py`.

Rule: the value of a secret argument is never quoted, a value or a key is never quoted at length, and what is quoted
is escaped as on a card.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jsonschema.exceptions import ValidationError
from pydantic_core import ValidationError as ConversionError

from bot.core.canonical import visible
from bot.core.visible import visible_json

_MOST = 20
_LONGEST = 120
_NAMES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def validation_sentences(errors: Iterable[ValidationError], secret: Sequence[str] = ()) -> tuple[str, ...]:
    """One sentence per fault, those of a union as one. At most 20."""
    found = sorted(
        (each for error in errors for each in _inside(error)),
        key=lambda error: [str(step) for step in error.absolute_path],
    )
    return _at_most([_sentence(error, secret) for error in found])


def conversion_sentences(error: ConversionError, secret: Sequence[str] = ()) -> tuple[str, ...]:
    """As `validation_sentences`, for what only the Python type knows."""
    return _at_most([sentence for _, sentence in _unconverted(error, secret)])


def conversion_sentences_by_name(error: ConversionError, secret: Sequence[str] = ()) -> dict[str, str]:
    """The same, by the argument's name."""
    found: dict[str, list[str]] = {}
    for name, sentence in _unconverted(error, secret):
        found.setdefault(name, []).append(sentence)
    return {name: " ".join(_at_most(sentences)) for name, sentences in found.items()}


def _unconverted(error: ConversionError, secret: Sequence[str]) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        why = "." if name in secret else f": {visible(fault['msg'])[:_LONGEST]}."
        yield name, f"{_path(fault['loc'])} is not acceptable{why}"


def _inside(error: ValidationError) -> Iterator[ValidationError]:
    """The faults within the one branch of a union that was meant, if it is clear which one; else the error itself."""
    branches: dict[object, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(each.relative_schema_path[0], []).append(each)
    meant = [faults for faults in branches.values() if not any(_other_kind(each) for each in faults)]
    if error.validator == "anyOf" and len(meant) == 1:
        for each in meant[0]:
            yield from _inside(each)
    else:
        yield error


def _other_kind(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _sentence(error: ValidationError, secret: Sequence[str]) -> str:
    path = list(error.absolute_path)
    where = _path(path)
    hidden = bool(path) and str(path[0]) in secret
    instance: Any = error.instance
    expected: Any = error.validator_value
    known: Any = error.schema
    match error.validator:
        case "required" if isinstance(instance, dict):
            missing = [_path([*path, name]) for name in expected if name not in instance]
            return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."
        case "additionalProperties" if isinstance(instance, dict):
            extra = [_path([*path, name]) for name in instance if name not in known.get("properties", {})]
            return f"{', '.join(extra[:5])} {'is' if len(extra) == 1 else 'are'} not among the parameters."
        case "type":
            wanted: list[str] = expected if isinstance(expected, list) else [expected]
            shown = "" if hidden else f", not {_quoted(instance)}"
            return f"{where} must be {' or '.join(_NAMES.get(each, each) for each in wanted)}{shown}."
        case "enum":
            shown = "" if hidden else f", not {_quoted(instance)}"
            return f"{where} must be one of {', '.join(_quoted(each) for each in expected[:20])}{shown}."
        case "anyOf":
            return f"{where} fits none of the forms that are allowed there."
        case _:
            shown = "" if hidden else f": it is {_quoted(instance)}"
            return f"{where} breaks the rule {error.validator} {_quoted(expected)}{shown}."


def _path(steps: Iterable[object]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{step}"
    return visible_json(json.dumps(text[:_LONGEST], ensure_ascii=False)) if text else "The arguments"


def _quoted(value: object) -> str:
    text = visible_json(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _at_most(sentences: list[str]) -> tuple[str, ...]:
    unique = list(dict.fromkeys(sentences))
    more = [f"There are {len(unique) - _MOST} more faults."] if len(unique) > _MOST else []
    return (*unique[:_MOST], *more)
