"""The browser's end of a call without a browser: ICE, DTLS and SRTP, no media of its own. Cheap enough for loads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from webrtc.aiortc_hooks import IceLink, SecureLink, Way, certificate, ice_candidate
from webrtc.settings import MediaSettings
from webrtc.web_sdp import read_offer

EVENTS = 126


class Peer:
    """Offers PCMU, PCMA, Opus and telephone-event as Chromium does, and leaves DTLS's opening to the other side."""

    def __init__(self, settings: MediaSettings, *, way: Way = "fast", lite: bool = False) -> None:
        self.ice = IceLink(settings, controlling=True)
        self.on_rtp: Callable[[bytes, float], None] = lambda packet, now: None
        self.on_rtcp: Callable[[bytes, float], None] = lambda packet, now: None
        self.ended = asyncio.Event()
        self._way = way
        self.secure = self._secure(server=True)

    def _secure(self, *, server: bool) -> SecureLink:
        return SecureLink(
            self.ice,
            way=self._way,
            on_rtp=lambda packet, now: self.on_rtp(packet, now),
            on_rtcp=lambda packet, now: self.on_rtcp(packet, now),
            on_end=self.ended.set,
            server=server,
        )

    async def offer(self, *, setup: str = "actpass", fingerprint: str | None = None, kinds: Sequence[str] = ()) -> str:
        """`kinds`: further sections, as a page with video has them."""
        await self.ice.gather_candidates()
        own = next(f.value for f in certificate().getFingerprints() if f.algorithm == "sha-256")
        lines = [
            "v=0",
            "o=- 1 1 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "a=group:BUNDLE 0",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 13 110 126",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            *(f"a=candidate:{candidate.to_sdp()}" for candidate in self.ice.local_candidates),
            f"a=ice-ufrag:{self.ice.local_username}",
            f"a=ice-pwd:{self.ice.local_password}",
            f"a=fingerprint:sha-256 {fingerprint or own}",
            f"a=setup:{setup}",
            "a=mid:0",
            "a=sendrecv",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:13 CN/8000",
            "a=rtpmap:110 telephone-event/48000",
            "a=rtpmap:126 telephone-event/8000",
        ]
        for n, kind in enumerate(kinds, 1):
            lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", f"a=mid:{n}", "a=rtcp-mux"]
        return "\r\n".join(lines) + "\r\n"

    async def accept(self, answer: str, *, fingerprint: str | None = None) -> bool:
        """True when connected; False when the other side is not the one that its answer names."""
        said = read_offer(answer)
        self.ice.remote_username, self.ice.remote_password = said.username, said.password
        for c in said.candidates:
            await self.ice.add_remote_candidate(ice_candidate(c.foundation, c.priority, c.host, c.port, c.type))
        await self.ice.add_remote_candidate(None)
        if said.setup == "passive":
            self.secure = self._secure(server=False)
        await self.ice.connect()
        return await self.secure.handshake([(f.algorithm, fingerprint or f.value) for f in said.fingerprints])

    async def close(self) -> None:
        await self.secure.stop()
        await self.ice.close()
