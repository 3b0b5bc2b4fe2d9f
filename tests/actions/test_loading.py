"""`SIGNOFF_ACTIONS`: modules and files, and what is said when one is wrong."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.actions import Registry, define
from bot.actions.loading import load
from bot.errors import ConfigurationError

ONE = "from bot.actions import action\n@action(system='x')\ndef one(a: int) -> int:\n    return a\n"
TWO = ONE.replace("one", "two")


@pytest.fixture
def ops(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "one.py").write_text(ONE)
    (tmp_path / "ops" / "two.py").write_text(TWO)
    with contextlib.chdir(tmp_path):
        yield tmp_path / "ops"


def told(names: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Registry.load(names)
    return caught.value.tell


def test_files_and_modules_are_loaded_in_the_order_in_which_they_are_named(ops: Path) -> None:
    registry = Registry.load(f" ./ops/two.py, tests.actions.sample ,{ops / 'one.py'},")
    assert [each.name for each in registry.actions] == ["two", "sample", "one"]
    assert registry.offered()[0]["name"] == "two"
    assert Registry.load("").actions == ()


def test_a_function_that_two_modules_show_is_one_action(ops: Path) -> None:
    (ops / "again.py").write_text("from tests.actions.sample import sample\n")
    assert len(load("tests.actions.sample,./ops/again.py")) == 1


def test_h20_two_actions_of_one_name_are_an_error(ops: Path) -> None:
    (ops / "copy.py").write_text(ONE)
    assert "two actions named one" in told("./ops/one.py,./ops/copy.py")


def test_what_cannot_be_found_is_named_with_the_remedy(ops: Path) -> None:
    assert told("ops.gone") == "there is no module ops.gone. Install it, or name its file, such as ./ops/gone.py."
    assert "there is no file ./ops/gone.py" in told("./ops/gone.py")
    (ops / "actions.txt").write_text("")
    assert "must end with .py" in told("./ops/actions.txt")
    (ops / "empty.py").write_text("x = 1\n")
    assert "./ops/empty.py declares no action" in told("./ops/empty.py")


def test_what_cannot_be_imported_says_why(ops: Path) -> None:
    (ops / "broken.py").write_text("import module_that_is_not_there\n")
    assert "./ops/broken.py cannot be imported: ModuleNotFoundError" in told("./ops/broken.py")
    (ops / "syntax.py").write_text("def\n")
    assert "SyntaxError" in told("./ops/syntax.py")
    (ops / "wrong.py").write_text("from bot.actions import action\n@action(risk='x')\ndef f(): ...\n")
    assert "action f: risk must be one of" in told("./ops/wrong.py")


def test_a_wrapper_around_an_action_is_refused_rather_than_bypassed(ops: Path) -> None:
    wrapped = ONE.replace(
        "@action",
        "import functools\ndef log(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(*a, **k)\n    return g\n@log\n@action",
    )
    (ops / "wrapped.py").write_text(wrapped)
    assert "one wraps an action. Put @action above" in told("./ops/wrapped.py")


def definition_of(path: str) -> str:
    found = Registry.load(path).find("one")
    assert found is not None
    return found.definition_digest


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return a", "return a + 1"),
        ("a: int", "a: float"),
        ("a: int", "b: int"),
        ("a: int)", "a: int = 1)"),
        ("system='x'", "system='y'"),
        ("system='x'", "system='x', risk='high'"),
        ("system='x'", "system='x', environment='production'"),
        ("system='x'", "system='x', read_only=True"),
        ("system='x'", "system='x', on_crash='rerun'"),
        ("system='x'", "system='x', timeout=5"),
        ("system='x'", "system='x', secret=('a',)"),
        ("system='x'", "system='x', target='a'"),
        ("system='x'", "system='x', target=lambda a: ''"),
        ("system='x'", "system='x', probe=lambda a: True"),
        ("system='x'", "system='x', strict=False"),
        ("system='x'", "system='x', description='d'"),
        ("    return", "    '''Does it.'''\n    return"),
    ],
)
def test_r14_a_changed_action_has_another_definition(ops: Path, before: str, after: str) -> None:
    old = definition_of("./ops/one.py")
    assert Registry.load("./ops/one.py").is_defined_as("one", old)
    assert before in ONE
    (ops / "one.py").write_text(ONE.replace(before, after))
    changed = Registry.load("./ops/one.py")
    assert changed.find("one") is not None and not changed.is_defined_as("one", old)


def test_r14_without_source_the_byte_code_tells() -> None:
    def made(body: str) -> str:
        space: dict[str, Any] = {}
        exec(f"def f(a: int) -> int:\n    return {body}", space)
        return define(space["f"]).definition_digest

    assert (
        made("a") == made("a") and len({made("a"), made("a + 1"), made("a + 2"), made("abs(a)"), made("len(a)")}) == 5
    )


def test_a_function_whose_file_is_not_there_is_told_by_what_it_does() -> None:
    """A notebook's cell, or a program that is compiled from elsewhere: Python 3.13 reads another text as its source, or fails."""

    def made(body: str) -> str:
        space: dict[str, Any] = {"__name__": __name__}
        exec(compile(f"def f(a: int) -> int:\n    return {body}", "no such file", "exec"), space)
        return define(space["f"]).definition_digest

    assert made("a + 1") == made("a + 1") != made("a + 2")


def test_r14_the_byte_code_tells_the_same_in_every_process() -> None:
    program = (
        "from bot.actions import define\nspace = {}\n"
        "exec(\"def f(a: str) -> bool:\\n    return a in {'v', 'w', 'x', 'y', 'z'}\", space)\n"
        "print(define(space['f']).definition_digest)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1 and digests != {""}
