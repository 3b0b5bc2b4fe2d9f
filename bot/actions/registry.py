"""The actions that are offered: found by name, their arguments checked and bound, run. The `Actions` port.

Rules
1. One name, one action: a second of the same name is an error, never a silent replacement.
2. What is bound is canonical bytes with all defaults filled in; the same bytes are shown, sealed and run.
3. An action that is no longer what was bound is not run, whoever asks.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from bot.actions.declare import argument_named
from bot.actions.definition import Action, define
from bot.actions.loading import load
from bot.actions.run import ask_probe, execute
from bot.core.canonical import MAX_BYTES, Json, Refused, canonical_bytes, digest, parse_arguments, visible
from bot.core.events import Binding, CallId, Person, Proposal
from bot.core.redact import redacted
from bot.errors import ConfigurationError
from bot.ports import Ran, Wish


@dataclass(frozen=True, slots=True)
class Checked:
    """Arguments that fit their action. ``arguments``: canonical bytes; ``secret``: the names that are not shown."""

    action: Action
    arguments: bytes
    target: str
    secret: tuple[str, ...]


class Registry:
    """A fixed set of actions. ConfigurationError for two of one name."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._actions: dict[str, Action] = {}
        for action in actions:
            if action.name in self._actions:
                raise ConfigurationError(
                    f'there are two actions named {action.name}. Rename one, or give it @action(name="…").'
                )
            self._actions[action.name] = action

    @classmethod
    def load(cls, names: str) -> "Registry":
        """The actions of modules and files, comma-separated. ConfigurationError names what is wrong with which."""
        return cls(define(each) for each in load(names))

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(self._actions.values())

    def offered(self) -> tuple[dict[str, object], ...]:
        """The function tools of OpenAI's Responses API, in the order of declaration."""
        return tuple(
            {
                "type": "function",
                "name": action.name,
                "description": action.description,
                "parameters": json.loads(action.parameters_schema),
                "strict": action.strict,
            }
            for action in self._actions.values()
        )

    def find(self, name: str) -> Action | None:
        """The action of this name, if there is one."""
        return self._actions.get(name)

    def current_definition(self, action: str) -> str | None:
        """The definition digest of an action as it is now; None where there is no such action."""
        found = self.find(action)
        return found.definition_digest if found else None

    def check(self, name: str, raw_arguments: str | bytes) -> Checked | Refused:
        """Parse, fill in defaults, validate and canonicalise what the model wrote; a refusal names every fault."""
        action = self.find(name)
        if action is None:
            known = ", ".join(self._actions) or "none"
            return Refused(f'There is no action "{visible(name)[:64]}". The actions are: {known[:2000]}.')
        parsed = parse_arguments(raw_arguments)
        if isinstance(parsed, Refused):
            return parsed
        filled = action.parameters.filled(parsed)
        faults = _faults(action, filled)
        if faults:
            return Refused(f"The arguments do not fit {action.name}: {' '.join(faults)}")
        arguments = canonical_bytes(filled)
        if len(arguments) > MAX_BYTES:
            return Refused(f"With their defaults the arguments are longer than {MAX_BYTES:,} bytes.")
        target = _target(action, filled)
        return target if isinstance(target, Refused) else Checked(action, arguments, target, action.secret)

    def propose(self, call: str, wish: Wish, requester: Person) -> Proposal:
        """A wish, validated and bound; without a binding where it can never run, and then it says why."""
        checked = self.check(wish.action, wish.arguments)
        if isinstance(checked, Refused):
            return Proposal(CallId(call), wish.wire, wish.action, wish.arguments, None, checked.reason)
        action = checked.action
        binding = Binding(
            arguments=checked.arguments.decode(),
            digest=digest(
                action=action.name,
                definition=action.definition_digest,
                arguments=checked.arguments,
                target=checked.target,
                requester=f"{requester.team}/{requester.user}",
            ),
            definition=action.definition_digest,
            target=checked.target,
            system=action.system,
            environment=_environment(action, checked.arguments),
            risk=action.risk.value,
            read_only=action.read_only,
            on_crash=action.on_crash.value,
            order=tuple(json.loads(action.parameters_schema).get("properties", {})),
            secret=action.secret,
        )
        return Proposal(CallId(call), wish.wire, wish.action, wish.arguments, binding)

    def redacted(self, proposal: Proposal) -> str:
        """The bound arguments as JSON text without secrets; `{}` for a proposal without a binding."""
        action = self.find(proposal.action)
        if proposal.binding is None:
            return "{}"
        shown = redacted(proposal.binding.arguments.encode(), action.secret if action else ())
        return canonical_bytes(shown).decode()

    async def run(self, proposal: Proposal, idempotency_key: str) -> Ran:
        """Run the action with exactly the bound bytes, if it is still the one that was bound."""
        bound = self._bound(proposal)
        if isinstance(bound, Refused):
            return Ran(ok=False, output="null", error=bound.reason)
        action, arguments = bound
        return await execute(action, arguments, idempotency_key=idempotency_key)

    async def probe(self, proposal: Proposal, idempotency_key: str) -> bool | None:
        """Whether an interrupted attempt happened; None where nobody can tell, or the action is another one now."""
        bound = self._bound(proposal)
        if isinstance(bound, Refused):
            return None
        action, arguments = bound
        return await ask_probe(action, arguments, idempotency_key=idempotency_key)

    def _bound(self, proposal: Proposal) -> tuple[Action, bytes] | Refused:
        action = self.find(proposal.action)
        if proposal.binding is None:
            return Refused(f"{proposal.action} was not run: its arguments were never accepted.")
        if action is None or action.definition_digest != proposal.binding.definition:
            return Refused(f"{proposal.action} was not run: it is no longer the action that was decided about.")
        return action, proposal.binding.arguments.encode()


def _faults(action: Action, filled: dict[str, Json]) -> tuple[str, ...]:
    try:
        return action.parameters.faults(filled, action.secret)
    except Exception as error:  # the outermost edge of foreign code: validators of the parameters' types
        return (f"They could not be checked ({type(error).__name__}).",)


def _environment(action: Action, arguments: bytes) -> str:
    named = argument_named(action.environment)
    return action.environment if named is None else str(json.loads(arguments).get(named, ""))


def _target(action: Action, filled: dict[str, Json]) -> str | Refused:
    try:
        if callable(action.target):
            value: Json = action.target(dict(filled))
        else:
            value = filled.get(action.target, "") if action.target else ""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        text.encode()
    except Exception as error:  # the outermost edge of foreign code: the action's own target function
        return Refused(f"{action.name} could not say what these arguments act upon ({type(error).__name__}).")
    return text
