"""Keeps the table of calls up to date: a reader of the log that folds a contact's events whenever they say more."""

from __future__ import annotations

from collections.abc import Sequence

from hub import events as e
from hub.call_records import CallRecord, fold
from hub.errors import NotFound
from hub.events import Recorded
from hub.model import Channel
from hub.service import Hub

READER = "calls"
# How far the cursor may be behind when there was nothing to write.
CURSOR_EVERY = 500
# After these a call's record says more. The rest is counted with the next of them.
_BEGIN = (e.CallStarted, e.CallEnded)
_MORE = (e.ContactConnected, e.ContactAbandoned, e.ContactEnded, e.ContactClosed)
_WITH_CALLS = (Channel.VOICE, Channel.CALLBACK)


class Calls:
    """Every node reads the whole log and writes the same rows; the last one to write has read at least as far."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._written = 0

    async def start(self) -> None:
        """After the hub has started: goes on at the cursor."""
        feed = self._hub.feed
        self._written = await self._hub.store.cursor(READER)
        feed.add(READER, self.read, self._written, behind=feed.readers["state"])

    async def read(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        touched: dict[str, None] = {}
        for recorded in batch:
            event = recorded.event
            if isinstance(event, _BEGIN) or (isinstance(event, _MORE) and await self._may_have_calls(recorded.stream)):
                touched[recorded.stream] = None
        last = batch[-1].seq
        if not touched and last - self._written < CURSOR_EVERY:
            return
        records = [record for contact in touched for record in await self._records(contact)]
        await self._hub.store.calls.put(records, reader=READER, cursor=last)
        self._written = last

    async def _may_have_calls(self, contact: str) -> bool:
        try:
            row = await self._hub.contacts.get(contact)
        except NotFound:
            return False
        return row.contact.channel in _WITH_CALLS

    async def _records(self, contact: str) -> list[CallRecord]:
        events: list[Recorded] = []
        while batch := await self._hub.store.log.stream(contact, len(events)):
            events += batch
        return fold(contact, events)
