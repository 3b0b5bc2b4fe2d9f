"""One tool's registration: what the program wrote, checked, and the action that it becomes.

Rules
1. OpenAI's strict mode is used wherever it can be. Where the program has not said enough (parameters without annotations,
   an open schema of its own) the tool is offered without it, with a warning; where it has said something that strict mode
   cannot express, the tool is refused, with the remedy.
2. Whatever is wrong is one AdapterConfigurationError, which names the tool and the parameter.
3. A word for the risk that nobody knows counts as high.
"""

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from bot.actions.declare import Risk, argument_names, declared
from bot.actions.definition import Action, define
from bot.actions.docstrings import summary
from bot.actions.signature import docstring, unannotated
from bot.actions.strict import strict_faults
from bot.api.facts import MODES, Arguments, Telling
from bot.errors import AdapterConfigurationError, ConfigurationError

_CALLBACKS = ("value_from_args", "target_from_args", "metadata_from_args")
_TEXTS = ("action_name", "domain", "actor", "system", "risk", "environment")
_RISKS = tuple(each.value for each in Risk)


class Described(TypedDict, total=False):
    """What a tool is, for the model and for BIGHUB."""

    description: str | None
    parameters_schema: Mapping[str, Any] | None
    value_from_args: Callable[[Arguments], Any] | None
    target_from_args: Callable[[Arguments], Any] | str | None
    action_name: str | None
    domain: str | None
    actor: str | None
    metadata_from_args: Callable[[Arguments], Any] | None
    decision_mode: str | None
    strict: bool | None


class Conduct(TypedDict, total=False):
    """How a tool is run. ``timeout`` in seconds."""

    read_only: bool
    on_crash: str | None
    probe: Callable[..., Any] | None
    timeout: float | None
    secret: Sequence[str]


class Where(TypedDict, total=False):
    """Where a tool acts, and how bad it is when that goes wrong."""

    system: str | None
    risk: str | None
    environment: str | None


class LastOptions(Conduct, Where, total=False):
    """What `register_tool` takes by name only."""


class DecoratedOptions(Described, Conduct, total=False):
    """What `action` takes besides the place and the name."""


