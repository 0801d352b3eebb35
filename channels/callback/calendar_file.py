"""A callback as an entry for calendars (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import Calendar, Event

from hub.callbacks.model import Callback, State
from hub.model import Millis


def calendar_file(callback: Callback, *, end: Millis, now: Millis, domain: str, title: str, text: str) -> bytes:
    """The file of a callback with a slot, which ends at `end`. A later one of the same callback takes the place of an
    earlier one in the calendar; that of one that is cancelled takes it out. Times are in UTC, which no change of the
    clocks can make ambiguous; calendars show them in their own zone."""
    assert callback.slot is not None
    gone = callback.state is State.CANCELLED
    calendar = Calendar()
    calendar.add("prodid", "-//Contact Hub//Callbacks//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if gone else "PUBLISH")
    event = Event()
    event.add("uid", f"{callback.id}@{domain}")
    event.add("sequence", callback.version)
    event.add("dtstamp", _time(now))
    event.add("dtstart", _time(callback.slot))
    event.add("dtend", _time(end))
    event.add("summary", title)
    event.add("description", text)
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _time(at: Millis) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)
