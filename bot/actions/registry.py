"""The actions that are offered: found by name, their arguments checked and bound, run. The `Actions` port.

Rules
1. One name, one action: another one of the same name is an error, never a silent replacement; the very same is nothing new.
2. What is bound is canonical bytes with all defaults filled in; the same bytes are shown, sealed and run.
3. An action that is no longer what was bound is not run, whoever asks.
"""

import inspect
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from bot.actions.declare import argument_named
from bot.actions.definition import Action, define
from bot.actions.loading import load
from bot.actions.run import ask_probe, execute, in_time
from bot.actions.sameness import same
from bot.core.canonical import MAX_BYTES, Json, Refused, canonical_bytes, digest, parse_arguments, visible
from bot.core.redact import redacted
from bot.core.values import Binding, CallId, Person, Proposal
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
    """The actions that there are; more may come at any time, from any thread. ConfigurationError for two of one name."""

    def __init__(self, actions: Iterable[Action] = (), *, unspoken: Iterable[str] = ()) -> None:
        """``unspoken``: texts that no output of an action may carry further."""
        self._unspoken = tuple(unspoken)
        self._actions: dict[
            str, Action
        ] = {}  # replaced, never changed: whoever reads it meanwhile keeps what there was
        self._adding = threading.Lock()
        for action in actions:
            self.add(action)

    def add(self, action: Action) -> None:
        """Offer one more. ConfigurationError where there is another one of this name; the very same is accepted."""
        with self._adding:
            known = self._actions.get(action.name)
            if known is None:
                self._actions = {**self._actions, action.name: action}
            elif not is_same(known, action):
                raise ConfigurationError(
                    f'there are two actions named {action.name}. Rename one, or give it @action(name="…").'
                )

    @classmethod
    def load(cls, names: str, *, unspoken: Iterable[str] = ()) -> "Registry":
        """The actions of modules and files, comma-separated. ConfigurationError names what is wrong with which."""
        return cls((define(each) for each in load(names)), unspoken=unspoken)

    @property
    def actions(self) -> tuple[Action, ...]:
        return tuple(self._actions.values())

    def offered(self) -> tuple[dict[str, object], ...]:
        """The function tools of OpenAI's Responses API, in the order in which they were added."""
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

    def is_defined_as(self, action: str, definition: str) -> bool:
        """Whether an action is still what the digest ``definition`` says; False where there is no such action."""
        found = self.find(action)
        return found is not None and definition in (found.definition_digest, found.older_digest)

    def scopes(self) -> frozenset[str]:
        """What there is to freeze: `system:NAME` and `environment:NAME` of what changes something; `environment:{ARGUMENT}` where an
        argument says it."""
        changing = [action for action in self._actions.values() if not action.read_only]
        systems = {f"system:{action.system}" for action in changing if action.system}
        return frozenset(systems | {f"environment:{action.environment}" for action in changing if action.environment})

    def check(self, name: str, raw_arguments: str | bytes) -> Checked | Refused:
        """Parse, fill in defaults, validate and canonicalise what the model wrote; a refusal names every fault.

        It may block where the action says what it acts upon by a function of its own.
        """
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

    def schema(self, action: str) -> Mapping[str, object] | None:
        """The JSON schema that an action's arguments are checked by; None where there is no such action."""
        found = self.find(action)
        return found.parameters.inner if found else None

    def fitted(self, action: str, arguments: str) -> str | Mapping[str, str]:
        """Arguments as they would be bound; or what is wrong, in sentences, by the argument's name ("": as a whole)."""
        found, parsed = self.find(action), parse_arguments(arguments)
        if found is None or isinstance(parsed, Refused):
            return {"": parsed.reason if isinstance(parsed, Refused) else f"There is no action {visible(action)}."}
        filled = found.parameters.filled(parsed)
        try:
            faults = found.parameters.faults_by_name(filled, found.secret)
        except Exception as error:  # the outermost edge of foreign code: validators of the parameters' types
            return {"": f"They could not be checked ({type(error).__name__})."}
        return faults or canonical_bytes(filled).decode()

    async def propose(self, call: str, wish: Wish, requester: Person) -> Proposal:
        """A wish, validated and bound; without a binding where it can never run, and then it says why."""
        found = self.find(wish.action)
        if found is not None and callable(found.target):
            work, seconds = partial(self.check, wish.action, wish.arguments), found.timeout
            checked = await in_time(work, f"target of {found.name}", seconds) or Refused(
                f"{found.name} could not say within {seconds:g} s what these arguments act upon."
            )
        else:
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
            environment=environment_of(action, checked.arguments),
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

    async def run(self, proposal: Proposal, idempotency_key: str, keep: Callable[[object], None] | None = None) -> Ran:
        """Run the action with exactly the bound bytes, if it is still the one that was bound. ``keep`` is given what it
        returned, as the Python value that it is."""
        bound = self._bound(proposal)
        if isinstance(bound, Refused):
            return Ran(ok=False, output="null", error=bound.reason)
        action, arguments = bound
        return await execute(action, arguments, idempotency_key=idempotency_key, keep=keep, unspoken=self._unspoken)

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
        if action is None or not self.is_defined_as(proposal.action, proposal.binding.definition):
            return Refused(f"{proposal.action} was not run: it is no longer the action that was decided about.")
        return action, proposal.binding.arguments.encode()


def _faults(action: Action, filled: dict[str, Json]) -> tuple[str, ...]:
    try:
        return action.parameters.faults(filled, action.secret)
    except Exception as error:  # the outermost edge of foreign code: validators of the parameters' types
        return (f"They could not be checked ({type(error).__name__}).",)


def is_same(one: Action, other: Action) -> bool:
    """Whether two actions are the very same: one definition, and functions that do the same with the same surroundings."""
    pairs = ((one.fn, other.fn), (one.probe, other.probe), (one.target, other.target))
    return one.definition_digest == other.definition_digest and all(same(*pair) for pair in pairs)


def environment_of(action: Action, arguments: bytes) -> str:
    """Where these (canonical) arguments make the action act: the declared name, or what the named argument says."""
    named = argument_named(action.environment)
    if named is None:
        return action.environment
    value = json.loads(arguments).get(named)
    return "" if value is None else str(value)


def target_of(action: Action, arguments: dict[str, Json]) -> str:
    """What these arguments act upon; "" where nothing says it. Raises whatever the action's own function raises."""
    if callable(action.target):
        value: Json = action.target(arguments)
        if inspect.iscoroutine(value):
            value.close()
            raise TypeError("the target function is asynchronous")
    else:
        value = arguments.get(action.target) if action.target else None
    text = value if isinstance(value, str) else "" if value is None else _compact(value)
    text.encode()
    return text


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _target(action: Action, filled: dict[str, Json]) -> str | Refused:
    try:
        return target_of(action, filled)
    except Exception as error:  # the outermost edge of foreign code: the action's own target function
        return Refused(f"{action.name} could not say what these arguments act upon ({type(error).__name__}).")
