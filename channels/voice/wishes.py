"""What customers wish by their keys: to keep their place and be called back (`hub/callback_places.py`), or never to be
called again."""

from __future__ import annotations

import structlog

from channels.voice import call_values as v
from channels.voice.live import LiveCall
from hub.callback_places import call_back
from hub.errors import HubError, NumberRefused
from hub.service import Hub

log = structlog.get_logger(__name__)


def offer_place(hub: Hub, live: LiveCall) -> None:
    """Tells the call's machine whether its caller may, and whether his own number is one that is called."""
    desk = hub.calling_back
    if desk is not None and desk.keeps_places():
        live.give(v.MayKeep(live.party.caller if desk.is_called(live.party.caller) else ""))


async def keep_place(hub: Hub, live: LiveCall, number: str) -> None:
    """The contact becomes a callback to `number`; the machine hears of it by the contact, or is told that it could not
    be."""
    try:
        await call_back(hub, (await hub.contacts.get(live.id)).contact, number, "call")
    except HubError as error:
        log.info("call.place_not_kept", call=live.id, reason=error.code)
        live.give(v.NotKept(number=isinstance(error, NumberRefused)))


async def never_call(hub: Hub, live: LiveCall) -> None:
    """The number that was called is called no more, and what was promised to it is cancelled."""
    if hub.calling_back is not None:
        await hub.calling_back.block(live.party.called, "customer", "customer")
        log.info("call.never_again", call=live.id)
