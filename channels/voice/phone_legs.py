"""Calls on agents' own telephones: an offer rings the telephone, and answering it there accepts the offer.

Which telephone should ring follows from how the contact stands by the log, and is worked out anew whenever that
changes: whom it is offered to, or who serves it, if that agent talks on his telephone. So it stops to ring whatever
ended the offer: its time, a colleague, the customer, or the agent's own "Accept" in a browser that takes the audio.
A telephone that cannot be reached costs no call: the agent is told, may talk in the browser instead, and if he does not
the call goes back to its queue as any that nobody takes up.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from channels.voice import call_values as v
from channels.voice.call_values import AGENT, OUTGOING, Stage
from channels.voice.calls import Calls
from channels.voice.desk import press
from channels.voice.live import LiveCall
from channels.voice.phones import RegisteredPhones
from channels.voice.settings import G711
from channels.voice.sip import events as s
from channels.voice.sip.registrar import PhoneContact
from channels.voice.trunks import Trunks
from hub import media as m
from hub.errors import HubError, Refused
from hub.events import CallStarted, Recorded
from hub.machine import SERVED, TRANSITIONS
from hub.model import Channel, Contact, Line, Phase, User, line_of

log = structlog.get_logger(__name__)

QUIET_MS = 60_000
"""Some telephones send nothing while they are muted; that one is gone shows in its signalling, too."""
DECLINED = frozenset({486, 600, 603})
INCOMPATIBLE = frozenset({415, 488, 606})
GONE = {408: "no_answer", 480: "no_answer", 487: "no_answer"}
"""By its answer, why a telephone does not ring (any more); else it is unreachable."""
ELSEWHERE = s.Reason("SIP", 200, "Call completed elsewhere")  # so that the telephone shows no missed call
MOVES = TRANSITIONS.keys() | {CallStarted}
"""A callback's call begins when an agent has it already."""
HOLDS = re.compile(r"^a=(sendonly|inactive)\s*$", re.MULTILINE)


@dataclass
class PhoneLeg:
    """A call on an agent's telephone(s). `fence` is the offer's while it is one.

    `state`: ringing, taking (answered, and being put through), up, or failed, with the `problem`: unregistered,
    unreachable, no_answer, declined, lost.
    """

    live: LiveCall
    agent: str
    fence: int | None = None
    state: str = "ringing"
    problem: str = ""
    sdp: str = ""
    secure: bool = False
    rings: dict[str, PhoneContact] = field(default_factory=dict)  # by the user agent's name of the leg
    answered: str = ""
    host: str = ""
    holds: bool = False
    hung_up: bool = False

    @property
    def window(self) -> str:
        """In the place of a browser's window that has the audio."""
        return f"phone:{self.agent}"


