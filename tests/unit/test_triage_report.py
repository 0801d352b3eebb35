"""How the triage of mails did, counted by hand."""

from __future__ import annotations

from typing import Any

from hub.model import Channel, Contact
from hub.triage_report import DayFigures, Move, QueueFigures, RuleFigures, TriageTally

DAY = 24 * 3_600_000


def contact(
    *rules: str, day: int = 0, queue: str = "support", transfers: int = 0, placed: str | None = "support", **more: Any
) -> Contact:
    corrected = transfers > 0 and queue != placed
    return Contact(
        "ct", channel=Channel.EMAIL, created_at=day * DAY, queue=queue, rules=rules, placed=placed,
        transfers=transfers, corrected=corrected, **more,
    )  # fmt: skip


def test_shares_corrections_and_days() -> None:
    tally = TriageTally(lambda at: f"day {at // DAY}")
    for each in (
        contact("mail:a", "routing"),
        contact("mail:a", "mail:b", queue="billing", transfers=1),
        contact("mail:guess", day=1, queue="billing", transfers=2),
        contact("routing", day=1, transfers=1),
        contact(placed=None),
    ):
        tally.add(each)
    report = tally.report(lambda id: id.upper(), whole=False)
    assert (report.contacts, report.sorted, report.corrected, report.transferred) == (4, 3, 2, 3)
    assert report.rules == [
        RuleFigures("a", "A", 2, 0.5, 1, 1),
        RuleFigures("", "", 1, 0.25, 0, 1),
        RuleFigures("b", "B", 1, 0.25, 1, 1),
        RuleFigures("guess", "GUESS", 1, 0.25, 1, 1),
    ]
    assert report.days == [DayFigures("day 0", 2, 2, 1, 1), DayFigures("day 1", 2, 1, 1, 2)]
    assert report.moves == [Move("support", "billing", 2)]
    assert not report.whole


def test_answers_are_counted_where_the_contacts_are_now() -> None:
    tally = TriageTally(str)
    for each in (
        contact(answered_at=5_000),
        contact(answered_at=7_000, first_late=True, late=2),
        contact(answered_at=9_000, late=1),
        contact(),
        contact(queue="billing", transfers=1, first_late=True, late=1),
        contact(placed=None, answered_at=1),
    ):
        tally.add(each)
    report = tally.report(str, str.upper, {"support": 60}.get)
    assert report.queues == [
        QueueFigures("support", "SUPPORT", 5, 1, 4, 3, 7_000, 60, 1, 2),
        QueueFigures("billing", "BILLING", 0, 0, 1, 0, None, None, 1, 1),
    ]


def test_of_nothing() -> None:
    report = TriageTally(str).report(str)
    assert (report.contacts, report.rules, report.days, report.moves, report.whole) == (0, [], [], [], True)
