"""Whether something registered twice is the very same thing. Standard library only.

A digest cannot say it: two closures of one source have one digest, and do different things. What cannot be compared
is taken for different; that costs an error message, while the opposite would silently drop an action (H20).
"""

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from bot.actions.byte_code import byte_code

_PLAIN = (str, int, float, bool, bytes, type(None))
_Pair = tuple[int, int]


def same(one: object, other: object, inside: frozenset[_Pair] = frozenset()) -> bool:
    """Whether two values are one, or look and work the same: functions made again by a notebook's cell, a method looked
    up twice, equal plain values. ``inside``: the pairs that are being compared (a function may refer to itself)."""
    if one is other or (id(one), id(other)) in inside:
        return True
    if type(one) is not type(other):
        return False
    inside |= {(id(one), id(other))}
    match one, other:
        case FunctionType(), FunctionType():
            return _same_function(one, other, inside)
        case MethodType(), MethodType():
            return one.__self__ is other.__self__ and same(one.__func__, other.__func__, inside)
        case functools.partial(), functools.partial():
            return same([one.func, one.args, one.keywords], [other.func, other.args, other.keywords], inside)
        case list() | tuple(), list() | tuple():
            return len(one) == len(other) and all(same(a, b, inside) for a, b in zip(one, other, strict=True))
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key], inside) for key in one)
        case _:
            return isinstance(one, _PLAIN) and one == other


def _same_function(one: FunctionType, other: FunctionType, inside: frozenset[_Pair]) -> bool:
    return (
        one.__globals__ is other.__globals__
        and byte_code(one.__code__) == byte_code(other.__code__)
        and all(same(getattr(one, name), getattr(other, name), inside) for name in ("__defaults__", "__kwdefaults__"))
        and same(_captured(one), _captured(other), inside)
    )


def _captured(fn: Callable[..., Any]) -> list[Any]:
    cells = getattr(fn, "__closure__", None) or ()
    try:
        return [cell.cell_contents for cell in cells]
    except ValueError:
        return [object()]  # a cell that is still empty is like no other