class PhoneLegs:
    def __init__(self, calls: Calls, trunks: Trunks, phones: RegisteredPhones) -> None:
        self.calls, self._trunks, self._phones = calls, trunks, phones
        self._hub = calls.hub
        self._legs: dict[str, PhoneLeg] = {}
        self._by_sip: dict[str, PhoneLeg] = {}
        self._dialling: set[str] = set()  # contacts that a telephone begins: it is there already
        self._listeners: list[Callable[[PhoneLeg], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        calls.on_change(self._changed)
        trunks.listen(self.handle)

    def start(self) -> None:
        self._hub.follow("voice-phones", self.follow)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def on_change(self, listener: Callable[[PhoneLeg], None]) -> None:
        """`listener(leg)` is called when the leg's state has changed; `is_over` tells whether it is gone."""
        self._listeners.append(listener)

    def is_over(self, leg: PhoneLeg) -> bool:
        return self._legs.get(leg.live.id) is not leg

    def of_agent(self, agent: str) -> list[PhoneLeg]:
        return [leg for leg in self._legs.values() if leg.agent == agent]

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended_task)

    def _ended_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("phone.step_failed", exc_info=error)

    def _tell(self, leg: PhoneLeg) -> None:
        for listener in self._listeners:
            listener(leg)

    # --- who should be rung ------------------------------------------------------------------------------------------

    async def follow(self, batch: Sequence[Recorded]) -> None:
        """The log reader."""
        moved = {recorded.stream for recorded in batch if type(recorded.event) in MOVES}
        for id in moved:
            live = self.calls.get(id)
            if live is not None and not live.call.over:
                self._consider(live, (await self._hub.contacts.get(id)).contact)

    def _consider(self, live: LiveCall, contact: Contact) -> None:
        wanted = _wanted(contact)
        leg = self._legs.get(live.id)
        if leg is not None:
            if wanted is not None and wanted[0] == leg.agent and wanted[1] in (None, leg.fence):
                if leg.fence is not None and wanted[1] is None and leg.state in ("ringing", "failed"):
                    # He accepted in a window: the telephone rings on, now for a call that is his.
                    leg.fence = None
                    if leg.state == "ringing":
                        live.give(v.LegMade(AGENT, leg.agent, leg.window))
                return
            if leg.state == "taking":
                return  # it sees for itself whether it was too late
            self._stop(leg)
        if wanted is None or live.id in self._dialling:
            return
        agent, fence = wanted
        user = self._hub.directory.users().get(agent)
        if user is None or line_of(user) is not Line.PHONE or live.call.window:
            return
        self._ring(live, user, fence)

    def _ring(self, live: LiveCall, user: User, fence: int | None) -> None:
        leg = self._legs[live.id] = PhoneLeg(live, user.id, fence)
        phones = self._phones.of(user)
        if not phones:
            self._fail(leg, "unregistered")
            return
        leg.secure = phones[0].destination.transport == "tls"
        self._begin(self._call(leg, user))

    async def _call(self, leg: PhoneLeg, user: User) -> None:
        """Rings all of the user's telephones that are reached alike (the latest one decides), with one description."""
        live = leg.live
        phones = [
            phone for phone in self._phones.of(user) if leg.secure is False or phone.destination.transport == "tls"
        ]
        live.agent_phone = True
        try:
            contact = (await self._hub.contacts.get(live.id)).contact
            customer = (await self._hub.contacts.customers([contact.customer])).get(contact.customer)
            if leg.fence is None and not self.is_over(leg):
                live.give(v.LegMade(AGENT, leg.agent, leg.window))
            leg.sdp = await self._make(leg, phones[0].destination.host if phones else "", None)
        except HubError as error:
            log.warning("phone.not_rung", call=live.id, reason=error.code)
            self._fail(leg, "unreachable")
            return
        if self.is_over(leg) or leg.state != "ringing":
            return
        number = live.party.called if live.call.way in OUTGOING else live.party.caller
        for phone in phones:
            sip = self._phones.ring(phone, user, number, customer.name if customer is not None else "", leg.sdp)
            leg.rings[sip] = phone
            self._by_sip[sip] = leg
        if not leg.rings:
            self._fail(leg, "unregistered")
            return
        self._tell(leg)

    async def _make(self, leg: PhoneLeg, towards: str, offer: str | None) -> str:
        """The leg's audio, in the place of a browser's; our description of it."""
        media, live = self.calls.media, leg.live
        codecs = tuple(dict.fromkeys((live.party.codec, *G711))) if live.party.codec in G711 else G711
        options = m.RtpOptions(codecs, secure=leg.secure, quiet_ms=QUIET_MS, towards=towards)

        async def make() -> str:
            await media.drop_leg(live.id, AGENT)
            return await media.rtp_leg(live.id, AGENT, options, offer)

        return await live.in_media(make)

    def ring_again(self, live: LiveCall, user: User) -> None:
        """The agent wants his call on his telephone (after all). Raises Refused."""
        if live.call.over or live.call.agent not in (None, user.id):
            raise Refused("Another agent has this call.", code="contact.not_yours")
        if not self._phones.of(user):
            raise Refused("Your phone is not registered.", code="phone.unregistered")
        leg = self._legs.get(live.id)
        if leg is not None:
            if leg.state != "failed":
                return
            self._stop(leg)
        self._ring(live, user, None)

    # --- calls that begin at a telephone -----------------------------------------------------------------------------

    def dialling(self, contact: str, begins: bool) -> None:
        """A telephone of the agent begins this call, so it is not rung for it."""
        (self._dialling.add if begins else self._dialling.discard)(contact)

    async def adopt(self, live: LiveCall, user: User, event: s.Invited, offer: str) -> None:
        """The telephone that calls us is the agent's leg; it is answered, and hears what becomes of the call. Raises
        HubError."""
        leg = self._legs[live.id] = PhoneLeg(live, user.id, None, "taking", secure="RTP/SAVP" in offer)
        leg.answered, leg.host = event.call, event.source.host
        self._phones.talks_from(leg.host, True)
        self._by_sip[event.call] = leg
        live.agent_phone = True
        live.give(v.LegMade(AGENT, leg.agent, leg.window))
        leg.sdp = await self._make(leg, "", offer)
        if not self.is_over(leg):
            self._trunks.answer(event.call, leg.sdp)
            self._tell(leg)

    # --- what telephones do ------------------------------------------------------------------------------------------

    def handle(self, event: s.Event) -> None:
        leg = self._by_sip.get(getattr(event, "call", ""))
        if leg is None:
            return
        match event:
            case s.Answered():
                self._answered(leg, event)
            case s.Confirmed():
                if leg.state == "taking" and leg.answered == event.call:
                    self._put_through(leg)
            case s.Rejected():
                self._rejected(leg, event)
            case s.Ended():
                self._ended(leg, event)
            case s.Offered():
                self._begin(self._offered(leg, event))
            case s.InfoDigit():
                self._begin(press(self.calls, leg.live, event.digit))
            case s.Referred():
                self._trunks.refuse_referral(event.call)
            case _:
                pass

    def _answered(self, leg: PhoneLeg, event: s.Answered) -> None:
        phone = leg.rings.pop(event.call, None)
        if leg.state != "ringing" or phone is None or event.sdp is None:
            self._by_sip.pop(event.call, None)
            self._hang_up(event.call, ELSEWHERE)
            return
        leg.state, leg.answered, leg.host = "taking", event.call, phone.destination.host
        self._phones.talks_from(leg.host, True)
        self._silence(leg)
        self._begin(self._take(leg, event.sdp))

    async def _take(self, leg: PhoneLeg, sdp: str) -> None:
        """Puts the agent through to the customer; his offer is accepted by it."""
        live = leg.live
        try:
            await live.in_media(lambda: self.calls.media.answered(live.id, AGENT, sdp))
            if leg.fence is not None:
                await self._accept(leg, leg.fence)
                leg.fence = None
            await self.calls.tell_contact(live)
            contact = (await self._hub.contacts.get(live.id)).contact
            if contact.phase is not Phase.HELD:
                await self._hub.hold_others(leg.agent, live.id)
        except HubError as error:
            log.info("phone.not_taken", call=live.id, reason=error.code)
            self._stop(leg)
            return
        if not self.is_over(leg):
            self._put_through(leg)

    async def _accept(self, leg: PhoneLeg, fence: int) -> None:
        """Raises Refused when the offer is gone."""
        user = self._hub.directory.user(leg.agent)
        try:
            await self._hub.accept(user, leg.live.id, fence, f"phone-{leg.answered}")
        except Refused:
            contact = (await self._hub.contacts.get(leg.live.id)).contact
            if contact.agent != leg.agent or contact.phase not in SERVED:
                raise  # else he accepted it in a window at the same moment

    def _put_through(self, leg: PhoneLeg) -> None:
        leg.state = "up"
        leg.live.give(v.LegMade(AGENT, leg.agent, leg.window), v.LegUp(AGENT))
        if leg.hung_up:
            self._begin(self._close(leg))
        elif not self.is_over(leg):
            self._tell(leg)

    def _rejected(self, leg: PhoneLeg, event: s.Rejected) -> None:
        self._by_sip.pop(event.call, None)
        if leg.rings.pop(event.call, None) is None or leg.state != "ringing":
            return
        if event.status in DECLINED:
            self._silence(leg)
            self._begin(self._decline(leg))
        elif leg.rings:
            return  # another one of his rings
        elif event.status in INCOMPATIBLE and leg.secure:
            # Its signalling is by TLS, but it knows no encrypted audio.
            leg.secure = False
            self._begin(self._call(leg, self._hub.directory.user(leg.agent)))
        else:
            self._fail(leg, GONE.get(event.status, "unreachable"))

    async def _decline(self, leg: PhoneLeg) -> None:
        """He refused it at his telephone, as he could in a window."""
        user, id = self._hub.directory.user(leg.agent), leg.live.id
        self._fail(leg, "declined")
        try:
            if leg.fence is not None:
                await self._hub.decline(user, id, leg.fence, f"phone-decline-{leg.fence}")
            elif leg.live.call.way in OUTGOING and leg.live.call.stage is Stage.SETUP:
                await self._hub.close(user, id, "phone-decline")
        except HubError as error:
            log.info("phone.decline_refused", call=id, reason=error.code)

    def _ended(self, leg: PhoneLeg, event: s.Ended) -> None:
        self._by_sip.pop(event.call, None)
        if leg.answered != event.call:
            return
        if event.by == "remote" and event.cause == "bye":
            leg.hung_up = True
            if leg.state == "up":
                self._begin(self._close(leg))
        elif leg.state == "taking":
            self._fail(leg, "lost")
        elif leg.state == "up":
            leg.live.give(v.LegLost(AGENT, event.cause))
            self._fail(leg, "lost")

    async def _close(self, leg: PhoneLeg) -> None:
        """He hung up; the wrap-up begins."""
        user = self._hub.directory.user(leg.agent)
        try:
            await self._hub.close(user, leg.live.id, f"phone-{leg.answered}-bye")
        except HubError as error:
            log.info("phone.close_refused", call=leg.live.id, reason=error.code)
            leg.live.give(v.LegLost(AGENT, "bye"))
            self._fail(leg, "lost")

    async def _offered(self, leg: PhoneLeg, event: s.Offered) -> None:
        """It offers anew: it holds, resumes, or its audio moves. Held at the telephone is held in the desktop."""
        live, sdp = leg.live, event.sdp
        if sdp is None:
            self._trunks.accept_offer(event.call, leg.sdp)
            return
        try:
            leg.sdp = await live.in_media(lambda: self.calls.media.offered(live.id, AGENT, sdp))
        except HubError as error:
            log.info("phone.offer_refused", call=live.id, reason=error.code)
            self._trunks.refuse_offer(event.call, 488)
            return
        self._trunks.accept_offer(event.call, leg.sdp)
        holds = bool(HOLDS.search(sdp))
        if holds != leg.holds and leg.state == "up":
            leg.holds = holds
            try:
                await self._hub.hold(self._hub.directory.user(leg.agent), live.id, None, holds)
            except HubError as error:
                log.info("phone.hold_refused", call=live.id, reason=error.code)

    # --- ends --------------------------------------------------------------------------------------------------------

    def _changed(self, live: LiveCall) -> None:
        """The call moved: is the telephone still its place?"""
        leg = self._legs.get(live.id)
        if leg is None:
            return
        window = live.call.window
        if live.call.over or window not in ("", leg.window) or (leg.state == "up" and window != leg.window):
            self._stop(leg)

    def _fail(self, leg: PhoneLeg, problem: str) -> None:
        """It is of no use for this call; the agent is told why, and may talk elsewhere."""
        if self.is_over(leg):
            return
        self._free(leg)
        leg.state, leg.problem = "failed", problem
        log.info("phone.failed", call=leg.live.id, agent=leg.agent, problem=problem)
        self._tell(leg)

    def _stop(self, leg: PhoneLeg) -> None:
        if self.is_over(leg):
            return
        del self._legs[leg.live.id]
        self._free(leg)
        self._tell(leg)

    def _free(self, leg: PhoneLeg) -> None:
        """Nothing rings or talks any more. The audio is left alone if a browser has taken its place."""
        live = leg.live
        self._silence(leg)
        if leg.answered:
            self._by_sip.pop(leg.answered, None)
            self._trunks.hang_up(leg.answered, "")
            leg.answered = ""
        if leg.host:
            self._phones.talks_from(leg.host, False)
            leg.host = ""
        live.agent_phone = False
        if not live.call.over:

            async def drop() -> None:
                if live.call.window in ("", leg.window) and not live.agent_phone:
                    await self.calls.media.drop_leg(live.id, AGENT)

            live.media.put(drop)

    def _silence(self, leg: PhoneLeg) -> None:
        """What rings and was not answered stops."""
        for sip in leg.rings:
            self._by_sip.pop(sip, None)
            self._hang_up(sip, ELSEWHERE)
        leg.rings.clear()

    def _hang_up(self, sip: str, why: s.Reason) -> None:
        transport = self._trunks.transport
        self._trunks.user_agent.hang_up(sip, transport.now(), (why,))
        transport.flush()


def _wanted(contact: Contact) -> tuple[str, int | None] | None:
    """The agent to whom the call belongs or is offered, with the offer's fence."""
    if contact.channel not in (Channel.VOICE, Channel.CALLBACK) or not contact.media:
        return None
    if contact.phase is Phase.OFFERED and contact.offer is not None:
        return contact.offer.agent, contact.offer.fence
    return (contact.agent, None) if contact.phase in SERVED and contact.agent is not None else None
