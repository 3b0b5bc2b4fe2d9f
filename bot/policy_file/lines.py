"""YAML as values and as a tree with lines: where in the file something stands. What it means is `grammar.py`'s.

Rules
1. A file has no aliases and no key twice in one mapping, so every value stands in exactly one place.
2. What only YAML 1.1 takes for a number or a date (``18:00``, ``2026-12-24``) stays the text that it is.
"""

import re
from collections.abc import Iterator

import yaml

from bot.errors import ConfigurationError

_LARGEST_FILE = 1_000_000
_PLAIN = {"int": re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z"), "float": re.compile(r"[-+]?[0-9]+\.[0-9]+\Z")}
_TAG = "tag:yaml.org,2002:"
Where = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Text, whole and decimal numbers, yes and no, lists, mappings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if tag.removeprefix(_TAG) not in ("timestamp", *_PLAIN)]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for name, form in _PLAIN.items():
    _Loader.add_implicit_resolver(_TAG + name, form, list("-+0123456789"))


def read(text: str, name: str) -> tuple[yaml.Node | None, object]:
    """The file's syntax tree, for the lines, and its values. Raises `ConfigurationError`."""
    if len(text) > _LARGEST_FILE:
        raise ConfigurationError(f"{name}:1: the file is larger than {_LARGEST_FILE:,} characters; shorten it.")
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigurationError(f"{name}:{line}: *{event.anchor} stands for another part; write it out.")
        return yaml.compose(text, Loader=_Loader), yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}:{line}: is not valid YAML ({error.problem}); correct it.") from error
    except yaml.YAMLError as error:
        first_line = str(error).partition("\n")[0]
        raise ConfigurationError(f"{name}:1: is not valid YAML ({first_line}); correct it.") from error


def repeated_keys(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """YAML keeps the last of two equal keys without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key.start_mark.line + 1, f'"{key.value}" is written twice; keep one'
            seen.add(str(key.value))
            yield from repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from repeated_keys(item)


def line_of(root: yaml.Node | None, where: Where) -> int:
    """The line of the deepest part of ``where`` that stands in the file."""
    node, line = root, 1 if root is None else root.start_mark.line + 1
    for step in where:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark.line + 1, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
