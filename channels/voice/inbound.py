"""Calls from the telephone network: who may call, where his call waits, and what the trunks tell of calls under way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any

import structlog

from channels.voice import call_values as v
from channels.voice.call_values import CUSTOMER, Sound, Way
from channels.voice.callers import caller_of, codec_of, customer_of, display_of, in_e164, user_of
from channels.voice.calls import Calls
from channels.voice.live import LiveCall, Party
from channels.voice.placing import promise, queue_for, refuse_shut
from channels.voice.settings import NumberSettings, TrunkSettings
from channels.voice.sip import events as s
from channels.voice.trunks import Trunks
from channels.voice.wishes import offer_place
from hub import commands as c
from hub.contacts import Words
from hub.errors import HubError
from hub.flows.walk import Enqueue
from hub.ids import new_id
from hub.model import Channel, Contact

log = structlog.get_logger(__name__)

REFUSED = {"customer.blocked": 603, "input.invalid": 488}
"""By our code of an error; anything else is our own trouble: 503."""
TOLD = {"queue.closed": (Sound.CLOSED, 480), "queue.full": (Sound.BUSY, 486)}
"""What a caller is told instead, and what his telephone is told if his call is not answered for that."""
FAILED = (Sound.SORRY, 503)
BUSY = {486: "busy", 600: "busy", 603: "declined", 404: "no_such_number", 408: "no_answer", 480: "no_answer"}


class Inbound:
    def __init__(self, calls: Calls, trunks: Trunks) -> None:
        self._calls = calls
        self._trunks = trunks
        self._hub = calls.hub
        self._tasks: set[asyncio.Task[None]] = set()
        trunks.listen(self.handle)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def handle(self, event: s.Event) -> None:
        """What the user agent tells."""
        if isinstance(event, s.Invited):
            if event.user is None:  # else an agent's telephone: `phone_dials.py`
                self._invited(event)
            return
        sip = getattr(event, "call", None)
        live = self._calls.by_sip(sip) if sip is not None else None
        if live is None:
            return
        match event:
            case s.Progress():
                if event.sdp is not None:
                    live.media.put(lambda sdp=event.sdp: self._answered(live, sdp))  # type: ignore[misc]
                if event.status in (180, 183):
                    live.give(v.CustomerRings(early=event.sdp is not None))
            case s.Answered():
                live.media.put(lambda: self._picked_up(live, event.sdp))
            case s.Confirmed() if event.sdp is not None:
                live.media.put(lambda: self._answered(live, event.sdp or ""))
            case s.OfferAnswered() if event.sdp is not None:
                live.media.put(lambda: self._answered(live, event.sdp or ""))
            case s.Rejected():
                live.give(v.CustomerLeft(BUSY.get(event.status, "unreachable"), "network", event.status))
            case s.Ended():
                live.give(v.CustomerLeft(event.cause, CUSTOMER if event.by == "remote" else "network"))
            case s.Offered():
                live.media.put(lambda: self._offered(live, event))
            case s.InfoDigit():
                live.give(v.Pressed(event.digit))
            case s.Referred():
                self._trunks.refuse_referral(event.call)
            case _:
                pass

    # --- a new call --------------------------------------------------------------------------------------------------

    def _invited(self, event: s.Invited) -> None:
        trunk = self._trunks.trunk_of(event.source)
        if trunk is None:
            self._trunks.reject(event.call, 403)
            return
        if trunk.secure and event.source.transport != "tls":
            # Its keys for the audio would have been for everybody to read.
            log.warning("call.not_by_tls", trunk=trunk.id, transport=event.source.transport)
            self._trunks.reject(event.call, 403)
            return
        called = user_of(event.request_uri)
        number = self._calls.settings.number(called) or self._calls.settings.number(in_e164(called, trunk.region))
        if number is None or number.queue not in self._hub.directory.queues():
            log.info("call.no_such_number", trunk=trunk.id, called=called)
            self._trunks.reject(event.call, 404)
            return
        if self._hub.stopping or self._calls.of_trunk(trunk.id) >= trunk.calls or not self._trunks.take_arrival(trunk):
            log.warning("call.trunk_full", trunk=trunk.id)
            self._trunks.reject(event.call, 503)
            return
        caller = caller_of(event, trunk.region)
        party = Party(caller, in_e164(called, trunk.region), trunk.id, event.call, language=number.language)
        live = self._calls.open(new_id("ct", self._hub.clock.now()), Way.TRUNK, party, number.queue)
        self._trunks.ring(event.call)
        set_up = self._begin(self._set_up(live, event, trunk, number))
        # What the log is told of a call whose caller gave up meanwhile waits until its contact is there.
        live.log.put(lambda: _over(set_up))

    async def _set_up(self, live: LiveCall, event: s.Invited, trunk: TrunkSettings, number: NumberSettings) -> None:
        """The customer's leg and the contact; what was made is taken back when the caller has given up meanwhile."""
        media, party = self._calls.media, live.party
        try:
            party.sdp = await media.rtp_leg(live.id, CUSTOMER, self._trunks.rtp_options(trunk.id), event.sdp)
            party.codec = codec_of(party.sdp)
            if not live.call.over:
                await self._create(live, event, number)
        except HubError as error:
            log.warning("call.refused", call=live.id, trunk=trunk.id, reason=error.code)
            if error.code in REFUSED:
                live.give(v.NotReady(REFUSED[error.code], error.code))
            else:
                await self._turn_away(live, event, trunk, number, error.code)
            if live.call.over:
                await media.drop_call(live.id)
            return
        if live.call.over:
            await self._calls.undo(live)
            return
        offer_place(self._hub, live)
        live.give(v.Ready())
        await self._calls.tell_contact(live)

    async def _turn_away(
        self, live: LiveCall, event: s.Invited, trunk: TrunkSettings, number: NumberSettings, code: str
    ) -> None:
        """He is told why he is not let in, and the log why; without a leg he cannot hear it."""
        cause = code.replace(".", "_") if code in TOLD else "trouble"
        sound, status = TOLD.get(code, FAILED)
        if live.call.over:
            return
        # Before all else that the log is told of this call; should the store have failed, when it is back.
        live.log.put(lambda: self._calls.until_stored(lambda: self._record_refusal(live, event, number, cause)))
        if live.party.sdp:
            live.give(v.TurnedAway(sound, cause, status, trunk.announce == "early"))
        else:
            live.give(v.NotReady(status, cause))

    async def _record_refusal(self, live: LiveCall, event: s.Invited, number: NumberSettings, cause: str) -> None:
        hub, party = self._hub, live.party
        customer, new = await customer_of(hub, party.caller, display_of(event), number.language)
        fields = {"called": party.called, "caller": party.caller}
        name = hub.directory.queue_name(live.queue)
        created = c.Create(Channel.VOICE, number.site, customer.id, None, name, party.language, fields, media=True)
        ended = c.End("system", cause, 0)
        outcome = await hub.contacts.create(
            live.id,
            created,
            [c.NoteCall(self._calls.note_start(live)), ended],
            actor="system",
            command_id=f"call-{live.id}",
            customer=customer if new else None,
        )
        if outcome.repeated:  # it had been made, and something failed after that
            await hub.contacts.do(live.id, ended, actor="system")
        if new and party.caller:
            await hub.store.people.add_identity(customer.id, "phone", party.caller)

    async def _create(self, live: LiveCall, event: s.Invited, number: NumberSettings) -> None:
        hub, party = self._hub, live.party
        hub.refuse_blocked(phone=party.caller)
        customer, new = await customer_of(hub, party.caller, display_of(event), number.language)
        party.language = customer.language or number.language
        fields = {"called": party.called, "caller": party.caller}
        if event.diversion:
            fields["diverted_by"] = user_of(event.diversion[0].uri)
        promised = await promise(hub, party.caller)
        if promised is not None:
            fields["callback"] = promised.reference  # he need not wait for it: this call takes its place
        draft = Contact(
            live.id,
            channel=Channel.VOICE,
            site=number.site,
            language=party.language,
            fields=fields,
        )
        then: list[c.ContactCommand | Words] = [c.NoteCall(self._calls.note_start(live))]
        if self._calls.flows.ready(number) is not None:
            self._calls.flows.begin(live, number, customer)
        else:
            since = promised.age or None if promised is not None else None
            enqueue = queue_for(hub, draft, customer, None, Enqueue(number.queue), party, since)
            then.append(enqueue)
            self._calls.put_in(live, enqueue.queue)
            refuse_shut(hub, enqueue.queue)
        name = hub.directory.queue_name(live.queue)
        await hub.contacts.create(
            live.id,
            c.Create(Channel.VOICE, number.site, customer.id, None, name, party.language, fields, media=True),
            then,
            actor="system",
            command_id=f"call-{live.id}",
            customer=customer if new else None,
        )
        if new and party.caller:
            await hub.store.people.add_identity(customer.id, "phone", party.caller)

    # --- a call under way --------------------------------------------------------------------------------------------

    async def _answered(self, live: LiveCall, sdp: str) -> None:
        """His answer to our offer. One that cannot be met ends the call."""
        try:
            await self._calls.media.answered(live.id, CUSTOMER, sdp)
            live.party.codec = codec_of(sdp)
        except HubError as error:
            log.warning("call.answer_unusable", call=live.id, reason=error.code)
            if live.party.sip is not None:
                self._trunks.hang_up(live.party.sip, "incompatible")
            live.give(v.CustomerLeft("incompatible", "network", 488))

    async def _picked_up(self, live: LiveCall, sdp: str | None) -> None:
        if sdp is not None:
            await self._answered(live, sdp)
        live.give(v.CustomerAnswered())

    async def _offered(self, live: LiveCall, event: s.Offered) -> None:
        """He offers anew: he holds, resumes, or his audio moves."""
        if event.sdp is None:
            self._trunks.accept_offer(event.call, live.party.sdp)
            return
        try:
            live.party.sdp = await self._calls.media.offered(live.id, CUSTOMER, event.sdp)
        except HubError as error:
            log.info("call.offer_refused", call=live.id, reason=error.code)
            self._trunks.refuse_offer(event.call, 488)
            return
        self._trunks.accept_offer(event.call, live.party.sdp)
        live.give(v.CustomerHolds(bool(re.search(r"^a=(sendonly|inactive)\s*$", event.sdp, re.MULTILINE))))


async def _over(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
