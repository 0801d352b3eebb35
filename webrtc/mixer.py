"""Several parties heard at once: each listener gets the sum of those he hears, at 8 kHz (mix-minus in a conference)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from webrtc import g711
from webrtc.jitter import JitterBuffer
from webrtc.speech import decoder, encoder
from webrtc.stream import AudioSink, Codec, Outgoing

BEAT_MS = 20
SAMPLES = 160
SILENT = bytes(2 * SAMPLES)


class Feed:
    """One speaking leg: its packets are decoded once, however many hear it."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.buffer = JitterBuffer()
        self.frame: bytes | None = None
        self._decoder = decoder(codec)
        self._scale = codec.rate // g711.RATE

    def receive(self, payload: bytes, timestamp: int, sequence: int, marker: bool, now: float) -> None:
        self.buffer.put(self._decoder.decode(payload), timestamp // self._scale)


class Listener:
    def __init__(self, outgoing: Outgoing, heard: tuple[str, ...]) -> None:
        self.outgoing = outgoing
        self.heard = heard
        self.codec = outgoing.codec
        self._encoder = encoder(outgoing.codec)
        self._samples = b""
        self._size = 2 * g711.RATE * outgoing.codec.ptime_ms // 1000

    def hear(self, samples: bytes, now: float) -> None:
        """Sends as many packets as are full by now: with packet times over 20 ms not each beat one."""
        self._samples += samples
        while len(self._samples) >= self._size:
            payload = self._encoder.encode(self._samples[: self._size])
            self._samples = self._samples[self._size :]
            if payload:
                self.outgoing.play(payload, now)


class Mixer:
    """One call's mixing, alive while at least one leg hears several. `feed` gives the sink for a speaking leg."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self._listeners: dict[str, Listener] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def set(self, speakers: dict[str, Codec], listeners: dict[str, tuple[Outgoing, tuple[str, ...]]]) -> None:
        """Who is mixed from now on: speakers by leg, and by listening leg its stream and whom it hears."""
        self._feeds = {
            leg: kept if (kept := self._feeds.get(leg)) is not None and kept.codec == codec else Feed(codec)
            for leg, codec in speakers.items()
        }
        before = self._listeners
        self._listeners = {}
        for leg, (outgoing, heard) in listeners.items():
            kept_listener = before.get(leg)
            if kept_listener is None or kept_listener.codec != outgoing.codec or kept_listener.outgoing is not outgoing:
                outgoing.switch()
                kept_listener = Listener(outgoing, heard)
            kept_listener.heard = heard
            self._listeners[leg] = kept_listener
        if self._listeners and self._timer is None:
            self._due = time.monotonic()
            self._beat()
        elif not self._listeners:
            self.stop()

    def feed(self, leg: str) -> AudioSink:
        return self._feeds[leg].receive

    def _beat(self) -> None:
        now = time.monotonic()
        beat = BEAT_MS / 1000
        if now - self._due > 5 * beat:
            self._due = now
        while self._due <= now + 0.001:
            self._mix(now)
            self._due += beat
        self._timer = asyncio.get_running_loop().call_at(self._due, self._beat)

    def _mix(self, now: float) -> None:
        for feed in self._feeds.values():
            feed.frame = feed.buffer.take(SAMPLES)
        mixed: dict[tuple[str, ...], bytes] = {}
        for listener in self._listeners.values():
            total = mixed.get(listener.heard)
            if total is None:
                frames = [self._feeds[leg].frame for leg in listener.heard if leg in self._feeds]
                total = mixed[listener.heard] = mix(frames)
            listener.hear(total, now)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def mix(frames: Iterable[bytes | None]) -> bytes:
    total: bytes | None = None
    for frame in frames:
        if frame is not None:
            total = frame if total is None else g711.add(total, frame)
    return SILENT if total is None else total
