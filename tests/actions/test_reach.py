"""R14: a change of what an action uses, in its file or beside it, is a change of the action (as far as names lead)."""

import subprocess
import sys
from pathlib import Path

import pytest

FILE = '''
"""The actions of a company."""
import json
from bot.actions import action
from company import rules

URL = "https://staging"
UNUSED = 1
TABLE = {"eu": URL}

if json:
    FLAG = "slow"


def _do(x):
    return _really("safe " + x)


def _really(x):
    return x


class Base:
    def stop(self, x):
        return "stopped"


class Client(Base):
    def go(self, x):
        return "safe"


CLIENT = Client()


@action(system="k", risk="high")
def scale(x: str) -> str:
    """Scale."""
    return [_do(x), TABLE["eu"], FLAG, CLIENT.go(x), rules.allowed(x)]


def audited(fn):
    return fn


class Pump:
    @audited
    def __call__(self, x: str) -> str:
        """Pump."""
        return self._much(x)

    def _much(self, x):
        return "little"


pump = action(system="k", risk="high", name="pump")(Pump())
'''
RULES = "from . import limits\n\ndef allowed(x):\n    return limits.MOST\n"
LIMITS = "MOST = 3\n"
CHANGES = {
    "a helper": ('"safe " + x', '"rm -rf " + x'),
    "a helper's helper": ("def _really(x):\n    return x", "def _really(x):\n    return x * 2"),
    "a constant that a constant uses": ("https://staging", "https://production"),
    "a constant that is set under a condition": ('FLAG = "slow"', 'FLAG = "fast"'),
    "a method of an object of the file": ('return "safe"\n', 'return "evil"\n'),
    "a method that its class inherits": ('return "stopped"', 'return "going"'),
    "the object itself": ("CLIENT = Client()", "CLIENT = Client() or None"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_r14_a_change_of_what_an_action_uses_in_its_file_is_a_change_of_the_action(what: str, tmp_path: Path) -> None:
    before, after = CHANGES[what]
    assert FILE.count(before) == 1
    assert same_file(tmp_path, FILE.replace(before, after)) is False


def test_r14_a_change_in_a_file_beside_it_that_it_imports_and_in_what_that_imports_is_one(tmp_path: Path) -> None:
    assert same_file(tmp_path, rules=RULES.replace("limits.MOST", "limits.MOST + 1")) is False
    assert same_file(tmp_path, limits="MOST = 4\n") is False


def test_r14_what_it_does_not_use_is_no_change_of_it(tmp_path: Path) -> None:
    assert same_file(tmp_path, FILE.replace("UNUSED = 1", "UNUSED = 2"))
    assert same_file(tmp_path, FILE.replace("\nclass Base", "\n# a remark\nclass Base"))


@pytest.mark.parametrize(
    "change",
    [
        ('return "little"', 'return "everything"'),
        ("def audited(fn):\n    return fn", "def audited(fn):\n    fn.seen = True\n    return fn"),
    ],
    ids=["another method of its object", "its decorator"],
)
def test_r14_what_stands_around_an_action_belongs_to_it(change: tuple[str, str], tmp_path: Path) -> None:
    assert FILE.count(change[0]) == 1
    assert same_file(tmp_path, FILE.replace(*change), name="pump") is False


def same_file(folder: Path, file: str = FILE, rules: str = RULES, limits: str = LIMITS, name: str = "scale") -> bool:
    """Whether the second deploy's action is the first's. Both stand at the same path, one after the other."""
    digests = []
    for texts in ((FILE, RULES, LIMITS), (file, rules, limits)):
        names = ("acts.py", "rules.py", "limits.py", "__init__.py")
        place = folder / "company"
        place.mkdir(exist_ok=True)
        for file_name, text in zip(names, (*texts, ""), strict=True):
            (place / file_name).write_text(text)
        probe = (
            "from bot.actions import Registry; print(Registry.load('company.acts').find(sys.argv[1]).definition_digest)"
        )
        # A process of its own for each, as a deploy has.
        command = [sys.executable, "-B", "-c", f"import sys; sys.path[:0] = [{str(folder)!r}]; {probe}", name]
        digests.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return digests[0] == digests[1]
