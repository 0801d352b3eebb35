"""When a callee may be called and which slots there are, over changes of the clocks in three zones."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.callbacks.machine import Accepted, Ask, Due, Ended, Place, step
from hub.callbacks.model import Callback, Policy, Result
from hub.callbacks.opening import Opening, callee_hours, slots
from hub.config_rows import Calendar, Holiday

MINUTE, HOUR, DAY = 60_000, 3_600_000, 24 * 3_600_000
POLICY = Policy()
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = replace(POLICY, hours=dict.fromkeys(WEEK, ("01:00", "04:00")))
# Zone, the local date on which the clocks change, and how many hours lie between 1 and 4 o'clock on it.
CHANGES = [
    ("Europe/Berlin", "2026-03-29", 2.0),
    ("Europe/Berlin", "2026-10-25", 4.0),
    ("America/New_York", "2026-03-08", 2.0),
    ("America/New_York", "2026-11-01", 4.0),
    ("Australia/Lord_Howe", "2026-10-04", 2.5),
    ("Australia/Lord_Howe", "2026-04-05", 3.5),
]


def millis(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def told(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(("zone", "date", "hours"), CHANGES)
def test_slots_on_the_day_the_clocks_change(zone: str, date: str, hours: float) -> None:
    opening = Opening(callee_hours(EVERY_DAY, (zone,)))
    midnight = millis(f"{date}T00:00", zone)
    found = slots(opening, midnight, midnight + 12 * HOUR, length=30 * MINUTE, capacity=2, taken={})
    assert len(found) == hours * 2
    assert all(one.end == other.start for one, other in pairwise(found)), "no gap, none twice"
    assert (told(found[0].start, zone)[-5:], told(found[-1].end, zone)[-5:]) == ("01:00", "04:00")


@pytest.mark.parametrize(("zone", "date", "hours"), CHANGES)
def test_a_scheduled_callback_is_tried_once_on_that_day(zone: str, date: str, hours: float) -> None:
    """Minute by minute through the night: dialled at its local time, once, whatever the clocks do."""
    opening = Opening(callee_hours(EVERY_DAY, (zone,)))
    asked_at, wished = millis(f"{date}T00:00", zone) - DAY, millis(f"{date}T01:30", zone)
    callback = step(Callback("cb_1", zones=(zone,)), Ask(wished), EVERY_DAY, opening, asked_at)
    calls = []
    for now in range(asked_at, wished + DAY, MINUTE):
        if callback.next_at is not None and callback.next_at <= now:
            callback = step(callback, Due(), EVERY_DAY, opening, now)
            callback = step(callback, Accepted("us_ada"), EVERY_DAY, opening, now)
            callback = step(callback, Place(), EVERY_DAY, opening, now)
            callback = step(callback, Ended(Result.REACHED, None, 1000), EVERY_DAY, opening, now)
            calls.append(now)
    assert calls == [wished]


@pytest.mark.parametrize(
    ("zone", "saturday", "monday"),
    [
        ("Europe/Berlin", "2026-03-28T19:50", "2026-03-30 08:00"),
        ("America/New_York", "2026-10-31T19:50", "2026-11-02 08:00"),
        ("Australia/Lord_Howe", "2026-10-03T19:50", "2026-10-05 08:00"),
    ],
)
def test_a_retry_waits_over_the_change_for_the_callees_morning(zone: str, saturday: str, monday: str) -> None:
    opening = Opening(callee_hours(POLICY, (zone,)))
    now = millis(saturday, zone)
    callback = Callback("cb_1", zones=(zone,))
    for input in (Ask(now), Due(), Accepted("us_ada"), Place(), Ended(Result.NO_ANSWER)):
        callback = step(callback, input, POLICY, opening, now)
    assert callback.next_at is not None
    assert told(callback.next_at, zone) == monday


def test_all_zones_that_a_number_may_be_in_allow_it() -> None:
    """A number of the United States may be on either coast: from 8 in Los Angeles to 20 in New York."""
    opening = Opening(callee_hours(POLICY, ("America/New_York", "America/Los_Angeles")))
    midnight = millis("2026-06-01T00:00", "America/New_York")
    first = opening.first(midnight)
    assert first is not None
    assert told(first, "America/Los_Angeles") == "2026-06-01 08:00"
    until = opening.until(first)
    assert until is not None
    assert told(until, "America/New_York") == "2026-06-01 20:00"


def test_slots_keep_to_business_hours_holidays_and_capacity() -> None:
    week = {day: [("09:00", "12:00")] for day in ("mon", "tue")}
    business = Calendar("Business", timezone="Europe/Berlin", week=week, holidays=[Holiday("2026-06-01")])  # type: ignore[arg-type]
    opening = Opening((business, *callee_hours(POLICY, ("Europe/London",))))
    monday = millis("2026-06-01T00:00", "Europe/Berlin")
    nine = millis("2026-06-02T09:00", "Europe/Berlin")
    found = slots(opening, monday, monday + 7 * DAY, length=60 * MINUTE, capacity=2, taken={nine: 2, nine + HOUR: 1})
    # Nine o'clock in Berlin is eight in London.
    assert [(told(slot.start, "Europe/Berlin"), slot.left) for slot in found] == [
        ("2026-06-02 09:00", 0),
        ("2026-06-02 10:00", 1),
        ("2026-06-02 11:00", 2),
    ]


def test_calendars_that_are_never_open_together_have_no_slots() -> None:
    apart = Opening((*callee_hours(EVERY_DAY, ("UTC",)), *callee_hours(EVERY_DAY, ("Asia/Tokyo",))))
    now = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)
    assert apart.first(now) is None
    assert slots(apart, now, now + DAY, length=HOUR, capacity=1, taken={}) == []


@given(
    zone=st.sampled_from([zone for zone, _, _ in CHANGES]),
    at=st.integers(millis("2026-01-01T00:00", "UTC"), millis("2027-01-01T00:00", "UTC")),
)
def test_the_first_open_time_is_open_and_nothing_before_it_is(zone: str, at: int) -> None:
    opening = Opening(callee_hours(POLICY, (zone,)))
    first = opening.first(at)
    assert first is not None
    assert opening.is_open(first)
    assert first == at or not opening.is_open(first - 1)
    assert first - at <= 3 * DAY
