"""When a mail has to be answered, and what is to happen before: pure functions of the contact and its queue's row."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hub.config_rows import Calendar, Queue
from hub.hours import after_open
from hub.machine import OPEN
from hub.model import Channel, Contact, Millis

MINUTE_MS = 60_000


class Due(Struct, frozen=True):
    """The `answer` that the customer waits for since `since`, promised until `at`. Somebody should look at it from
    `warn_at` on."""

    answer: Literal["first", "next"]
    since: Millis
    warn_at: Millis
    at: Millis


def due(contact: Contact, queue: Queue | None, calendar: Calendar | None) -> Due | None:
    """None where nobody waits for an answer, or none was promised. Without a calendar the queue is always open."""
    if queue is None or contact.channel is not Channel.EMAIL or contact.phase not in OPEN:
        return None
    since = contact.waiting_since
    answer: Literal["first", "next"] = "first" if contact.last_agent_at is None else "next"
    minutes = queue.answer.first if answer == "first" else queue.answer.next
    if since is None or minutes is None:
        return None
    span = minutes * MINUTE_MS
    warn_at = _after(calendar, since, span * queue.answer.warn_percent // 100)
    at = _after(calendar, since, span)
    return None if warn_at is None or at is None else Due(answer, since, warn_at, at)


def next_step(contact: Contact, due: Due | None) -> tuple[Millis, str] | None:
    """When the contact is escalated next, and to which stage."""
    if due is None:
        return None
    before = contact.escalation
    if before is None or before.since != due.since:
        return due.warn_at, "soon"
    return (due.at, "late") if before.stage == "soon" else None


def _after(calendar: Calendar | None, since: Millis, span: Millis) -> Millis | None:
    return since + span if calendar is None else after_open(calendar, since, span)
