"""What an action returned, as JSON text that never breaks a run: any Python value, at most 64 KiB, honest about cuts.

Rules
1. Nothing here raises, whatever the value is: an object without a JSON form is shown by its `repr`.
2. What does not fit is cut, and the text says so and how much there was; it stays valid JSON.
3. Secrets that the caller names do not come back out.
"""

import base64
import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

MAX_BYTES = 64 * 1024
_DEEPEST = 32
_LONGEST_REPR = 500
_MOST_VALUES = 200_000
_LARGEST_PLAIN = 10**640


def output_text(value: object, secrets: Sequence[str] = ()) -> str:
    """`value` as JSON text of at most 64 KiB of UTF-8. `secrets`: exact texts to leave out."""
    text = json.dumps(plain(value, secrets), ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size <= MAX_BYTES:
        return text
    beginning = text.encode()[: MAX_BYTES - 256]
    while True:
        cut = {
            "truncated": f"Only the beginning of {size:,} bytes of output is here, as text; the rest was left out.",
            "beginning": beginning.decode(errors="ignore"),
        }
        shorter = json.dumps(cut, ensure_ascii=False)
        excess = len(shorter.encode()) - MAX_BYTES
        if excess <= 0:
            return shorter
        beginning = beginning[: len(beginning) - max(excess // 2, 64)]


def plain(value: object, secrets: Sequence[str] = ()) -> Any:
    """`value` as JSON knows it: None, texts, numbers, lists, dicts. At most 200,000 parts, 32 levels deep."""
    return _Plain(secrets).of(value, 0)


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of `secrets` replaced by `[secret]`, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


class _Plain:
    """One conversion, with its budget: a value of millions of parts is not walked to its end."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = secrets
        self._left = _MOST_VALUES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "[left out: too large]" if self._left < 0 else "[left out: too deep]"
        scalar = self._scalar(value)
        if scalar is not NotImplemented:
            return scalar
        parts = _parts(value)
        if isinstance(parts, Mapping):
            return self._object(parts, depth)
        if isinstance(parts, list):
            return [self.of(each, depth + 1) for each in parts[: max(self._left, 0) + 1]]
        return self._text(_repr(value))

    def _scalar(self, value: Any) -> Any:
        match value:
            case None | bool():
                return value
            case Enum():
                return self.of(value.value, 1)
            case int():
                return int(value) if abs(value) < _LARGEST_PLAIN else hex(value)
            case float():
                return float(value) if math.isfinite(value) else repr(float(value))
            case str():
                return self._text(str(value))
            case bytes() | bytearray() | memoryview():
                return self._bytes(bytes(value))
            case datetime() | date() | time():
                return value.isoformat()
            case Decimal() | UUID() | timedelta() | PurePath():
                return self._text(str(value))
            case BaseException():
                return self._text(f"{type(value).__name__}: {value}")
            case _:
                return NotImplemented

    def _text(self, text: str) -> str:
        return without(text.encode(errors="backslashreplace").decode(), self._secrets)

    def _bytes(self, value: bytes) -> Any:
        try:
            return self._text(value.decode())
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}

    def _object(self, parts: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in parts.items():
            name = self._text(key if isinstance(key, str) else _repr(key))
            out[name if name not in out else f"{name} ({type(key).__name__}, {len(out)})"] = self.of(value, depth + 1)
            if self._left < 0:
                break
        return out


def _parts(value: Any) -> Mapping[Any, Any] | list[Any] | None:
    """What a value is made of, if it is a container; taken with care, because its methods are not ours."""
    dump = getattr(type(value), "model_dump", None)
    try:
        if callable(dump):
            return _mapping(dump(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            return dict(value.items())
        if isinstance(value, AbstractSet):
            return sorted(value, key=_repr)
        return list(value) if isinstance(value, Sequence) else None
    except Exception:  # the outermost edge of foreign code: whatever a value's own methods raise, it has a repr
        return None


def _mapping(value: Any) -> Mapping[Any, Any] | None:
    return value if isinstance(value, Mapping) else None


def _repr(value: object, ask: Callable[[object], str] = repr) -> str:
    try:
        return ask(value)[:_LONGEST_REPR]
    except Exception:  # the outermost edge of foreign code: a broken __repr__ must not lose a result
        return f"<{type(value).__name__}>"
