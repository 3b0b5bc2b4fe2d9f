"""Which guard judges and who oversees it, by the settings: BIGHUB tightened by the policy, or the local rules alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.bighub_guard import BighubGuard
from bot.bighub_oversight import BighubOversight
from bot.core.policy import Policy
from bot.local_guard import LocalGuard, TightenedGuard
from bot.settings import Settings


@asynccontextmanager
async def guard_of(settings: Settings, policy: Policy) -> AsyncIterator[LocalGuard | TightenedGuard]:
    """BIGHUB tightened by the policy where a key is set; the local rules alone otherwise."""
    if settings.bighub_api_key is None:
        yield LocalGuard(policy)
        return
    key = settings.bighub_api_key.get_secret_value()
    bighub = BighubGuard(key, settings.bighub_base_url, memory=settings.bighub_memory)
    try:
        yield TightenedGuard(bighub, policy)
    finally:
        await bighub.close()


@asynccontextmanager
async def oversight_of(settings: Settings) -> AsyncIterator[BighubOversight | None]:
    """BIGHUB's kill switch and its dashboard; None without a key."""
    if settings.bighub_api_key is None:
        yield None
        return
    oversight = BighubOversight(settings.bighub_api_key.get_secret_value(), settings.bighub_base_url)
    try:
        yield oversight
    finally:
        await oversight.close()
