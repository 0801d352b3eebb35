"""Callbacks. Agent first: the call of an accepted callback waits for the agent's audio; then the customer's page is
rung (`channels/voice/page_phone.py`) or his phone is called over the trunks, as it is for calls that agents make
themselves (`channels/voice/outbound.py`). Ahead of an agent: his phone is called at once, and who answers waits."""

from __future__ import annotations

import contextlib

from msgspec.structs import replace

from channels.voice import call_values as v
from channels.voice.call_values import Way
from channels.voice.calls import Calls
from channels.voice.live import Party
from channels.voice.settings import TrunkSettings
from channels.voice.trunks import Trunks
from hub import commands as c
from hub.callbacks.model import Callback
from hub.errors import Refused, Unavailable
from hub.model import Contact, Millis


class Dialler:
    """`page_ms` is for how long a page rings."""

    def __init__(self, calls: Calls, trunks: Trunks, screen: v.Screen, page_ms: Millis) -> None:
        self._calls, self._trunks, self._screen, self._page_ms = calls, trunks, screen, page_ms

    def ready(self, callback: Callback) -> bool:
        if not self._calls.hub.takes_calls:
            return False
        return self._page_there(callback) or (bool(callback.number) and self._trunk() is not None)

    def _page_there(self, callback: Callback) -> bool:
        return callback.page and self._calls.hub.roster.there("visitor", callback.visitor or "")

    def _trunk(self) -> TrunkSettings | None:
        with contextlib.suppress(Refused):
            return self._trunks.outbound()
        return None

    async def begin(self, callback: Callback, contact: Contact, wait_ms: Millis = 0) -> None:
        """Raises Refused `trunk.none`, Unavailable while a former call of this contact is still being ended."""
        calls = self._calls
        if calls.get(contact.id) is not None:
            raise Unavailable("The call that the customer came from has not ended yet.", code="call.lives")
        trunk = self._trunk() if callback.page else self._trunks.outbound()
        queue = contact.queue or callback.queue
        party = Party(
            calls.settings.caller_ids.get(queue) or (trunk.caller_id if trunk is not None else ""),
            callback.number,
            trunk.id if trunk is not None and callback.number else "",
            visitor=callback.visitor if callback.page else None,
            language=callback.language,
        )
        live = calls.open(contact.id, Way.CALLBACK, party, queue)
        screen = replace(self._screen, wait_ms=wait_ms, confirm=callback.code == "call")
        if not wait_ms:
            live.give(screen)
        if callback.page:
            live.give(v.RingPage(bool(party.trunk), self._page_ms))
        await calls.hub.contacts.do(contact.id, c.NoteCall(calls.note_start(live)), actor="system")
        if wait_ms:
            live.give(screen)
            return
        await calls.tell_contact(live)

    def withdraw(self, contact: str) -> None:
        live = self._calls.get(contact)
        if live is not None:
            live.give(v.Withdrawn())
