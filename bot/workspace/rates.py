"""Slack's rate limits as token buckets over real time: tiers per method and token, and posts per channel.

Slack promises one message a second and channel and "tolerates short bursts" without a number. Here a burst is ten
messages; then one more is earned each second. Rates are never scaled: a bot must keep to them as they are.
"""

import math
from dataclasses import dataclass, field

from bot.slack import limits

POST_BURST = 10


@dataclass(slots=True)
class Bucket:
    size: float
    per_second: float
    level: float
    at: float


@dataclass(slots=True)
class Rates:
    _buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def method(self, method: str, tier: int, token: str, now: float) -> int | None:
        """None when the call may pass, otherwise the whole seconds after which it may."""
        per_minute = limits.TIER_CALLS_PER_MINUTE.get(tier)
        if per_minute is None:
            return None
        return self._take(("method", method, token), per_minute, per_minute / 60, now)

    def post(self, channel: str, now: float) -> int | None:
        return self._take(("post", channel), POST_BURST, limits.POSTS_PER_SECOND_AND_CHANNEL, now)

    def _take(self, key: tuple[str, ...], size: float, per_second: float, now: float) -> int | None:
        bucket = self._buckets.setdefault(key, Bucket(size, per_second, size, now))
        bucket.level = min(bucket.size, bucket.level + (now - bucket.at) * bucket.per_second)
        bucket.at = now
        if bucket.level < 1:
            return max(1, math.ceil((1 - bucket.level) / bucket.per_second))
        bucket.level -= 1
        return None