class ToolOptions(Described, Conduct, Where, total=False):
    """What `tool` takes besides name and function."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The parameters of `Tools.register`, which says what each is. Raises AdapterConfigurationError for a wrong one."""

    name: str
    fn: Callable[..., Any]
    description: str | None
    parameters_schema: Mapping[str, Any] | None
    value_from_args: Callable[[Arguments], Any] | None
    target_from_args: Callable[[Arguments], Any] | str | None
    action_name: str | None
    domain: str | None
    actor: str | None
    metadata_from_args: Callable[[Arguments], Any] | None
    decision_mode: Any
    strict: bool | None
    system: str | None
    risk: str | None
    environment: str | None
    read_only: bool
    on_crash: str | None
    probe: Callable[..., Any] | None
    timeout: float | None
    secret: Sequence[str]

    def __post_init__(self) -> None:
        if not callable(self.fn):
            raise self._wrong("fn", "a function", self.fn)
        for option in _CALLBACKS:
            value = getattr(self, option)
            named = option == "target_from_args" and isinstance(value, str)
            if value is not None and not named and (not callable(value) or inspect.iscoroutinefunction(value)):
                raise self._wrong(option, "a plain function of the arguments (a dict), not asynchronous,", value)
        for option in _TEXTS:
            value = getattr(self, option)
            if value is not None and not isinstance(value, str):
                raise self._wrong(option, "a text", value)
        if self.decision_mode and self.decision_mode not in MODES:
            raise self._wrong("decision_mode", " or ".join(map(repr, MODES)), self.decision_mode)
        if self.strict is not None and not isinstance(self.strict, bool):
            raise self._wrong("strict", "True, False or None (wherever it can be)", self.strict)
        if isinstance(self.secret, str):
            raise self._wrong("secret", 'a tuple of argument names, such as ("password",)', self.secret)

    def telling(self) -> Telling:
        """How the tool tells BIGHUB of a call."""
        return Telling(
            value_from_args=self.value_from_args,
            metadata_from_args=self.metadata_from_args,
            action_name=self.action_name or None,
            domain=self.domain or None,
            actor=self.actor or None,
            decision_mode=self.decision_mode or None,
            risk=self.risk or "",
        )

    def defined(self, default_timeout: float) -> tuple[Action, str]:
        """The action, and a warning that the program should read ("" where there is none)."""
        try:
            strict, warning = self._strictness(default_timeout)
            return self._action(strict, default_timeout), warning
        except AdapterConfigurationError:
            raise
        except ConfigurationError as error:
            why = error.tell.removeprefix(f"action {self.name}: ")
            raise AdapterConfigurationError(f"tool {self.name}: {why}") from error

    def _strictness(self, default_timeout: float) -> tuple[bool, str]:
        if self.strict is not None:
            return self.strict, ""
        if self.parameters_schema:
            faults = strict_faults(json.loads(self._action(False, default_timeout).parameters_schema))
            why = f"OpenAI's strict mode would refuse its parameters_schema ({'; '.join(faults[:5])})"
            return not faults, self._loose(why, "Close the schema") if faults else ""
        try:
            missing = unannotated(self.fn)
        except (NameError, TypeError, ValueError, AttributeError):
            return True, ""  # told in better words when the action is defined
        why = f"nothing says what {', '.join(missing)} may be, so anything is accepted there"
        return not missing, self._loose(why, "Annotate the function, or give parameters_schema=") if missing else ""

    def _loose(self, why: str, remedy: str) -> str:
        meant = "strict=False says that it is meant so"
        return f"tool {self.name}: {why}, and it is offered without OpenAI's strict mode. {remedy}; {meant}."

    def _action(self, strict: bool, default_timeout: float) -> Action:
        schema = self.parameters_schema or None
        names = argument_names(self.fn, schema, lambda why: AdapterConfigurationError(f"tool {self.name}: {why}"))
        by_name = "target" if names is not None and "target" in names else None
        risk = (self.risk or "").strip().casefold()
        return define(
            self.fn,
            name=self.name,
            description=self.description or summary(docstring(self.fn)) or f"Execute {self.name}",
            system=self.system or "",
            risk=risk if risk in _RISKS else Risk.HIGH.value if risk else None,
            environment=self.environment or "",
            read_only=self.read_only,
            on_crash=self.on_crash,
            probe=self.probe,
            timeout=default_timeout if self.timeout is None else self.timeout,
            target=self.target_from_args or by_name,
            secret=self.secret,
            parameters_schema=schema,
            strict=strict,
        )

    def _wrong(self, option: str, wanted: str, value: object) -> AdapterConfigurationError:
        return AdapterConfigurationError(f"tool {self.name}: {option} must be {wanted}, not {repr(value)[:80]}.")


def with_mark(given: Registration) -> Registration:
    """A function that `@action` has marked already brings what that says, wherever the registration says nothing."""
    mark = declared(given.fn)
    if mark is None:
        return given
    return dataclasses.replace(
        given,
        description=given.description or mark.description,
        parameters_schema=given.parameters_schema or mark.parameters_schema,
        target_from_args=given.target_from_args or mark.target,
        strict=False if given.strict is None and not mark.strict else given.strict,
        system=given.system or mark.system,
        risk=given.risk or mark.risk.value,
        environment=given.environment or mark.environment,
        read_only=given.read_only or mark.read_only,
        on_crash=given.on_crash or (None if given.probe else mark.on_crash.value),
        probe=given.probe or mark.probe,
        timeout=mark.timeout if given.timeout is None else given.timeout,
        secret=(*given.secret, *mark.secret),
    )
