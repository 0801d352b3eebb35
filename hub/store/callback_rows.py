"""Callbacks as rows, and how that of a change is written in its transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select

from hub.callbacks.model import Callback
from hub.errors import HubError, Refused
from hub.model import Millis
from hub.store import rows
from hub.store.callback_tables import callback_agents, callback_attempts, callbacks

Row = dict[str, Any]
c = callbacks.c
_LIVING = select(c.number, c.id).where(c.living, c.number.in_(bindparam("numbers", expanding=True)))
_STORED = select(c.id, c.queue, c.slot).where(c.living, c.id.in_(bindparam("ids", expanding=True)))
_LOAD = select(func.count()).where(
    c.queue == bindparam("queue"), c.slot == bindparam("slot"), c.slot.is_not(None), c.living
)
Place = tuple[str, Millis]


class PreparedCallback(Struct, frozen=True, gc=False):
    callback: Callback
    room: int | None
    row: Row
    attempts: list[Row]
    agents: list[Row]


def callback_row(callback: Callback) -> Row:
    rows.check_text(callback.id, callback.callee, callback.address, callback.site, callback.queue, callback.contact)
    return {
        "id": callback.id,
        "state": str(callback.state),
        "living": callback.living,
        "number": callback.callee,
        "address": callback.address,
        "site": callback.site,
        "queue": callback.queue,
        "contact": callback.contact,
        "customer": callback.customer,
        "asked_at": callback.asked_at,
        "due_at": callback.due_at,
        "slot": callback.slot,
        "next_at": callback.next_at,
        "promised_at": callback.wished_at or callback.asked_at,
        "tried_at": callback.attempts[0].at if callback.attempts else None,
        "data": rows.pack(callback),
    }


def prepare(callback: Callback | None, room: int | None) -> PreparedCallback | None:
    if callback is None:
        return None
    attempts = [
        {
            "callback": callback.id,
            "n": n,
            "at": attempt.at,
            "ended_at": attempt.ended_at,
            "agent": attempt.agent,
            "result": attempt.result and str(attempt.result),
            "talk_ms": attempt.talk_ms,
            "cost": attempt.cost,
        }
        for n, attempt in enumerate(callback.attempts, 1)
    ]
    agents = {callback.agent, callback.only_agent, *(attempt.agent for attempt in callback.attempts)} - {None, ""}
    named = [{"agent": agent, "callback": callback.id, "asked_at": callback.asked_at} for agent in agents]
    return PreparedCallback(callback, room, callback_row(callback), attempts, named)


class Living:
    """Which numbers have a callback that lives, and how full slots are, while a batch is decided on.

    The head of the log is held, so it stays true.
    """

    def __init__(self, connection: Connection, found: Sequence[PreparedCallback]) -> None:
        self._connection = connection
        self._numbers: dict[str, str] = {}
        self._places: dict[str, Place | None] = {}
        self._loads: dict[Place, int] = {}
        if found:
            numbers, ids = [each.callback.callee for each in found], [each.callback.id for each in found]
            self._numbers = dict(iter(connection.execute(_LIVING, {"numbers": numbers})))
            for id, queue, slot in connection.execute(_STORED, {"ids": ids}):
                self._places[id] = None if slot is None else (queue, slot)
        self._stored = dict(self._places)

    def take(self, prepared: PreparedCallback) -> HubError | None:
        """Why it cannot be written, or None, and then it counts."""
        callback = prepared.callback
        other = self._numbers.get(callback.callee)
        if callback.living and other not in (None, callback.id):
            return Refused(
                "This number has been promised a callback already.", code="callback.known", details={"callback": other}
            )
        before = self._places.get(callback.id)
        place = (callback.queue, callback.slot) if callback.living and callback.slot is not None else None
        if place is not None and place != before and prepared.room is not None and self._load(place) >= prepared.room:
            return Refused("Nobody has time for it then. Please choose another time.", code="callback.full")
        if place != before:
            if before is not None and before in self._loads:
                self._loads[before] -= 1
            if place is not None and place in self._loads:
                self._loads[place] += 1
            self._places[callback.id] = place
        if callback.living:
            self._numbers[callback.callee] = callback.id
        elif other == callback.id:
            del self._numbers[callback.callee]
        return None

    def _load(self, place: Place) -> int:
        if place not in self._loads:
            found = self._connection.execute(_LOAD, {"queue": place[0], "slot": place[1]}).scalar_one()
            # What was decided on in this batch is not written yet.
            came, were = (list(places.values()).count(place) for places in (self._places, self._stored))
            self._loads[place] = found + came - were
        return self._loads[place]


def write(connection: Connection, dialect: str, found: Sequence[PreparedCallback]) -> None:
    """Of a callback that changed twice its last state; those that ended first, as they make room for their number."""
    last = {each.callback.id: each for each in found}
    if changed := sorted((each.row for each in last.values()), key=lambda row: bool(row["living"])):
        rows.insert_many(connection, rows.upsert(dialect, callbacks), changed)
    if attempts := [row for each in last.values() for row in each.attempts]:
        rows.insert_many(connection, rows.upsert(dialect, callback_attempts), attempts)
    if agents := [row for each in last.values() for row in each.agents]:
        rows.insert_many(connection, rows.upsert(dialect, callback_agents, nothing=True), agents)
