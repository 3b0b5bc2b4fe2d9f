"""What a tool tells BIGHUB of a call besides its arguments: the program's own callbacks, asked and checked.

Rules
1. Each callback is given a dict of its own: whatever it does to it, nobody else sees.
2. What fails, or is no number or dict, is an AdapterConfigurationError and nothing is judged by a guess; a number that
   nobody gave is None and not made up (H1, H25).
3. The value of an argument declared secret does not leave by this way either. Credentials of common kinds are taken out of
   the target here, and of the metadata by the guard.
"""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from bot.actions.definition import Action
from bot.actions.output import plain, without
from bot.actions.run import secret_texts
from bot.core.canonical import Json, Refused, parse_arguments
from bot.core.redact import redact_text
from bot.core.values import Binding
from bot.errors import AdapterConfigurationError

Mode = Literal["submit", "submit_payload"]
MODES: tuple[Mode, ...] = ("submit", "submit_payload")
Arguments = dict[str, Any]

_VALUES = ("value", "amount", "price", "total")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Facts:
    """``action_name``: what BIGHUB calls the action. ``value``: its cost, if anything says it. ``metadata``: JSON values.
    ``actor``, ``domain``, ``mode``: None for the agent's own."""

    action_name: str
    value: float | None
    target: str
    actor: str | None
    domain: str | None
    metadata: dict[str, Any]
    mode: Mode | None


@dataclass(frozen=True, slots=True)
class Telling:
    """How a tool was registered to tell its facts. ``risk``: the program's own word for it."""

    value_from_args: Callable[[Arguments], Any] | None = None
    metadata_from_args: Callable[[Arguments], Any] | None = None
    action_name: str | None = None
    domain: str | None = None
    actor: str | None = None
    decision_mode: Mode | None = None
    risk: str = ""


def facts_of(action: Action, telling: Telling, binding: Binding) -> Facts:
    """The facts of a bound call; what it acts upon was bound with it, and is not asked again.

    Raises AdapterConfigurationError for a callback that fails or returns what cannot be told, naming tool and callback;
    ValueError for arguments that were never bound.
    """
    call = _Call(action, binding)
    return Facts(
        action_name=telling.action_name or action.name,
        value=call.value(telling),
        target=call.target(),
        actor=telling.actor or None,
        domain=telling.domain or None,
        metadata=call.metadata(telling),
        mode=telling.decision_mode,
    )


class _Call:
    """One call's arguments, and the questions about them."""

    def __init__(self, action: Action, binding: Binding) -> None:
        self._action, self._binding = action, binding
        self._secrets = secret_texts(action, self._arguments())

    def value(self, telling: Telling) -> float | None:
        if telling.value_from_args is None:
            return self._inferred()
        said = self._asked("value_from_args", telling.value_from_args)
        return None if said is None else self._number("value_from_args returned", said)

    def target(self) -> str:
        return redact_text(without(self._binding.target, self._secrets))

    def metadata(self, telling: Telling) -> dict[str, Any]:
        """What the callback says, under what was declared at registration."""
        said: dict[str, Any] = {}
        if telling.metadata_from_args is not None:
            ask = telling.metadata_from_args
            said = self._asked("metadata_from_args", lambda arguments: _dict_of(ask(arguments)))
        told: dict[str, Any] = plain(said, self._secrets)
        told |= {name: "[secret]" for name in self._action.secret if name in told}
        declared = {
            "system": self._action.system,
            "risk": telling.risk,
            "environment": self._binding.environment,
        }
        return told | {name: text for name, text in declared.items() if text}

    def _arguments(self) -> dict[str, Json]:
        parsed = parse_arguments(self._binding.arguments)
        if isinstance(parsed, Refused):
            raise ValueError(parsed.reason)
        return parsed

    def _inferred(self) -> float | None:
        """The first argument that is a number and has a number-like name; a Decimal is text in JSON."""
        arguments = self._arguments()
        named = [name for name in _VALUES if name in arguments and name not in self._action.secret]
        if any(isinstance(arguments[name], str) for name in named):
            arguments = self._asked("its parameters", self._action.parameters.values)
        for name in named:
            value: Any = arguments.get(name)
            if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
                return self._number(f"{name} is", value)
        return None

    def _number(self, whose: str, value: Any) -> float:
        if not isinstance(value, bool):
            try:
                number = float(value)
            except (TypeError, ValueError, OverflowError):
                number = math.nan
            if math.isfinite(number):
                return number
        shown = type(value).__name__ if not isinstance(value, (bool, float)) else repr(value)
        raise self._wrong(f"{whose} {shown}, which is no number that BIGHUB could judge by.")

    def _asked(self, callback: str, ask: Callable[[Arguments], Any]) -> Any:
        try:
            said = ask(self._arguments())
        except Exception as error:  # the outermost edge of foreign code: a callback may raise anything
            told = without(f"{type(error).__name__}: {error}", self._secrets)[:_LONGEST]
            raise self._wrong(f"{callback} failed: {told}") from error
        if inspect.iscoroutine(said):
            said.close()
            raise self._wrong(f"{callback} is asynchronous; it must be a plain function of the arguments.")
        return said

    def _wrong(self, why: str) -> AdapterConfigurationError:
        return AdapterConfigurationError(f"tool {self._action.name}: {why}")


def _dict_of(said: Any) -> Any:
    return said if inspect.iscoroutine(said) else dict(said or {})
