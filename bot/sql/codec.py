"""Events to JSON and back, by their type hints. Pure: no database lives here.

Rule 1: a body is canonical JSON (sorted keys, ASCII); the journal's chain is computed over exactly these bytes.
Rule 2: a `Content` text is not in the body: the body says ``{"sha256": "…"}`` and the bytes are kept apart, so that they can be
purged; "" stays "". A purged content decodes to `REMOVED`.
Rule 3: a missing key takes the field's default; a wrong type or bytes that do not fit their digest are refused; an unknown kind,
key or word too, as what a `Newer` release wrote.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

from bot.core.events import Event
from bot.core.faults import BrokenJournal, NewerJournal
from bot.core.values import CONTENT

REMOVED = "[removed]"
_REFERENCE = "sha256"

KINDS: dict[str, type] = {cls.__name__: cls for cls in get_args(Event)}


class Unreadable(BrokenJournal):
    """A stored body is not what this release writes."""


class Newer(Unreadable, NewerJournal):
    """A stored body says more than this release knows: a kind, a field or a word that only a newer release writes."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event as rows keep it. ``contents``: digest (SHA-256, hexadecimal) → bytes."""

    kind: str
    body: str
    contents: Mapping[str, bytes]


Json = Any
_Lift = Callable[[str], Json]
_Drop = Callable[[Json, str], str]


def encode(event: Event) -> Encoded:
    """Raises `TypeError` for a field that does not hold what its annotation says: it could never be read again."""
    contents: dict[str, bytes] = {}

    def lift(text: str) -> Json:
        if not text:
            return ""
        raw = text.encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(raw).hexdigest()
        contents[digest] = raw
        return {_REFERENCE: digest}

    kind = type(event).__name__
    body = _encode(type(event), event, lift, kind)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Encoded(kind, text, contents)


def decode(kind: str, body: str, contents: Mapping[str, bytes]) -> Event:
    """The event of a row; ``contents`` holds what is left of the digests that `references` names. Raises `Unreadable`."""
    cls = KINDS.get(kind)
    if cls is None:
        raise Newer(f"unknown kind of event: {kind}")

    def drop(value: Json, where: str) -> str:
        digest = _reference(value, where)
        if not digest:
            return ""
        raw = contents.get(digest)
        if raw is None:
            return REMOVED
        if hashlib.sha256(raw).hexdigest() != digest:
            raise Unreadable(f"{where}: the content is not the one that was stored")
        return raw.decode("utf-8", "surrogatepass")

    event: Event = _decode(cls, _parsed(kind, body), drop, kind)
    return event


def references(kind: str, body: str) -> tuple[str, ...]:
    """The digests of the contents that a body refers to. Raises `Unreadable`."""
    if f'"{_REFERENCE}"' not in body:
        return ()
    found: list[str] = []

    def note(value: Json, where: str) -> str:
        found.append(_reference(value, where))
        return ""

    cls = KINDS.get(kind)
    if cls is None:
        raise Newer(f"unknown kind of event: {kind}")
    _decode(cls, _parsed(kind, body), note, kind)
    return tuple(digest for digest in found if digest)


def _parsed(kind: str, body: str) -> Json:
    try:
        return json.loads(body)
    except ValueError as error:
        raise Unreadable(f"{kind}: the body is not JSON") from error


def _reference(value: Json, where: str) -> str:
    match value:
        case "":
            return ""
        case {"sha256": str(digest)} if len(value) == 1:
            return digest
        case _:
            raise Unreadable(f"{where}: not a reference to a content")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    hint: Any
    default: Any


@cache
def _fields(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_Field(f.name, hints[f.name], f.default) for f in fields(cls) if f.init)


@cache
def _plain(hint: Any) -> Any:
    """A hint without its `NewType`; a union as the one type that may also be None."""
    if isinstance(hint, NewType):
        return _plain(hint.__supertype__)
    return hint


@cache
def _optional(hint: Any) -> Any | None:
    """``X`` of ``X | None``; None where the hint is no union."""
    if get_origin(hint) not in (Union, UnionType):
        return None
    one = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(one) != 1:
        raise TypeError(f"no event may hold a {hint}")
    return one[0]


@cache
def _is_content(hint: Any) -> bool:
    return get_origin(hint) is Annotated and CONTENT in get_args(hint)


def _encode(hint: Any, value: Any, lift: _Lift, where: str) -> Json:
    hint = _plain(hint)
    if (inner := _optional(hint)) is not None:
        return None if value is None else _encode(inner, value, lift, where)
    if _is_content(hint):
        return lift(_checked(str, value, where, TypeError))
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return [_encode(item, each, lift, where) for each in _checked(tuple, value, where, TypeError)]
    if is_dataclass(hint) and isinstance(hint, type):
        _checked(hint, value, where, TypeError)
        return {f.name: _encode(f.hint, getattr(value, f.name), lift, f"{where}.{f.name}") for f in _fields(hint)}
    return _scalar(hint, value, where, TypeError)


def _decode(hint: Any, value: Json, drop: _Drop, where: str) -> Any:
    hint = _plain(hint)
    if (inner := _optional(hint)) is not None:
        return None if value is None else _decode(inner, value, drop, where)
    if _is_content(hint):
        return drop(value, where)
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return tuple(_decode(item, each, drop, where) for each in _checked(list, value, where, Unreadable))
    if is_dataclass(hint) and isinstance(hint, type):
        return _decode_fields(hint, _checked(dict, value, where, Unreadable), drop, where)
    return _scalar(hint, value, where, Unreadable)


def _decode_fields(cls: type, body: dict[str, Json], drop: _Drop, where: str) -> Any:
    known = _fields(cls)
    if unknown := sorted(body.keys() - {f.name for f in known}):
        raise Newer(f"{where} has fields that this release does not know: {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for f in known:
        if f.name in body:
            values[f.name] = _decode(f.hint, body[f.name], drop, f"{where}.{f.name}")
        elif f.default is MISSING:
            raise Unreadable(f"{where} lacks {f.name}")
    return cls(**values)


def _scalar(hint: Any, value: Any, where: str, error: type[Exception]) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        try:
            return hint(value)
        except ValueError:
            unknown = Newer if error is Unreadable and isinstance(value, str) else error
            raise unknown(f"{where}: {value!r} is no {hint.__name__}") from None
    if hint not in (str, int, float, bool):
        raise TypeError(f"{where}: no event may hold a {hint}")
    if hint is int and isinstance(value, bool):
        raise error(f"{where}: {value!r} is no int")
    return _checked(hint, value, where, error)


def _checked(cls: type, value: Any, where: str, error: type[Exception]) -> Any:
    if not isinstance(value, cls):
        raise error(f"{where}: {type(value).__name__} where {cls.__name__} belongs")
    return value
