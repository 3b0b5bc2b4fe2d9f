"""When something registered twice is the very same: never because a digest says so (H20)."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from bot.actions import Registry, define
from bot.actions.sameness import same
from bot.errors import ConfigurationError
from tests.actions.callables import Company, logged

CELL = "def restart(service: str, replicas: int = 1) -> str:\n    return service * replicas\n"


def made(region: object) -> Callable[[str], str]:
    def restart(service: str) -> str:
        return f"{region} {service}"

    return restart


def counting() -> Callable[[int], int]:
    def count(n: int) -> int:
        return n and count(n - 1)

    return count


class Agreeable:
    """Equal to everything, as a mock is."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


def run_cell(source: str, space: dict[str, Any]) -> Any:
    exec(source, space)
    return space["restart"]


def test_a_notebooks_cell_that_runs_again_makes_the_same_function() -> None:
    space: dict[str, Any] = {}
    first = run_cell(CELL, space)
    assert same(first, run_cell(CELL, space)) and same(first, run_cell("\n\n" + CELL, space))
    assert not same(first, run_cell(CELL.replace("replicas\n", "2\n"), space))
    assert not same(first, run_cell(CELL.replace("= 1", "= 2"), space))
    assert not same(first, run_cell(CELL, {}))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (made("eu"), made("eu"), True),
        (made("eu"), made("us"), False),
        (made([]), made({}), False),
        (made(["eu"]), made(["eu"]), True),
        (made(["eu"]), made(["eu", "us"]), False),
        (made({"a": 1}), made({"a": 1}), True),
        (made({"a": 1}), made({"a": 2}), False),
        (made({"a": 1}), made({"b": 1}), False),
        (made(1), made(True), False),
        (made(object()), made(object()), False),
        (made(Agreeable()), made(Agreeable()), False),
        (made(made("eu")), made(made("eu")), True),
        (made(made("eu")), made(made("us")), False),
        (counting(), counting(), True),
        (logged(made("eu")), logged(made("eu")), True),
        (logged(made("eu")), logged(made("us")), False),
        (functools.partial(made, region=1), functools.partial(made, region=1), True),
        (functools.partial(made, region=1), functools.partial(made, region=2), False),
        (functools.partial(made, 1), functools.partial(counting, 1), False),
        (Company().restart, Company().restart, False),
        ("a", "a", True),
        (None, None, True),
        (None, made, False),
    ],
)
def test_two_values_are_the_same_only_where_they_do_the_same(one: object, other: object, expected: bool) -> None:
    assert same(one, other) is expected and same(other, one) is expected


def test_a_method_looked_up_twice_is_one() -> None:
    acme = Company()
    assert same(acme.restart, acme.restart) and not same(acme.restart, acme.later)


def test_h20_closures_of_one_source_are_not_one_action() -> None:
    registry = Registry([define(made("eu"))])
    registry.add(define(made("eu")))
    assert len(registry.actions) == 1
    with pytest.raises(ConfigurationError, match="two actions named restart"):
        registry.add(define(made("us")))
    assert define(made("eu")).definition_digest == define(made("us")).definition_digest
