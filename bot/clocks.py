"""What the clocks of a time zone show at a moment. What follows from it is `core/timing.py`'s."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.timing import Clocks, LocalTime


def clocks_at(moment: float) -> Clocks:
    """The clocks at ``moment`` (epoch seconds), zone by zone (names of the IANA database)."""
    return lambda zone: as_shown(datetime.fromtimestamp(moment, ZoneInfo(zone)))


def as_shown(shown: datetime) -> LocalTime:
    """A date and time of day, as clocks show it; its zone, if any, is not looked at."""
    minute = shown.weekday() * 1_440 + shown.hour * 60 + shown.minute
    return LocalTime(minute, shown.strftime("%Y-%m-%dT%H:%M"))
