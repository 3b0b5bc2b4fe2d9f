"""The list of guards is kept: every line of it still fits the product and its tests, and a few are really switched off."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.mutations.guards import GUARDS, Guard
from tests.mutations.switched_off import ROOT, Ended, detected, fault_of

BY_NAME = {guard.name: guard for guard in GUARDS}
CHEAP = ("a seal holds under our keys only", "a resolved approval takes no vote")


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of a file's tests, those of a class as ``Class::name``."""
    tree = ast.parse((ROOT / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    own = {node.name for node in tree.body if isinstance(node, kinds)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return frozenset(own | {f"{c.name}::{node.name}" for c in classes for node in c.body if isinstance(node, kinds)})


@pytest.mark.parametrize("name", BY_NAME)
def test_t7_the_text_of_a_guard_stands_exactly_once_and_its_tests_are_there(name: str) -> None:
    guard = BY_NAME[name]
    text = (ROOT / guard.file).read_text()
    assert text.count(guard.old) == 1, f"{guard.file} holds this {text.count(guard.old)} times: {guard.old}"
    mutated = text.replace(guard.old, guard.new)
    assert mutated != text and compile(mutated, guard.file, "exec")
    assert guard.tests and guard.rows
    for test in guard.tests:
        file, _, named = test.partition("::")
        assert Path(file).parts[0] == "tests" and named.partition("[")[0] in names_in(file), test


def test_t7_there_are_enough_guards_and_no_two_are_the_same() -> None:
    assert len(GUARDS) >= 25 and len(BY_NAME) == len(GUARDS)
    removals = Counter((guard.file, guard.old, guard.new) for guard in GUARDS)
    assert max(removals.values()) == 1


def test_t7_a_guard_that_is_really_switched_off_is_noticed() -> None:
    verdicts = list(detected([BY_NAME[name] for name in CHEAP]))
    assert [(verdict.guard.name, verdict.fault) for verdict in verdicts] == [(name, "") for name in CHEAP]


TWO = Guard("two", "R1", "bot/x.py", "a", "b", ("tests/t.py::test_one", "tests/t.py::test_two"))
BOTH = {"tests/t.py::test_one": "assert 1 == 2", "tests/t.py::test_two[x]": "bot.ports.Conflict: first"}


@pytest.mark.parametrize(
    ("status", "failed", "fault"),
    [
        (1, BOTH, ""),
        (0, {}, "every test passed"),
        (None, {}, "the tests hung"),
        (2, {}, "pytest ended with 2"),
        (1, {"tests/t.py::test_one": "assert 1 == 2"}, "tests/t.py::test_two passed"),
        (1, {**BOTH, "tests/t.py::test_one": "NameError: name 'x' is not defined"}, "the code is only broken"),
        (1, {**BOTH, "tests/t.py::test_one": "ImportError: no x"}, "the code is only broken"),
        (1, {**BOTH, "tests/t.py::test_one": "AttributeError: 'Run' object has no attribute 'x'"}, "the code is only"),
        (1, {**BOTH, "tests/t.py::test_one": "AttributeError: 'NoneType' object has no attribute 'ground'"}, ""),
    ],
)
def test_t7_only_a_test_that_fails_by_its_promise_has_noticed(
    status: int | None, failed: dict[str, str], fault: str
) -> None:
    found = fault_of(TWO, Ended(status, failed, ""))
    assert found.startswith(fault) and bool(found) is bool(fault)
