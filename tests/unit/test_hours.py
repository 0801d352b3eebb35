"""Opening hours against the slowest way to tell them: reading the clock on the wall, minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.config_rows import Calendar, Day, Holiday, OpenDay, Span, read
from hub.errors import InvalidInput
from hub.hours import DAYS, HORIZON_DAYS, after_open, is_open, next_change

MINUTE = 60_000
WINDOW_DAYS = 8
# Zone and the days around which its clocks change: an hour, half an hour, at midnight, across midnight, never.
CHANGES: list[tuple[str, date]] = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("America/Havana", date(2026, 11, 1)),
    ("America/Sao_Paulo", date(2019, 2, 17)),
    ("Asia/Kathmandu", date(2026, 5, 5)),
]


@cache
def wall(zone: str, start: date) -> tuple[int, list[str]]:
    """What the clock on the wall reads each minute of a window; the window's first minute."""
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(days=2)
    place = ZoneInfo(zone)
    readings = [
        (begin + timedelta(minutes=minute)).astimezone(place).strftime("%Y-%m-%d %H:%M")
        for minute in range((WINDOW_DAYS + 4) * 24 * 60)
    ]
    return int(begin.timestamp() * 1000), readings


def reading(day: date, text: str) -> str:
    return f"{day + timedelta(days=1)} 00:00" if text == "24:00" else f"{day} {text}"


