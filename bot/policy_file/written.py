"""The small forms of `policy.yml`, each read from what is written: who, times, comparisons, windows. Pure but for the zones' names.

Rule: a form that is wrong is a ValueError that says what to write instead.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt, ValidationInfo

from bot.core.canonical import canonical_bytes
from bot.core.matching import ArgumentTest, Comparison, comparison, duration, path
from bot.core.refusal import Refused
from bot.core.timing import DAY, WEEK, Dated, Recurring, Window
from bot.core.values import Share

RISKS = ("low", "medium", "high", "critical")
_APPROVER = re.compile(r"user:[UW][A-Z0-9]+|group:S[A-Z0-9]+")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]+")
_GLOB = r"[A-Z0-9*?\[\]!-]*"
_REQUESTERS, _CHANNELS = re.compile(rf"[UW*?\[]{_GLOB}"), re.compile(rf"[CGD*?\[]{_GLOB}")
"""What a glob that fits an id looks like: whatever else stands in a rule would never match, and nobody would hear of it."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKLY = re.compile(rf"(?:({'|'.join(_DAYS)}) )?([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DATED = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
_MOST_OF_ONE = 100


@dataclass(frozen=True, slots=True)
class Names:
    """What the file calls people, user groups and channels: name → id."""

    people: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    def of(self, approver: str) -> str:
        """An approver as the file calls them."""
        kind, _, found = approver.partition(":")
        known = self.people if kind == "user" else self.groups
        return f"{kind}:{next((name for name, one in known.items() if one == found), found)}"

    def person(self, user: str) -> str:
        return self.of(f"user:{user}").removeprefix("user:")

    def channel(self, channel: str) -> str:
        return next((f"#{name}" for name, one in self.channels.items() if one == channel), channel)


def _names(info: ValidationInfo) -> Names:
    return info.context if isinstance(info.context, Names) else Names()


def approver(name: object, info: ValidationInfo) -> str:
    """``user:U…``, ``group:S…``, or either with a name of the file."""
    kind, _, called = str(name).partition(":")
    known = {"user": _names(info).people, "group": _names(info).groups}.get(kind, {})
    found = f"{kind}:{known.get(called, called)}"
    if not isinstance(name, str) or not _APPROVER.fullmatch(found):
        raise ValueError(f'"{name}" is no approver; write user:U… or group:S… with the id that Slack shows')
    return found


def user(name: object, info: ValidationInfo) -> str:
    return approver(name if str(name).startswith("user:") else f"user:{name}", info)


def group(name: object, info: ValidationInfo) -> str:
    return approver(name if str(name).startswith("group:") else f"group:{name}", info)


def known_zone(name: object) -> str:
    try:
        return ZoneInfo(str(name)).key
    except (ValueError, OSError, KeyError) as unknown:
        raise ValueError(f'"{name}" is no time zone that this machine knows; write one like Europe/Berlin') from unknown


def requester(name: str, info: ValidationInfo) -> str:
    """An id, a glob over ids, or a name of the file."""
    called = name.removeprefix("user:")
    found = _names(info).people.get(called, called)
    if not _REQUESTERS.fullmatch(found):
        raise ValueError(
            f'"{name}" is nobody who could ask; write an id (U…) as Slack shows it, or a name under names: people:'
        )
    return found


def post_to(name: str, info: ValidationInfo) -> str:
    """``thread`` (""), or a channel."""
    found = "" if name == "thread" else _known_channel(name, info)
    if found and not _CHANNEL.fullmatch(found):
        raise ValueError(f'"{name}" is no channel; write thread, #name with a name of the file, or an id (C…)')
    return found


def channel(name: str, info: ValidationInfo) -> str:
    """An id, a glob over ids, or ``#name`` with a name of the file."""
    found = _known_channel(name, info)
    if not _CHANNELS.fullmatch(found):
        raise ValueError(
            f'"{name}" is no channel; write #name with a name of the file, or an id (C…) as Slack shows it'
        )
    return found


def _known_channel(name: str, info: ValidationInfo) -> str:
    if not name.startswith("#"):
        return name
    found = _names(info).channels.get(name[1:])
    if found is None:
        raise ValueError(f'"{name}" is no channel that the file names; put its id (C…) under names: channels:')
    return found


def seconds(text: object) -> int:
    found = duration(text) if isinstance(text, str) else Refused("write a duration like 30m, 4h or 2d")
    if isinstance(found, Refused):
        raise ValueError(found.reason.rstrip("."))
    return found


def listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def quorum(value: object, info: ValidationInfo) -> int | tuple[Share, ...]:
    """So many in all, or so many of each."""
    if isinstance(value, dict) and value:
        return tuple(Share(approver(name, info), _count(count)) for name, count in value.items())
    return _count(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_OF_ONE:
        raise ValueError(f"write a whole number from 1 to {_MOST_OF_ONE}, or so many of each, like {{group:S…: 1}}")
    return value


def risk(value: object) -> tuple[str, ...] | Comparison:
    """Declared risks, any one of them; or a comparison with the number."""
    words = listed(value)
    if isinstance(words, list) and words and all(word in RISKS for word in words):
        return tuple(words)
    found = comparison(value) if isinstance(value, str) else None
    if isinstance(found, Comparison) and isinstance(found.value, int | float) and 0 <= found.value <= 1:
        return found
    raise ValueError(
        f'write one or more of {", ".join(RISKS)}, or a comparison like ">= 0.7" with a number from 0 to 1'
    )


def comment(value: object) -> bool | Comparison:
    """``true``, ``false``, or ``{risk: ">= 0.7"}``."""
    if isinstance(value, bool):
        return value
    above = risk(value["risk"]) if isinstance(value, dict) and list(value) == ["risk"] else None
    if isinstance(above, Comparison):
        return above
    raise ValueError('write true, false or {risk: ">= 0.7"}')


def tests(value: object) -> tuple[Comparison, ...]:
    """What must hold for an argument: one comparison, or any of a list."""
    found = [_test(each) for each in (value if isinstance(value, list) else [value])]
    if not found:
        raise ValueError("write what the argument is compared with")
    return tuple(found)


def _test(value: Any) -> Comparison:
    if not isinstance(value, str | int | float | bool):
        raise ValueError("an argument is compared with a text, a number, true or false")
    found = comparison(value)
    if isinstance(found, Refused):
        raise ValueError(found.reason.rstrip("."))
    return found


def argument_path(written: str) -> str:
    found = path(written)
    if isinstance(found, Refused):
        raise ValueError(found.reason.rstrip("."))
    return written


def argument_tests(written: Mapping[str, tuple[Comparison, ...]]) -> tuple[ArgumentTest, ...]:
    """``written`` with paths that `argument_path` has seen."""
    found = ((path(each), compared) for each, compared in written.items())
    return tuple(ArgumentTest(steps, compared) for steps, compared in found if not isinstance(steps, Refused))


def window(begins: str, ends: str, zone: str) -> Window:
    """``Fri 16:00`` to ``Mon 08:00``, ``18:00`` to ``08:00`` every day, or two dates."""
    known_zone(zone)
    said = f"from {begins} to {ends}"
    first, last = _WEEKLY.fullmatch(begins), _WEEKLY.fullmatch(ends)
    if first and last and bool(first[1]) is bool(last[1]):
        starts, stops = (_minute(each) for each in (first, last))
        if starts != stops:
            return Recurring(starts, stops, WEEK if first[1] else DAY, zone, said if first[1] else f"{said} every day")
    stamps = [_stamp(each) for each in (begins, ends)]
    if stamps[0] and stamps[1] and stamps[0] < stamps[1]:
        return Dated(stamps[0], stamps[1], zone, said)
    raise ValueError(
        'write from and to as "Fri 16:00", "18:00" or "2026-12-20 18:00", both in the same way, and not the same'
    )


def _minute(found: re.Match[str]) -> int:
    return (_DAYS.index(found[1]) * DAY if found[1] else 0) + int(found[2]) * 60 + int(found[3])


def _stamp(text: str) -> str:
    moment = moment_of(text)
    return moment.strftime("%Y-%m-%dT%H:%M") if moment else ""


def moment_of(text: str) -> datetime | None:
    """A date, or a date and a time of day."""
    for form in _DATED:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def example_time(text: object) -> datetime:
    found = moment_of(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("write a date and a time of day like 2026-12-24 10:00")
    return found


def example_risk(value: object) -> float | str:
    """A number from 0 to 1, as a guard gives it, or what the action declares."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    if isinstance(value, str) and value in RISKS:
        return value
    if isinstance(value, str) and re.fullmatch(r"0(\.[0-9]{1,9})?|1(\.0{1,9})?", value):
        return float(value)
    raise ValueError(f"write a number from 0 to 1, or one of {', '.join(RISKS)}")


def time_of_day(value: object) -> int:
    """Minutes from midnight."""
    found = _WEEKLY.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[1]:
        raise ValueError('write a time of day in quotes, like "19:00"')
    return _minute(found)


def canonical(value: object) -> str:
    if not isinstance(value, dict):
        raise ValueError("write the arguments as a mapping of names and values")
    return canonical_bytes(value).decode()


Text = Annotated[str, Field(min_length=1)]
Globs = Annotated[tuple[Text, ...], BeforeValidator(listed), Field(min_length=1)]
Requester = Annotated[str, AfterValidator(requester)]
Requesters = Annotated[tuple[Requester, ...], BeforeValidator(listed), Field(min_length=1)]
ChannelId = Annotated[Text, AfterValidator(post_to)]
Channel = Annotated[str, AfterValidator(channel)]
Channels = Annotated[tuple[Channel, ...], BeforeValidator(listed), Field(min_length=1)]
Approver = Annotated[str, PlainValidator(approver)]
User = Annotated[str, PlainValidator(user)]
Group = Annotated[str, PlainValidator(group)]
Zone = Annotated[str, PlainValidator(known_zone)]
Approvers = Annotated[tuple[Approver, ...], BeforeValidator(listed)]
QuorumForm = Annotated[int | tuple[Share, ...], PlainValidator(quorum)]
Duration = Annotated[int, BeforeValidator(seconds)]
RiskForm = Annotated[tuple[str, ...] | Comparison, PlainValidator(risk)]
CommentForm = Annotated[bool | Comparison, PlainValidator(comment)]
Arguments = dict[
    Annotated[str, AfterValidator(argument_path)], Annotated[tuple[Comparison, ...], PlainValidator(tests)]
]
CanonicalArguments = Annotated[str, PlainValidator(canonical)]
ExampleRisk = Annotated[float | str, PlainValidator(example_risk)]
ExampleTime = Annotated[datetime | None, PlainValidator(example_time)]
TimeOfDay = Annotated[int, PlainValidator(time_of_day)]
Count = Annotated[StrictInt, Field(ge=1, le=100_000)]
