"""What a rule of the policy is matched against, and when it fits. What follows from a rule is `policy.py`'s.

Rules
1. Every field of a `Match` that is set must fit. Texts are globs, any one of a list; upper and lower case are alike.
2. The risk is the guard's number where it gave one, else what the action declares: low 0.25, medium 0.5, high 0.75, critical 1.
3. What an argument is compared with is one of the comparisons below, any one of a list. Times (``30m``, ``4h``, ``2d``) are compared
   as times. An argument that is not there fits nothing but ``absent``.
4. What cannot be compared (a text where a number belongs) is neither a yes nor a no: whoever asks says what such a doubt counts.
   Nor is a list of which some elements fit and some do not: it is a yes where there is one and all of them do.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.core.canonical import Json, parse_arguments
from bot.core.refusal import Refused

DECLARED_RISK = {"low": 0.25, "medium": 0.5, "high": 0.75, "critical": 1.0}
LONGEST_SECONDS = 365 * 86_400
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_COMPARISON = re.compile(r"(>=|<=|!=|==|=|>|<)\s*(\S.*)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_STEP = re.compile(r"""\.?([A-Za-z_][A-Za-z0-9_-]*)|\.?\*|\[\*\]|\[([0-9]{1,6})\]|\['([^']*)'\]|\["([^"]*)"\]""")
Scalar = str | int | float | bool
Path = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """An action about to be judged, who asked for it, and where. ``risk`` is what the action declares, ``score`` what a guard said
    (0 to 1, None where nobody did); ``arguments`` are the canonical JSON; ``editors``: the users who changed them."""

    action: str
    system: str
    environment: str
    target: str
    risk: str
    read_only: bool
    requester: str
    channel: str
    domain: str = ""
    score: float | None = None
    arguments: str = "{}"
    editors: tuple[str, ...] = ()

    @property
    def weight(self) -> float:
        """The risk as a number; what is not known counts as the highest."""
        return self.score if self.score is not None else DECLARED_RISK.get(self.risk, 1.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``relation``: ``>=`` ``>`` ``<=`` ``<`` ``==`` ``!=`` ``like`` (a glob) ``present`` ``absent``."""

    relation: str
    value: Scalar = ""

    def holds(self, value: Json) -> bool | None:
        """Whether it holds for a value that is there; None where the two cannot be compared."""
        match self.relation:
            case "present" | "absent":
                return self.relation == "present"
            case "like" | "==":
                return self._equals(value)
            case "!=":
                equal = self._equals(value)
                return None if equal is None else not equal
            case _:
                return self._ordered(value)

    def _equals(self, value: Json) -> bool | None:
        if isinstance(value, list | dict) or value is None:
            return None
        if isinstance(self.value, str) and self.relation == "like":
            return fnmatchcase(_text(value).casefold(), self.value.casefold())
        pair = _comparable(value, self.value)
        return _text(value).casefold() == _text(self.value).casefold() if pair is None else pair[0] == pair[1]

    def _ordered(self, value: Json) -> bool | None:
        pair = _comparable(value, self.value)
        if pair is None:
            return None
        left, right = pair
        return {">=": left >= right, ">": left > right, "<=": left <= right, "<": left < right}[self.relation]


@dataclass(frozen=True, slots=True)
class ArgumentTest:
    """An argument by its path (None stands for every element), and what must hold for each of its values: any of ``tests``."""

    path: Path
    tests: tuple[Comparison, ...]

    def fits(self, arguments: Json) -> bool | None:
        answers = {self._answer(there) for there in _at(arguments, self.path)} or {self._answer(())}
        return answers.pop() if len(answers) == 1 else None

    def _answer(self, there: tuple[Json, ...]) -> bool | None:
        if not there:
            return any(test.relation == "absent" for test in self.tests)
        return _any(test.holds(value) for value in there for test in self.tests)


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule applies: every field that is set must fit. ``weight``: a comparison with the risk as a number."""

    action: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    requester: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    read_only: bool | None = None
    weight: Comparison | None = None
    arguments: tuple[ArgumentTest, ...] = ()

    def fits(self, case: Case, doubt: bool = True) -> bool:
        """``doubt``: what counts where something cannot be compared."""
        texts = ("action", "system", "environment", "target", "risk", "requester", "channel", "domain")
        if not all(_like(getattr(self, name), getattr(case, name)) for name in texts):
            return False
        if self.read_only is not None and self.read_only is not case.read_only:
            return False
        if self.weight is not None and not _or(self.weight.holds(case.weight), doubt):
            return False
        return not self.arguments or self._fits_arguments(case.arguments, doubt)

    def _fits_arguments(self, text: str, doubt: bool) -> bool:
        parsed = parse_arguments(text)
        if isinstance(parsed, Refused):
            return doubt
        return all(_or(test.fits(parsed), doubt) for test in self.arguments)


def duration(text: str) -> int | Refused:
    """``30m``, ``4h`` or ``2d`` in seconds; at most a year."""
    found = _DURATION.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_SECONDS:
        return Refused(f'"{text}" is not a duration; write it like 30m, 4h or 2d (at most 365d).')
    return seconds


def comparison(written: Scalar) -> Comparison | Refused:
    """``>= 10``, ``< 4h``, ``!= prod``, ``absent``, ``present``; a number or true and false; any other text is a glob."""
    if not isinstance(written, str):
        return Comparison("==", written)
    if written in ("absent", "present"):
        return Comparison(written)
    found = _COMPARISON.fullmatch(written)
    if found is None:
        return Comparison("like", written)
    relation = "==" if found[1] == "=" else found[1]
    value = _number(found[2])
    ordered = relation not in ("==", "!=")
    if ordered and isinstance(value, str) and isinstance(duration(value), Refused):
        return Refused(f'"{written}" compares with what has no order; write a number or a time, like >= 10 or > 4h.')
    return Comparison(relation, value)


def path(written: str) -> Path | Refused:
    """``replicas``, ``$.spec.replicas``, ``hosts[0]``, ``hosts[*].name``, ``["odd name"]``: names, indexes and wildcards of RFC 9535."""
    rest = written.removeprefix("$")
    steps: list[str | int | None] = []
    while rest:
        found = _STEP.match(rest)
        if found is None or (not steps and rest.startswith(".") and not written.startswith("$")):
            break
        index = found[2]
        named = next((name for name in (found[1], found[3], found[4]) if name is not None), None)
        steps.append(int(index) if index is not None else named)
        rest = rest[found.end() :]
    if rest or not steps:
        return Refused(
            f'"{written}" is no path of an argument; write it like replicas, spec.replicas or hosts[*].name.'
        )
    return tuple(steps)


def _number(text: str) -> str | int | float:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return float(text) if found[1] else int(text)


def _comparable(value: Json, other: Scalar) -> tuple[float, float] | None:
    """Both as numbers, or both as seconds."""
    if isinstance(value, str) and isinstance(other, str):
        left, right = duration(value), duration(other)
        return None if isinstance(left, Refused) or isinstance(right, Refused) else (left, right)
    if isinstance(value, bool | str) or isinstance(other, bool | str) or not isinstance(value, int | float):
        return None
    return value, other


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(value: Json, steps: Path) -> Iterator[tuple[Json, ...]]:
    """What is there, each by itself; () where the path leads nowhere."""
    if not steps:
        yield (value,)
        return
    inside = _inside(value, steps[0])
    if inside is None:
        yield ()
    for each in inside or ():
        yield from _at(each, steps[1:])


def _inside(value: Json, step: str | int | None) -> Iterable[Json] | None:
    """What a step of a path leads to; None where it leads nowhere."""
    if isinstance(value, dict):
        return value.values() if step is None else [value[step]] if isinstance(step, str) and step in value else None
    if isinstance(value, list):
        return value if step is None else [value[step]] if isinstance(step, int) and step < len(value) else None
    return None


def _like(wanted: tuple[str, ...], value: str) -> bool:
    return not wanted or any(fnmatchcase(value.casefold(), pattern.casefold()) for pattern in wanted)


def _any(answers: Iterator[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False


def _or(answer: bool | None, doubt: bool) -> bool:
    return doubt if answer is None else answer
