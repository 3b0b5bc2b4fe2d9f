"""`policy.yml` → `Policy`, with every mistake named by line and remedy. What the rules mean is `core/policy.py`'s.

The file is read once, at start; `load_policy` refuses it whole if anything in it is wrong. Keys that are not known are
mistakes, because a rule that silently does nothing is worse than a bot that does not start.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from bot.core.policy import Defaults, Match, Policy, Rule, duration
from bot.core.refusal import Refused
from bot.core.values import Verdict
from bot.errors import ConfigurationError

_APPROVER = re.compile(r"user:[UW][A-Z0-9]+|group:S[A-Z0-9]+")
_LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy and what whoever starts the bot should know about it, one sentence each."""

    policy: Policy
    warnings: tuple[str, ...] = ()


def load_policy(path: Path | None) -> Loaded:
    """The policy of a file. Without one nobody may approve anything, and a warning says so.

    Raises ConfigurationError: the file is missing, unreadable or wrong; one line for each mistake.
    """
    if path is None:
        nobody = (
            "There is no policy file: nobody can approve anything. Write a policy.yml and name it in SIGNOFF_POLICY."
        )
        return Loaded(Policy(), (nobody,))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{path}: cannot be read ({why}); check SIGNOFF_POLICY.") from error
    return parse_policy(text, str(path))


def parse_policy(text: str, name: str) -> Loaded:
    """The policy that ``text`` says; ``name`` is what mistakes call the file. Raises ConfigurationError."""
    root, values = _read(text, name)
    mistakes = list(_repeated_keys(root)) if root else []
    if not mistakes:
        try:
            file = _File.model_validate({} if values is None else values)
        except ValidationError as error:
            mistakes = [(_line(root, each["loc"]), _sentence(each)) for each in error.errors()]
        else:
            mistakes = [(_line(root, where), sentence) for where, sentence in file.contradictions()]
    if mistakes:
        lines = [f"{name}:{line}: {sentence}" for line, sentence in sorted(dict.fromkeys(mistakes))]
        raise ConfigurationError("\n".join(lines))
    policy = file.policy()
    return Loaded(policy, tuple(f"{name}: {sentence}" for sentence in _warnings(policy)))


def _approver(name: str) -> str:
    if not _APPROVER.fullmatch(name):
        raise ValueError(f'"{name}" is no approver; write user:U… or group:S… with the id that Slack shows')
    return name


def _seconds(text: object) -> int:
    found = duration(text) if isinstance(text, str) else Refused("write a duration like 30m, 4h or 2d")
    if isinstance(found, Refused):
        raise ValueError(found.reason.rstrip("."))
    return found


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


Globs = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_one_or_more), Field(min_length=1)]
Approvers = Annotated[tuple[Annotated[str, AfterValidator(_approver)], ...], BeforeValidator(_one_or_more)]
Quorum = Annotated[StrictInt, Field(ge=1, le=100)]
Duration = Annotated[int, BeforeValidator(_seconds)]
RiskLabel = Literal["low", "medium", "high", "critical"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _When(_Part):
    action: Globs = ()
    system: Globs = ()
    environment: Globs = ()
    target: Globs = ()
    risk: Annotated[tuple[RiskLabel, ...], BeforeValidator(_one_or_more)] = ()
    requester: Globs = ()
    channel: Globs = ()
    domain: Globs = ()
    read_only: StrictBool | None = None


class _Rule(_Part):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    when: _When = _When()
    verdict: Verdict | None = None
    approvers: Approvers | None = None
    quorum: Quorum | None = None
    requester_may_approve: StrictBool | None = None
    expires_in: Duration | None = None

    def rule(self) -> Rule:
        rest = {key: getattr(self, key) for key in type(self).model_fields if key != "when"}
        return Rule(match=Match(**dict(self.when)), **rest)


class _Defaults(_Part):
    approvers: Approvers = Defaults().approvers
    quorum: Quorum = Defaults().quorum
    requester_may_approve: StrictBool = Defaults().requester_may_approve
    expires_in: Duration = Defaults().expires_in


class _File(_Part):
    version: Literal[1] = 1
    guests_may_ask: StrictBool = False
    shell_may_decide: StrictBool = False
    defaults: _Defaults = _Defaults()
    rules: tuple[_Rule, ...] = ()

    def policy(self) -> Policy:
        rules = tuple(rule.rule() for rule in self.rules)
        return Policy(Defaults(**dict(self.defaults)), rules, self.guests_may_ask, self.shell_may_decide)

    def contradictions(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What every key allows and the whole does not."""
        names: set[str] = set()
        for number, rule in enumerate(self.rules):
            if rule.name in names:
                yield ("rules", number, "name"), f'there are two rules named "{rule.name}"; rename one'
            names.add(rule.name)
            yield from _too_few(("rules", number, "quorum"), rule.approvers, rule.quorum or self.defaults.quorum)
        yield from _too_few(("defaults", "quorum"), self.defaults.approvers, self.defaults.quorum)


def _too_few(
    where: tuple[str | int, ...], approvers: tuple[str, ...] | None, quorum: int
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    people = set(approvers or ())
    if people and all(name.startswith("user:") for name in people) and len(people) < quorum:
        yield where, f"a quorum of {quorum} cannot be reached by {len(people)} approvers; name more or lower it"


def _warnings(policy: Policy) -> Iterator[str]:
    if policy.defaults.approvers:
        return
    yield "defaults name no approvers: nobody can decide what no rule with approvers covers."
    for rule in policy.rules:
        if rule.verdict is Verdict.ASK and not rule.approvers:
            yield f'rule "{rule.name}" asks, but names no approvers: nobody can decide it.'


def _read(text: str, name: str) -> tuple[yaml.Node | None, object]:
    """The file's syntax tree, for the lines, and its values."""
    if len(text) > _LARGEST_FILE:
        raise ConfigurationError(f"{name}:1: the file is larger than {_LARGEST_FILE:,} characters; shorten it.")
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise ConfigurationError(f"{name}:{line}: *{event.anchor} stands for another part; write it out.")
        return yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}:{line}: is not valid YAML ({error.problem}); correct it.") from error
    except yaml.YAMLError as error:
        first_line = str(error).partition("\n")[0]
        raise ConfigurationError(f"{name}:1: is not valid YAML ({first_line}); correct it.") from error


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """YAML keeps the last of two equal keys without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key.start_mark.line + 1, f'"{key.value}" is written twice; keep one'
            seen.add(str(key.value))
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _line(root: yaml.Node | None, where: tuple[str | int, ...]) -> int:
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


def _sentence(error: Any) -> str:
    where = ".".join(str(step) for step in error["loc"] if isinstance(step, str)) or "the file"
    match error["type"]:
        case "extra_forbidden":
            return f"{where} is not a key that policy.yml knows; remove it or correct its spelling"
        case "missing":
            return f"{where} is missing; write it"
        case "model_type":
            return f"{where} must be a mapping of keys and values"
        case "value_error":
            return f"{where}: {error['ctx']['error']!s}"
        case _:
            return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}"
