"""When mails have to be answered: in opening hours, and what is done when they are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub import commands as c
from hub.answer_times import Due, due, next_step
from hub.config_rows import Calendar, Queue, read
from hub.errors import InvalidInput
from hub.machine import apply, decide
from hub.model import Channel, Contact, Escalation

MINUTE = 60_000
QUEUE = read(Queue, {"name": "Support", "hours": "office", "answer": {"first": 240, "next": 60}})
OFFICE = read(
    Calendar,
    {
        "name": "Office",
        "timezone": "Europe/Berlin",
        "week": {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": [{"date": "2026-12-25", "name": "Christmas"}],
        "exceptions": [{"date": "2026-12-24", "open": [["09:00", "11:00"]]}],
    },
)


def at(text: str) -> int:
    """Local time in Berlin in winter."""
    return int(datetime.strptime(text + " +0100", "%Y-%m-%d %H:%M %z").timestamp() * 1000)


def run(contact: Contact, *commands: c.ContactCommand, now: int) -> Contact:
    for command in commands:
        contact = apply(contact, decide(contact, command, now), now)
    return contact


def written(now: int, channel: Channel = Channel.EMAIL) -> Contact:
    created = c.Create(channel, "", "cu_1", None)
    return run(Contact("ct_1"), created, c.Enqueue("support", {}), c.Say("ms_1", "visitor", "mail"), now=now)


@pytest.mark.parametrize(
    ("since", "warn_at", "until"),
    [
        ("2026-11-23 09:00", "2026-11-23 12:00", "2026-11-23 14:00"),
        ("2026-11-23 08:00", "2026-11-23 12:00", "2026-11-23 14:00"),
        ("2026-11-23 12:30", "2026-11-23 16:00", "2026-11-23 17:00"),
        ("2026-11-27 16:00", "2026-11-30 11:00", "2026-11-30 12:00"),  # over a weekend
        ("2026-12-23 16:00", "2026-12-24 11:00", "2026-12-28 10:00"),  # over Christmas, and a short day before it
    ],
)
def test_opening_hours_count_and_no_others(since: str, warn_at: str, until: str) -> None:
    promised = due(written(at(since)), QUEUE, OFFICE)
    assert promised == Due("first", at(since), at(warn_at), at(until))


def test_what_is_promised_to_whom() -> None:
    now = at("2026-11-23 09:00")
    contact = written(now)
    assert due(contact, QUEUE, None) == Due("first", now, now + 180 * MINUTE, now + 240 * MINUTE)
    assert due(written(now, Channel.CHAT), QUEUE, None) is None
    assert due(contact, None, None) is None
    assert due(contact, read(Queue, {"name": "Sales", "answer": {"next": 5}}), None) is None
    assert due(contact, QUEUE, read(Calendar, {"name": "Never"})) is None
    served = run(contact, c.MakeOffer("us_1", 1, now + 9, 1), c.Accept("us_1", 1), now=now)
    assert due(served, QUEUE, None) == due(contact, QUEUE, None), "taking it is no answer"
    answered = run(served, c.Say("ms_2", "agent", "mail", "us_1"), now=now + 5)
    assert due(answered, QUEUE, None) is None
    again = run(answered, c.Say("ms_3", "visitor", "mail"), c.Say("ms_4", "visitor", "mail"), now=now + 7)
    assert due(again, QUEUE, None) == Due("next", now + 7, now + 7 + 45 * MINUTE, now + 7 + 60 * MINUTE)
    automatic = run(again, c.Say("ms_5", "system", "mail"), now=now + 8)
    assert due(automatic, QUEUE, None) == due(again, QUEUE, None), "nor is an acknowledgement"
    assert due(run(again, c.End("us_1", "waiting", 0), now=now + 9), QUEUE, None) is None


def test_steps_follow_each_other_once() -> None:
    contact = written(1000)
    promised = due(contact, QUEUE, None)
    assert promised is not None
    assert next_step(contact, None) is None
    assert next_step(contact, promised) == (promised.warn_at, "soon")
    soon = replace(contact, escalation=Escalation(1000, "soon", promised.at))
    assert next_step(soon, promised) == (promised.at, "late")
    assert next_step(replace(soon, escalation=Escalation(1000, "late", promised.at)), promised) is None
    before = replace(soon, escalation=Escalation(999, "late", promised.at))
    assert next_step(before, promised) == (promised.warn_at, "soon")


@given(st.integers(0, 2 * 365 * 24 * 60), st.integers(1, 5000), st.integers(1, 99))
def test_warnings_come_before_and_in_opening_hours(minute: int, minutes: int, percent: int) -> None:
    since = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000) + minute * MINUTE
    queue = read(Queue, {"name": "Support", "answer": {"first": minutes, "warn_percent": percent}})
    promised = due(written(since), queue, OFFICE)
    assert promised is not None
    assert since <= promised.warn_at <= promised.at
    assert promised.at >= since + minutes * MINUTE


def test_mistakes_name_their_path() -> None:
    for change, path in (({"first": 0}, "answer.first"), ({"warn_percent": 100}, "answer.warn_percent")):
        with pytest.raises(InvalidInput) as found:
            read(Queue, {"name": "Support", "answer": change})
        assert found.value.details["path"] == path
