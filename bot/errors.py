"""The errors that leave a room: one base, few leaves. Each carries what to tell the person, and nothing else.

A refusal is no error: it is a value (`core/refusal.py`).
"""

from typing import Any


class SignoffError(Exception):
    """Something that a person must be told. ``tell`` is one sentence or two, with the remedy."""

    def __init__(self, tell: str) -> None:
        super().__init__(tell)
        self.tell = tell


class ConfigurationError(SignoffError):
    """A setting, an action or a file is wrong; nothing was started."""


class AdapterConfigurationError(ConfigurationError, ValueError):
    """A program gave the library something wrong: names the parameter or the tool, and what it may be."""


class ProviderResponseError(SignoffError, RuntimeError):
    """The model failed, or no run came of its answer. ``execution``: what was done before, ``{"events", "last"}`` as in a response."""

    def __init__(self, tell: str) -> None:
        super().__init__(tell)
        self.execution: dict[str, Any] = {"events": [], "last": None}
