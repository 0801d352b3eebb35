"""A call of a plain telephone and a browser, put together from the legs themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.media import RtpOptions, WebOptions
from tests.integration.media.phone import EVENTS, Phone, open_phone
from webrtc.leg import Leg
from webrtc.rtp_leg import Ports, RtpLeg
from webrtc.sdp import Agreed
from webrtc.settings import MediaSettings
from webrtc.stream import Codec, Outgoing
from webrtc.web_leg import WebLeg

SETTINGS = MediaSettings(ports=(20_000, 29_999), loopback=True)
PCMU = Codec("PCMU", 0)


class Listener:
    """What a leg says of itself."""

    def __init__(self) -> None:
        self.is_connected = asyncio.Event()
        self.is_lost = asyncio.Event()
        self.reason = ""

    def connected(self) -> None:
        self.is_connected.set()

    def lost(self, reason: str) -> None:
        assert not self.is_lost.is_set()
        self.reason = reason
        self.is_lost.set()


def join(one: Leg, other: Leg) -> None:
    """Each hears the other."""
    for speaker, hearer in ((one, other), (other, one)):
        hearer.outgoing.switch()
        speaker.incoming.on_audio = hearer.outgoing.forward
        speaker.incoming.on_event = hearer.outgoing.forward_event


class Call:
    """A telephone at its plain leg, and as many browser legs as come."""

    def __init__(self, phone: Phone, plain: RtpLeg) -> None:
        self.phone = phone
        self.plain = plain
        self.legs: list[Leg] = [plain]

    async def answer(self, offer: str, settings: MediaSettings = SETTINGS) -> tuple[WebLeg, Listener, str]:
        """A browser's leg, in the place of the one before."""
        listener = Listener()
        leg, answer = await WebLeg.answer("agent", offer, WebOptions(), settings, listener)
        self.legs.append(leg)
        join(self.plain, leg)
        return leg, listener, answer


@asynccontextmanager
async def open_call(hertz: float) -> AsyncIterator[Call]:
    async with open_phone(hertz) as phone:
        pair = Ports(*SETTINGS.ports).take("127.0.0.1")
        outgoing = Outgoing(PCMU, lambda packet: None, ssrc=1, sequence=1, timestamp=1, events=EVENTS)
        plain = await RtpLeg.open("customer", RtpOptions(), Listener(), outgoing, "customer", pair)
        at = ("127.0.0.1", phone.port)
        plain.apply(Agreed(PCMU, (PCMU,), EVENTS, EVENTS, *at, (at[0], at[1] + 1), False, True, True))
        phone.target = pair[0].getsockname()
        call = Call(phone, plain)
        talking = asyncio.create_task(phone.talk())

        async def tick() -> None:
            while True:
                await asyncio.sleep(1)
                for leg in call.legs:
                    leg.tick(asyncio.get_running_loop().time())

        ticking = asyncio.create_task(tick())
        try:
            yield call
        finally:
            for task in (talking, ticking):
                task.cancel()
            await asyncio.wait([talking, ticking])
            for leg in call.legs:
                await leg.close()
