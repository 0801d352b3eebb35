"""Calls of plain telephones by the media engine itself, in a worker process: SDP in, tones and recordings out."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from hub.media import Hear, MediaEvent, RtpOptions
from hub.sealed import SealedReader
from tests.integration.media.phone import Phone, open_phone
from tests.integration.media.tones import samples, share
from webrtc.engine import HUNG_S, EmbeddedMedia
from webrtc.settings import MediaSettings

SETTINGS = MediaSettings(host="127.0.0.1", ports=(30_000, 31_999))
E = TypeVar("E", bound=MediaEvent)


def describe(port: int, host: str = "127.0.0.1", extra: str = "", direction: str = "sendrecv") -> str:
    family = "IP6" if ":" in host else "IP4"
    return (
        f"v=0\r\no=- 1 1 IN {family} {host}\r\ns=-\r\nc=IN {family} {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\n"
        f"a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n{extra}"
    )


def media_port(sdp: str) -> int:
    return int(sdp.split("m=audio ")[1].split()[0])


class Exchange:
    """The engine with what it told."""

    def __init__(self, engine: EmbeddedMedia) -> None:
        self.engine = engine
        self.events: list[MediaEvent] = []
        engine.listen(self.events.append)
        self._talking: list[asyncio.Task[None]] = []

    async def join(
        self, call: str, leg: str, phone: Phone, options: RtpOptions | None = None, host: str = "127.0.0.1"
    ) -> None:
        """The phone calls in; it talks from now on."""
        answer = await self.engine.rtp_leg(call, leg, options or RtpOptions(), describe(phone.port, host))
        phone.target = (host, media_port(answer))
        self._talking.append(asyncio.create_task(phone.talk()))

    async def bridge(self, call: str, one: str = "customer", other: str = "agent") -> None:
        await self.engine.hear(call, one, Hear((other,)))
        await self.engine.hear(call, other, Hear((one,)))

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until_told(self, kind: type[E], count: int = 1) -> E:
        while len(self.told(kind)) < count:
            await asyncio.sleep(0.02)
        return self.told(kind)[count - 1]

    async def close(self) -> None:
        for task in self._talking:
            task.cancel()
        if self._talking:
            await asyncio.wait(self._talking)


@asynccontextmanager
async def open_exchange(
    workers: int = 1, settings: MediaSettings = SETTINGS, hung_s: float = HUNG_S
) -> AsyncIterator[Exchange]:
    engine = EmbeddedMedia(settings, workers, hung_s=hung_s)
    exchange = Exchange(engine)
    await engine.start()
    try:
        yield exchange
    finally:
        await exchange.close()
        await engine.stop()


@asynccontextmanager
async def open_pair(exchange: Exchange, call: str, one: float, other: float) -> AsyncIterator[tuple[Phone, Phone]]:
    """A customer's and an agent's telephone that hear each other."""
    async with open_phone(one) as customer, open_phone(other) as agent:
        await exchange.join(call, "customer", customer)
        await exchange.join(call, "agent", agent)
        await exchange.bridge(call)
        yield customer, agent


def channels(data: bytes) -> tuple[bytes, bytes]:
    """Left and right of a two-channel mu-law WAV; its head must tell the truth about its sizes."""
    assert data[:4] == b"RIFF" and data[8:16] == b"WAVEfmt "
    law, count, rate = struct.unpack_from("<HHI", data, 20)
    assert (law, count, rate) == (7, 2, 8000)
    at = data.index(b"data")
    (size,) = struct.unpack_from("<I", data, at + 4)
    (total,) = struct.unpack_from("<I", data, 4)
    assert total + 8 == at + 8 + size <= len(data)
    body = data[at + 8 : at + 8 + size]
    return body[0::2], body[1::2]


def read(path: Path) -> bytes:
    return path.read_bytes()


def unsealed(path: Path, key: bytes) -> tuple[bytes, bool]:
    """What an encrypted recording holds, and whether its end is there. Reads files: for a thread."""
    with SealedReader(path, key) as reader:
        return reader.read_at(0, reader.size), reader.complete


def holds(channel: bytes, hertz: float) -> float:
    return share(samples(channel), hertz)
