"""Reads standard input aloud into a file: `python -m channels.voice.speech_process PROGRAM VOICE FILE`.

A process of its own, as turning a minute of sound into ours takes longer than a call's packets wait.
"""

from __future__ import annotations

import array
import subprocess
import sys
import tempfile
from pathlib import Path

from webrtc import g711
from webrtc.wav import head, samples

SPEECH_PEAK = 14_000
SILENCE = 300
PROGRAM_S = 10


def spoken(text: str, voice: str, program: str = "espeak-ng") -> bytes:
    """A WAV file of 8 kHz mu-law, without the silence around the words, at one loudness.

    Raises CalledProcessError, TimeoutExpired or FileNotFoundError when the program cannot read it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = [program, "-v", voice, "-s", "150", "-w", str(path), "--stdin"]
        subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=PROGRAM_S)
        sound = array.array("h", samples(path.read_bytes()))
    loud = [n for n, value in enumerate(sound) if abs(value) > SILENCE]
    if loud:
        sound = sound[max(0, loud[0] - 240) : loud[-1] + 480]
    gain = SPEECH_PEAK / max((abs(value) for value in sound), default=SPEECH_PEAK)
    return file_of(array.array("h", (round(value * gain) for value in sound)).tobytes())


def file_of(pcm: bytes) -> bytes:
    """16-bit samples as a WAV file of mu-law."""
    data = g711.encode("PCMU", pcm)
    return head("PCMU", 1, len(data)) + data + b"\x00" * (len(data) % 2)


def main() -> None:
    program, voice, name = sys.argv[1:]
    path = Path(name)
    made = path.with_suffix(".part")
    made.write_bytes(spoken(sys.stdin.read(), voice, program))
    made.replace(path)


if __name__ == "__main__":
    main()
