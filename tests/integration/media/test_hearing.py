"""How speech sounds that has gone through the media plane, by PESQ (ITU-T P.862, narrow band): clean, and with losses.

What a customer says is compared with the recording of a call, and with what the mixer makes of it. What is passed
through is not touched: there the party's own decoder conceals the losses.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.media import Recorded, RecordingOptions
from tests.integration.media.exchange import Exchange, channels, open_exchange, read
from tests.integration.media.phone import Phone
from tests.integration.media.tones import FRAME, samples, ulaw
from tests.peers import CHECKOUT
from webrtc import g711
from webrtc.mixer import Feed, mix
from webrtc.stream import Codec

PROMPTS = CHECKOUT / "channels" / "voice" / "prompts" / "en"
SAID = ("greeting", "in-line", "please-wait", "recorded", "sorry", "wait")
CLEAN, LOSSY = 3.7, 3.0
LOSS = 0.03


@pytest.fixture(scope="module")
def speech() -> list[int]:
    """16-bit samples at 8 kHz that no law of G.711 can say exactly."""
    found: list[int] = []
    for name in SAID:
        data = (PROMPTS / f"{name}.wav").read_bytes()
        found += samples(data[data.index(b"data") + 8 :])
    return [round(sample * 0.73) for sample in found[: 8000 * 10]]


@pytest.fixture
def score(speech: list[int]) -> Callable[[bytes], float]:
    """PESQ of mu-law that was heard, which may begin anywhere before the speech and end after it."""
    pesq = pytest.importorskip("pesq", reason="pesq is not built on this machine")
    numpy = pytest.importorskip("numpy")

    def measure(heard: bytes) -> float:
        other = samples(heard)
        reference = numpy.array(speech, dtype=numpy.int16)
        degraded = numpy.array(other, dtype=numpy.int16)
        return float(pesq.pesq(8000, reference, degraded, "nb"))

    return measure


class LossyPhone(Phone):
    """`lost`: the share of its packets that get lost on the way, always the same ones."""

    lost = 0.0

    def __init__(self, hertz: float) -> None:
        super().__init__(hertz)
        self._chance = random.Random(2)

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        if self._chance.random() < self.lost:
            self._sequence = self._sequence + 1 & 0xFFFF
        else:
            super()._send(kind, timestamp, payload)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


@pytest.mark.parametrize(("loss", "least"), [(0.0, CLEAN), (LOSS, LOSSY)])
async def test_recording_sounds_good(
    exchange: Exchange, tmp_path: Path, speech: list[int], score: Callable[[bytes], float], loss: float, least: float
) -> None:
    path = tmp_path / "r.wav"
    loop = asyncio.get_running_loop()
    transport, customer = await loop.create_datagram_endpoint(lambda: LossyPhone(440), local_addr=("127.0.0.1", 0))
    customer.voice = ulaw([0] * 8000 + speech + [0] * 8000)
    customer.lost = loss
    await exchange.join("c", "customer", customer)
    await exchange.engine.record("c", RecordingOptions("r", str(path), "customer", "agent"))
    while customer.sent * FRAME < len(customer.voice):
        await asyncio.sleep(0.02)
    await exchange.engine.stop_recording("c", "r")
    await exchange.until_told(Recorded)
    left, _ = channels(read(path))
    transport.close()
    assert await asyncio.to_thread(score, left) >= least


@pytest.mark.parametrize(("loss", "least"), [(0.0, CLEAN), (LOSS, LOSSY)])
def test_mix_sounds_good(speech: list[int], score: Callable[[bytes], float], loss: float, least: float) -> None:
    """What a mixer makes of packets that come up to 50 ms late, in time of our own."""
    chance = random.Random(2)
    said = ulaw([0] * 8000 + speech + [0] * 8000)
    count = len(said) // FRAME
    coming = sorted((20 * n + chance.uniform(0, 50), n) for n in range(count) if chance.random() >= loss)
    feed = Feed(Codec("PCMU", 0))
    heard = b""
    for beat in range(count + 5):
        while coming and coming[0][0] <= 20 * beat:
            _, n = coming.pop(0)
            feed.receive(said[n * FRAME : (n + 1) * FRAME], n * FRAME, n, False, beat * 0.02)
        heard += g711.encode("PCMU", mix([feed.buffer.take(FRAME)]))
    assert score(heard) >= least


def test_measure_tells_good_from_bad(speech: list[int], score: Callable[[bytes], float]) -> None:
    """The measure itself: speech as G.711 says it is good, a third of it cut out is not."""
    said = ulaw(speech)
    cut = b"".join(b"\xff" * 160 if n % 3 == 0 else said[n * 160 : n * 160 + 160] for n in range(len(said) // 160))
    assert score(said) >= CLEAN
    assert score(cut) < LOSSY
