"""Fixtures for all tests."""

from tests.databases import database_url, empty_url, postgres, postgres_url, sqlite_template, sqlite_url

__all__ = ["database_url", "empty_url", "postgres", "postgres_url", "sqlite_template", "sqlite_url"]
