"""Fixtures for all tests. Logs are plain lines: structlog's default draws every local variable of a traceback."""

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
