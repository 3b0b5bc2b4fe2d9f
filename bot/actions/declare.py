"""How a Python function becomes an action: the `@action` decorator and what it notes down.

Rules
1. The decorated function stays what it was; the note is an attribute on it. Nothing is registered anywhere.
2. A wrong option is one error at once, which names the action, the option and what it may be.
3. This file imports nothing heavy: a module of actions can be imported without Pydantic.

The schema of the parameters is made later, when the action is defined (`definition.py`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, overload

from bot.actions.signature import KEY_PARAMETER, parameters_by_name, takes_key
from bot.errors import ConfigurationError

Function = TypeVar("Function", bound=Callable[..., Any])
Word = TypeVar("Word", bound=StrEnum)

_MARK = "__signoff_action__"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_SECONDS = 24 * 60 * 60


class Risk(StrEnum):
    """How bad it is when this goes wrong, by the one who wrote the action."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class OnCrash(StrEnum):
    """What to do about an attempt that was interrupted: ask people, ask the probe, or run it again."""

    ASK = "ask"
    PROBE = "probe"
    RERUN = "rerun"


@dataclass(frozen=True, slots=True)
class Declared:
    """What `@action` was told about a function, checked, with the defaults filled in. ``timeout`` in seconds."""

    fn: Callable[..., Any]
    name: str
    description: str | None
    system: str
    environment: str
    risk: Risk
    read_only: bool
    on_crash: OnCrash
    probe: Callable[..., Any] | None
    timeout: float
    target: str | Callable[[dict[str, Any]], str] | None
    secret: tuple[str, ...]
    parameters_schema: Mapping[str, Any] | None
    strict: bool


