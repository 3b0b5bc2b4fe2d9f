"""The house's own checks find what they are there to find, and leave alone what is fine."""

import pytest

from tests.house_rules import breaches

CLEAN = '"""A module."""\n'
LONG_FUNCTION = CLEAN + "def f() -> None:\n" + "    pass\n" * 41


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bot/x.py", "a = 1\n"),
        ("bot/x.py", CLEAN + "a = 1\n" * 300),
        ("bot/x.py", LONG_FUNCTION),
        ("bot/x.py", CLEAN + "class RunManager: ...\n"),
        ("bot/x.py", CLEAN + "def call(retry_helper: int) -> None: ...\n"),
        ("bot/string_utils.py", CLEAN),
        ("bot/x.py", CLEAN + "# TO" + "DO later\n"),
        ("README.md", "see /wo" + "rk/main\n"),
        ("bot/x.py", CLEAN + "try:\n    pass\nexcept Exception:\n    pass\n"),
        ("bot/x.py", CLEAN + "try:\n    pass\nexcept:\n    pass\n"),
        ("tests/test_x.py", CLEAN + "from unittest import mock\n"),
        ("tests/test_x.py", CLEAN + "def test_a(monkeypatch: object) -> None: ...\n"),
    ],
)
def test_a_breach_is_found(path: str, text: str) -> None:
    assert list(breaches(path, text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bot/x.py", CLEAN),
        ("tests/__init__.py", ""),
        ("bot/demo/actions.py", CLEAN + "def deploy_service(service: str) -> None: ...\n"),
        ("bot/x.py", CLEAN + "try:\n    pass\nexcept Exception:  # the worker's outermost edge\n    pass\n"),
        ("bot/x.py", CLEAN + "try:\n    pass\nexcept BaseException:\n    print()\n    raise\n"),
        ("tests/test_x.py", CLEAN + "def test_a() -> None:\n" + "    pass\n" * 60),
    ],
)
def test_what_is_fine_is_left_alone(path: str, text: str) -> None:
    assert list(breaches(path, text)) == []
