"""The stage of the library's stories."""

from collections.abc import AsyncIterator

import pytest

from tests.api.stage import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage
