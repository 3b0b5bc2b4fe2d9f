"""What the clocks of a time zone show at a moment. What follows from it is `core/timing.py`'s."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.timing import Clocks, Dated, LocalTime, Quiet, Window

SATURDAY = 5


def clocks_at(moment: float) -> Clocks:
    """The clocks at ``moment`` (epoch seconds), zone by zone (names of the IANA database)."""
    return lambda zone: as_shown(datetime.fromtimestamp(moment, ZoneInfo(zone)))


def as_shown(shown: datetime) -> LocalTime:
    """A date and time of day, as clocks show it; its zone, if any, is not looked at."""
    minute = shown.weekday() * 1_440 + shown.hour * 60 + shown.minute
    return LocalTime(minute, shown.strftime("%Y-%m-%dT%H:%M"))


def window_end(window: Window, moment: float) -> datetime:
    """When a window that holds at ``moment`` (epoch seconds) ends, by the clocks of its zone."""
    zone = ZoneInfo(window.zone)
    if isinstance(window, Dated):
        return datetime.fromisoformat(window.ends).replace(tzinfo=zone)
    there = datetime.fromtimestamp(moment, zone).replace(second=0, microsecond=0)
    return there + timedelta(minutes=(window.ends - as_shown(there).minute) % window.every)


def after_quiet(moment: float, zone: str, quiet: Quiet | None) -> float:
    """When somebody whose clocks are ``zone``'s may be told something: ``moment`` (epoch seconds), or the end of their quiet hours.
    Where no clocks are known, UTC's."""
    try:
        there = datetime.fromtimestamp(moment, ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = datetime.fromtimestamp(moment, UTC)
    if quiet is None or not quiet.holds(as_shown(there)):
        return moment
    ends = there.replace(hour=quiet.ends // 60, minute=quiet.ends % 60, second=0, microsecond=0)
    return (ends if ends > there else ends + timedelta(days=1)).timestamp()


def next_working_day(moment: float, zone: str, minute: int) -> float:
    """``minute`` of the next day that is no Saturday and no Sunday, by the clocks of ``zone`` (epoch seconds)."""
    day = datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    day += timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day.replace(hour=minute // 60, minute=minute % 60).timestamp()
