"""What customers are told of their callbacks: which mail when, by whose clock, in which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from string import Formatter

import pytest
from icalendar import Calendar
from msgspec.structs import replace

from channels.callback.calendar_file import calendar_file
from channels.callback.keys import callback_of, code_of, make_token
from channels.callback.notice_words import BODIES, SUBJECTS, body_of, spoken, when_of
from channels.callback.notices import notice_of, reminder_of
from hub.callbacks.model import Attempt, Callback, Result, State

HALF_H = 30 * 60_000
HOUR = 3_600_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


NOW = at("2026-05-04T10:00:00+00:00")
SLOT = NOW + 24 * HOUR
CHOSEN = Callback(
    "cb_0000000000000000000000abcd", 3, State.SCHEDULED, "0000ABCD", "+49305551001", email="eva@berg.example",
    zones=("Europe/Berlin",), asked_at=NOW, wished_at=SLOT, slot=SLOT, due_at=SLOT, next_at=SLOT,
)  # fmt: skip
SOON = replace(CHOSEN, slot=None, wished_at=None, due_at=NOW, next_at=NOW)
TRIED = (Attempt(NOW, "us_1", result=Result.BUSY),)


@pytest.mark.parametrize(
    ("callback", "kind"),
    [
        (CHOSEN, "slot"),
        (replace(CHOSEN, number="", page=True, visitor="vi_1"), None),  # he sees it on his page
        (replace(CHOSEN, attempts=TRIED), None),
        (replace(CHOSEN, state=State.ASKED), "code"),
        (SOON, None),  # it is in the queue in a moment
        (replace(SOON, next_at=NOW + HOUR), "soon"),
        (replace(SOON, state=State.QUEUED), "soon"),
        (replace(SOON, state=State.QUEUED, attempts=TRIED), None),
        (replace(CHOSEN, state=State.QUEUED), None),
        (replace(CHOSEN, state=State.TALKING), None),
        (replace(CHOSEN, state=State.REACHED), None),
        (replace(SOON, state=State.CLOSED, reason="attempts"), "closed"),
        (replace(SOON, state=State.CLOSED, reason="do_not_call"), None),
        (replace(SOON, state=State.CLOSED, reason="not_confirmed"), None),
        (replace(CHOSEN, state=State.CANCELLED), "cancelled"),
        (replace(SOON, state=State.CANCELLED), None),
    ],
)
def test_each_state_tells_what_it_has_to(callback: Callback, kind: str | None) -> None:
    found = notice_of(callback, NOW)
    assert (found and found.kind) == kind


def test_a_time_that_changed_is_told_anew_and_the_same_one_is_not() -> None:
    first, moved = notice_of(CHOSEN, NOW), notice_of(replace(CHOSEN, slot=SLOT + HALF_H), NOW)
    assert first and moved and first.key != moved.key
    assert notice_of(replace(CHOSEN, version=9), NOW + HOUR) == first
    later = notice_of(replace(SOON, next_at=NOW + HOUR), NOW)
    assert later == notice_of(replace(SOON, state=State.QUEUED), NOW), "one mail, whenever it is his turn"


def test_who_chose_a_time_only_just_before_is_not_reminded_of_it() -> None:
    assert reminder_of(CHOSEN, HOUR) is not None
    assert reminder_of(replace(CHOSEN, asked_at=SLOT - 2 * HOUR), HOUR) is not None
    assert reminder_of(replace(CHOSEN, asked_at=SLOT - 2 * HOUR + 1), HOUR) is None
    assert reminder_of(SOON, HOUR) is None
    assert reminder_of(replace(CHOSEN, attempts=TRIED), HOUR) is None
    assert reminder_of(replace(CHOSEN, state=State.QUEUED), HOUR) is None


@pytest.mark.parametrize(
    ("start", "zone", "said"),
    [
        # The hour that comes twice in Berlin, the one that is left out in New York, half an hour's shift on Lord Howe.
        (
            "2026-10-25T00:30:00+00:00",
            "Europe/Berlin",
            "on Sunday, 25 October 2026 between 02:30 and 02:00 (Europe/Berlin, UTC+2)",
        ),
        (
            "2026-10-25T01:30:00+00:00",
            "Europe/Berlin",
            "on Sunday, 25 October 2026 between 02:30 and 03:00 (Europe/Berlin, UTC+1)",
        ),
        (
            "2026-03-08T06:30:00+00:00",
            "America/New_York",
            "on Sunday, 8 March 2026 between 01:30 and 03:00 (America/New_York, UTC-5)",
        ),
        (
            "2026-10-03T15:30:00+00:00",
            "Australia/Lord_Howe",
            "on Sunday, 4 October 2026 between 02:30 and 03:00 (Australia/Lord_Howe, UTC+11)",
        ),
        (
            "2026-05-04T10:00:00+00:00",
            "Asia/Kathmandu",
            "on Monday, 4 May 2026 between 15:45 and 16:15 (Asia/Kathmandu, UTC+5:45)",
        ),
    ],
)
def test_times_are_those_of_the_customers_clock(start: str, zone: str, said: str) -> None:
    assert when_of(at(start), at(start) + HALF_H, zone, "en") == said


def test_all_texts_name_the_same_things_in_all_languages() -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for texts in (SUBJECTS, BODIES):
        for language, found in texts.items():
            assert found.keys() == texts["en"].keys()
            for kind, text in found.items():
                assert names(text) == names(texts["en"][kind]), (language, kind)
    assert [spoken(tag) for tag in ("zh-CN", "zh-Hant-TW", "AR", "de", "")] == ["zh", "zh", "ar", "en", "en"]
    assert "2026年5月5日（星期二） 12:00 至 12:30" in when_of(SLOT, SLOT + HALF_H, "Europe/Berlin", "zh")
    assert "الثلاثاء، 5 مايو 2026" in when_of(SLOT, SLOT + HALF_H, "Europe/Berlin", "ar")


def test_values_are_never_read_as_templates() -> None:
    values = {"phone": "{reference.__class__}", "reference": "{code}", "code": "1", "when": "%s"}
    text = body_of("slot", "en", values, link="https://hub.test/#{x}", house="{house}")
    assert "{reference.__class__}" in text and "{code}" in text and "https://hub.test/#{x}" in text


def test_the_calendars_entry_is_in_utc_and_escapes_what_it_is_given() -> None:
    text = "One,\ntwo; three \\ END:VEVENT\r\nBEGIN:VALARM"
    data = calendar_file(CHOSEN, end=SLOT + HALF_H, now=NOW, domain="hub.test", title="Shop\nX: 1", text=text)
    assert b"\r\nBEGIN:VALARM" not in data and max(map(len, data.split(b"\r\n"))) <= 75
    (event,) = Calendar.from_ical(data).walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2026, 5, 5, 10, tzinfo=UTC)
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=30)
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (f"{CHOSEN.id}@hub.test", 3, "CONFIRMED")
    gone = replace(CHOSEN, state=State.CANCELLED, version=4)
    data = calendar_file(gone, end=SLOT + HALF_H, now=NOW, domain="hub.test", title="Shop", text="")
    assert b"METHOD:CANCEL\r\n" in data and b"SEQUENCE:4\r\n" in data


def test_a_secret_opens_one_callback_of_one_hub() -> None:
    secret, other = b"a" * 32, b"b" * 32
    token = make_token(CHOSEN.id, secret)
    assert callback_of(token, secret) == CHOSEN.id
    assert callback_of(token, other) is None
    assert callback_of(make_token("cb_another", secret).replace("another", CHOSEN.id[3:]), secret) is None
    for wrong in ("", ".", token.upper(), token + "a", token[:-1], "\x00", "é" * 40, "a." + "é" * 26):
        assert callback_of(wrong, secret) is None
    assert code_of(CHOSEN.id, secret) != code_of(CHOSEN.id, other) and len(code_of(CHOSEN.id, secret)) == 6
