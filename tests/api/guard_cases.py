"""A library guard as the tests want it: its options, what its tools say, and the SDK's clients that it may be given."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bighub import AsyncBighubClient, BighubClient

from bot.api.facts import Facts
from bot.api.guard import GuardOptions, LibraryGuard
from bot.bighub_client import sdk_client
from bot.ports import Question
from tests.servers.bighub_server import API_KEY, BighubServer

Opened = Callable[[BighubServer], Any]
CLIENTS: dict[str, Opened] = {
    "own": lambda server: sdk_client(API_KEY, server.url),
    "async": lambda server: AsyncBighubClient(base_url=server.url, api_key=API_KEY, max_retries=0),
    "sync": lambda server: BighubClient(base_url=server.url, api_key=API_KEY, max_retries=0),
}


def said(**changed: Any) -> Facts:
    """What a tool says of a call."""
    given: dict[str, Any] = {"action_name": "grant_access", "value": 48.0, "target": "bob"}
    given |= {"actor": None, "domain": None, "metadata": {}, "mode": None}
    return Facts(**{**given, **changed})


def options(**changed: Any) -> GuardOptions:
    given: dict[str, Any] = {
        "actor": "ops-agent",
        "domain": "it_actions",
        "objective": "better_decision",
        "model_selection": "auto",
        "session_id": None,
        "fail_mode": "closed",
        "evaluate_retries": 2,
        "report_timeout_seconds": 2.0,
        "outcome_reporting": True,
        "outcome_required": False,
        "memory_enabled": True,
        "memory_source": "openai_adapter",
        "memory_source_version": "signoff@test",
        "retry_wait_seconds": 0.001,
    }
    return GuardOptions(**{**given, **changed})


def guard_over(client: Any, facts: Facts | Callable[[Question], Any] | None = None, **changed: Any) -> LibraryGuard:
    """A guard over a client; ``facts``: what the tool says, or the callback that does."""
    tell = facts if callable(facts) else lambda question: facts or said()
    return LibraryGuard(client, tell, options(**changed))


@asynccontextmanager
async def open_guard(
    server: BighubServer, facts: Facts | None = None, opened: Opened = CLIENTS["own"], **changed: Any
) -> AsyncIterator[LibraryGuard]:
    """A guard over a client of the SDK, closed at the end."""
    guard = guard_over(opened(server), facts, **changed)
    try:
        yield guard
    finally:
        await guard.close()
