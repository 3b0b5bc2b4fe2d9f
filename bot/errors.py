"""The errors that leave a room: one base, few leaves. Each carries what to tell the person, and nothing else.

A refusal is no error: it is a value (`core/refusal.py`).
"""


class SignoffError(Exception):
    """Something that a person must be told. ``tell`` is one sentence or two, with the remedy."""

    def __init__(self, tell: str) -> None:
        super().__init__(tell)
        self.tell = tell


class ConfigurationError(SignoffError):
    """A setting, an action or a file is wrong; nothing was started."""
