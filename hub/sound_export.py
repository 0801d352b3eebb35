"""Recordings in other formats. FFmpeg's libraries (PyAV) decode; GSM 06.10 is made by sox or ffmpeg, when there is one.

Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO, Any, cast

from msgspec import Struct

from hub.errors import HubError, InvalidInput
from hub.sound import RATE, Sound, Unplayable, loudest, wav_peaks


class Unsupported(HubError):
    """What makes this format is not installed."""

    code = "recording.format_unavailable"
    status = 501


class Format(Struct, frozen=True):
    """`codec` is FFmpeg's name, `container` too; `ending` of the file's name."""

    codec: str
    container: str
    media_type: str
    ending: str


FORMATS = {
    "alaw": Format("pcm_alaw", "wav", "audio/wav", ".alaw.wav"),
    "ulaw": Format("pcm_mulaw", "wav", "audio/wav", ".ulaw.wav"),
    "raw": Format("pcm_s16le", "s16le", "audio/L16;rate=8000", ".raw"),
    "gsm": Format("pcm_s16le", "s16le", "audio/wav", ".gsm.wav"),
}
CHANNELS = {
    "both": ("stereo", "c0=c0|c1=c1"),
    "customer": ("mono", "c0=c0"),
    "agent": ("mono", "c0=c1"),
    "mixed": ("mono", "c0=0.5*c0+0.5*c1"),
}
_GSM = (
    ("sox", "-t raw -r 8000 -e signed -b 16 -L -c 1 - -t wav -e gsm-full-rate -"),
    ("ffmpeg", "-v error -f s16le -ar 8000 -ac 1 -i pipe:0 -c:a libgsm_ms -f wav pipe:1"),
)
_GSM_LIMIT_S = 600


class SoundFile(io.RawIOBase):
    """A Sound as a file."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._sound.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._sound.read_at(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def export(sound: Sound, format: str, channels: str) -> IO[bytes]:
    """The recording at 8 kHz in one of FORMATS with CHANNELS of it: a file without a name, at its beginning.

    Raises InvalidInput, Unsupported, Unplayable.
    """
    if format == "gsm" and channels == "both":
        raise InvalidInput("channel", "expected customer, agent or mixed: GSM 6.10 has one channel")
    program = _gsm_program() if format == "gsm" else None
    # Never under a name: what is decrypted here must not be left behind.
    made = TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        _convert(sound, FORMATS[format], channels, made)
        made.seek(0)
        if program is None:
            return made
        with made:
            return _gsm(program, made)
    except BaseException:
        made.close()
        raise


def _gsm_program() -> list[str]:
    for name, arguments in _GSM:
        path = shutil.which(name)
        if path is not None:
            return [path, *arguments.split()]
    raise Unsupported("GSM 6.10 needs sox or ffmpeg on the hub's machine; neither is installed.")


def _gsm(program: list[str], samples: IO[bytes]) -> IO[bytes]:
    made = TemporaryFile()  # noqa: SIM115 - the caller closes it
    done = subprocess.run(program, stdin=samples, stdout=made, stderr=subprocess.PIPE, timeout=_GSM_LIMIT_S)
    if done.returncode != 0 or made.tell() == 0:
        made.close()
        raise Unsupported("GSM 6.10 could not be made.", details={"reason": done.stderr.decode(errors="replace")[:300]})
    made.seek(0)
    return made


def _convert(sound: Sound, format: Format, channels: str, target: IO[bytes]) -> None:
    import av  # takes a while to load, and only exports need it

    layout, mapping = CHANNELS[channels]
    with av.open(target, "w", format=format.container) as out:
        stream = cast(Any, out.add_stream(format.codec, rate=RATE))
        stream.layout = layout
        sample = stream.codec_context.format.name
        chain = f"pan={layout}|{mapping},aresample={RATE},aformat=sample_fmts={sample}:channel_layouts={layout}"
        for frame in _decoded(sound, chain):
            frame.pts = None
            for packet in stream.encode(frame):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)


def _decoded(sound: Sound, chain: str) -> Iterator[Any]:
    """The recording's frames after a chain of filters. Raises Unplayable."""
    import av
    import av.filter

    try:
        with av.open(cast(Any, io.BufferedReader(SoundFile(sound), 64 * 1024))) as container:
            stream = container.streams.audio[0]
            graph: Any = None
            for frame in container.decode(stream):
                if graph is None:
                    graph = _graph(av, stream, chain)
                graph.push(frame)
                yield from _pulled(av, graph)
            if graph is not None:
                graph.push(None)
                yield from _pulled(av, graph)
    except (av.FFmpegError, IndexError) as error:
        raise Unplayable("The recording cannot be decoded.", details={"reason": str(error)[:300]}) from error


def _graph(av: Any, stream: Any, chain: str) -> Any:
    graph = av.filter.Graph()
    nodes = [graph.add_abuffer(template=stream)]
    for step in chain.split(","):
        name, _, arguments = step.partition("=")
        nodes.append(graph.add(name, arguments))
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    return graph


def _pulled(av: Any, graph: Any) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


def peaks(sound: Sound, count: int) -> list[list[int]]:
    """The loudest sample (0 to 255) of each of `count` parts of equal length, customer and agent."""
    if sound.shape.format == "wav":
        found = wav_peaks(sound, count)
        return found if len(found) == 2 else [found[0], [0] * count]
    found = [[0] * count, [0] * count]
    total = max(1, sound.ms * RATE // 1000)
    size = max(80, total // count // 2)
    at = 0
    # Frames of a size that fits: each costs Python's time, and an hour has 180,000 of Opus's own.
    for frame in _decoded(
        sound, f"aresample={RATE},aformat=sample_fmts=s16p:channel_layouts=stereo,asetnsamples=n={size}:p=0"
    ):
        part = min(count - 1, at * count // total)
        for channel, plane in enumerate(frame.planes):
            found[channel][part] = max(found[channel][part], loudest(bytes(plane)[: frame.samples * 2]))
        at += frame.samples
    return found
