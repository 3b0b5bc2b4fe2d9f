"""What both classes of agent have in common: their options, and the tools that are registered with them."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Unpack, overload

from bot.api.options import Options
from bot.api.registration import DecoratedOptions, LastOptions, ToolOptions
from bot.api.shapes import Json
from bot.api.tools import Tools
from bot.errors import AdapterConfigurationError

_SETTABLE = ("on_decision",)
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
        """``agent.on_decision`` may be set at any time: it only looks on. What decides is given when the agent is made."""
        if name in _SETTABLE:
            self._change(name, value)
        elif name in Options.__dataclass_fields__:
            raise AttributeError(f"{name} is given when the agent is made: make another one to change it.")
        else:
            super().__setattr__(name, value)

    def _change(self, name: str, value: Any) -> None:
        self._options = dataclasses.replace(self._options, **{name: value})

    def register_tool(
        self,
        name: str,
        fn: Callable[..., Any],
        description: str | None = None,
        parameters_schema: Mapping[str, Any] | None = None,
        value_from_args: Callable[[Json], Any] | None = None,
        target_from_args: Callable[[Json], Any] | str | None = None,
        action_name: str | None = None,
        domain: str | None = None,
        actor: str | None = None,
        metadata_from_args: Callable[[Json], Any] | None = None,
        decision_mode: str | None = None,
        strict: bool | None = None,
        **options: Unpack[LastOptions],
    ) -> None:
        """Offer ``fn`` to the model as ``name``; BIGHUB judges each call before it runs.

        name: what the model calls it. fn: synchronous (it gets a thread of its own) or asynchronous. description: what it does
        (None: the docstring's beginning). parameters_schema: a JSON schema instead of the signature's (None); fn then gets plain
        JSON values.
        value_from_args, target_from_args, metadata_from_args: take the arguments as a dict and say what BIGHUB is told of
        the call's cost, its target, and anything else (None: what the arguments' names say). action_name, domain, actor: as
        BIGHUB knows them (None: name, and the agent's). decision_mode: "submit" or "submit_payload" (None: the agent's).
        strict: OpenAI's strict mode (None: wherever it can be).
        options: by name only, and as of `bot.action`: system (""), risk ("": low, medium, high or critical), environment (""),
        read_only (False), on_crash (None), probe (None), timeout in seconds (None: the agent's tool_timeout_seconds), secret (():
        names of arguments that BIGHUB and the logs must not see).

        Returns None. Raises AdapterConfigurationError: another tool of this name, a wrong option, a signature that no schema
        can express; TypeError: an unknown option. Warns (UserWarning) where the tool is offered without strict mode unasked.
        Source: the founding README, Registering tools; bighub-openai 0.1.0b5; H20 and H26 in `docs/library.md`.
        """
        given = {key: value for key, value in locals().items() if key not in ("self", "options")}
        know_all("register_tool", options, ToolOptions)
        self._tools.register(**given, **options)

    def tool(self, name: str, fn: Callable[..., Any], **options: Unpack[ToolOptions]) -> None:
        """Offer ``fn`` to the model as ``name``: `register_tool`, with every option by name.

        name, fn: as `register_tool`'s. options: all its others, with its defaults and units.
        Returns None. Raises and warns as `register_tool` does. Source: the founding README, Registering tools.
        """
        know_all("tool", options, ToolOptions)
        self.register_tool(name, fn, **options)

    @overload
    def action(self, fn: Function, /) -> Function: ...
    @overload
    def action(
        self,
        *,
        system: str | None = None,
        risk: str = "",
        environment: str = "",
        name: str | None = None,
        **options: Unpack[DecoratedOptions],
    ) -> Callable[[Function], Function]: ...
    def action(  # type: ignore[misc]  # mypy does not see that **options takes what the overload unpacks
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

        fn: the function, where nothing else is said (``@agent.action``). system: where it acts, and BIGHUB's domain unless
        ``domain`` says otherwise (None: nowhere named). risk: low, medium, high or critical ("": none named). environment:
        "production", say (""). name: what the model calls it (None: the function's).
        options: those of `register_tool`, with its defaults and units.

        Returns the function as it was, or a decorator that does. Raises and warns as `register_tool` does.
        Source: the founding README, Quickstart; H1 and H20 in `docs/library.md`.
        """
        know_all("action", options, ToolOptions)

        def decorate(decorated: Function) -> Function:
            given: dict[str, Any] = {"domain": system or self._options.domain, **options}
            named = name or str(getattr(decorated, "__name__", ""))
            self.register_tool(named, decorated, system=system or "", risk=risk, environment=environment, **given)
            return decorated

        return decorate if fn is None else decorate(fn)

    def list_tools(self) -> list[Json]:
        """The registered tools, as OpenAI's chat API writes them.

        Returns a list of ``{"type": "function", "function": {name, description, parameters, strict}}``. Raises nothing.
        Source: the founding README, API Reference; the nested shape of bighub-openai 0.1.0b5.
        """
        return self._tools.list_tools()

    def _need_tools(self) -> None:
        if not self._tools.list_tools():
            raise AdapterConfigurationError("No tools registered")


def know_all(function: str, given: Mapping[str, Any], known: type) -> None:
    """Raises TypeError for what ``function`` does not take; ``known``: a TypedDict of what it does."""
    names = tuple(known.__annotations__)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise TypeError(f"{function}() takes no {', '.join(unknown)}. By name it takes: {', '.join(names)}.")
