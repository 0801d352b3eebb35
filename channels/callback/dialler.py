"""Callbacks over the trunks, agent first: the call of an accepted callback waits for the agent's audio, then the
customer's phone is called as it is for calls that agents make themselves (`channels/voice/outbound.py`)."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import Way
from channels.voice.calls import Calls
from channels.voice.live import Party
from channels.voice.trunks import Trunks
from hub import commands as c
from hub.callbacks.model import Callback
from hub.errors import Refused, Unavailable
from hub.model import Contact


class Dialler:
    def __init__(self, calls: Calls, trunks: Trunks, screen: v.Screen) -> None:
        self._calls, self._trunks, self._screen = calls, trunks, screen

    def ready(self) -> bool:
        try:
            self._trunks.outbound()
        except Refused:
            return False
        return self._calls.hub.takes_calls

    async def begin(self, callback: Callback, contact: Contact) -> None:
        """Raises Refused `trunk.none`, Unavailable while a former call of this contact is still being ended."""
        calls = self._calls
        if calls.get(contact.id) is not None:
            raise Unavailable("The call that the customer came from has not ended yet.", code="call.lives")
        trunk = self._trunks.outbound()
        queue = contact.queue or callback.queue
        shown = calls.settings.caller_ids.get(queue) or trunk.caller_id
        party = Party(shown, callback.number, trunk.id, language=callback.language)
        live = calls.open(contact.id, Way.CALLBACK, party, queue)
        live.give(self._screen)
        await calls.hub.contacts.do(contact.id, c.NoteCall(calls.note_start(live)), actor="system")
        await calls.tell_contact(live)
