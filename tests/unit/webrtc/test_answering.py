"""Who answered: our own prompts are the speech, in both languages, short words as people and sentences as machines."""

from __future__ import annotations

import math
import random
from array import array

import pytest

from channels.voice.announce import PROMPTS
from webrtc.answering import AnswerReader
from webrtc.dtmf import tone
from webrtc.wav import samples

SECOND = 8_000
LONG = ["closed", "busy", "sorry", "keep", "kept", "callback-message"]
SHORT = [f"n-{number}" for number in range(11)]
NOISE = random.Random(4)


def spoken(language: str, name: str) -> bytes:
    return samples((PROMPTS / language / f"{name}.wav").read_bytes())


def silence(ms: int, noise: int = 0) -> bytes:
    return array("h", (NOISE.randint(-noise, noise) for _ in range(8 * ms))).tobytes()


def beep(hertz: float, ms: int, loud: int = 8_000) -> bytes:
    return array("h", (round(loud * math.sin(2 * math.pi * hertz * n / SECOND)) for n in range(8 * ms))).tobytes()


def noisy(sound: bytes, noise: int) -> bytes:
    clean = array("h", sound)
    return array("h", (max(-32_768, min(32_767, each + NOISE.randint(-noise, noise))) for each in clean)).tobytes()


def told(sound: bytes, packet: int = 320) -> list[tuple[str, int]]:
    """What it says, and after how many milliseconds; `packet` bytes come at a time."""
    found: list[tuple[str, int]] = []
    heard = 0
    reader = AnswerReader(lambda what: found.append((what, heard)))
    for at in range(0, len(sound), packet):
        heard = (at + packet) // 16
        reader.receive(sound[at : at + packet])
    return found


def verdicts(sound: bytes) -> list[str]:
    return [what for what, _ in told(sound)]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("noise", [0, 150, 400])
def test_a_short_word_and_a_pause_is_a_person(language: str, noise: int) -> None:
    for name in SHORT:
        sound = noisy(silence(600) + spoken(language, name) + silence(2_000), noise)
        assert verdicts(sound) == ["human"], (name, noise)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("noise", [0, 150, 400])
def test_a_sentence_is_a_machine_and_its_silence_our_turn(language: str, noise: int) -> None:
    for name in LONG:
        sound = noisy(silence(400) + spoken(language, name) + silence(4_000), noise)
        assert verdicts(sound) == ["machine", "clear"], (name, noise)


@pytest.mark.parametrize("hertz", [440.0, 613.7, 850.0, 1_000.0, 1_400.0, 2_000.0])
def test_its_turn_is_over_with_its_beep(hertz: float) -> None:
    said = silence(400) + spoken("en", "closed")
    sound = noisy(said + silence(500) + beep(hertz, 500) + silence(3_000), 100)
    assert [what for what, _ in told(sound)] == ["machine", "clear"]
    beeped = (len(said) // 16) + 500 + 500
    (_, clear) = told(sound)[1]
    assert beeped <= clear <= beeped + 200, "right after the beep, not after a long silence"


def test_a_beep_alone_is_a_machine() -> None:
    assert verdicts(silence(800) + beep(1_000, 600) + silence(1_000)) == ["machine", "clear"]


def test_a_key_is_no_beep() -> None:
    assert verdicts(silence(400) + tone("5", 400) + silence(2_000)) == ["human"]


def test_who_says_nothing_is_taken_for_a_person_in_the_end() -> None:
    ((what, ms),) = told(silence(8_000, noise=60))
    assert (what, ms) == ("human", 5_000)


def test_a_loud_line_is_no_endless_greeting() -> None:
    """Noise that is as loud as speech from the beginning is the line's own."""
    assert verdicts(silence(6_000, noise=1_500)) == ["human"]


def test_packets_of_any_size_lead_to_the_same() -> None:
    sound = silence(400) + spoken("en", "busy") + silence(3_000)
    assert [[what for what, _ in told(sound, size)] for size in (160, 320, 960, 50_000)] == [["machine", "clear"]] * 4
