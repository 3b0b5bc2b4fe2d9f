"""What people did, as our own values: Slack's payloads translated once, at the door (`slack/payloads.py`).

An input is not an event yet: the engine authorises it and decides which event of which run it becomes, if any.
"""

from dataclasses import dataclass

from bot.core.values import Person, Place


@dataclass(frozen=True, slots=True)
class Wrote:
    """A message by a person. ``mentioned``: it names the bot or is in a direct message; ``message`` is its ``ts``.
    ``text`` is unescaped and without the mention of the bot."""

    person: Person
    place: Place
    message: str
    text: str
    mentioned: bool


@dataclass(frozen=True, slots=True)
class Clicked:
    """A button on a card or a submitted view: ``action`` is its action_id, ``value`` the opaque id that it carries.
    ``message`` is the ``ts`` of the card that it belongs to, ``comment`` what was typed with it, ``arguments`` (JSON text) what an edit
    made of them."""

    person: Person
    action: str
    value: str
    channel: str
    message: str
    comment: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command that changes something: ``verb`` is "freeze" or "unfreeze", ``text`` all that was typed after it. ``team`` is the
    workspace that it was typed in, ``channel`` where."""

    person: Person
    verb: str
    text: str
    team: str
    channel: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to do for this input; ``why`` is for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another release stored this and can read it; this one cannot, and leaves it alone. ``why`` is for the log."""

    why: str


Input = Wrote | Clicked | Ordered | Nothing | Foreign


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says about a person at this moment. ``home`` is the team (or enterprise) the account belongs to, ``zone`` the time
    zone that their clocks are set to ("Europe/Berlin")."""

    person: Person
    name: str
    home: str
    deactivated: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    zone: str = ""
