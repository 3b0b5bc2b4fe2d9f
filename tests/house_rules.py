"""The rules of the house that no other tool checks, run by `make check`: `python -m tests.house_rules` prints each breach.

Only rules about text and syntax live here; the layers are import-linter's, the types mypy's, the rest ruff's.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 300
FUNCTION_LINES = 40

FORBIDDEN_WORDS = frozenset(
    {"manager", "service", "services", "helper", "helpers", "util", "utils", "handler", "handlers"}
)
TOY_COMPANY = "bot/demo/"
"""The toy company's actions deploy services; there the word is the company's, not ours."""

_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
_REGISTRY_HOSTS = ("py" + "pi.org", "pythonho" + "sted.org", "registry.npm" + "js.org", "deb.deb" + "ian.org")
_THIS_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|opt)/\w|" + "|".join(map(re.escape, _REGISTRY_HOSTS)))
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BROAD = frozenset({"Exception", "BaseException"})

Breach = tuple[str, int, str]


def breaches(path: str, text: str) -> Iterator[Breach]:
    """Every breach in one file: its path from the root, the line (from 1) and what is wrong."""
    yield from _text_breaches(path, text)
    if not path.endswith(".py"):
        return
    tree = ast.parse(text, path)
    lines = text.splitlines()
    if text.strip() and ast.get_docstring(tree) is None:
        yield path, 1, "a module says in one docstring what lives there and what does not"
    if path.startswith("bot/"):
        yield from _size_breaches(path, tree, lines)
        yield from _name_breaches(path, tree)
    if path.startswith("tests/"):
        yield from _patch_breaches(path, tree)
    yield from _broad_excepts(path, tree, lines)


def _text_breaches(path: str, text: str) -> Iterator[Breach]:
    for number, line in enumerate(text.splitlines(), 1):
        if _UNFINISHED.search(line):
            yield path, number, "nothing unfinished is committed"
        if _THIS_MACHINE.search(line):
            yield path, number, "no path of one machine and no registry's host"


def _size_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[Breach]:
    if len(lines) > FILE_LINES:
        yield path, len(lines), f"a file has at most {FILE_LINES} lines, this one {len(lines)}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield path, node.lineno, f"a function has at most {FUNCTION_LINES} lines, {node.name} {length}"


def _name_breaches(path: str, tree: ast.Module) -> Iterator[Breach]:
    if path.startswith(TOY_COMPANY):
        return
    for line, name in [(1, Path(path).stem), *_named(tree)]:
        for word in FORBIDDEN_WORDS & {part.lower() for part in _PARTS.findall(name)}:
            yield path, line, f"{name}: a name with {word!r} says nothing"


def _named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What this module names itself; what a library calls its own things is not ours to change."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def _patch_breaches(path: str, tree: ast.Module) -> Iterator[Breach]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)):
                patches = module.startswith("unittest")
            case ast.Import(names=names):
                patches = any(alias.name.startswith("unittest") for alias in names)
            case ast.arg(arg=name):
                patches = name in ("monkeypatch", "mocker")
            case _:
                continue
        if patches:
            yield path, node.lineno, "tests use real parts; nothing is patched"


def _broad_excepts(path: str, tree: ast.Module, lines: list[str]) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else _BROAD
        passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        if caught & _BROAD and not passed_on and "#" not in lines[node.lineno - 1]:
            yield path, node.lineno, "who catches everything says why, on the same line"


def tracked(root: Path) -> Iterator[str]:
    """Every file that git keeps, or would keep, as a path from ``root``."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout.decode()
    yield from (path for path in sorted(set(listing.split("\0"))) if path and (root / path).is_file())


def main() -> int:
    found = 0
    for path in tracked(ROOT):
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for name, line, wrong in breaches(path, text):
            found += 1
            print(f"{name}:{line}: {wrong}")
    print(f"House rules: {found} broken." if found else "House rules: kept.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
