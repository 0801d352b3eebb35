"""Opus and G.722 are passed through, get prompts of their own, are recorded, and can be listened to from G.711; and
telephones without telephone-event press keys by tones."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from hub.media import Digit, Hear, Play, Recorded, RecordingOptions, RtpOptions
from tests.integration.media.exchange import Exchange, channels, holds, media_port, open_exchange, read
from tests.integration.media.phone import HEADER, Phone, open_phone
from tests.integration.media.tones import FRAME, share, tone, ulaw, write_wav
from webrtc import dtmf, speech
from webrtc.stream import Codec

OPUS, G722, PCMA = Codec("opus", 96, 48_000), Codec("G722", 9), Codec("PCMA", 8)


class WidePhone(Phone):
    """Speaks and hears another codec; `heard` is mu-law all the same."""

    def __init__(self, hertz: float, codec: Codec) -> None:
        super().__init__(hertz)
        self.codec = codec
        self.spoken = speech.packets(struct.pack("=8000h", *tone(hertz, 1)), codec)
        self._decoder = speech.decoder(codec)

    def describe(self) -> str:
        channels = "/2" if self.codec.name == "opus" else ""
        kind = self.codec.payload_type
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP {kind}\r\na=rtpmap:{kind} {self.codec.name}/{self.codec.rate}{channels}\r\n"
        )

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        scale = self.codec.rate // 8000
        super()._send(self.codec.payload_type, timestamp * scale, self.spoken[self.sent % len(self.spoken)])

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        _, kind, sequence, _, ssrc = HEADER.unpack_from(data)
        if kind & 0x7F == self.codec.payload_type:
            self.sequences.append(sequence)
            self.ssrcs.add(ssrc)
            sound = self._decoder.decode(data[12:])
            self.heard += ulaw(struct.unpack(f"={len(sound) // 2}h", sound))


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


@asynccontextmanager
async def wide_phone(exchange: Exchange, leg: str, hertz: float, codec: Codec) -> AsyncIterator[WidePhone]:
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(lambda: WidePhone(hertz, codec), local_addr=("127.0.0.1", 0))
    options = RtpOptions(codecs=(codec.name,), dtmf="inband")
    phone.target = ("127.0.0.1", media_port(await exchange.engine.rtp_leg("c", leg, options, phone.describe())))
    talking = asyncio.create_task(phone.talk())
    yield phone
    talking.cancel()
    await asyncio.wait([talking])
    transport.close()


async def test_the_two_laws_are_turned_into_each_other(exchange: Exchange, tmp_path: Path) -> None:
    """A trunk that speaks A-law and an agent who speaks mu-law; the recording has one law."""
    path = tmp_path / "r.wav"
    async with wide_phone(exchange, "customer", 440, PCMA) as customer, open_phone(700) as agent:
        await exchange.join("c", "agent", agent)
        await exchange.bridge("c")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        await exchange.engine.record("c", RecordingOptions("r", str(path), "agent", "customer"))
        await customer.until_hears(700, 2)
        await exchange.engine.drop_leg("c", "agent")
        await exchange.engine.drop_call("c")
        await exchange.until_told(Recorded)
    left, right = channels(read(path))
    assert holds(left[1600:-1600], 700) > 0.9 and holds(right[1600:-1600], 440) > 0.9


@pytest.mark.parametrize("codec", [OPUS, G722], ids=lambda codec: codec.name)
async def test_call_prompts_and_listener(exchange: Exchange, tmp_path: Path, codec: Codec) -> None:
    music = write_wav(tmp_path / "music.wav", tone(1000, 2), 8000)
    async with (
        wide_phone(exchange, "customer", 440, codec) as customer,
        wide_phone(exchange, "agent", 700, codec) as agent,
        open_phone(1500) as supervisor,
    ):
        await exchange.bridge("c")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        await exchange.join("c", "supervisor", supervisor)
        await exchange.engine.hear("c", "supervisor", Hear(("customer", "agent")))
        await supervisor.until_hears(440, least=0.4)
        await supervisor.until_hears(700, least=0.4)
        # Whispering mixes the agent's feed only; the customer's stays passed through.
        await exchange.engine.hear("c", "agent", Hear(("customer", "supervisor")))
        await agent.until_hears(1500, least=0.4)
        assert customer.hears(1500) < 0.02
        await exchange.engine.hear("c", "customer", Play((str(music),), loop=True))
        await customer.until_hears(1000, 2)
        assert len(customer.ssrcs) == 1 and customer.missed == 0


def sides_of(data: bytes) -> tuple[list[int], list[int]]:
    """Left and right of an Ogg file at 8 kHz."""
    resampler = av.AudioResampler("s16", "stereo", 8000)
    values: list[int] = []
    with av.open(io.BytesIO(data), "r") as file:
        for frame in file.decode(audio=0):
            assert isinstance(frame, av.AudioFrame)
            for out in resampler.resample(frame):
                values += struct.unpack(f"={out.samples * 2}h", bytes(out.planes[0])[: out.samples * 4])
    return values[0::2], values[1::2]


async def test_opus_is_recorded_as_ogg(exchange: Exchange, tmp_path: Path) -> None:
    path = tmp_path / "r.ogg"
    async with (
        wide_phone(exchange, "customer", 440, OPUS) as customer,
        wide_phone(exchange, "agent", 700, OPUS) as agent,
    ):
        await exchange.bridge("c")
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await customer.until_hears(700, 3)
        await exchange.engine.stop_recording("c", "r")
        done = await exchange.until_told(Recorded)
    left, right = await asyncio.to_thread(lambda: sides_of(path.read_bytes()))
    assert len(left) / 8 == pytest.approx(done.ms, abs=60)
    assert share(left[4000:-1600], 440) > 0.9 and share(right[4000:-1600], 700) > 0.9


async def test_g722_is_recorded_as_wav(exchange: Exchange, tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    async with (
        wide_phone(exchange, "customer", 440, G722) as customer,
        wide_phone(exchange, "agent", 700, G722),
    ):
        await exchange.bridge("c")
        await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
        await customer.until_hears(700, 3)
        await exchange.engine.stop_recording("c", "r")
        await exchange.until_told(Recorded)
    left, right = channels(read(path))
    assert holds(left[4000:-1600], 440) > 0.9 and holds(right[4000:-1600], 700) > 0.9


async def test_keys_by_tones(exchange: Exchange) -> None:
    """A telephone that knows no telephone-event: its tones are keys, and keys to it are tones."""
    keys = "1470#"
    silence = b"\xff" * 800
    async with open_phone(440) as customer, open_phone(700) as agent:
        sdp = f"v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio {customer.port} RTP/AVP 0\r\n"
        options = RtpOptions(dtmf="inband")
        customer.target = ("127.0.0.1", media_port(await exchange.engine.rtp_leg("c", "customer", options, sdp)))
        spoken = [
            ulaw(struct.unpack(f"={len(sound) // 2}h", sound)) + silence for sound in (dtmf.tone(key) for key in keys)
        ]
        customer.voice = b"\xff" * 4000 + b"".join(spoken)
        customer.voice += b"\xff" * (-len(customer.voice) % FRAME)
        await exchange.join("c", "agent", agent)
        await exchange.bridge("c")
        talking = asyncio.create_task(customer.talk())
        await exchange.until_told(Digit, len(keys))
        assert "".join(event.digit for event in exchange.told(Digit)[: len(keys)]) == keys
        talking.cancel()
        # The agent's telephone sends events; the customer hears tones.
        heard: list[str] = []
        reader = dtmf.ToneReader(lambda key, ms: heard.append(key), "PCMU")
        await customer.until_hears(700)
        agent.press("39")
        at = len(customer.heard)
        while "".join(heard) != "39":
            await asyncio.sleep(0.02)
            while len(customer.heard) - at >= FRAME:
                reader.receive(bytes(customer.heard[at : at + FRAME]), 0, 0, False, 0.0)
                at += FRAME
