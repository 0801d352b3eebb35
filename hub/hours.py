"""Opening hours: pure functions of a calendar and a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.config_rows import Calendar, Day, Span
from hub.config_rows import zone as zone_of
from hub.model import Millis

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Beyond this nobody plans: a calendar that does not change within it is taken as one that never does.
HORIZON_DAYS = 400


def spans_on(calendar: Calendar, day: date) -> list[Span]:
    """The local opening times of a date: its own when it is an exception, none on a holiday, else the weekday's."""
    text = day.isoformat()
    for exception in calendar.exceptions:
        if exception.date == text:
            return exception.open
    if any(holiday.date == text for holiday in calendar.holidays):
        return []
    return calendar.week.get(DAYS[day.weekday()], [])


@lru_cache(8192)
def _instant(day: date, text: str, zone: ZoneInfo, *, late: bool) -> Millis:
    """The instant of a local time. Of a doubled hour opening takes the first and closing (`late`) the second one; a
    time that the clocks skip is the moment at which they skip it."""
    if text == "24:00":
        day, text = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(text), zone)
    # Of a skipped time `fold` gives what it would be by the clock before and after, the later one first.
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first > second:
        return _millis(_jump(second, first, zone))
    return _millis(second if late else first)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's clocks are put forward, in UTC to the second; it happens between the two."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _millis(instant: datetime) -> Millis:
    return int(instant.timestamp() * 1000)


def _intervals(calendar: Calendar, start: date, days: int) -> list[tuple[Millis, Millis]]:
    """Opening intervals as instants, those that touch joined into one."""
    zone = zone_of(calendar.timezone)
    joined: list[tuple[Millis, Millis]] = []
    for offset in range(days):
        day = start + timedelta(days=offset)
        for opens, closes in spans_on(calendar, day):
            begin, end = _instant(day, opens, zone, late=False), _instant(day, closes, zone, late=True)
            if begin >= end:
                continue
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((begin, end))
    return joined


def _never_closes(calendar: Calendar) -> bool:
    """Whether that can be seen without a look at its days."""
    if calendar.exceptions or calendar.holidays:
        return False
    return all(("00:00", "24:00") in calendar.week.get(day, ()) for day in DAYS)


def _local_date(calendar: Calendar, at: Millis) -> date:
    return datetime.fromtimestamp(at / 1000, zone_of(calendar.timezone)).date()


def is_open(calendar: Calendar, at: Millis) -> bool:
    """Whether `at` lies in opening hours; the opening instant does, the closing one does not."""
    around = _local_date(calendar, at) - timedelta(days=1)
    return any(begin <= at < end for begin, end in _intervals(calendar, around, 3))


def after_open(calendar: Calendar, at: Millis, span: Millis) -> Millis | None:
    """When opening hours of `span` in all have passed since `at`, or None within `HORIZON_DAYS`."""
    start = _local_date(calendar, at) - timedelta(days=1)
    for days in (4, 12, 40, HORIZON_DAYS):
        left = span
        for begin, end in _intervals(calendar, start, days):
            open_for = end - max(begin, at)
            if open_for >= left:
                return max(begin, at) + left
            left -= max(0, open_for)
    return None


def next_change(calendar: Calendar, at: Millis) -> tuple[Millis, bool] | None:
    """The next instant after `at` at which it opens (True) or closes (False), or None within `HORIZON_DAYS`."""
    if _never_closes(calendar):
        return None
    start = _local_date(calendar, at) - timedelta(days=1)
    for days in (4, 12, HORIZON_DAYS):
        horizon = _instant(start + timedelta(days=days - 1), "00:00", zone_of(calendar.timezone), late=False)
        for begin, end in _intervals(calendar, start, days):
            if begin > at:
                return begin, True
            # An interval that reaches the horizon may go on behind it.
            if begin <= at < end and end <= horizon:
                return end, False
    return None
