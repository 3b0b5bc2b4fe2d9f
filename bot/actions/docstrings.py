"""Reads a docstring: what the function does, and what each parameter means. Google, NumPy and Sphinx styles; pure."""

import inspect
import re
from collections.abc import Iterator

_GOOGLE_SECTION = re.compile(
    r"(?:Args|Arguments|Parameters|Params|Keyword Args|Returns?|Yields?|Raises|Examples?|Notes?|Attributes):\s*"
)
_GOOGLE_PARAMETERS = ("Args:", "Arguments:", "Parameters:", "Params:", "Keyword Args:")
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)")
_NUMPY_RULE = re.compile(r"-{3,}\s*")
_NUMPY_ENTRY = re.compile(r"(\w+(?:\s*,\s*\w+)*)(?:\s*:.*)?")
_SPHINX_PARAMETER = re.compile(r":(?:param|parameter|arg|argument)\s+(?:[^:]*\s)?(\w+):\s*(.*)")
_SPHINX_FIELD = re.compile(r":\w+[^:]*:")


def summary(docstring: str | None) -> str:
    """What stands before the first section, in one paragraph per blank line; "" without a docstring."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    kept: list[str] = []
    for number, line in enumerate(lines):
        underlined = number + 1 < len(lines) and _NUMPY_RULE.fullmatch(lines[number + 1])
        if _GOOGLE_SECTION.fullmatch(line) or _SPHINX_FIELD.match(line) or (underlined and line):
            break
        kept.append(line)
    paragraphs = "\n".join(kept).strip().split("\n\n")
    return "\n\n".join(_joined(paragraph.split("\n")) for paragraph in paragraphs if paragraph.strip())


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    """Parameter name → its description, for those that the docstring describes."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    return {**dict(_numpy(lines)), **dict(_google(lines)), **dict(_sphinx(lines))}


def _google(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        if line.rstrip() in _GOOGLE_PARAMETERS:
            body = _indented(lines[number + 1 :])
            for head, rest in _entries(body, _indent(body[0]) if body else 0):
                match = _GOOGLE_ENTRY.fullmatch(head)
                if match:
                    yield match[1], _joined([match[2], *rest])


def _numpy(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines[:-1]):
        if line.strip() == "Parameters" and _NUMPY_RULE.fullmatch(lines[number + 1]):
            for head, rest in _entries(_until_next_section(lines[number + 2 :]), 0):
                match = _NUMPY_ENTRY.fullmatch(head)
                if match:
                    yield from ((name.strip(), _joined(rest)) for name in match[1].split(","))


def _sphinx(lines: list[str]) -> Iterator[tuple[str, str]]:
    for head, rest in _entries(lines, 0):
        match = _SPHINX_PARAMETER.fullmatch(head)
        if match:
            yield match[1], _joined([match[2], *rest])


def _entries(lines: list[str], indent: int) -> Iterator[tuple[str, list[str]]]:
    """Groups of lines: one at `indent`, with the deeper ones that follow it. A blank line ends a group's text."""
    head: str | None = None
    rest: list[str] = []
    for line in [*lines, " " * indent + "."]:
        if line.strip() and _indent(line) <= indent:
            if head is not None:
                yield head, rest
            head, rest = line.strip(), []
        else:
            rest.append(line)


def _indented(lines: list[str]) -> list[str]:
    body: list[str] = []
    for line in lines:
        if line.strip() and not line.startswith(" "):
            break
        if line.strip() or body:
            body.append(line)
    return body


def _until_next_section(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if _NUMPY_RULE.fullmatch(line):
            return lines[: max(number - 1, 0)]
    return lines


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines if line.strip())
