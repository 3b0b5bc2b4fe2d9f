"""From the names in `SIGNOFF_ACTIONS` to the marked functions: modules and files, in the order in which they are named.

Rule: whatever goes wrong is one ConfigurationError, which names the entry and the remedy.
"""

import hashlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from bot.actions.declare import Declared, declared
from bot.errors import ConfigurationError


def load(names: str) -> tuple[Declared, ...]:
    """The actions of a comma-separated list such as `bot.demo.company,./ops/actions.py`; each function once.

    A file is executed anew each time, under a module name of its own; its directory is not put on the import path.
    """
    found: dict[int, Declared] = {}
    for entry in filter(None, map(str.strip, names.split(","))):
        marked = _marked_in(_module(entry), entry)
        if not marked:
            raise ConfigurationError(f"{entry} declares no action: mark a function in it with @action.")
        found.update((id(each.fn), each) for each in marked)
    return tuple(found.values())


def _module(entry: str) -> ModuleType:
    try:
        return _from_file(Path(entry).expanduser(), entry) if _is_file(entry) else _by_name(entry)
    except ConfigurationError:
        raise
    except Exception as error:  # the outermost edge of foreign code: a module may raise anything while it is imported
        raise ConfigurationError(f"{entry} cannot be imported: {type(error).__name__}: {error}") from error


def _is_file(entry: str) -> bool:
    return entry.endswith(".py") or "/" in entry or os.sep in entry


def _by_name(entry: str) -> ModuleType:
    try:
        return importlib.import_module(entry)
    except ModuleNotFoundError as error:
        if error.name is None or not (entry == error.name or entry.startswith(f"{error.name}.")):
            raise
        raise ConfigurationError(
            f"there is no module {entry}. Install it, or name its file, such as ./{entry.replace('.', '/')}.py."
        ) from None


def _from_file(path: Path, entry: str) -> ModuleType:
    if not path.is_file():
        raise ConfigurationError(f"there is no file {entry} (looked in {Path.cwd()}).")
    name = f"signoff_actions_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{entry} is no Python file: its name must end with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _marked_in(module: ModuleType, entry: str) -> list[Declared]:
    marked: list[Declared] = []
    for name, value in vars(module).items():
        noted = declared(value)
        if noted is None:
            continue
        if noted.fn is not value:
            raise ConfigurationError(f"{entry}: {name} wraps an action. Put @action above its other decorators.")
        marked.append(noted)
    return marked
