"""Recorded sound is read, cut-off and encrypted or not; drawn; and written in other formats."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from pathlib import Path

import pytest

from hub.errors import InvalidInput
from hub.sealed import SealedWriter, Unreadable
from hub.sound import HEAD, Unplayable, open_sound, shape_of
from hub.sound_export import CHANNELS, Unsupported, export, peaks
from tests.peers import require
from tests.sounds import conversation, put, recording, strength, tone
from webrtc import g711, ogg

KEY = bytes(range(32))


@pytest.mark.parametrize("law", ["PCMA", "PCMU"])
def test_what_a_crash_left_is_made_whole(tmp_path: Path, law: str) -> None:
    path = tmp_path / "rc_1"
    whole = recording(tone(440, 1), tone(880, 1), law)
    # Half a frame more than was complete.
    put(path, recording(tone(440, 1), tone(880, 1), law, whole=False) + b"\x01")
    with open_sound(path) as sound:
        assert (sound.shape.format, sound.ms, sound.size) == ("wav", 1000, len(whole))
        assert sound.read_at(0, 10**9) == whole
        # In pieces of any size, also across the head's end.
        for step in (1, 7, 58, 4096):
            pieces = b"".join(sound.read_at(at, step) for at in range(0, 300, step))
            assert pieces == whole[: len(pieces)]
        assert sound.read_at(sound.size, 5) == b""


def sealed(data: bytes, path: Path, *, whole: bool = True) -> None:
    with path.open("wb") as file:
        writer = SealedWriter(file, KEY)
        writer.write(data)
        if whole:
            writer.close()


@pytest.mark.parametrize("whole", [True, False])
def test_encrypted_sound(tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "rc_1"
    sealed(recording(tone(440, 2), tone(0, 2), whole=False), path, whole=whole)
    with open_sound(path, KEY) as sound:
        assert sound.ms == 2000 if whole else 1700 < sound.ms <= 2000
        assert sound.size == struct.unpack_from("<I", sound.read_at(0, 8), 4)[0] + 8
        assert strength(g711.decode("PCMA", sound.read_at(58, 16_000)[::2]), 440) > 0.4
    with pytest.raises(Unreadable):
        open_sound(path, os.urandom(32))
    with pytest.raises(Unplayable) as refused:
        open_sound(path)
    assert refused.value.code == "recording.no_key"


def test_what_is_no_recording(tmp_path: Path) -> None:
    good = conversation(0.1)
    for data in (
        b"",
        b"RIFF",
        b"\0" * 100,
        good[:20],
        good[:57],
        b"RIFF" + b"\xff" * 200,
        good.replace(b"fmt ", b"fmtX"),
    ):
        assert shape_of(data[:HEAD]) is None
        put(tmp_path / "x", data)
        with pytest.raises(Unplayable):
            open_sound(tmp_path / "x")
    with pytest.raises(FileNotFoundError):
        open_sound(tmp_path / "none")


@pytest.mark.parametrize("law", ["PCMA", "PCMU"])
def test_peaks_show_who_spoke_when(tmp_path: Path, law: str) -> None:
    put(tmp_path / "x", recording(tone(440, 1) + tone(0, 1), tone(0, 1) + tone(880, 1, 30_000), law))
    with open_sound(tmp_path / "x") as sound:
        customer, agent = peaks(sound, 10)
    assert all(145 < loud < 165 for loud in customer[:5]) and max(customer[5:]) <= 1
    assert max(agent[:5]) <= 1 and all(220 < loud <= 255 for loud in agent[5:])


def test_peaks_of_next_to_nothing(tmp_path: Path) -> None:
    put(tmp_path / "x", recording(tone(440, 0.001), tone(0, 0.001)))
    with open_sound(tmp_path / "x") as sound:
        assert [len(channel) for channel in peaks(sound, 100)] == [100, 100]


def opus(left: bytes, right: bytes) -> bytes:
    """Both sides' samples (8 kHz) as the media plane records browsers: two mono streams in one Ogg."""
    import av

    def packets(samples: bytes) -> list[bytes]:
        codec = av.CodecContext.create("libopus", "w")
        codec.sample_rate, codec.layout, codec.format = 48_000, "mono", "s16"
        found = []
        wide = [value for (value,) in struct.iter_unpack("<h", samples) for _ in range(6)]
        for at in range(0, len(wide), 960):
            frame = av.AudioFrame(format="s16", layout="mono", samples=960)
            frame.sample_rate, frame.pts = 48_000, at
            frame.planes[0].update(struct.pack("<960h", *wide[at : at + 960]))
            found += [bytes(packet) for packet in codec.encode(frame)]
        return found

    writer = ogg.OggWriter(7)
    pairs = [(ogg.fit(a), ogg.fit(b)) for a, b in zip(packets(left), packets(right), strict=True)]
    return writer.head() + writer.page(pairs[:50]) + writer.page(pairs[50:], last=True)


