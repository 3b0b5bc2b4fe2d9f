"""The one action of the benchmarks: it does nothing, so that what is measured is what surrounds it."""

from bot.actions import action


@action(system="kubernetes", risk="high", environment="production")
async def restart(service: str) -> dict[str, str]:
    """Restart a service."""
    return {"service": service}
