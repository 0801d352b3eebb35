"""Recordings: every packet at its place in time, on its party's channel, in files that others' programs play."""

from __future__ import annotations

import io
import math
import struct

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.media.tones import share, tone
from webrtc import g711, ogg, speech
from webrtc.stream import Codec
from webrtc.tracks import OggSheet, WavSheet, WavTrack

PCMU, PCMA = Codec("PCMU", 0), Codec("PCMA", 8)
OPUS = Codec("opus", 96, 48_000)


def test_late_and_lost_packets_leave_the_others_in_place() -> None:
    track = WavTrack("PCMU", 100.0)
    track.speak(PCMU)
    # The third comes after the fourth, the sixth never, all with a jitter of up to 60 ms.
    for n, late in ((0, 0.0), (1, 0.03), (3, 0.06), (2, 0.09), (4, 0.01), (6, 0.05)):
        track.receive(bytes((n,)) * 160, 5000 + 160 * n, 0, False, 100.0 + 0.02 * n + late)
    assert track.take(160 * 7) == b"".join(b"\xff" * 160 if n == 5 else bytes((n,)) * 160 for n in range(7))
    assert track.take(10) == b"\xff" * 10


def test_burst_after_a_stall_keeps_its_places() -> None:
    """The network holds everything up for 0.7 s and then delivers it at once."""
    track = WavTrack("PCMU", 0.0)
    track.speak(PCMU)
    for n in range(100):
        arrival = 1.7 if 50 <= n < 85 else 0.02 * n
        track.receive(bytes((n,)) * 160, 7000 + 160 * n, 0, False, arrival)
    assert track.take(16_000) == b"".join(bytes((n,)) * 160 for n in range(100))


def test_clock_that_stood_still_is_anchored_anew() -> None:
    """A gateway sends nothing for a second and goes on with its timestamps as if nothing had been."""
    track = WavTrack("PCMU", 0.0)
    track.speak(PCMU)
    for n in range(50):
        track.receive(b"a" * 160, 160 * n, 0, False, 0.02 * n)
    for n in range(50):
        track.receive(b"b" * 160, 160 * (50 + n), 0, False, 2 + 0.02 * n)
    sound = track.take(3 * 8000)
    assert sound[:8000] == b"a" * 8000 and sound[16_480:24_000] == b"b" * 7520


def test_another_leg_is_anchored_where_it_begins() -> None:
    track = WavTrack("PCMU", 0.0)
    track.speak(PCMU)
    track.receive(b"a" * 160, 4_000_000_000, 0, False, 0.0)
    track.receive(b"b" * 160, 17, 0, False, 2.0)
    track.speak(PCMA)
    track.receive(g711.convert(b"c" * 160, "PCMU", "PCMA"), 99, 0, False, 3.0)
    sound = track.take(4 * 8000)
    assert sound[:160] == b"a" * 160 and sound[16_000:16_160] == b"b" * 160
    assert sound[24_000:24_160] == g711.convert(g711.convert(b"c" * 160, "PCMU", "PCMA"), "PCMA", "PCMU")
    assert sound.count(b"\xff") == 4 * 8000 - 480


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.floats(0, 100), st.integers(0, 400)), max_size=30))
def test_whatever_comes_the_length_is_the_time(packets: list[tuple[int, float, int]]) -> None:
    sheet = WavSheet("PCMU", 0.0)
    sheet.tracks[0].speak(PCMU)
    put = sheet.sink(0)
    written = 0
    for n, (timestamp, now, count) in enumerate(sorted(packets, key=lambda packet: packet[1])):
        put(b"x" * count, timestamp, 0, False, now)
        if n % 5 == 4:
            written += len(sheet.take(now - 0.4, last=False))
    written += len(sheet.take(101.0, last=True))
    assert written == 2 * 101 * 8000
    assert sheet.ms == 101_000


def test_pause_is_silence() -> None:
    sheet = WavSheet("PCMA", 0.0)
    for channel in (0, 1):
        sheet.tracks[channel].speak(PCMA)
    for n in range(10):
        for track in sheet.tracks:
            track.paused = 3 <= n < 6
        for channel in (0, 1):
            sheet.sink(channel)(bytes((n,)) * 160, 160 * n, n, False, 0.02 * n)
    sound = sheet.take(0.2, last=True)
    assert [sound[at] for at in range(0, len(sound), 320)] == [0, 1, 2, 0xD5, 0xD5, 0xD5, 6, 7, 8, 9]


def decoded(data: bytes) -> tuple[list[int], list[int], int]:
    """Left and right of an Ogg file as FFmpeg reads it, and its rate."""
    left: list[int] = []
    right: list[int] = []
    resampler = av.AudioResampler("s16", "stereo", 8000)
    with av.open(io.BytesIO(data), "r") as file:
        stream = file.streams.audio[0]
        assert stream.codec_context.channels == 2
        for frame in file.decode(stream):
            for out in resampler.resample(frame):
                values = struct.unpack(f"={out.samples * 2}h", bytes(out.planes[0])[: out.samples * 4])
                left += values[0::2]
                right += values[1::2]
    return left, right, 8000


def ogg_call(seconds: int) -> tuple[OggSheet, bytes]:
    """Two parties with a tone each; the right one joins after a second. The head, and all pages but the last."""
    sheet = OggSheet(0.0, 7)
    sides = []
    for hertz, start in ((440, 0), (700, 50)):
        samples = struct.pack(f"={seconds * 8000}h", *tone(hertz, seconds))
        sides.append([*[b""] * start, *speech.packets(samples, OPUS)][: seconds * 50])
    data = sheet.begin()
    for track in sheet.tracks:
        track.speak(OPUS)
    for n in range(seconds * 50):
        for channel, side in enumerate(sides):
            if n < len(side) and side[n]:
                sheet.sink(channel)(side[n], 960 * n, n, False, 0.02 * n)
        if n % 50 == 49:
            data += sheet.take(0.02 * n - 0.4, last=False)
    return sheet, data


def test_opus_of_both_is_played_by_others() -> None:
    sheet, data = ogg_call(4)
    data += sheet.take(4.0, last=True)
    left, right, rate = decoded(data)
    assert len(left) == pytest.approx(4 * rate, abs=rate // 20)
    assert share(left[8000:], 440) > 0.9 and share(right[12_000:], 700) > 0.9
    assert math.sqrt(sum(value * value for value in right[:7000]) / 7000) < 20


def test_cut_off_opus_plays_up_to_there() -> None:
    _, data = ogg_call(4)
    left, right, rate = decoded(data)
    assert len(left) > 3 * rate
    assert share(left[8000:], 440) > 0.9 and share(right[12_000:], 700) > 0.9


@pytest.mark.parametrize("size", [0, 1, 251, 252, 253, 255, 256, 1274])
def test_self_delimiting_sizes(size: int) -> None:
    """RFC 6716 3.2.1: one byte up to 251, then two."""
    packet = ogg.self_delimited(b"\xf8" + bytes(size))
    first = packet[1]
    read = first if first < 252 else first + 4 * packet[2]
    assert read == size and len(packet) == 1 + (1 if size < 252 else 2) + size


@pytest.mark.parametrize(
    ("packet", "samples"),
    [(b"", 0), (b"\xf8\xff\xfe", 960), (b"\x08", 960), (b"\x18x", 2880), (b"\xf9ab", 1920), (b"\xfb\x03", 2880)],
)
def test_durations(packet: bytes, samples: int) -> None:
    assert ogg.duration(packet) == samples
