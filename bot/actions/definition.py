"""An action as the engine knows it, and the digest of everything that it is.

Rule 1: the digest changes when anything changes that a person's approval relied on: name, description, schema, options,
or (as far as Python shows it) the source of the function, its probe and its target, and what `reach.py` finds that they use.
Rule 2: what an older release approved is held against the digest as that release made it, which knew nothing of `reach.py`.
"""

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from types import CodeType
from typing import Any

from bot.actions.byte_code import byte_code
from bot.actions.declare import Declared, OnCrash, Risk, declare, declared
from bot.actions.docstrings import summary
from bot.actions.parameters import Parameters
from bot.actions.reach import reached
from bot.actions.schema import parameters_of
from bot.actions.signature import behind, docstring
from bot.core.canonical import Json, canonical_bytes

_PLAIN = (str, int, float, bool, bytes, type(None))


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done. ``parameters_schema`` is JSON, as offered; ``timeout`` in seconds;
    ``secret`` names arguments; ``definition_digest`` is SHA-256 in hexadecimal, ``older_digest`` the same as of rule 2."""

    name: str
    description: str
    parameters_schema: bytes
    strict: bool
    system: str
    environment: str
    risk: Risk
    read_only: bool
    on_crash: OnCrash
    timeout: float
    secret: tuple[str, ...]
    definition_digest: str
    older_digest: str
    parameters: Parameters = field(repr=False)
    target: str | Callable[[dict[str, Any]], str] | None = field(repr=False, compare=False)
    fn: Callable[..., Any] = field(repr=False, compare=False)
    probe: Callable[..., Any] | None = field(repr=False, compare=False)


def define(fn: Callable[..., Any] | Declared, **options: Any) -> Action:
    """The action that a function is: marked with `@action`, noted down, or with the decorator's options given here.

    Raises ConfigurationError for wrong options and for a signature that no schema can express.
    """
    noted = fn if isinstance(fn, Declared) else declared(fn) if not options else None
    noted = noted or declare(fn, **options)  # type: ignore[arg-type]
    parameters = parameters_of(noted)
    reaches = sorted(
        {text for fn in (noted.fn, noted.probe, noted.target) if callable(fn) for text in reached(behind(fn))}
    )
    description = noted.description or summary(docstring(noted.fn)) or noted.name.replace("_", " ")
    return Action(
        name=noted.name,
        description=description,
        parameters_schema=parameters.offered,
        strict=noted.strict,
        system=noted.system,
        environment=noted.environment,
        risk=noted.risk,
        read_only=noted.read_only,
        on_crash=noted.on_crash,
        timeout=noted.timeout,
        secret=noted.secret,
        definition_digest=_digest(noted, description, parameters, reaches),
        older_digest=_digest(noted, description, parameters, []),
        parameters=parameters,
        target=noted.target,
        fn=noted.fn,
        probe=noted.probe,
    )


def _digest(noted: Declared, description: str, parameters: Parameters, reaches: list[str]) -> str:
    options: dict[str, Json] = {
        "name": noted.name,
        "description": description,
        "schema": parameters.offered.decode(),
        "checked": canonical_bytes(parameters.inner).decode(),
        "strict": noted.strict,
        "system": noted.system,
        "environment": noted.environment,
        "risk": noted.risk.value,
        "read_only": noted.read_only,
        "on_crash": noted.on_crash.value,
        "timeout": noted.timeout,
        "secret": list(noted.secret),
        "target": noted.target if isinstance(noted.target, str) else _code(noted.target),
        "code": _code(noted.fn),
        "probe": _code(noted.probe),
    }
    if reaches:
        options["reaches"] = list(reaches)
    return hashlib.sha256(canonical_bytes(options)).hexdigest()


def _code(fn: Callable[..., Any] | None) -> str:
    """The source of a function where there is one (the same on every Python), else its byte code, else its name; before it
    what a partial binds."""
    if fn is None:
        return ""
    inner = behind(fn)
    code = getattr(inner, "__code__", None)
    if isinstance(code, CodeType) and not Path(code.co_filename).exists():
        return _bound(fn) + byte_code(code)  # made up at run time: Python 3.13 may give another text as its source
    try:
        return _bound(fn) + textwrap.dedent(inspect.getsource(inner))
    except (OSError, TypeError, SyntaxError, TokenError):
        named = getattr(inner, "__qualname__", type(inner).__qualname__)
        return _bound(fn) + (byte_code(code) if isinstance(code, CodeType) else named)


def _bound(fn: Callable[..., Any]) -> str:
    """What a partial binds, as far as it looks the same in every process: plain values by value, others by their type."""
    if not isinstance(fn, functools.partial):
        return ""
    values = [*enumerate(fn.args), *sorted(fn.keywords.items())]
    shown = [(key, each if isinstance(each, _PLAIN) else type(each).__qualname__) for key, each in values]
    return f"{shown!r}\n{_bound(fn.func)}"
