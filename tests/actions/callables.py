"""Callables of every kind that can be an action, for the tests of how they are read."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from typing import Any


class Company:
    """A company."""

    def __init__(self, name: str = "acme") -> None:
        self.name = name

    def restart(self, service: str, when: date) -> str:
        """Restart it."""
        return f"{self.name} {service} {when.year}"

    async def later(self, service: str) -> str:
        return f"{self.name} {service} later"

    @classmethod
    def founded(cls, name: str) -> str:
        """Found one."""
        return f"{cls.__name__} {name}"

    @staticmethod
    def count(of: list[int]) -> int:
        """Count them."""
        return sum(of)


class Greeter:
    """A greeter."""

    def __init__(self, greeting: str) -> None:
        self.greeting = greeting
        self.func = "an attribute with the name of a partial's"

    def __call__(self, name: str) -> str:
        """Greet somebody.

        Args:
            name: Whom.
        """
        return f"{self.greeting} {name}"


class LateGreeter(Greeter):
    async def __call__(self, name: str) -> str:  # type: ignore[override]
        return f"{self.greeting} {name}, late"


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(*args: Any, **named: Any) -> Any:
        return f"logged {fn(*args, **named)}"

    return wrapper


def deploy(environment: str, service: str, *, idempotency_key: str = "", replicas: int = 1) -> str:
    """Deploy a service."""
    return f"{environment} {service} {replicas} {idempotency_key}"


@logged
@logged
def wrapped(service: str, when: date) -> str:
    """Do it, logged."""
    return f"{service} {when.year}"


@functools.lru_cache
def cached(service: str) -> str:
    """Look it up."""
    return f"cached {service}"
