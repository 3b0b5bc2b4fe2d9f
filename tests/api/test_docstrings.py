"""What a developer reads at the keyboard: every public method tells its parameters, what it returns and raises, and its source."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

from bot import AsyncBighubOpenAI, BighubOpenAI
from bot.api.options import Options, Parameters
from bot.api.registration import DecoratedOptions, LastOptions, ToolOptions
from bot.api.tools import Tools

CLASSES = (BighubOpenAI, AsyncBighubOpenAI)
METHODS = [
    *("register_tool", "tool", "action", "list_tools", "check_tool", "run", "run_stream", "run_with_approval"),
    *("resume_after_approval", "close"),
]


def public(kind: type) -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


def parameters(method: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(method).parameters if name != "self"]


@pytest.mark.parametrize("kind", CLASSES)
def test_these_are_the_public_methods(kind: type) -> None:
    assert public(kind).keys() - {"leave"} == set(METHODS)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", [*METHODS, "__init__"])
def test_every_public_method_tells_its_parameters_its_result_its_errors_and_its_source(kind: type, name: str) -> None:
    told = getattr(kind, name).__doc__
    for parameter in parameters(getattr(kind, name)) if name != "__init__" else ():
        assert re.search(rf"\b{parameter}\b[^.]*?:", told), parameter
    assert name == "__init__" or re.search(r"(Returns|Yields) ", told)
    assert re.search(r"Raises ", told) and re.search(r"Source: .*(README|0\.1\.0b5)", told)


@pytest.mark.parametrize("field", dataclasses.fields(Options), ids=lambda field: field.name)
def test_the_constructor_tells_every_parameter_and_its_default(field: Any) -> None:
    """Of a parameter that may be left out altogether, None needs no word."""
    told = str(BighubOpenAI.__init__.__doc__)
    assert re.search(rf"\b{field.name}\b", told)
    if field.default not in (None, ""):
        shown = f'"{field.default}"' if isinstance(field.default, str) else f"{field.default}"
        assert shown.removesuffix(".0") in told or field.name == "memory_source_version"


@pytest.mark.parametrize("name", METHODS)
def test_both_classes_tell_the_same(name: str) -> None:
    blocking, awaited = getattr(BighubOpenAI, name), getattr(AsyncBighubOpenAI, name)
    assert blocking.__doc__ == awaited.__doc__ and parameters(blocking) == parameters(awaited)


def test_type_checkers_know_the_parameters_that_there_are() -> None:
    assert get_type_hints(Parameters) == get_type_hints(Options)
    registered = inspect.signature(Tools.register).parameters.keys() - {"self", "name", "fn"}
    assert get_type_hints(ToolOptions).keys() == registered
    explicit = inspect.signature(BighubOpenAI.register_tool).parameters.keys() - {"self", "name", "fn", "options"}
    assert get_type_hints(LastOptions).keys() == registered - explicit
    assert get_type_hints(DecoratedOptions).keys() == registered - {"system", "risk", "environment"}


UNKNOWN: list[tuple[str, Callable[[Any], object]]] = [
    ("BighubOpenAI", lambda agent: BighubOpenAI(**{"openai_client": agent, "bighub": agent, "colour": 1})),
    ("AsyncBighubOpenAI", lambda agent: AsyncBighubOpenAI(**{"openai_client": agent, "bighub": agent, "colour": 1})),
    ("tool", lambda agent: agent.tool("x", print, colour=1)),
    ("register_tool", lambda agent: agent.register_tool("x", print, colour=1)),
    ("action", lambda agent: agent.action(colour=1)),
]


@pytest.mark.parametrize(("function", "call"), UNKNOWN, ids=[name for name, _ in UNKNOWN])
def test_an_unknown_parameter_is_told_with_the_public_function_and_what_it_takes(
    function: str, call: Callable[[Any], object]
) -> None:
    agent = BighubOpenAI(openai_client=object(), bighub=object())
    with pytest.raises(TypeError, match=rf"^{function}\(\) takes no colour\. By name it takes: .*, ") as raised:
        call(agent)
    assert "Options" not in str(raised.value) and "Tools" not in str(raised.value)
