"""The pure parts of the media plane: reports, keys, jitter buffers, sound files, quality."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidInput
from tests.integration.media.tones import from_ulaw, to_ulaw, tone, write_wav
from tests.peers import CHECKOUT
from webrtc import dtmf, g711, speech, wav
from webrtc.jitter import MOST, JitterBuffer
from webrtc.quality import mos
from webrtc.rtp import NTP_EPOCH, Bye, Report, Reports, is_rtcp, ntp, parse
from webrtc.stream import HEADER, Codec, Incoming, Outgoing

PCMU = Codec("PCMU", 0)


class End:
    """One end of a line: its two streams and its reports."""

    def __init__(self, ssrc: int) -> None:
        self.sent: list[bytes] = []
        self.outgoing = Outgoing(PCMU, self.sent.append, ssrc=ssrc, sequence=1, timestamp=1000)
        self.incoming = Incoming({0: PCMU})
        self.reports = Reports(self.incoming, self.outgoing, "somebody")


def test_reports_tell_loss_and_round_trip() -> None:
    """Two ends, 150 ms apart each way, every fourth packet of one of them lost."""
    one, two = End(1), End(2)
    wall = 1_700_000_000.25
    for n in range(100):
        one.outgoing.play(bytes(160), n * 0.02)
        two.outgoing.play(bytes(160), n * 0.02)
        if n % 4:
            two.incoming.receive(one.sent[-1], n * 0.02 + 0.15)
        one.incoming.receive(two.sent[-1], n * 0.02 + 0.15)
    two.reports.receive(one.reports.build(2.0, wall + 2), 2.15, wall + 2.15)
    one.reports.receive(two.reports.build(2.65, wall + 2.65), 2.8, wall + 2.8)
    assert one.reports.round_trip_ms == pytest.approx(300, abs=2)
    assert one.reports.remote_loss == pytest.approx(0.25, abs=0.01)
    assert two.reports.loss == pytest.approx(0.25, abs=0.01)


def test_sender_report_has_true_times() -> None:
    end = End(7)
    end.outgoing.play(bytes(160), 10.0)
    packet = end.reports.build(10.5, 1_700_000_000.5, bye=True)
    assert is_rtcp(packet) and len(packet) % 4 == 0
    first, kind, words, ssrc, time, timestamp, packets, octets = struct.unpack_from("!BBHIQIII", packet)
    assert (first, kind, words, ssrc, packets, octets) == (0x80, 200, 6, 7, 1, 160)
    assert time >> 32 == 1_700_000_000 + NTP_EPOCH and time & 0xFFFFFFFF == 1 << 31
    assert timestamp == 1000 + 4000
    assert [type(found) for found in parse(packet)] == [Report, Bye]
    assert ntp(0.0) == NTP_EPOCH << 32


@given(st.binary(max_size=200))
def test_malformed_reports_do_no_harm(data: bytes) -> None:
    list(parse(data))
    End(1).reports.receive(data, 0.0, 0.0)


def event(key: str, timestamp: int, duration: int, *, end: bool = False) -> tuple[bytes, int, int, bool, float]:
    return dtmf.EVENT.pack(dtmf.KEYS.index(key), 0x8A if end else 10, duration), timestamp, 0, False, timestamp / 8000


class Keys(list[tuple[str, int]]):
    def press(self, key: str, ms: int) -> None:
        self.append((key, ms))

    def __str__(self) -> str:
        return "".join(key for key, _ in self)


@given(st.text(dtmf.KEYS, max_size=8), st.randoms(use_true_random=False))
def test_each_key_is_told_once(keys: str, chance: random.Random) -> None:
    """Packets lost, doubled and out of order, but for one of each key."""
    packets = []
    for n, key in enumerate(keys):
        own = [event(key, n * 2000, 160 * (m + 1)) for m in range(5)] + [event(key, n * 2000, 800, end=True)] * 3
        kept = sorted(chance.sample(range(8), chance.randint(1, 8)))
        kept += chance.sample(kept, chance.randint(0, len(kept)))
        chance.shuffle(kept)
        packets += [own[m] for m in kept]
    told = Keys()
    reader = dtmf.EventReader(told.press)
    for packet in packets:
        reader.receive(*packet)
    reader.flush(1e9)
    assert str(told) == keys
    for packet in packets[-3:]:
        reader.receive(*packet)
    assert str(told) == keys


def test_length_of_a_key() -> None:
    told = Keys()
    reader = dtmf.EventReader(told.press)
    for packet in dtmf.event_packets("5", PCMU):
        reader.receive(packet, 4000, 0, False, 0.0)
    assert told == [("5", dtmf.TONE_MS)]


@pytest.mark.parametrize("law", g711.LAWS)
def test_tones_are_read(law: str) -> None:
    """All keys, at three loudnesses, 60 ms each, in noise."""
    chance = random.Random(5)
    for amplitude in (0.35, 0.1, 0.03):
        told = Keys()
        reader = dtmf.ToneReader(told.press, law)
        sound = b"".join(dtmf.tone(key, 80, amplitude) + bytes(2 * 8 * 80) for key in dtmf.KEYS)
        noise = struct.pack(f"={len(sound) // 2}h", *(round(chance.gauss(0, 60)) for _ in range(len(sound) // 2)))
        payload = g711.encode(law, g711.add(sound, noise))
        for at in range(0, len(payload), 160):
            reader.receive(payload[at : at + 160], 0, 0, False, 0.0)
        assert str(told) == dtmf.KEYS


def test_a_held_key_is_one_key() -> None:
    told = Keys()
    reader = dtmf.ToneReader(told.press, "PCMU")
    payload = g711.encode("PCMU", dtmf.tone("7", 1000) + bytes(3200))
    for at in range(0, len(payload), 240):
        reader.receive(payload[at : at + 240], 0, 0, False, 0.0)
    assert str(told) == "7" and told[0][1] == pytest.approx(1000, abs=60)


def test_noise_and_vowels_are_no_keys() -> None:
    """White noise, hum, and sounds rich in harmonics that sweep over the keys' frequencies."""
    chance = random.Random(3)
    told = Keys()
    reader = dtmf.ToneReader(told.press, "PCMU")
    phase = 0.0
    sound = []
    for n in range(8000 * 20):
        pitch = 90 + 160 * (n / (8000 * 20))
        phase += 2 * math.pi * pitch / 8000
        vowel = sum(math.sin(k * phase) * (1.4 - abs(k * pitch - 800) / 2600) for k in range(1, 14)) / 6
        sound.append(round(9000 * vowel + chance.gauss(0, 200)))
    payload = g711.encode("PCMU", struct.pack(f"={len(sound)}h", *(max(-32_768, min(32_767, x)) for x in sound)))
    for at in range(0, len(payload), 160):
        reader.receive(payload[at : at + 160], 0, 0, False, 0.0)
    assert str(told) == ""


def run_of(value: int, count: int = 160) -> bytes:
    return struct.pack("=h", value) * count


def test_jitter_buffer_puts_in_order() -> None:
    buffer = JitterBuffer()
    assert buffer.take(160) is None
    for n in (0, 2, 1, 1, 3, 5, 4):
        buffer.put(run_of(n + 1), 1000 + 160 * n)
    assert [buffer.take(160) for _ in range(6)] == [run_of(n + 1) for n in range(6)]
    assert [loudness(buffer.take(160)) > 0 for _ in range(4)] == [True, True, True, False]


def loudness(part: bytes | None) -> float:
    return 0 if part is None else g711.audioop.rms(part, 2)


def test_jitter_buffer_bridges_a_loss_with_the_voice() -> None:
    """One part of a vowel is missing, later five: the tone goes on, fading, in its own phase, then there is silence."""
    buffer = JitterBuffer()
    vowel = struct.pack("=8000h", *tone(200, 1))
    lost = {10, 20, 21, 22, 23, 24}
    for n in range(40):
        if n not in lost:
            buffer.put(vowel[320 * n : 320 * n + 320], 160 * n)
        if n >= 3:
            heard = buffer.take(160)
            at = n - 3
            whole = loudness(vowel[320 * at : 320 * at + 320])
            assert loudness(heard) / whole == pytest.approx(
                {10: 0.9, 20: 0.9, 21: 0.5, 22: 0.2, 23: 0, 24: 0}.get(at, 1), abs=0.12
            )
            if at in (10, 20):
                assert heard is not None
                apart = g711.subtract(vowel[320 * at : 320 * at + 320], heard)
                assert loudness(apart) < 0.2 * whole


