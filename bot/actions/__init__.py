"""What the agent can do: the public names of the room. Only the decorator is imported at once; the rest on first use."""

from typing import TYPE_CHECKING

from bot.actions.declare import Declared, OnCrash, Risk, action

if TYPE_CHECKING:
    from bot.actions.definition import Action, define
    from bot.actions.registry import Checked, Registry

__all__ = ["Action", "Checked", "Declared", "OnCrash", "Registry", "Risk", "action", "define"]


def __getattr__(name: str) -> object:
    if name in ("Action", "define"):
        from bot.actions import definition

        return getattr(definition, name)
    if name in ("Checked", "Registry"):
        from bot.actions import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
