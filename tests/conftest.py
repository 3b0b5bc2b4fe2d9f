"""Fixtures for all tests. Logs are plain lines: structlog's default draws every local variable of a traceback."""

import pytest
import structlog

from tests.databases import database_url, empty_url, postgres, postgres_url, sqlite_template, sqlite_url

__all__ = ["database_url", "empty_url", "postgres", "postgres_url", "sqlite_template", "sqlite_url"]

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's name is the same in every process, or pytest-xdist runs nothing at all."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"an address of this process is in a test's name; give it ids=: {item.nodeid}")
