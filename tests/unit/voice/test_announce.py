"""What callers are told: numbers as people say them, and prompts that are there in every language."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from channels.voice.announce import PROMPTS, Prompts, greeting, numerals, place
from webrtc.wav import samples


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        (0, "n-0", "n-0"),
        (7, "n-7", "n-7"),
        (10, "n-10", "n-10"),
        (12, "n-12", "n-10 n-2"),
        (20, "n-20", "n-2 n-10"),
        (45, "n-40 n-5", "n-4 n-10 n-5"),
        (100, "n-1 n-hundred", "n-1 n-hundred"),
        (105, "n-1 n-hundred n-5", "n-1 n-hundred n-0 n-5"),
        (112, "n-1 n-hundred n-12", "n-1 n-hundred n-1 n-10 n-2"),
        (999, "n-9 n-hundred n-90 n-9", "n-9 n-hundred n-9 n-10 n-9"),
        (1000, "", ""),
    ],
)
def test_numbers_are_said_as_people_say_them(number: int, english: str, chinese: str) -> None:
    assert numerals(number, "en") == english.split()
    assert numerals(number, "zh-CN") == chinese.split()


def test_a_caller_is_told_what_is_known() -> None:
    assert place(1, 30.0, "en") == ["next", "wait-short"]
    assert place(3, 4 * 60, "en") == ["position", "n-3", "in-line", "wait", "n-4", "minutes"]
    assert place(2000, 5 * 3600, "en") == place(None, None, "en") == ["please-wait"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_prompt_has_its_file(language: str) -> None:
    """Whatever a caller may be told is there in his language, and is sound."""
    prompts = Prompts()
    said = tomllib.loads((PROMPTS / "prompts.toml").read_text("utf-8"))[language]["say"]
    named = {*said, *greeting(recorded=True)}
    for position in range(1, 130):
        named |= {*place(position, position * 60, language)}
    for name in sorted(named):
        (file,) = prompts.files([name], language)
        assert f"/{language}/" in file
        assert len(samples(Path(file).read_bytes())) > 2 * 800


def test_ones_own_files_go_before_ours_and_other_languages_after(tmp_path: Path) -> None:
    own = tmp_path / "en" / "greeting.wav"
    own.parent.mkdir()
    own.write_bytes((PROMPTS / "en" / "busy.wav").read_bytes())
    prompts = Prompts(tmp_path)
    assert prompts.files(["greeting", "recorded"], "en") == (str(own), str(PROMPTS / "en" / "recorded.wav"))
    assert prompts.files(["greeting"], "zh-TW") == (str(PROMPTS / "zh-CN" / "greeting.wav"),)
    assert prompts.files(["greeting"], "ar") == (str(own),)
    assert prompts.files(["no-such-prompt"], "en") == ()
    assert prompts.sound("music") == (str(PROMPTS / "sounds" / "music.wav"),)
