"""Makes the prompts (by espeak-ng) and the sounds (by arithmetic): `python -m channels.voice.prompts.make [FOLDER]`.

The files are kept in the repository, so nobody needs espeak-ng to run the hub; whoever changes prompts.toml runs this.
All are 8 kHz mono mu-law WAV, speech as loud as the music is not.
"""

from __future__ import annotations

import array
import math
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from channels.voice.announce import PROMPTS, SOUNDS
from channels.voice.speech_process import file_of, spoken

RATE = 8000
ENGLISH = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}
CHINESE = "零一二三四五六七八九十"


def numbers(language: str) -> dict[str, str]:
    if language.startswith("zh"):
        return {f"n-{number}": word for number, word in enumerate(CHINESE)}
    return {f"n-{number}": word for number, word in [*enumerate(ENGLISH.split()), *TENS.items()]}


def ringing() -> Iterator[float]:
    """ITU-T E.180: 425 Hz, one second on, four off."""
    for n in range(5 * RATE):
        fade = min(1.0, n / 80, (RATE - n) / 80) if n < RATE else 0.0
        yield 0.18 * fade * math.sin(2 * math.pi * 425 * n / RATE)


CHORDS = (("C3", "E4", "G4", "B4"), ("A2", "C4", "E4", "G4"), ("F2", "A3", "C4", "E4"), ("G2", "B3", "D4", "F4"))
TUNE = """E5 G5 B5 G5 E5 D5 C5 - C5 E5 G5 E5 D5 C5 A4 - A4 C5 E5 F5 E5 C5 A4 - B4 D5 F5 D5 B4 G4 A4 B4
C5 - E5 G5 - B5 C6 - A5 - G5 E5 - C5 D5 - F5 - E5 C5 - A4 C5 - D5 - B4 G4 - B4 D5 -"""


def pitch(name: str) -> float:
    steps = {"C": -9, "D": -7, "E": -5, "F": -4, "G": -2, "A": 0, "B": 2}
    return float(440 * 2 ** ((steps[name[0]] + 12 * (int(name[1:]) - 4)) / 12))


def pluck(frequency: float, age: float) -> float:
    """A soft string: partials that fade, the higher the sooner."""
    if age < 0:
        return 0.0
    attack = min(1.0, age / 0.012)
    partials = ((1, 1.0, 1.1), (2, 0.45, 1.9), (3, 0.2, 3.0), (4, 0.08, 4.5))
    return attack * sum(
        share * math.exp(-fade * age) * math.sin(2 * math.pi * frequency * part * age)
        for part, share, fade in partials
        if frequency * part < 3_300
    )


def music() -> Iterator[float]:
    """A small tune over four chords, 96 beats a minute, that ends where it begins; nobody else has rights in it."""
    beat = 60 / 96
    tune = TUNE.split()
    length = len(tune) * beat / 2
    notes: list[tuple[float, float, float]] = []
    for n, name in enumerate(tune):
        if name != "-":
            notes.append((n * beat / 2, pitch(name), 0.16))
    bars = int(length / (4 * beat))
    for bar in range(bars):
        for n, name in enumerate(CHORDS[bar % len(CHORDS)]):
            for again in range(2):
                notes.append(((bar * 4 + n * 0.5 + again * 2) * beat, pitch(name), 0.10))
    total = round(length * RATE)
    sound = [0.0] * total
    for start, frequency, loud in notes:
        first = round(start * RATE)
        for n in range(round(2.5 * RATE)):
            # What rings on at the end rings at the beginning: the loop has no seam.
            sound[(first + n) % total] += loud * pluck(frequency, n / RATE)
    yield from sound


def write(path: Path, file: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    print(f"{path}  {len(file) / RATE:.1f} s")


def quantised(sound: Iterator[float]) -> bytes:
    return array.array("h", (round(max(-1.0, min(1.0, value)) * 32_000) for value in sound)).tobytes()


def make(folder: Path) -> None:
    """Raises CalledProcessError or FileNotFoundError when espeak-ng cannot be run."""
    for language, entry in tomllib.loads((PROMPTS / "prompts.toml").read_text("utf-8")).items():
        for name, text in (entry["say"] | numbers(language)).items():
            write(folder / language / f"{name}.wav", spoken(text, entry["voice"]))
    write(folder / SOUNDS / "ringing.wav", file_of(quantised(ringing())))
    write(folder / SOUNDS / "music.wav", file_of(quantised(music())))


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else PROMPTS)
