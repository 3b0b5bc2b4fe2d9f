"""How a callable is read: what it takes by name, what stands behind its wrappers, what its docstring is. Light: no Pydantic.

Rules
1. What a `functools.partial` has bound is the program's choice: it is no parameter any more.
2. A method is taken with its object, an object by its `__call__`, a class by its `__init__`, a decorated function by the
   signature that it shows; the annotations and the source are those of the function behind it.

What a schema can say of the parameters is `schema.py`'s.
"""

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, get_type_hints

KEY_PARAMETER = "idempotency_key"


def parameters_by_name(fn: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters that a call can still choose. TypeError or ValueError where Python does not tell."""
    bound: set[str] = set()
    inner: Any = fn
    while isinstance(inner, functools.partial):
        bound |= inner.keywords.keys()
        inner = inner.func
    return {name: each for name, each in inspect.signature(fn).parameters.items() if name not in bound}


def takes_key(name: str, parameter: inspect.Parameter) -> bool:
    """Whether this parameter is the one that is given the attempt's idempotency key."""
    return name == KEY_PARAMETER and parameter.kind is inspect.Parameter.KEYWORD_ONLY


def is_open(parameter: inspect.Parameter) -> bool:
    """Whether it is `*args` or `**kwargs`."""
    return parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def behind(fn: Callable[..., Any]) -> Any:
    """The function that does the work, without partials and wrappers."""
    inner: Any = fn
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = inspect.unwrap(inner)
    if isinstance(inner, type):
        return inner.__init__  # type: ignore[misc]
    return inner if inspect.isroutine(inner) else inspect.unwrap(type(inner).__call__)


def docstring(fn: Callable[..., Any]) -> str | None:
    """The docstring of what is called: of an object its `__call__`'s, else its class's."""
    inner: Any = fn
    while isinstance(inner, functools.partial):
        inner = inner.func
    if isinstance(inner, type) or inspect.isroutine(inner):
        return inspect.getdoc(inner)
    return inspect.getdoc(type(inner).__call__) or inspect.getdoc(type(inner))


def annotations_of(fn: Callable[..., Any]) -> dict[str, Any]:
    """Parameter name → its annotation, resolved; those that have none are missing. What the function returns is not read.

    Raises NameError, TypeError or AttributeError where one cannot be resolved.
    """
    inner = behind(fn)
    bare = FunctionType((lambda: None).__code__, getattr(inner, "__globals__", {}))
    written = getattr(inner, "__annotations__", {})
    bare.__annotations__ = {name: each for name, each in written.items() if name != "return"}
    shown = {
        name: each.annotation
        for name, each in parameters_by_name(fn).items()
        if each.annotation is not each.empty and not isinstance(each.annotation, str)
    }
    return {**shown, **get_type_hints(bare, include_extras=True)}


def unannotated(fn: Callable[..., Any]) -> tuple[str, ...]:
    """The parameters of which nobody says what they take; `*args` and `**kwargs` are not among them."""
    found = parameters_by_name(fn)
    annotated = {*annotations_of(fn)}
    return tuple(n for n, each in found.items() if n not in annotated and not is_open(each) and not takes_key(n, each))