def open_minutes(calendar: Calendar, start: date) -> list[bool]:
    """Whether each minute of the window is open. Opens when the wall first reads the opening time, closes when it last
    reads the closing time; a time that it never reads is when it first reads a later one."""
    _, readings = wall(calendar.timezone, start)
    minutes = [False] * len(readings)
    firsts: dict[str, int] = {}
    lasts: dict[str, int] = {}
    for minute, text in enumerate(readings):
        firsts.setdefault(text, minute)
        lasts[text] = minute

    def find(known: dict[str, int], text: str) -> int:
        if text in known:
            return known[text]
        return next((minute for minute, later in enumerate(readings) if later > text), len(readings))

    special = {row.date: row.open for row in reversed(calendar.exceptions)}
    holidays = {row.date for row in calendar.holidays}
    for offset in range(-3, WINDOW_DAYS + 3):
        day = start + timedelta(days=offset)
        name = DAYS[day.weekday()]
        spans = special.get(str(day), [] if str(day) in holidays else calendar.week.get(name, []))
        for opens, closes in spans:
            for minute in range(find(firsts, reading(day, opens)), find(lasts, reading(day, closes))):
                minutes[minute] = True
    return minutes


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Hours in order; often near the time at which clocks change, now and then touching, or until 24:00."""
    often = st.sampled_from([0, 30, 60, 90, 119, 120, 121, 135, 150, 180, 540, 720, 1080, 1380, 1410, 1440])
    times = sorted(set(draw(st.lists(often | st.integers(0, 1440), max_size=6))))
    pairs = list(zip(times[::2], times[1::2], strict=False))
    until_midnight: bool = draw(st.booleans())
    if pairs and until_midnight and pairs[-1][1] < 1440:
        pairs.append((pairs[-1][1], 1440))
    return [(clock(opens), clock(closes)) for opens, closes in pairs]


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, date]:
    zone, around = draw(st.sampled_from(CHANGES))
    start = around - timedelta(days=draw(st.integers(0, 3)))
    days = st.integers(0, WINDOW_DAYS - 1).map(lambda offset: str(start + timedelta(days=offset)))
    week = draw(st.dictionaries(st.sampled_from(DAYS), spans()))
    holidays = [Holiday(day) for day in draw(st.lists(days, max_size=2))]
    exceptions = [OpenDay(day, draw(spans())) for day in draw(st.lists(days, max_size=2, unique=True))]
    calendar = Calendar("Test", zone, week, holidays, exceptions)
    calendar.check()
    return calendar, start


@given(calendars(), st.data())
def test_as_the_clock_on_the_wall_says(made: tuple[Calendar, date], data: st.DataObject) -> None:
    calendar, start = made
    begin, readings = wall(calendar.timezone, start)
    expected = open_minutes(calendar, start)
    # The first two days and the last two are there so that what reaches into the window is known.
    first, last = 2 * 24 * 60, len(readings) - 2 * 24 * 60
    for minute in range(first, last):
        if minute % 30 == 0 or expected[minute] != expected[minute - 1]:
            at = begin + minute * MINUTE
            assert is_open(calendar, at) == expected[minute], readings[minute]
            assert is_open(calendar, at - 1) == expected[minute - 1], readings[minute]

    minute = data.draw(st.integers(first, last - 1))
    at = begin + minute * MINUTE + data.draw(st.integers(0, MINUTE - 1))
    flip = next((m for m in range(minute + 1, last) if expected[m] != expected[m - 1]), None)
    change = next_change(calendar, at)
    if flip is not None:
        assert change == (begin + flip * MINUTE, expected[flip]), readings[minute]
    else:
        assert change is None or change[0] >= begin + last * MINUTE


ALWAYS: dict[Day, list[Span]] = {day: [("00:00", "24:00")] for day in DAYS}


def at(zone: str, text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def test_never_closed_never_changes() -> None:
    always = Calendar("Always", "Europe/Berlin", ALWAYS)
    assert is_open(always, at("Europe/Berlin", "2026-10-25 02:30", fold=1))
    assert next_change(always, at("Europe/Berlin", "2026-03-28 12:00")) is None


def test_never_open_never_changes() -> None:
    assert next_change(Calendar("Never"), 1_800_000_000_000) is None


def test_clocks_that_skip_midnight_leave_no_gap() -> None:
    """In Beirut the day of the change begins at 01:00."""
    always = Calendar("Always", "Asia/Beirut", ALWAYS)
    assert is_open(always, at("Asia/Beirut", "2026-03-28 23:30"))
    assert next_change(always, at("Asia/Beirut", "2026-03-28 12:00")) is None


def test_change_far_ahead() -> None:
    """One open day in ten months is found, one behind the horizon is not."""
    near = Calendar("Fair", "Europe/Berlin", exceptions=[OpenDay("2026-11-20", [("10:00", "16:00")])])
    now = at("Europe/Berlin", "2026-01-05 12:00")
    assert next_change(near, now) == (at("Europe/Berlin", "2026-11-20 10:00"), True)
    far = date(2026, 1, 5) + timedelta(days=HORIZON_DAYS + 1)
    assert next_change(Calendar("Fair", exceptions=[OpenDay(str(far), [("10:00", "16:00")])]), now) is None


def test_holidays_close_and_exceptions_win() -> None:
    calendar = Calendar(
        "Office",
        "Europe/Berlin",
        {day: [("09:00", "18:00")] for day in DAYS[:5]},
        [Holiday("2026-12-24"), Holiday("2026-12-25", "Christmas Day")],
        [OpenDay("2026-12-24", [("09:00", "12:00")])],
    )
    assert is_open(calendar, at("Europe/Berlin", "2026-12-24 11:59"))
    assert not is_open(calendar, at("Europe/Berlin", "2026-12-24 12:00"))
    assert not is_open(calendar, at("Europe/Berlin", "2026-12-25 11:00"))
    assert next_change(calendar, at("Europe/Berlin", "2026-12-24 12:00")) == (
        at("Europe/Berlin", "2026-12-28 09:00"),
        True,
    )


@pytest.mark.parametrize(
    ("week", "path"),
    [
        ({"mon": [["9:00", "18:00"]]}, "week"),
        ({"mon": [["09:00", "24:01"]]}, "week"),
        ({"mon": [["18:00", "09:00"]]}, "week.mon[0]"),
        ({"mon": [["09:00", "12:00"], ["11:00", "18:00"]]}, "week.mon[1]"),
        ({"monday": [["09:00", "12:00"]]}, "week"),
    ],
)
def test_hours_that_cannot_be(week: object, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(Calendar, {"name": "x", "week": week})
    assert caught.value.details["path"].startswith(path)


@given(calendars(), st.integers(0, 2 * 24 * 60), st.integers(1, 600))
def test_opening_time_that_has_passed(made: tuple[Calendar, date], since: int, span: int) -> None:
    """Counted minute by minute, as far as the window reaches."""
    calendar, start = made
    begin, readings = wall(calendar.timezone, start)
    minutes = open_minutes(calendar, start)
    since += 2 * 24 * 60  # the window begins before its first day
    found = after_open(calendar, begin + since * MINUTE, span * MINUTE)
    open_then = [minute for minute in range(since, len(readings) - 3 * 24 * 60) if minutes[minute]]
    if len(open_then) >= span:
        assert found == begin + (open_then[span - 1] + 1) * MINUTE
    else:
        assert found is None or found > begin + (len(readings) - 4 * 24 * 60) * MINUTE


def test_a_calendar_that_never_opens_has_no_time() -> None:
    assert after_open(read(Calendar, {"name": "Never"}), 0, MINUTE) is None
