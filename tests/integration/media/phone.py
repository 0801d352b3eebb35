"""A plain telephone: RTP on a UDP socket, with a tone for a microphone. Knows nothing of our media plane."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from tests.integration.media.tones import FRAME, samples, share, tone, ulaw

HEADER = struct.Struct("!BBHII")
EVENTS = 101


class Phone(asyncio.DatagramProtocol):
    """PCMU and telephone-event 101. `heard` is what it was sent (mu-law), `keys` the digits as they ended."""

    def __init__(self, hertz: float) -> None:
        self.voice = ulaw(tone(hertz, 1))
        self.heard = bytearray()
        self.sequences: list[int] = []
        self.ssrcs: set[int] = set()
        self.keys = ""
        self.target: tuple[str, int] | None = None
        self.sent = 0
        self.pressing: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._ended: set[int] = set()
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._origin = random.getrandbits(32)

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        if kind in range(192, 224):
            return
        self.sequences.append(sequence)
        self.ssrcs.add(ssrc)
        if kind & 0x7F == 0:
            self.heard += data[12:]
        elif kind & 0x7F == EVENTS and data[13] & 0x80 and timestamp not in self._ended:
            self._ended.add(timestamp)
            self.keys += "0123456789*#ABCD"[data[12]]

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        self._sequence = self._sequence + 1 & 0xFFFF
        self.send(HEADER.pack(0x80, kind, self._sequence, timestamp & 0xFFFFFFFF, self._ssrc) + payload)

    def send(self, packet: bytes) -> None:
        assert self._transport is not None and self.target is not None
        self._transport.sendto(packet, self.target)

    async def talk(self) -> None:
        """Sends the tone; a key that is pressed takes its place for 160 ms (RFC 4733)."""
        loop = asyncio.get_running_loop()
        start, tick, begun, code, left = loop.time(), 0, 0, 0, 0
        while True:
            await asyncio.sleep(max(0, start + tick * 0.02 - loop.time()))
            now = self._origin + tick * FRAME
            if left == 0 and self.pressing:
                code, left, begun = self.pressing.pop(0)[0], 10, now
            if left > 0:
                lasted = min(now - begun + FRAME, 8 * FRAME)
                end = 0x80 if left <= 3 else 0
                self._send(EVENTS | (0x80 if left == 10 else 0), begun, struct.pack("!BBH", code, end | 10, lasted))
                left -= 1
            else:
                at = self.sent * FRAME % len(self.voice)
                self._send(0, now, self.voice[at : at + FRAME])
                self.sent += 1
            tick += 1

    def press(self, digits: str) -> None:
        self.pressing += [bytes(("0123456789*#ABCD".index(digit),)) for digit in digits]

    def hears(self, hertz: float, seconds: float = 1.0) -> float:
        """The share of what it heard last that lies at `hertz`; 0 as long as it heard less."""
        last = self.heard[-int(seconds * 8000) :]
        return share(samples(bytes(last)), hertz) if len(last) >= seconds * 8000 else 0.0

    async def until_hears(self, hertz: float, seconds: float = 1.0, least: float = 0.8) -> None:
        """Only what comes from now on counts."""
        until = len(self.heard) + int(seconds * 8000)
        while len(self.heard) < until or self.hears(hertz, seconds) < least:
            await asyncio.sleep(0.02)

    @property
    def missed(self) -> int:
        """How many packets of the one stream that it was sent did not come."""
        ahead = [sequence - self.sequences[0] & 0xFFFF for sequence in self.sequences]
        return max(ahead) + 1 - len(set(ahead))


@asynccontextmanager
async def open_phone(hertz: float, host: str = "127.0.0.1") -> AsyncIterator[Phone]:
    """`target` is to be set before `talk`."""
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(lambda: Phone(hertz), local_addr=(host, 0))
    yield phone
    transport.close()