@overload
def action(fn: Function, /) -> Function: ...
@overload
def action(
    *,
    name: str | None = None,
    description: str | None = None,
    system: str = "",
    risk: str | None = None,
    environment: str = "",
    read_only: bool = False,
    on_crash: str | None = None,
    probe: Callable[..., Any] | None = None,
    timeout: float = 60,
    target: str | Callable[[dict[str, Any]], str] | None = None,
    secret: Sequence[str] = (),
    parameters_schema: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> Callable[[Function], Function]: ...
def action(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Mark a function as an action that the agent may propose: `@action` or `@action(system="okta", risk="high")`.

    name: what the model calls it (the function's name). description: what it does (the docstring's beginning).
    system, environment: where it acts, for the policy and the card; environment="{stage}" takes it from argument stage.
    risk: low, medium, high or critical (low if read_only, else medium).
    read_only: it changes nothing. on_crash: ask, probe or rerun, for an interrupted attempt (rerun if read_only,
    probe if there is one, else ask). probe: takes the action's arguments by name and says whether it happened:
    True, False, or None for "cannot tell".
    timeout: seconds (60; at most a day). target: the argument that names what is acted upon, or a function of the
    arguments, which has the same time. secret: arguments whose values are shown and sent nowhere.
    parameters_schema: a JSON schema instead of the signature's; the function then gets plain JSON values.
    strict=False: offer the action without OpenAI's strict mode, for signatures that it cannot express.

    A keyword-only parameter `idempotency_key: str` is not shown to the model; it is given the attempt's key.
    Raises ConfigurationError for a wrong option.
    """
    if fn is not None:
        return _marked(fn, {})
    return lambda function: _marked(function, dict(options))


def declared(candidate: object) -> Declared | None:
    """What `@action` noted on this object, or None where it is no action."""
    noted = getattr(candidate, "__dict__", {}).get(_MARK)
    return noted if isinstance(noted, Declared) else None


def declare(fn: Callable[..., Any], **options: Any) -> Declared:
    """Check the options of `action` for a function, without marking it."""
    name = options.pop("name", None)
    return _Checks(fn, getattr(fn, "__name__", type(fn).__name__) if name is None else name, options).declared()


def _marked(fn: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    noted = declare(fn, **options)
    try:
        setattr(fn, _MARK, noted)
    except AttributeError:
        raise ConfigurationError(f"action {noted.name}: @action marks functions, not {type(fn).__name__}.") from None
    return fn


def argument_names(
    fn: Callable[..., Any], schema: object, wrong: Callable[[str], ConfigurationError]
) -> frozenset[str] | None:
    """The names that the action's arguments can have; None where any name goes. Raises ``wrong(why)``."""
    if schema is None:
        return _names(fn, wrong)
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(properties) if isinstance(properties, Mapping) else None


def argument_named(environment: str) -> str | None:
    """The argument that an `{argument}` names; None for a plain name."""
    inside = environment[1:-1]
    return inside if environment == f"{{{inside}}}" and inside.isidentifier() else None


class _Checks:
    """The options of one action, taken one by one; each check names what it expects."""

    def __init__(self, fn: Callable[..., Any], name: Any, options: dict[str, Any]) -> None:
        self._fn = fn
        self._name = name
        self._options = options

    def declared(self) -> Declared:
        self._callable_and_name()
        parameters = self._parameters()
        read_only = self._boolean("read_only", False)
        probe = self._probe(parameters)
        noted = Declared(
            fn=self._fn,
            name=self._name,
            description=self._text("description", None),
            system=self._text("system", "") or "",
            environment=self._environment(parameters),
            risk=self._word(Risk, "risk", Risk.LOW if read_only else Risk.MEDIUM),
            read_only=read_only,
            on_crash=self._on_crash(read_only, probe),
            probe=probe,
            timeout=self._timeout(),
            target=self._target(parameters),
            secret=self._secret(parameters),
            parameters_schema=self._schema(),
            strict=self._boolean("strict", True),
        )
        if self._options:
            raise self._wrong(f"there is no option {', '.join(sorted(self._options))}.")
        return noted

    def _wrong(self, why: str) -> ConfigurationError:
        return ConfigurationError(f"action {self._name}: {why}")

    def _callable_and_name(self) -> None:
        if not callable(self._fn):
            raise self._wrong(f"@action marks functions, not {type(self._fn).__name__}.")
        if not isinstance(self._name, str) or not _NAME.fullmatch(self._name):
            raise self._wrong('a name is 1 to 64 of A-Z a-z 0-9 _ -; give one with name="…".')

    def _parameters(self) -> frozenset[str] | None:
        return argument_names(self._fn, self._options.get("parameters_schema"), self._wrong)

    def _text(self, option: str, default: str | None) -> str | None:
        value = self._options.pop(option, default)
        if value is not None and not isinstance(value, str):
            raise self._wrong(f"{option} must be a text, not {value!r}.")
        return value

    def _boolean(self, option: str, default: bool) -> bool:
        value = self._options.pop(option, default)
        if not isinstance(value, bool):
            raise self._wrong(f"{option} must be True or False, not {value!r}.")
        return value

    def _word(self, words: type[Word], option: str, default: Word) -> Word:
        value = self._options.pop(option, None)
        if value is None:
            return default
        allowed = [each.value for each in words]
        if not isinstance(value, str) or value not in allowed:
            raise self._wrong(f"{option} must be one of {', '.join(allowed)}, not {value!r}.")
        return words(value)

    def _probe(self, parameters: frozenset[str] | None) -> Callable[..., Any] | None:
        probe: Callable[..., Any] | None = self._options.pop("probe", None)
        if probe is None:
            return None
        if not callable(probe):
            raise self._wrong(f"probe must be a function, not {probe!r}.")
        wanted = _names(probe, self._wrong) or frozenset()
        unknown = [] if parameters is None else sorted(wanted - parameters - {KEY_PARAMETER})
        if unknown:
            raise self._wrong(f"the probe asks for {', '.join(unknown)}, which the action does not take.")
        return probe

    def _on_crash(self, read_only: bool, probe: Callable[..., Any] | None) -> OnCrash:
        implied = OnCrash.PROBE if probe else OnCrash.RERUN if read_only else OnCrash.ASK
        chosen = self._word(OnCrash, "on_crash", implied)
        if chosen is OnCrash.PROBE and probe is None:
            raise self._wrong('on_crash="probe" needs probe=, a function that says whether it happened.')
        if probe is not None and chosen is not OnCrash.PROBE:
            raise self._wrong(f'a probe is only asked with on_crash="probe", not "{chosen}".')
        return chosen

    def _timeout(self) -> float:
        value = self._options.pop("timeout", 60)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LONGEST_SECONDS:
            raise self._wrong(f"timeout must be a number of seconds, above 0 and at most 86,400, not {value!r}.")
        return float(value)

    def _target(self, parameters: frozenset[str] | None) -> str | Callable[[dict[str, Any]], str] | None:
        value: str | Callable[[dict[str, Any]], str] | None = self._options.pop("target", None)
        if isinstance(value, str):
            self._known("target", value, parameters)
        elif value is not None and not callable(value):
            raise self._wrong(f"target must be the name of an argument or a function of them, not {value!r}.")
        return value

    def _environment(self, parameters: frozenset[str] | None) -> str:
        """A name, or `{argument}`: then the argument says it, call by call."""
        value = self._text("environment", "") or ""
        named = argument_named(value)
        if named is not None:
            self._known("environment", named, parameters)
        return value

    def _secret(self, parameters: frozenset[str] | None) -> tuple[str, ...]:
        value = self._options.pop("secret", ())
        if (
            isinstance(value, str)
            or not isinstance(value, Sequence)
            or not all(isinstance(each, str) for each in value)
        ):
            raise self._wrong(f'secret must be a tuple of argument names, such as ("password",), not {value!r}.')
        for name in value:
            self._known("secret", name, parameters)
        return tuple(value)

    def _known(self, option: str, name: str, parameters: frozenset[str] | None) -> None:
        if parameters is not None and name not in parameters:
            raise self._wrong(f"{option} names {name!r}; the arguments are {', '.join(sorted(parameters)) or 'none'}.")

    def _schema(self) -> Mapping[str, Any] | None:
        value = self._options.pop("parameters_schema", None)
        if value is not None and not isinstance(value, Mapping):
            raise self._wrong(f"parameters_schema must be a JSON schema as a dict, not {value!r}.")
        return value


def _names(fn: Callable[..., Any], wrong: Callable[[str], ConfigurationError]) -> frozenset[str] | None:
    """The parameter names of a function without the idempotency key; None where it takes any (`**kwargs`)."""
    try:
        parameters = parameters_by_name(fn)
    except (TypeError, ValueError):
        raise wrong("its parameters cannot be read; wrap it in a Python function with annotations.") from None
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return None
    return frozenset(name for name, each in parameters.items() if not takes_key(name, each))