def test_jitter_buffer_deepens_when_it_runs_dry() -> None:
    """Every packet up to 150 ms late: what is missing at first comes in time later."""
    chance = random.Random(4)
    coming = sorted((20 * n + chance.uniform(0, 150), n) for n in range(1000))
    buffer = JitterBuffer()
    whole = []
    for beat in range(1000):
        while coming and coming[0][0] <= 20 * beat:
            buffer.put(run_of(1000), 160 * coming.pop(0)[1])
        whole.append(loudness(buffer.take(160)) == 1000)
    assert whole[:100].count(False) > 5 and whole[500:].count(False) <= 5


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 480)), max_size=50))
def test_jitter_buffer_stays_small(puts: list[tuple[int, int]]) -> None:
    buffer = JitterBuffer()
    for timestamp, count in puts:
        buffer.put(run_of(1, count), timestamp)
        assert len(buffer._held) <= 2 * (2 * MOST + 480)
    while (part := buffer.take(160)) is not None:
        assert len(part) == 320


def test_faster_clock_does_not_pile_up() -> None:
    buffer = JitterBuffer()
    for n in range(2000):
        buffer.put(run_of(1), 160 * n)
        if n % 20:
            buffer.take(160)
    assert len(buffer._held) // 2 <= MOST


def test_laws_are_those_of_the_standard() -> None:
    assert [struct.unpack("=h", g711.decode("PCMU", bytes((code,))))[0] for code in range(256)] == [
        from_ulaw(code) for code in range(256)
    ]
    assert g711.encode("PCMU", run_of(-8000, 1))[0] == to_ulaw(-8000)
    assert g711.convert(g711.SILENCE["PCMU"], "PCMU", "PCMA") == g711.SILENCE["PCMA"]
    assert g711.level("PCMU", g711.encode("PCMU", run_of(16_384))) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("codec", [PCMU, Codec("PCMA", 8), Codec("G722", 9), Codec("opus", 96, 48_000)])
@pytest.mark.parametrize("ptime", [10, 20, 40])
def test_speech_survives_every_codec(codec: Codec, ptime: int) -> None:
    codec = Codec(codec.name, codec.payload_type, codec.rate, ptime)
    sound = struct.pack("=16000h", *tone(440, 2))
    packets = speech.packets(sound, codec)
    assert abs(len(packets) * ptime - 2000) <= 2 * ptime
    made = speech.decoder(codec)
    heard = b"".join(made.decode(packet) for packet in packets)
    assert g711.audioop.rms(heard[8000:24_000], 2) == pytest.approx(12_000 / math.sqrt(2), rel=0.05)


def test_sound_files_are_read(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(440, 1, 44_100), 44_100)
    read = wav.samples(path.read_bytes())
    assert len(read) // 2 == pytest.approx(8000, abs=2)
    assert g711.audioop.rms(read, 2) == pytest.approx(12_000 / math.sqrt(2), rel=0.05)
    law = wav.head("PCMA", 1, 160) + g711.encode("PCMA", run_of(3000))
    assert len(wav.samples(law)) == 320


@given(st.binary(max_size=120))
def test_malformed_sound_files_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        wav.samples(data)


def test_unfinished_recording_is_a_readable_file() -> None:
    """Its head says that the size is not known."""
    assert len(wav.samples(wav.head("PCMU", 2, None) + bytes(320))) == 320
    assert len(wav.head("PCMU", 2, None)) == len(wav.head("PCMU", 2, 160)) == wav.HEAD_SIZE


def test_quality_falls_with_loss_and_delay() -> None:
    assert mos("PCMU", 0, 0, 40) == pytest.approx(4.38, abs=0.05)
    falling = [mos("PCMU", loss, 0, 40) for loss in (0, 0.01, 0.03, 0.1, 0.3)]
    assert falling == sorted(falling, reverse=True) and falling[-1] < 2.7
    late = [mos("PCMU", 0, 0, trip) for trip in (0, 100, 300, 600, 2000)]
    assert late == sorted(late, reverse=True) and 1 <= late[-1] < 2
    assert mos("PCMU", 1, 500, 5000) == 1


def test_header_is_rtp() -> None:
    assert HEADER.size == 12


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.6])
def test_speech_is_no_keys(gain: float) -> None:
    """All prompts, English and Chinese: two minutes in which nobody presses anything."""
    told = Keys()
    files = sorted((CHECKOUT / "channels" / "voice" / "prompts").rglob("*.wav"))
    assert len(files) > 50
    for path in files:
        reader = dtmf.ToneReader(told.press, "PCMA")
        payload = g711.encode("PCMA", g711.audioop.mul(wav.samples(path.read_bytes()), 2, gain))
        for at in range(0, len(payload), 160):
            reader.receive(payload[at : at + 160], 0, 0, False, 0.0)
    assert str(told) == ""
