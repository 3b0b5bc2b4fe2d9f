"""What lives in the acknowledgement of a click, a submitted view or a command: opening modals, answering `/pending`.

Rule 1: nothing here decides anything; the engine works the row that `ingress.py` committed. Only a submitted edit is committed by its
listener, since only what is valid is to be: before the acknowledgement like any other.
Rule 2: acknowledge first, then look things up; whoever clicked is told in words when something cannot be done.
"""

from slack_bolt.async_app import AsyncApp

from bot.slack.desk import Desk
from bot.slack.listeners.buttons import Buttons
from bot.slack.listeners.commands import Commands
from bot.slack.listeners.forms import Forms
from bot.slack.listeners.rest import register_rest

__all__ = ["register"]


def register(app: AsyncApp, desk: Desk) -> None:
    """Register every listener; the last ones take whatever nobody else knows."""
    Buttons(desk).register(app)
    Forms(desk).register(app)
    Commands(desk).register(app)
    register_rest(app, desk)
