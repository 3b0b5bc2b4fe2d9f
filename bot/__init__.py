"""Signoff: an ops agent for Slack that asks before it acts, and its guarded loop as a library. The public names live here; the
machinery does not."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from bot.actions import action
    from bot.api import (
        AdapterConfigurationError,
        AsyncBighubOpenAI,
        AsyncGuardedOpenAI,
        BighubOpenAI,
        GuardedOpenAI,
        GuardedToolResult,
        ProviderResponseError,
        ToolExecutionEvent,
        ToolResult,
    )

__all__ = [
    "AdapterConfigurationError",
    "AsyncBighubOpenAI",
    "AsyncGuardedOpenAI",
    "BighubOpenAI",
    "GuardedOpenAI",
    "GuardedToolResult",
    "ProviderResponseError",
    "ToolExecutionEvent",
    "ToolResult",
    "__version__",
    "action",
]


def __getattr__(name: str) -> object:
    """The public names, imported on first use: `signoff --help` must not pay for them."""
    if name == "action":
        from bot.actions import action

        return action
    if name == "__version__":
        from importlib.metadata import version

        return version("signoff")
    if name in __all__:
        from bot import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
