"""What agents do in calls that live at this node, asked from a window here or at another node (`elsewhere.py`)."""

from __future__ import annotations

from typing import Any

import msgspec

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, CUSTOMER
from channels.voice.calls import Calls
from channels.voice.elsewhere import Elsewhere, Json
from channels.voice.live import LiveCall
from hub import media as m
from hub.errors import Refused
from hub.machine import SERVED
from hub.model import Phase

QUIET_MS = 3_000
"""A browser that sends nothing for so long is gone, or its line is."""


def serve_agents(calls: Calls, elsewhere: Elsewhere) -> None:
    """Each question names the `agent`, the `contact` and the `window` that asks."""
    desk = _Desk(calls)
    for what in ("join", "leave", "digits", "stats", "record"):
        elsewhere.serve(what, getattr(desk, what))


async def press(calls: Calls, live: LiveCall, digits: str) -> None:
    """Keys to the customer, as his trunk wants them."""
    party = live.party
    if party.sip is not None and calls.telephony.rtp_options(party.trunk).dtmf == "info":
        calls.telephony.digits(party.sip, digits)
    else:
        await live.in_media(lambda: calls.media.digits(live.id, CUSTOMER, digits))


class _Desk:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def _own(self, data: Json) -> LiveCall:
        """The call, if this agent has it. Raises NotFound, Refused."""
        live = self._calls.require(data["contact"])
        if live.call.agent != data["agent"]:
            raise Refused("Another agent has this call.", code="contact.not_yours")
        return live

    async def join(self, data: Json) -> Json:
        """A leg for the window, in the place of a former one; the answer to its offer."""
        live = self._calls.require(data["contact"])
        agent, window = data["agent"], data["window"]
        contact = (await self._calls.hub.contacts.get(live.id)).contact
        if contact.agent != agent or contact.phase not in SERVED:
            # He may have accepted at another node, of which the log's reader here has not heard yet.
            contact = (await self._calls.hub.contacts.fresh(live.id)).contact
        if contact.agent != agent or contact.phase not in SERVED:
            raise Refused("Another agent has this call.", code="contact.not_yours")
        # The log's reader may not have told the call yet that he accepted.
        await self._calls.tell_contact(live)
        if contact.phase is not Phase.HELD:
            await self._calls.hub.hold_others(agent, live.id)

        async def make() -> str:
            await self._calls.media.drop_leg(live.id, AGENT)
            live.give(v.LegMade(AGENT, agent, window))
            options = m.WebOptions((live.party.codec,), QUIET_MS)
            return await self._calls.media.web_leg(live.id, AGENT, options, data["offer"])

        return {"answer": await live.in_media(make)}

    async def leave(self, data: Json) -> Json:
        live = self._own(data)
        if live.call.window == data["window"]:
            await live.in_media(lambda: self._calls.media.drop_leg(live.id, AGENT))
            live.give(v.LegLost(AGENT, "left"))
        return {}

    async def digits(self, data: Json) -> Json:
        await press(self._calls, self._own(data), data["digits"])
        return {}

    async def stats(self, data: Json) -> Json:
        live = self._own(data)
        legs: dict[str, Any] = msgspec.to_builtins(await self._calls.media.stats(live.id))
        return {"legs": legs}

    async def record(self, data: Json) -> Json:
        live = self._own(data)
        if not live.call.tape.allowed:
            raise Refused("Calls of this queue are not recorded.", code="recording.never")
        if data["state"] == "paused" and live.call.recording == "off":
            raise Refused("This call is not being recorded.", code="recording.not_running")
        live.give(v.RecordAsked(data["state"], data["agent"]))
        return {"recording": live.call.recording}
