"""Numbers that agents dial at their own telephones: the same calls, by the same rules, as those from the desktop."""

from __future__ import annotations

import asyncio

import structlog

from channels.voice.callers import user_of
from channels.voice.calls import Calls
from channels.voice.outbound import Outbound
from channels.voice.phone_legs import PhoneLegs
from channels.voice.phones import RegisteredPhones
from channels.voice.sip import events as s
from channels.voice.trunks import Trunks
from hub.errors import HubError, Refused
from hub.ids import derived_id
from hub.model import User

log = structlog.get_logger(__name__)

STATUSES = {"input.invalid": 484, "phone.busy": 486, "rate.limited": 503, "trunk.none": 503, "sdp.invalid": 488}
"""By our code of an error; any other is a refusal: 403."""


class PhoneDials:
    def __init__(
        self, calls: Calls, trunks: Trunks, phones: RegisteredPhones, legs: PhoneLegs, outbound: Outbound
    ) -> None:
        self._calls, self._trunks, self._phones, self._legs = calls, trunks, phones, legs
        self._outbound = outbound
        self._hub = calls.hub
        self._tasks: set[asyncio.Task[None]] = set()
        trunks.listen(self._heard)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _heard(self, event: s.Event) -> None:
        if isinstance(event, s.Invited) and event.user is not None:
            task = asyncio.create_task(self._dial(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _dial(self, event: s.Invited) -> None:
        user = self._phones.user_of(event)
        try:
            if user is None:
                raise Refused("This phone belongs to nobody.", code="phone.unknown")
            if event.sdp is None:
                raise Refused("A call has to bring a description of its audio.", code="sdp.invalid")
            await self._place(event, user, event.sdp)
        except HubError as error:
            log.info("phone.dial_refused", account=event.user, reason=error.code)
            agent = self._trunks.user_agent
            agent.reject(event.call, STATUSES.get(error.code, 403), self._trunks.transport.now(), error.message)
            self._trunks.transport.flush()

    async def _place(self, event: s.Invited, user: User, offer: str) -> None:
        """Raises HubError for what may not be dialled."""
        hub = self._hub
        if not hub.presence.connected(user.id):
            raise Refused("Open the desktop first: the call needs it.", code="phone.no_desktop")
        queues = [id for id in hub.directory.queues() if hub.directory.lets_in(user, id)]
        if len(queues) != 1:
            raise Refused("Call from the desktop, where the queue is chosen.", code="phone.which_queue")
        contact = derived_id("ct", 0, user.id, f"phone-{event.call}")
        self._legs.dialling(contact, True)
        try:
            await self._outbound.dial(user, user_of(event.request_uri), queues[0], f"phone-{event.call}")
            live = self._calls.require(contact)
            await self._legs.adopt(live, user, event, offer)
        finally:
            self._legs.dialling(contact, False)