def test_opus_is_drawn_and_exported(tmp_path: Path) -> None:
    put(tmp_path / "x", opus(tone(440, 1) + tone(0, 1), tone(0, 1) + tone(880, 1)))
    with open_sound(tmp_path / "x") as sound:
        assert sound.shape.format == "ogg" and abs(sound.ms - 2000) <= 20
        customer, agent = peaks(sound, 10)
        assert min(customer[1:4]) > 130 and max(customer[6:]) < 8
        assert min(agent[6:9]) > 130 and max(agent[:4]) < 8
        with export(sound, "raw", "agent") as file:
            samples = file.read()
    assert strength(samples[16_000:], 880) > 0.4 and strength(samples[:14_000], 440) < 0.01


@pytest.mark.parametrize("format", ["alaw", "ulaw", "raw", "gsm"])
@pytest.mark.parametrize("channel", list(CHANNELS))
def test_exports_hold_the_right_voices(tmp_path: Path, format: str, channel: str) -> None:
    if format == "gsm":
        require("sox")
    put(tmp_path / "x", recording(tone(440, 1), tone(880, 1)))
    with open_sound(tmp_path / "x") as sound:
        if (format, channel) == ("gsm", "both"):
            with pytest.raises(InvalidInput, match="one channel"):
                export(sound, format, channel)
            return
        with export(sound, format, channel) as file:
            made = file.read()
    expected = {"both": [440, 880], "customer": [440], "agent": [880], "mixed": [440, 880]}[channel]
    heard = _samples(made, format)
    for hz in (440, 880):
        loud = max(strength(side, hz) for side in heard)
        assert loud > 0.25 if hz in expected else loud < 0.01
    if channel == "both":
        assert strength(heard[0], 880) < 0.01 and strength(heard[1], 440) < 0.01


def _gsm_samples(made: bytes) -> bytes:
    import av

    found = []
    with av.open(io.BytesIO(made), "r") as container:
        assert container.streams.audio[0].codec_context.name.startswith("gsm")
        # sox counts the byte that makes the file even; no frame begins with it.
        with contextlib.suppress(av.InvalidDataError):
            for frame in container.decode(audio=0):
                found.append(bytes(frame.planes[0])[: frame.samples * 2])
    return b"".join(found)


def _samples(made: bytes, format: str) -> list[bytes]:
    """The channels of an export as 16-bit samples."""
    if format == "raw":
        frames, channels = made, len(made) // 16_000
    elif format == "gsm":
        return [_gsm_samples(made)]
    else:
        law = {"alaw": "PCMA", "ulaw": "PCMU"}[format]
        shape = shape_of(made[:HEAD])
        assert shape is not None and shape.tag == g711.FORMATS[law]
        frames, channels = g711.decode(law, made[shape.data_at :]), shape.channels
    assert channels in (1, 2) and abs(len(frames) // channels - 16_000) < 400
    values = memoryview(frames).cast("h").tolist()
    return [struct.pack(f"<{len(side)}h", *side) for side in (values[at::channels] for at in range(channels))]


def test_gsm_needs_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    put(tmp_path / "x", conversation(0.1))
    with open_sound(tmp_path / "x") as sound, pytest.raises(Unsupported, match="needs sox or ffmpeg") as refused:
        export(sound, "gsm", "mixed")
    assert refused.value.status == 501
