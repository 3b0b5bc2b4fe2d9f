"""What both classes of agent have in common: their options, and the tools that are registered with them."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from bot.api.options import Options
from bot.api.shapes import Json
from bot.api.tools import Tools
from bot.errors import AdapterConfigurationError

Function = TypeVar("Function", bound=Callable[..., Any])


class Catalogue:
    """An agent's tools. Registering is safe from any thread, also while runs are under way."""

    __signature__ = inspect.signature(Options)

    def __init__(self, options: Options, tools: Tools) -> None:
        self._options, self._tools = options, tools

    def __getattr__(self, name: str) -> Any:
        """The options can be read as attributes of the agent: ``agent.actor``, ``agent.fail_mode`` …"""
        if name in Options.__dataclass_fields__ and not name.endswith("_api_key"):
            return getattr(self._options, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Options.__dataclass_fields__:
            raise AttributeError(f"{name} is given when the agent is made: make another one to change it.")
        super().__setattr__(name, value)

    def register_tool(
        self,
        name: str,
        fn: Callable[..., Any],
        description: str | None = None,
        parameters_schema: Mapping[str, Any] | None = None,
        value_from_args: Callable[[Json], float] | None = None,
        target_from_args: Callable[[Json], str] | None = None,
        action_name: str | None = None,
        domain: str | None = None,
        actor: str | None = None,
        metadata_from_args: Callable[[Json], Json] | None = None,
        decision_mode: str | None = None,
        strict: bool | None = None,
        **options: Any,
    ) -> None:
        """Offer ``fn`` to the model as ``name``; BIGHUB judges each call before it runs.

        fn: synchronous (it gets a thread of its own) or asynchronous. description: the docstring, unless given.
        parameters_schema: a JSON schema instead of the signature's; fn then gets plain JSON values.
        value_from_args, target_from_args, metadata_from_args: take the arguments as a dict and say what BIGHUB is told of
        the call's cost, its target, and anything else. action_name, domain, actor: as BIGHUB knows them (name, the agent's).
        decision_mode: "submit" or "submit_payload" (the agent's). strict: OpenAI's strict mode; None: wherever it can be.
        options: system, risk, environment, read_only, on_crash, probe, timeout (seconds), secret; as for `bot.action`.

        Raises AdapterConfigurationError: another tool of this name, a wrong option, a signature that no schema can express.
        """
        given = {key: value for key, value in locals().items() if key not in ("self", "options")}
        self._tools.register(**given, **options)

    def tool(self, name: str, fn: Callable[..., Any], **options: Any) -> None:
        """`register_tool`, in short."""
        self.register_tool(name, fn, **options)

    def action(
        self,
        fn: Callable[..., Any] | None = None,
        /,
        *,
        system: str | None = None,
        risk: str = "",
        environment: str = "",
        name: str | None = None,
        **options: Any,
    ) -> Any:
        """Register the decorated function, with what BIGHUB is told of it: ``@agent.action(system="okta", risk="high")``.

        name: the function's. options: those of `register_tool`; the domain is the system, unless given.
        """

        def decorate(decorated: Function) -> Function:
            given = {"domain": system or self._options.domain, **options}
            named = name or str(getattr(decorated, "__name__", ""))
            self.register_tool(named, decorated, system=system or "", risk=risk, environment=environment, **given)
            return decorated

        return decorate if fn is None else decorate(fn)

    def list_tools(self) -> list[Json]:
        """The tools as OpenAI's chat API writes them: ``{"type": "function", "function": {name, description, parameters, strict}}``."""
        return self._tools.list_tools()

    def _need_tools(self) -> None:
        if not self._tools.list_tools():
            raise AdapterConfigurationError("No tools registered")
