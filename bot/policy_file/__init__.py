"""`policy.yml` → `Policy`, with every mistake named by line and remedy. What the rules mean is `core/policy.py`'s.

`load_policy` refuses the file whole if anything in it is wrong; a running bot looks at it in `policy_watch.py`. `grammar.py` says
which keys there are, `written.py` how their values are written, `lines.py` where they stand, `explaining.py` what they come to in a
sentence.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.core.emergency import freezers
from bot.core.matching import DECLARED_RISK, Match
from bot.core.policy import Policy, Rule
from bot.core.terms import stricter
from bot.core.timing import time_said
from bot.core.values import Verdict
from bot.errors import ConfigurationError
from bot.policy_file.explaining import stated
from bot.policy_file.grammar import Example, ExamplePart, File, NamesPart
from bot.policy_file.lines import Where, line_of, read, repeated_keys
from bot.policy_file.written import RISKS, Names

__all__ = ["Example", "Loaded", "Names", "case_of_options", "load_policy", "parse_policy"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy and what whoever starts the bot should know about it, one sentence each. ``examples``: each with its place in the
    file (``policy.yml:12``)."""

    policy: Policy
    warnings: tuple[str, ...] = ()
    names: Names = field(default_factory=Names)
    examples: tuple[tuple[str, Example], ...] = ()


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
    root, values = read(text, name)
    names, mistakes = _names_in(values), list(repeated_keys(root))
    if not mistakes:
        try:
            file = File.model_validate({} if values is None else values, context=names)
        except ValidationError as error:
            mistakes = [(line_of(root, each["loc"]), _sentence(each)) for each in error.errors()]
        else:
            mistakes = [(line_of(root, where), sentence) for where, sentence in file.contradictions()]
    if mistakes:
        lines = [f"{name}:{line}: {sentence}" for line, sentence in sorted(dict.fromkeys(mistakes))]
        raise ConfigurationError("\n".join(lines))
    policy = file.policy()
    places = [f"{name}:{line_of(root, ('examples', number))}" for number in range(len(file.examples))]
    examples = tuple(zip(places, (each.example() for each in file.examples), strict=True))
    placed = (*_never_reminded(policy), *_never_lifted(policy), *_worse_left_out(policy))
    told = (f"{name}:{line_of(root, where)}: {sentence}" for where, sentence in placed)
    return Loaded(policy, (*(f"{name}: {sentence}" for sentence in _warnings(policy)), *told), names, examples)


def case_of_options(options: dict[str, Any], names: Names) -> Example:
    """An example from the options of a command. Raises ConfigurationError."""
    try:
        return ExamplePart.model_validate(options | {"expect": {}}, context=names).example()
    except ValidationError as error:
        raise ConfigurationError("\n".join(_sentence(each) for each in error.errors())) from error


def _names_in(values: object) -> Names:
    """Wrong names are told of with the rest of the file."""
    given = values.get("names") if isinstance(values, dict) else None
    try:
        return NamesPart.model_validate(given or {}).names()
    except ValidationError:
        return Names()


# --- words ------------------------------------------------------------------------------------------------------------


def _warnings(policy: Policy) -> Iterator[str]:
    if policy.defaults.approvers or policy.defaults.shares:
        return
    but = ", but whoever break_glass names" if policy.break_glass.people else ""
    yield f"defaults name no approvers: nobody can decide what no rule with approvers covers{but}."
    for rule in policy.rules:
        if rule.verdict is Verdict.ASK and not rule.approvers and not rule.shares:
            yield f'rule "{rule.name}" asks, but names no approvers: nobody can decide it{but}.'


def _never_reminded(policy: Policy) -> Iterator[tuple[Where, str]]:
    """Where the file wants a reminder when the request has expired."""
    parts: list[tuple[Where, Rule | None]] = [(("defaults", "remind_after"), None)]
    parts += [(("rules", n, "remind_after"), rule) for n, rule in enumerate(policy.rules)]
    for where, rule in parts:
        terms = stated(policy, rule)
        if (rule or policy.defaults).remind_after and terms.remind_after >= terms.expires_at:
            yield (
                where,
                (
                    f"{where[0]}.remind_after: nobody is ever reminded after {time_said(terms.remind_after)}, since the request expires in"
                    f" {time_said(terms.expires_at)}; write a shorter time."
                ),
            )


def _never_lifted(policy: Policy) -> Iterator[tuple[Where, str]]:
    """Where too few may freeze for a freeze to be set, or lifted by somebody else. ``freeze: {}`` means it."""
    who = set(freezers(policy))
    if not who and policy.freezers is None:
        yield (), "nobody may freeze anything; name users or groups under freeze:, or approvers under defaults:."
    if len(who) == 1 and all(name.startswith("user:") for name in who):
        where: Where = ("defaults", "approvers") if policy.freezers is None else ("freeze",)
        yield where, "one person alone may freeze, and nobody could lift it, since that takes another; name a second."


def _worse_left_out(policy: Policy) -> Iterator[tuple[Where, str]]:
    """Where a rule that tightens names a risk, and no rule that does not allow says anything of a worse one."""
    others = [rule.match for rule in policy.rules if not rule.shadow and rule.verdict is not Verdict.ALLOW]
    heard = {
        risk for risk in RISKS for match in others if match == Match() or risk in match.risk or _weighs(match, risk)
    }
    for number, rule in enumerate(policy.rules):
        least = next((at for at, risk in enumerate(RISKS) if risk in rule.match.risk), len(RISKS))
        left = [risk for risk in RISKS[least:] if risk not in heard | {*rule.match.risk}]
        if left and _tightens(policy, rule):
            told = f"a name fits that risk alone, and no rule (those that allow apart) names {' or '.join(left)}, which is worse"
            yield ("rules", number, "when", "risk"), f'rules.when.risk: {told}; add it, or write like ">= 0.75".'


def _weighs(match: Match, risk: str) -> bool:
    return match.weight is not None and match.weight.holds(DECLARED_RISK[risk]) is True


def _tightens(policy: Policy, rule: Rule) -> bool:
    if rule.verdict in (Verdict.ASK, Verdict.DENY) or rule.limits or rule.windows:
        return True
    return stricter(stated(policy, rule), stated(policy))


def _sentence(error: Any) -> str:
    where = ".".join(str(step) for step in error["loc"] if isinstance(step, str)) or "the file"
    match error["type"]:
        case "extra_forbidden":
            return f"{where} is not a key that policy.yml knows; {_nearest(error['loc'])}"
        case "missing":
            return f"{where} is missing; write it"
        case "model_type":
            return f"{where} must be a mapping of keys and values"
        case "value_error":
            return f"{where}: {error['ctx']['error']!s}"
        case _:
            return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _nearest(where: Where) -> str:
    """The nearest key that is known where an unknown one stands."""
    known = _keys_at(where[:-1])
    near = get_close_matches(str(where[-1]), known, 1, 0.6)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"


def _keys_at(where: Where) -> list[str]:
    part: type[BaseModel] = File
    for step in where:
        if isinstance(step, str) and step in part.model_fields:
            part = _part_in(part.model_fields[step].annotation) or part
    return [known.alias or name for name, known in part.model_fields.items()]


def _part_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_part_in, getattr(annotation, "__args__", ()))), None)
