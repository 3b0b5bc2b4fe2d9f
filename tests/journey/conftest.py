"""A stage per test: on SQLite and Postgres, over Socket Mode and signed HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journey.stage import Stage, staged


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def stage(database_url: str, transport: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The bot is up: both databases, both transports, with BIGHUB."""
    async with staged(database_url, tmp_path, transport=transport) as ready:
        await ready.start()
        yield ready


@pytest.fixture
async def quick(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """The bot is up on SQLite over Socket Mode, with BIGHUB: for stories that no database or transport changes."""
    async with staged(sqlite_url, tmp_path) as ready:
        await ready.start()
        yield ready
