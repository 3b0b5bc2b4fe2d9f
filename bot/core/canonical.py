"""The bytes that an approval binds: how arguments are read, written, hashed and laid out for a person.

Rules
1. Arguments are parsed once, here, and what would be ambiguous is refused: a key twice, NaN and the infinities,
   anything but an object, broken Unicode, too deep, too long (contract S8). A refusal is a value: `Refused`.
2. `canonical_bytes` is the only form that is stored, shown, sealed and run. `parse_arguments` of it gives the same
   value again, integers and floats told apart.
3. `digest` names everything that an approval is about; no two different lists of parts give the same input.
4. `argument_lines` hides nothing: `parse_lines` gives back exactly the arguments (R6).

Here is no schema (`actions/schema.py`) and no seal; what a person can see of a text is `visible.py`.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from bot.core.refusal import Refused
from bot.core.visible import (
    has_invisible,
    mixes_scripts,
    unescape_visible,
    unescape_visible_json,
    visible,
    visible_json,
)

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "Json",
    "Refused",
    "argument_lines",
    "canonical_bytes",
    "digest",
    "has_invisible",
    "mixes_scripts",
    "parse_arguments",
    "parse_lines",
    "short",
    "unescape_visible",
    "visible",
]

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
# The lowest limit that Python can be set to for reading and writing integers: so no setting changes what is refused.
MAX_DIGITS = 640

_DOMAIN = b"signoff approval 1"
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ENTRY = re.compile(r'(?P<key>"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_.-]*) +(?P<value>.*)', re.DOTALL)
_WIDEST_KEY = 32
_ONE_LINE = 80


class _FaultError(ValueError):
    """Carries a refusal out of the JSON parser's hooks; never leaves this file."""


def parse_arguments(raw: str | bytes) -> dict[str, Json] | Refused:
    """The arguments that `raw` says, or why they are refused. At most 1,000,000 bytes of UTF-8, 64 levels deep."""
    try:
        data = raw if isinstance(raw, bytes) else raw.encode()
        text = data.decode()
    except UnicodeError:
        return Refused("The arguments are not valid UTF-8 text.")
    if len(data) > MAX_BYTES:
        return Refused(f"The arguments are {len(data):,} bytes long; at most {MAX_BYTES:,} are accepted.")
    value = _load(text)
    if isinstance(value, Refused):
        return value
    if not isinstance(value, dict):
        return Refused(f"The arguments must be a JSON object, not {_kind_of(value)}.")
    return value


def canonical_bytes(arguments: dict[str, Json]) -> bytes:
    """The one spelling of `arguments`: UTF-8 JSON, keys sorted by code point, no white space, numbers exact.

    ValueError for what `parse_arguments` would never have returned.
    """
    fault = _fault(arguments)
    if fault:
        raise ValueError(fault)
    return _compact(arguments).encode()


def digest(*, action: str, definition: str, arguments: bytes, target: str, requester: str) -> str:
    """What an approval is about, as 64 hexadecimal digits of SHA-256. `definition` is the definition digest."""
    hashed = hashlib.sha256()
    for part in (_DOMAIN, action.encode(), definition.encode(), arguments, target.encode(), requester.encode()):
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()


def short(digest: str) -> str:
    """The beginning of a digest as people compare it: `3fa9 c1d0`."""
    return f"{digest[:4]} {digest[4:8]}"


def argument_lines(arguments: bytes, *, order: Sequence[str] = (), secret: Sequence[str] = ()) -> tuple[str, ...]:
    """Canonical arguments as a card shows them: `key  value` per key, aligned, every byte accounted for.

    Values are JSON; one that is long and nested goes over several lines, the further ones indented. Keys named in
    `order` come first. Values of keys named in `secret` are replaced by their length, which no JSON looks like.
    """
    parsed = _stored(arguments)
    keys = [*(key for key in order if key in parsed), *(key for key in parsed if key not in order)]
    labels = {key: _label(key) for key in keys}
    width = min(_WIDEST_KEY, max(map(len, labels.values()), default=0))
    lines: list[str] = []
    for key in keys:
        shown = [f"[secret, {secret_length(parsed[key]):,} characters]"] if key in secret else _value_lines(parsed[key])
        lines.append(f"{labels[key]:<{width}}  {shown[0]}")
        lines.extend(f"  {line}" for line in shown[1:])
    return tuple(lines)


