"""A browser's leg: its offer answered, ICE and DTLS done, packets handed over.

A leg lives as long as its transport. After a reload or a change of network the browser offers anew and gets a new leg,
which the worker puts in the place of the old one; there is no ICE restart.
"""

from __future__ import annotations

import asyncio
import secrets
import time

import structlog

from hub.errors import Unavailable
from hub.media import LegStats, WebOptions
from webrtc import g711
from webrtc.aiortc_hooks import IceLink, SecureLink, Way, certificate, drop, ice_candidate, missing
from webrtc.leg import Clock, LegEvents
from webrtc.quality import mos
from webrtc.rtp import Reports
from webrtc.settings import MediaSettings
from webrtc.stream import Codec, Incoming, Outgoing
from webrtc.web_sdp import Candidate, Fingerprint, WebOffer, advertised, choose_codec, read_offer, write_answer

log = structlog.get_logger(__name__)

SET_UP = 20.0
"""Seconds that ICE and DTLS may take together, before the leg is lost."""


class WebLeg:
    """`events` is the browser's payload type for telephone-event, often 126."""

    def __init__(
        self,
        id: str,
        offer: WebOffer,
        options: WebOptions,
        settings: MediaSettings,
        listener: LegEvents,
        *,
        way: Way | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.id = id
        self.codec: Codec
        self.codec, self.events = choose_codec(offer, options.codecs)
        self.incoming = Incoming({self.codec.payload_type: self.codec}, self.events)
        self._offer = offer
        self._settings = settings
        self._listener = listener
        self._clock = clock
        self._ice = IceLink(settings, controlling=offer.lite)
        self._secure = SecureLink(
            self._ice,
            way=way or default_way(),
            on_rtp=self.incoming.receive,
            on_rtcp=self._rtcp,
            on_end=self._ended,
            server=offer.setup == "active",
        )
        # Below 2**15, as the other side could miss a wrap among the first packets and with it the key's index.
        self.outgoing = Outgoing(
            self.codec,
            drop,
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(32),
            events=self.events,
        )
        self.outgoing.muted = not offer.receives
        self._cname = secrets.token_hex(8)
        self._reports = Reports(self.incoming, self.outgoing, self._cname)
        self._connecting: asyncio.Task[None] | None = None
        self._over = False

    @classmethod
    async def answer(
        cls,
        id: str,
        offer: str,
        options: WebOptions,
        settings: MediaSettings,
        listener: LegEvents,
        *,
        way: Way | None = None,
    ) -> tuple[WebLeg, str]:
        """The leg, which connects from now on, and the complete answer.

        Raises InvalidInput for an offer that cannot be met, Unavailable when no port is free.
        """
        leg = cls(id, read_offer(offer), options, settings, listener, way=way)
        try:
            return leg, await leg._begin()
        except BaseException:
            await leg.close()
            raise

    async def _begin(self) -> str:
        ice, offer = self._ice, self._offer
        await ice.gather_candidates()
        local = [
            Candidate(
                c.foundation,
                c.priority,
                c.host,
                c.port,
                c.type,
                (c.related_address, c.related_port or 9) if c.related_address else None,
            )
            for c in ice.local_candidates
        ]
        if not local:
            raise Unavailable("The media plane has no free port or address for another browser.")
        ice.remote_username, ice.remote_password, ice.remote_is_lite = offer.username, offer.password, offer.lite
        # The end of candidates is not told: a browser that is reached at none of them may still reach us, and its own
        # checks then show its address. SET_UP ends the wait.
        for c in offer.candidates:
            await ice.add_remote_candidate(ice_candidate(c.foundation, c.priority, c.host, c.port, c.type))
        own = next(f for f in certificate().getFingerprints() if f.algorithm == "sha-256")
        answer = write_answer(
            offer,
            codec=self.codec,
            events=self.events,
            username=ice.local_username,
            password=ice.local_password,
            fingerprint=Fingerprint(own.algorithm, own.value),
            candidates=advertised(local, self._settings.public),
            session=secrets.randbits(62),
            ssrc=self.outgoing.ssrc,
            cname=self._cname,
        )
        self._connecting = asyncio.create_task(self._connect())
        return answer

    async def _connect(self) -> None:
        stage = "ICE found no way to the browser"
        try:
            async with asyncio.timeout(SET_UP):
                await self._ice.connect()
                stage = "the DTLS handshake was not completed"
                trusted = await self._secure.handshake([(f.algorithm, f.value) for f in self._offer.fingerprints])
        except (TimeoutError, ConnectionError):
            self._lose(f"{stage} within {SET_UP:g} s")
            return
        if trusted:
            self.outgoing.transmit = self._secure.send_rtp
            self._listener.connected()
        else:
            self._lose("DTLS failed, or the certificate was not the one of the offer")

    def _ended(self) -> None:
        self.outgoing.transmit = drop
        self._lose("consent to send expired" if self._ice.ended else "the browser closed the connection")

    def _lose(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._listener.lost(reason)

    def _rtcp(self, packet: bytes, now: float) -> None:
        if self._reports.receive(packet, now, time.time()):
            self._lose("the browser ended its stream")

    def tick(self, now: float) -> None:
        if self._reports.due(now):
            self._secure.send_rtcp(self._reports.build(now, time.time()))

    def stats(self, now: float) -> LegStats:
        incoming, reports = self.incoming, self._reports
        law = self.codec.name
        loss = incoming.lost / incoming.expected if incoming.expected else 0.0
        heard = incoming.last_seen is not None
        return LegStats(
            codec=law,
            packets_in=incoming.packets,
            packets_out=self.outgoing.packets,
            lost=incoming.lost,
            loss=loss,
            jitter_ms=incoming.jitter_ms,
            round_trip_ms=reports.round_trip_ms,
            remote_loss=reports.remote_loss,
            level=g711.level(law, incoming.last_payload) if law in g711.LAWS else 0.0,
            mos=mos(law, max(loss, reports.loss), incoming.jitter_ms, reports.round_trip_ms) if heard else None,
        )

    @property
    def foreign(self) -> int:
        """Datagrams that were not let in: from elsewhere, or with SRTP that did not fit."""
        return self._ice.foreign + self._secure.refused

    async def close(self) -> None:
        if not self._over and self.outgoing.packets:
            self._secure.send_rtcp(self._reports.build(self._clock(), time.time(), bye=True))
        self._over = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self.outgoing.transmit = drop
        await self._secure.stop()
        await self._ice.close()


def default_way() -> Way:
    """The fast one, unless aiortc or aioice lack what it stands on."""
    lacking = missing()
    if not lacking:
        return "fast"
    log.warning("webrtc.slow_way", missing=lacking)
    return "tap"
