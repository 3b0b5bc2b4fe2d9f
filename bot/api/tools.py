"""The tools of a program: functions registered at any time, offered to the model, checked, bound and run. The Actions port.

Rules
1. A name is given once, never silently again to something else; the very same registration twice (a notebook's cell) is
   nothing new.
2. Registering is safe from any thread, also while runs are under way: they see the tool, whole, from their next turn on.
3. Arguments from Python, such as edited ones, go the same way as the model's: written as JSON, checked, bound.

What a registration may say is `registration.py`'s; what a tool tells BIGHUB of a call is `facts.py`'s; schemas, bindings and
running are `bot.actions`'.
"""

import sys
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

from bot.actions.definition import Action
from bot.actions.registry import Checked, Registry, is_same
from bot.actions.sameness import same
from bot.api.facts import Arguments, Facts, Telling, facts_of
from bot.api.registration import Registration, with_mark
from bot.core.canonical import canonical_bytes, visible
from bot.core.refusal import Refused
from bot.core.values import Binding, CallId, Person, Proposal
from bot.errors import AdapterConfigurationError
from bot.ports import Ran, Wish

MOST_RETURNED = 256


class Tools(Registry):
    """The tools of one agent. ``default_timeout``: seconds that a tool may take unless it says otherwise."""

    def __init__(self, *, default_timeout: float = 60.0) -> None:
        super().__init__()
        self._default_timeout = default_timeout
        self._tellings: dict[str, Telling] = {}  # replaced, never changed, as the actions are
        self._registering = threading.Lock()
        self._returned: OrderedDict[str, Any] = OrderedDict()

    def register(
        self,
        name: str,
        fn: Callable[..., Any],
        description: str | None = None,
        parameters_schema: Mapping[str, Any] | None = None,
        value_from_args: Callable[[Arguments], Any] | None = None,
        target_from_args: Callable[[Arguments], Any] | str | None = None,
        action_name: str | None = None,
        domain: str | None = None,
        actor: str | None = None,
        metadata_from_args: Callable[[Arguments], Any] | None = None,
        decision_mode: str | None = None,
        strict: bool | None = None,
        *,
        system: str | None = "",
        risk: str | None = "",
        environment: str | None = "",
        read_only: bool = False,
        on_crash: str | None = None,
        probe: Callable[..., Any] | None = None,
        timeout: float | None = None,
        secret: Sequence[str] = (),
    ) -> None:
        """Offer ``fn`` as ``name``. The parameters are `BighubOpenAI.register_tool`'s and `bot.action`'s.

        Raises AdapterConfigurationError: another tool of this name, a wrong parameter, a signature that no schema can
        express. Warns (UserWarning) where the tool cannot be offered in strict mode and nobody said that this is meant.
        """
        given = dict(locals())
        del given["self"]
        registration = with_mark(Registration(**given))
        action, warning = registration.defined(self._default_timeout)
        if self._admit(action, registration.telling()) and warning:
            _warn(warning)

    def _admit(self, action: Action, telling: Telling) -> bool:
        """Whether this is new."""
        with self._registering:
            known = self.find(action.name)
            if known is None:
                self._tellings = {**self._tellings, action.name: telling}  # first: who finds the action finds this
                self.add(action)
                return True
        if is_same(known, action) and same(_parts(self._tellings.get(action.name, Telling())), _parts(telling)):
            return False
        raise AdapterConfigurationError(
            f"tool {action.name}: there is another tool of this name. Give one of them another name, or make a new agent."
        )

    def list_tools(self) -> list[dict[str, Any]]:
        """The tools as OpenAI's chat API writes them: the description of each under "function"."""
        return [
            {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}
            for tool in self.offered()
        ]

    # --- arguments from Python ------------------------------------------------------------------------------------------

    def check(self, name: str, arguments: object) -> Checked | Refused:
        """Arguments as JSON text or as a dict from Python, checked and bound; a refusal names every fault."""
        text = arguments if isinstance(arguments, (str, bytes)) else self._written(name, arguments)
        return text if isinstance(text, Refused) else super().check(name, text)

    def as_json(self, name: str, arguments: object) -> str:
        """A dict from Python as JSON text; dates, decimals and the like as the tool's schema has them.

        Raises AdapterConfigurationError for what is no dict, or has no JSON form.
        """
        written = self._written(name, arguments)
        if isinstance(written, Refused):
            raise AdapterConfigurationError(f"tool {name}: {written.reason}")
        return written

    async def propose_edit(self, call: str, wire: str, name: str, arguments: object, requester: Person) -> Proposal:
        """A proposal with arguments from Python; without a binding where they cannot be accepted, and then it says why."""
        written = self._written(name, arguments)
        if isinstance(written, Refused):
            return Proposal(CallId(call), wire, name, "{}", None, written.reason)
        return await self.propose(call, Wish(wire, name, written), requester)

    def _written(self, name: str, arguments: object) -> str | Refused:
        action = self.find(name)
        if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
            return Refused(f"The arguments must be a dict of names and values, not {type(arguments).__name__}.")
        if action is None:
            return "{}"
        plain: dict[str, Any] = {}
        for key, value in arguments.items():
            try:
                plain |= action.parameters.plain({key: value})
                canonical_bytes({key: plain[key]})
            except Exception as error:  # the outermost edge of foreign code: serializers of the parameters' types
                kind = type(value).__name__
                return Refused(f'"{visible(key)[:64]}" cannot be written as JSON: {kind} ({type(error).__name__}).')
        return canonical_bytes(plain).decode()

    # --- BIGHUB, and what was returned ------------------------------------------------------------------------------------

    def facts(self, action: str, binding: Binding) -> Facts:
        """What the tool tells BIGHUB of a bound call. It may block: the program's callbacks are asked.

        Raises AdapterConfigurationError for a tool that is not registered, and for a callback that fails.
        """
        found = self.find(action)
        if found is None:
            known = ", ".join(each.name for each in self.actions) or "none"
            raise AdapterConfigurationError(f"Tool '{action}' is not registered. The tools are: {known}.")
        return facts_of(found, self._tellings.get(action, Telling()), binding)

    async def run(self, proposal: Proposal, idempotency_key: str, keep: Callable[[object], None] | None = None) -> Ran:
        """As `Registry.run`; what the tool returned can be asked for afterwards (`returned`)."""
        return await super().run(proposal, idempotency_key, keep or partial(self._keep, idempotency_key))

    def returned(self, attempt: str) -> tuple[bool, Any]:
        """Whether it is still known what this attempt returned, here in this process, and then what: the object itself."""
        nothing = object()
        value = self._returned.get(attempt, nothing)
        return (False, None) if value is nothing else (True, value)

    def _keep(self, attempt: str, value: object) -> None:
        self._returned[attempt] = value
        while len(self._returned) > MOST_RETURNED:
            self._returned.popitem(last=False)


def _parts(telling: Telling) -> list[Any]:
    return [getattr(telling, name) for name in Telling.__slots__]


def _warn(text: str) -> None:
    """Warn about the program's own line, however many of ours lie between."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("bot."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)
