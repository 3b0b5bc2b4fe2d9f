"""What a function uses of the file that it stands in, and of the files beside it: helpers, classes, constants, imports.

Rule 1: it is told by text, not by value, so that it is the same in every process of one deploy, whatever the environment.
Rule 2: a file beside it (in its folder or below) that it imports counts as a whole, with what that imports in turn. Libraries and
whatever a function finds by other means than its names do not count: nobody can tell what those are.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any


def reached(function: Any) -> tuple[str, ...]:
    """The text of the top-level statement in which ``function`` stands (its decorators, its class), of each that this comes to
    through names, and of each file beside it that it imports, sorted; () for one that has no file."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or not Path(code.co_filename).is_file():
        return ()
    file = Path(code.co_filename).resolve()
    module = _parsed(_read(file))
    own = module.around(code.co_firstlineno)
    found, waiting = set[ast.stmt](), [] if own is None else [own]
    while waiting:
        statement = waiting.pop()
        if statement not in found:
            found.add(statement)
            waiting += [each for name in _used(statement) for each in module.binding.get(name, ())]
    texts = (text for each in found for text in (module.text(each), *_imported(each, file)))
    return tuple(sorted(set(texts)))


class _Module:
    """A file's top-level statements by the names that they bind."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._statements = ast.parse(text).body
        self.binding: dict[str, list[ast.stmt]] = {}
        for statement in self._statements:
            for name in _bound(statement):
                self.binding.setdefault(name, []).append(statement)

    def text(self, statement: ast.stmt) -> str:
        return "\n".join(self._lines[_first_line(statement) - 1 : statement.end_lineno])

    def around(self, line: int) -> ast.stmt | None:
        """The statement in which this line stands."""
        holding = (each for each in self._statements if _first_line(each) <= line <= (each.end_lineno or 0))
        return next(holding, None)


@lru_cache(maxsize=64)
def _parsed(text: str) -> _Module:
    try:
        return _Module(text)
    except (SyntaxError, ValueError):
        return _Module("")


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _bound(statement: ast.stmt) -> Iterable[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(each.asname or each.name).split(".")[0] for each in names]
        case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
            inside = [each for each in ast.walk(statement) if isinstance(each, ast.stmt) and each is not statement]
            return [name for each in inside for name in _bound(each)] + _stored(statement)
        case _:
            return _stored(statement)


def _stored(statement: ast.stmt) -> list[str]:
    stored = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
    return [each.id for each in stored if isinstance(each.ctx, ast.Store)]


def _used(statement: ast.stmt) -> set[str]:
    return {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}


def _imported(statement: ast.AST, file: Path) -> Iterator[str]:
    """The texts of the files beside ``file`` that a statement imports, with what they import in turn."""
    waiting, seen = [statement], {file}
    while waiting:
        for path in _files(waiting.pop(), file.parent):
            if path not in seen:
                seen.add(path)
                text = _read(path)
                yield text
                waiting.append(_tree(text))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


@lru_cache(maxsize=256)
def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _files(statement: ast.AST, folder: Path) -> Iterator[Path]:
    """The files below ``folder`` of the modules that an import names, as far as they are loaded."""
    imports = [each for each in ast.walk(statement) if isinstance(each, ast.Import | ast.ImportFrom)]
    for each in imports:
        names = [alias.name for alias in each.names]
        if isinstance(each, ast.ImportFrom):
            base = each.module or ""
            names = [base, *(f"{base}.{name}".strip(".") for name in names)]
        for name in filter(None, names):
            yield from _loaded(name, folder)


def _loaded(name: str, folder: Path) -> Iterator[Path]:
    """A relative import tells only the end of a module's name."""
    for known, module in list(sys.modules.items()):
        if known != name and not known.endswith(f".{name}"):
            continue
        source = inspect.getsourcefile(module) if getattr(module, "__file__", None) else None
        path = Path(source).resolve() if source else None
        if path is not None and path.is_relative_to(folder):
            yield path
