"""When a customer may be called, and which slots he may choose: pure functions of calendars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from hub import hours
from hub.callbacks.model import Policy
from hub.config_rows import Calendar, Day
from hub.model import Millis

ROUNDS = 200
"""How often calendars are asked in turn for a time at which all are open; two weeks of days that miss each other."""


class Opening(Struct, frozen=True):
    """The times at which all of the calendars are open; without any that is always."""

    calendars: tuple[Calendar, ...] = ()

    def is_open(self, at: Millis) -> bool:
        return all(hours.is_open(calendar, at) for calendar in self.calendars)

    def first(self, at: Millis) -> Millis | None:
        """The first time from `at` on; None when there is none in sight."""
        for _ in range(ROUNDS):
            later = at
            for calendar in self.calendars:
                if not hours.is_open(calendar, later):
                    change = hours.next_change(calendar, later)
                    if change is None or not change[1]:
                        return None
                    later = change[0]
            if later == at:
                return at
            at = later
        return None

    def until(self, at: Millis) -> Millis | None:
        """When the open time that `at` lies in ends; None for one that does not."""
        ends = [
            change[0]
            for calendar in self.calendars
            if (change := hours.next_change(calendar, at)) is not None and not change[1]
        ]
        return min(ends, default=None)


def callee_hours(policy: Policy, zones: Sequence[str]) -> tuple[Calendar, ...]:
    """A calendar for each zone that the callee may be in: his phone rings when all of them allow it."""
    week = {cast(Day, day): [span] for day, span in policy.hours.items()}
    return tuple(Calendar("callee", timezone=zone, week=week) for zone in dict.fromkeys(zones))


class Slot(Struct, frozen=True):
    """A time that can be chosen; `left` is how many more callbacks it takes."""

    start: Millis
    end: Millis
    left: int


def slots(
    opening: Opening, since: Millis, until: Millis, *, length: Millis, capacity: int, taken: Mapping[Millis, int]
) -> list[Slot]:
    """The slots that lie whole in open times, in order; `taken` are the callbacks by their slot's start.

    Slots begin at whole multiples of `length` since the epoch, which are the full and half hours of most clocks; so a
    change of the clocks neither makes one twice nor leaves one out.
    """
    found = []
    start = opening.first(-(-since // length) * length)
    while start is not None and start < until:
        start = -(-start // length) * length
        if not opening.is_open(start):
            start = opening.first(start)
            continue
        end = opening.until(start)
        while start < until and (end is None or start + length <= end):
            found.append(Slot(start, start + length, max(0, capacity - taken.get(start, 0))))
            start += length
        start = None if end is None else opening.first(max(end, start))
    return found


def slot_of(at: Millis, length: Millis) -> Millis:
    """The start of the slot that a time lies in."""
    return at // length * length
