"""Speech in all four codecs: to packets of a codec (prompts, once each) and from them to 8 kHz samples (mixing).

G.711 is done by audioop in well under a microsecond a packet; G.722 and Opus by FFmpeg through `av`.
"""

from __future__ import annotations

from typing import Protocol

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from webrtc import g711
from webrtc.stream import Codec

SAMPLED = {"G722": 16_000, "opus": 48_000}


class Encoder(Protocol):
    def encode(self, samples: bytes) -> bytes:
        """One packet of exactly the codec's packet time of 8 kHz samples."""


class Decoder(Protocol):
    def decode(self, payload: bytes) -> bytes:
        """8 kHz samples; b"" for a packet that cannot be read."""


class Law:
    def __init__(self, name: str) -> None:
        self._name = name

    def encode(self, samples: bytes) -> bytes:
        return g711.encode(self._name, samples)

    def decode(self, payload: bytes) -> bytes:
        return g711.decode(self._name, payload)


def context(name: str, mode: str) -> AudioCodecContext:
    made = av.CodecContext.create(name, mode)  # type: ignore[call-overload]
    assert isinstance(made, AudioCodecContext)
    return made


class WideEncoder:
    """FFmpeg's G.722 or libopus. One packet in, one packet out: both hold nothing back at 20 ms."""

    def __init__(self, codec: Codec) -> None:
        self._rate = SAMPLED[codec.name]
        self._context = context("g722" if codec.name == "G722" else "libopus", "w")
        self._context.sample_rate = self._rate
        self._context.format = "s16"
        self._context.layout = "mono"
        if codec.name == "opus":
            self._context.bit_rate = 32_000
            self._context.options = {
                "application": "voip",
                "frame_duration": str(codec.ptime_ms),
                # A third of the CPU of the best, for speech that comes from 8 kHz.
                "compression_level": "3",
            }
        else:
            self._context.options = {"frame_size": str(self._rate * codec.ptime_ms // 1000)}
        self._resampler = AudioResampler("s16", "mono", self._rate, frame_size=self._rate * codec.ptime_ms // 1000)
        self._ready: list[bytes] = []

    def encode(self, samples: bytes) -> bytes:
        for frame in self._resampler.resample(frame_of(samples)):
            self._ready += [bytes(packet) for packet in self._context.encode(frame)]
        return self._ready.pop(0) if self._ready else b""


class WideDecoder:
    def __init__(self, codec: Codec) -> None:
        self._name = codec.name
        self._context = context("g722" if codec.name == "G722" else "libopus", "r")
        if codec.name == "G722":
            self._context.sample_rate = SAMPLED["G722"]
            self._context.layout = "mono"
        self._resampler = AudioResampler("s16", "mono", g711.RATE)

    def decode(self, payload: bytes) -> bytes:
        try:
            frames = self._context.decode(av.Packet(payload))
        except av.FFmpegError:
            return b""
        return b"".join(samples_of(out) for frame in frames for out in self._resampler.resample(frame))


def frame_of(samples: bytes) -> AudioFrame:
    frame = AudioFrame("s16", "mono", len(samples) // 2)
    frame.sample_rate = g711.RATE
    frame.planes[0].update(samples)
    return frame


def samples_of(frame: AudioFrame) -> bytes:
    return bytes(frame.planes[0])[: 2 * frame.samples]


def encoder(codec: Codec) -> Encoder:
    return Law(codec.name) if codec.name in g711.LAWS else WideEncoder(codec)


def decoder(codec: Codec) -> Decoder:
    return Law(codec.name) if codec.name in g711.LAWS else WideDecoder(codec)


def packets(samples: bytes, codec: Codec) -> list[bytes]:
    """A whole prompt as packets; the last is filled up with silence. May take long: not for the event loop."""
    step = 2 * g711.RATE * codec.ptime_ms // 1000
    made = encoder(codec)
    padded = samples + bytes(-len(samples) % step)
    found = [made.encode(padded[at : at + step]) for at in range(0, len(padded), step)]
    return [packet for packet in found if packet]