def parse_lines(lines: Sequence[str]) -> dict[str, Json]:
    """The arguments that `argument_lines` showed. ValueError if it cannot have made these lines, or hid a secret."""
    found: dict[str, Json] = {}
    for entry in _entries(lines):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise ValueError(f"not an argument: {entry[:80]}")
        label = match["key"]
        key = _load(unescape_visible_json(label)) if label.startswith('"') else label
        value = _load(unescape_visible_json(match["value"]))
        if isinstance(value, Refused) or not isinstance(key, str):
            raise ValueError(f"not an argument: {entry[:80]}")
        if key in found:
            raise ValueError(f"shown twice: {label}")
        found[key] = value
    return found


def secret_length(value: Json) -> int:
    """How many characters a secret has: of the string itself, or of the JSON of anything else."""
    return len(value if isinstance(value, str) else _compact(value))


def _stored(arguments: bytes) -> dict[str, Json]:
    parsed = parse_arguments(arguments)
    if isinstance(parsed, Refused):
        raise ValueError(f"not canonical arguments: {parsed.reason}")
    return parsed


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _label(key: str) -> str:
    return key if _SIMPLE_KEY.fullmatch(key) else visible_json(_compact(key))


def _value_lines(value: Json) -> list[str]:
    line = visible_json(_compact(value))
    if len(line) <= _ONE_LINE or not isinstance(value, (list, dict)):
        return [line]
    pretty = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, allow_nan=False)
    return [visible_json(line) for line in pretty.split("\n")]


def _entries(lines: Sequence[str]) -> Iterator[str]:
    entry: list[str] = []
    for line in lines:
        if entry and not line.startswith(" "):
            yield "\n".join(entry)
            entry = []
        entry.append(line)
    if entry:
        yield "\n".join(entry)


def _load(text: str) -> Json | Refused:
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except _FaultError as fault:
        return Refused(str(fault))
    except RecursionError:
        return Refused(_TOO_DEEP)
    except ValueError as error:
        return Refused(f"The arguments are not valid JSON: {error}.")
    fault_found = _fault(value)
    return Refused(fault_found) if fault_found else value


_TOO_DEEP = f"The arguments are nested more than {MAX_DEPTH} levels deep."
_TOO_LONG_A_NUMBER = f"The arguments hold a whole number of more than {MAX_DIGITS} digits."


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _FaultError(f"The arguments name the key {visible_json(_compact(key))[:120]} twice in one object.")
        found[key] = value
    return found


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise _FaultError(_TOO_LONG_A_NUMBER)
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _FaultError(f"The arguments hold the number {text[:40]}, which is too large.")
    return number


def _constant(text: str) -> Json:
    raise _FaultError(f"The arguments hold {text}, which JSON does not know.")


def _fault(value: Json) -> str | None:
    level: list[Json] = [value]
    depth = 0
    while level:
        below: list[Json] = []
        for each in level:
            fault = _fault_of_one(each)
            if fault:
                return fault
            if isinstance(each, dict):
                below.extend([*each, *each.values()])
            elif isinstance(each, list):
                below.extend(each)
        depth += any(isinstance(each, (list, dict)) for each in level)
        if depth > MAX_DEPTH:
            return _TOO_DEEP
        level = below
    return None


def _fault_of_one(value: Json) -> str | None:
    match value:
        case None | bool() | list():
            return None
        case str():
            lone = any("\ud800" <= char <= "\udfff" for char in value) if not value.isascii() else False
            return "The arguments hold half of a surrogate pair, which is not a character." if lone else None
        case int():
            return _TOO_LONG_A_NUMBER if abs(value) >= 10**MAX_DIGITS else None
        case float():
            return None if math.isfinite(value) else f"The arguments hold {value}, which JSON does not know."
        case dict():
            return None if all(isinstance(key, str) for key in value) else "The arguments hold a key that is no text."
        case _:
            return f"The arguments hold {type(value).__name__}, which JSON does not know."


def _kind_of(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "something else"


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from texts(each)
        case dict():
            for key, each in value.items():
                yield str(key)
                yield from texts(each)
