"""Calls that agents make: how often, and under which number we show ourselves. Which may be called: `dialling.py`."""

from __future__ import annotations

from channels.voice import call_values as v
from channels.voice.call_values import Way
from channels.voice.callers import customer_of
from channels.voice.calls import Calls
from channels.voice.dialling import dialled
from channels.voice.live import Party
from channels.voice.trunks import Trunks
from hub import commands as c
from hub.errors import Refused
from hub.ids import derived_id
from hub.limits import SharedLimit
from hub.model import Channel, User
from hub.ports import ContactRow

DAY_MS = 24 * 3_600_000


class Outbound:
    def __init__(self, calls: Calls, trunks: Trunks) -> None:
        self._calls = calls
        self._trunks = trunks
        self._hub = hub = calls.hub
        dial = calls.settings.dial
        self._minute = SharedLimit("phone.dialled.minute", dial.per_minute, 60_000, hub.bus, hub.clock)
        self._day = SharedLimit("phone.dialled.day", dial.per_day, DAY_MS, hub.bus, hub.clock)

    async def dial(self, user: User, number: str, queue: str, client_id: str) -> ContactRow:
        """A new contact of this agent, whose customer is called once the agent's audio is there (`phone_join`).

        The same client id again returns the same contact. Raises InvalidInput, Refused, RateLimited, NotFound.
        """
        hub, calls = self._hub, self._calls
        id = derived_id("ct", 0, user.id, client_id)
        known = await hub.contacts.many([id])
        if id in known:
            return known[id]
        trunk = self._trunks.outbound()
        called = dialled(number, calls.settings.dial, trunk.region)
        row = hub.directory.queue(queue)
        if not hub.directory.lets_in(user, queue):
            raise Refused("You do not serve this queue.", code="queue.not_yours")
        if hub.routing.load(user.id)["channels"].get("voice", {}).get("used", 0) or calls.of_agent(user.id):
            raise Refused("You are in a call already.", code="phone.busy")
        hub.refuse_blocked(phone=called)
        await self._minute.take(user.id)
        await self._day.take(user.id)
        customer, new = await customer_of(hub, called, "", "")
        shown = calls.settings.caller_ids.get(queue) or trunk.caller_id
        live = calls.open(id, Way.DIAL, Party(shown, called, trunk.id), queue)
        fields = {"called": called, "caller": shown, "direction": "outbound"}
        site = next(iter(hub.directory.sites()), "")
        created = c.Create(
            Channel.VOICE, site, customer.id, None, row.name, customer.language or "en", fields, media=True
        )
        try:
            outcome = await hub.contacts.create(
                id,
                created,
                [c.Dial(user.id, queue), c.NoteCall(calls.note_start(live))],
                actor=user.id,
                command_id=client_id,
                customer=customer if new else None,
            )
        except BaseException:
            live.give(v.CustomerLeft("not_made", "system"))
            raise
        if new:
            await hub.store.people.add_identity(customer.id, "phone", called)
        await calls.tell_contact(live)
        return outcome.row
