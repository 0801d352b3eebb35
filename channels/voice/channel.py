"""The voice channel, put together: media engine, trunks, calls and telephones; `server.py` starts and stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import socketio
import structlog

from channels.chat.conversation import Conversations
from channels.chat.socket import VisitorNamespace
from channels.voice.agent_phone import AgentPhone, Window
from channels.voice.announce import Prompts
from channels.voice.calls import KIND, Calls, Recorder
from channels.voice.elsewhere import Elsewhere
from channels.voice.flows import Flows
from channels.voice.inbound import Inbound
from channels.voice.outbound import Outbound
from channels.voice.page_phone import PagePhone
from channels.voice.phone_desk import PhoneDesk
from channels.voice.phone_dials import PhoneDials
from channels.voice.phone_legs import PhoneLegs
from channels.voice.phones import RegisteredPhones
from channels.voice.settings import VoiceSettings
from channels.voice.speech import Speech
from channels.voice.trunks import Trunks
from channels.voice.visitor_phone import VisitorPhone
from hub import commands as c
from hub.errors import HubError, Unavailable
from hub.lookups import Lookups
from hub.machine import OPEN
from hub.media import MediaEngine
from hub.model import Channel
from hub.service import Hub
from hub.sockets import EventTable

log = structlog.get_logger(__name__)


class VoiceChannel:
    """`windows` are the agents' windows of this node by socket id, `agents` the table of their events. `files` is the
    folder of the hub's data, for what is read aloud."""

    def __init__(
        self,
        hub: Hub,
        media: MediaEngine,
        settings: VoiceSettings,
        recorder: Recorder,
        sio: socketio.AsyncServer,
        visitors: VisitorNamespace,
        conversations: Conversations,
        agents: EventTable,
        windows: Mapping[str, Window],
        files: Path,
    ) -> None:
        self._hub = hub
        self.media = media
        self.settings = settings
        prompts = Prompts(Path(settings.prompts) if settings.prompts else None)
        self.calls = Calls(hub, media, settings, recorder, prompts)
        self.trunks = Trunks(settings, hub.phones.hashes)
        self.calls.telephony = self.trunks
        self.speech = Speech(files / "speech", settings.speech)
        self.lookups = Lookups(allow_private=settings.lookups_private)
        self.calls.flows = Flows(hub, prompts, self.speech, self.lookups)
        self.inbound = Inbound(self.calls, self.trunks)
        elsewhere = Elsewhere(hub.bus, lambda contact: hub.roster.where(KIND, contact))
        outbound = Outbound(self.calls, self.trunks)
        self.agent_phone = AgentPhone(self.calls, outbound, elsewhere, sio, windows)
        self.agent_phone.register(agents)
        self.phones = RegisteredPhones(hub, self.trunks)
        self.phone_legs = PhoneLegs(self.calls, self.trunks, self.phones)
        self.phone_dials = PhoneDials(self.calls, self.trunks, self.phones, self.phone_legs, outbound)
        self.phone_desk = PhoneDesk(hub, self.phone_legs, elsewhere, sio, windows)
        self.phone_desk.register(agents)
        self.visitor_phone = VisitorPhone(self.calls, elsewhere, sio, visitors, conversations)
        self.visitor_phone.register()
        self.page_phone = PagePhone(self.calls, elsewhere, visitors, conversations, self.visitor_phone)
        self._tasks: set[asyncio.Task[None]] = set()
        hub.roster.on_change(KIND, self._moved)
        hub.leadership.on_change(self._leads)

    async def start(self) -> None:
        """Raises Unavailable when the media workers do not start, or an address to listen on cannot be had."""
        if not self.settings.enabled:
            return
        await self.media.start()
        await self.calls.start()
        self.phone_legs.start()
        try:
            await self.trunks.start()
        except OSError as error:
            await self.calls.stop()
            await self.media.stop()
            raise Unavailable(f"The voice channel cannot listen: {error}.", code="voice.address") from None
        self._hub.takes_calls = True
        if self._hub.leadership.leads:
            self._leads(True)

    def configure(self, settings: VoiceSettings) -> None:
        """Trunks, numbers and limits as they are from now on. Where it listens, and the media, stay until a restart."""
        self.settings = self.calls.settings = settings
        self.trunks.configure(settings)
        self.phones.configure()

    async def stop(self) -> None:
        """Calls under way end as interrupted; recordings are completed."""
        self._hub.takes_calls = False
        if self.settings.enabled:
            await self.phone_dials.stop()
            await self.calls.stop()
            await self.phone_legs.stop()
            await self.trunks.stop()
            await self.media.stop()
            await self.speech.stop()
            await self.lookups.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- calls whose node died ---------------------------------------------------------------------------------------

    def _begin(self, contact: str | None) -> None:
        task = asyncio.create_task(self._end_orphans(contact))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _moved(self, contact: str, there: bool) -> None:
        if not there and self._hub.leadership.leads and not self._hub.stopping:
            self._begin(contact)

    def _leads(self, leads: bool) -> None:
        if leads:
            self._begin(None)

    async def _end_orphans(self, contact: str | None) -> None:
        """Contacts whose call is at no node (any more): its node died, and with it the audio. They end as interrupted,
        so that their agents are free."""
        hub = self._hub
        if contact is None:
            await hub.roster.settled()
        ids = [row.contact.id for row in hub.living] if contact is None else [contact]
        for id in ids:
            row = hub.living.get(id)
            if row is None or not row.contact.media or row.contact.channel is not Channel.VOICE:
                continue
            if row.contact.phase not in OPEN or hub.roster.there(KIND, id):
                continue
            await self._end(id, hub.wrap_up_ms(row.contact.queue))

    async def _end(self, contact: str, wrap_ms: int) -> None:
        while True:
            try:
                await self._hub.contacts.do(contact, c.End("system", "interrupted", wrap_ms), actor="system")
                log.warning("call.interrupted", call=contact)
                return
            except Unavailable:
                await asyncio.sleep(1.0)
            except HubError as error:
                log.info("call.orphan_refused", call=contact, reason=error.code)
                return
