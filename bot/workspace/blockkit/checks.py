"""The combinators that describe a JSON shape and report, as Slack does, what is wrong and where.

A check is a function of value, pointer and report; it never raises. What the shapes are stands in the files beside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """Problems in the order found, as `message [json-pointer:/…]`."""

    problems: list[str] = field(default_factory=list)

    def add(self, pointer: str, message: str) -> None:
        self.problems.append(f"{message} [json-pointer:{pointer}]")


Check = Callable[[Any, str, Report], None]


def anything(value: Any, at: str, report: Report) -> None:
    """Accepts every value."""


def boolean(value: Any, at: str, report: Report) -> None:
    if not isinstance(value, bool):
        report.add(at, "must provide a boolean")


def integer(least: int | None = None, most: int | None = None) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(at, "must provide an integer")
        elif least is not None and value < least:
            report.add(at, f"must be greater than or equal to {least}")
        elif most is not None and value > most:
            report.add(at, f"must be less than or equal to {most}")

    return check


def string(most: int | None = None, least: int = 1) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(at, "must provide a string")
        elif len(value) < least:
            report.add(at, f"must be more than {least - 1} characters")
        elif most is not None and len(value) > most:
            report.add(at, f"must be less than {most + 1} characters")

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        if value not in allowed:
            report.add(at, "must be a valid enum value")

    return check


def array(item: Check, most: int | None = None, least: int = 1) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(at, "must provide an array")
            return
        if len(value) < least:
            report.add(at, f"no less than {least} items allowed")
        if most is not None and len(value) > most:
            report.add(at, f"no more than {most} items allowed")
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", report)

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A closed object: a missing required field and an unknown field are problems, as on Slack."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(at, "must provide an object")
            return
        for name in required:
            if value.get(name) is None:
                report.add(at, f"missing required field: {name}")
        for name, each in value.items():
            if name not in known:
                report.add(at, f"invalid additional property: {name}")
            elif each is not None:
                known[name](each, f"{at}/{name}", report)

    return check


def by_type(table: Mapping[str, Check]) -> Check:
    """Chooses the shape by the object's `type`; a type outside the table is unsupported there."""

    def check(value: Any, at: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(at, "must provide an object")
            return
        kind = value.get("type")
        if kind is None:
            report.add(at, "missing required field: type")
        elif not isinstance(kind, str) or kind not in table:
            report.add(f"{at}/type", f"unsupported type: {kind}")
        else:
            table[kind](value, at, report)

    return check


def union(check_one: Check) -> Check:
    """Slack says first that no schema of a union matched, then why."""

    def check(value: Any, at: str, report: Report) -> None:
        inner = Report()
        check_one(value, at, inner)
        if inner.problems:
            report.add(at, "failed to match all allowed schemas")
            report.problems.extend(inner.problems)

    return check


def both(*checks: Check) -> Check:
    def check(value: Any, at: str, report: Report) -> None:
        for each in checks:
            each(value, at, report)

    return check


def when_object(test: Callable[[Mapping[str, Any]], str | None]) -> Check:
    """A rule over several fields of one object: `test` answers the problem or None."""

    def check(value: Any, at: str, report: Report) -> None:
        if isinstance(value, dict) and (problem := test(value)) is not None:
            report.add(at, problem)

    return check


def at_least_one(fields: Sequence[str]) -> Check:
    def test(value: Mapping[str, Any]) -> str | None:
        return None if any(value.get(name) for name in fields) else f"missing required field: {fields[0]}"

    return when_object(test)
