"""What callers are told while they wait: which prompts, in which language, and where their files are.

A prompt is a WAV file `<language>/<name>.wav`; sounds that need no language lie in `sounds/`. A folder of one's own,
given in the configuration, goes before ours, file by file. `prompts.toml` beside the files says what each one says.
"""

from __future__ import annotations

from pathlib import Path

PROMPTS = Path(__file__).parent / "prompts"
SOUNDS = "sounds"
FALLBACK = "en"
LONGEST_WAIT_MIN = 60  # beyond that no estimate is worth telling


def numerals(number: int, language: str) -> list[str]:
    """The prompts that say a number from 0 to 999; beyond that there are none."""
    if not 0 <= number < 1000:
        return []
    return _chinese(number) if language.startswith("zh") else _english(number)


def _english(number: int) -> list[str]:
    said: list[str] = []
    if number >= 100:
        said += [f"n-{number // 100}", "n-hundred"]
        number %= 100
        if not number:
            return said
    if number <= 20:
        return [*said, f"n-{number}"]
    said.append(f"n-{number // 10 * 10}")
    return said if number % 10 == 0 else [*said, f"n-{number % 10}"]


def _chinese(number: int) -> list[str]:
    if number <= 10:
        return [f"n-{number}"]
    said: list[str] = []
    hundreds, rest = divmod(number, 100)
    if hundreds:
        said += [f"n-{hundreds}", "n-hundred"]
        if not rest:
            return said
        if rest < 10:
            return [*said, "n-0", f"n-{rest}"]
    tens, ones = divmod(rest, 10)
    # 十二 stands alone, 一百一十二 after a hundred.
    said += [f"n-{tens}"] if tens > 1 or hundreds else []
    said.append("n-10")
    return said if not ones else [*said, f"n-{ones}"]


def greeting(*, recorded: bool) -> list[str]:
    return ["greeting", "recorded"] if recorded else ["greeting"]


def place(position: int | None, wait_s: float | None, language: str) -> list[str]:
    """His position (1 is next) and the estimated wait, as far as they are known."""
    said: list[str] = []
    if position is not None:
        number = numerals(position, language)
        said += ["next"] if position <= 1 else ["position", *number, "in-line"] if number else []
    if wait_s is not None:
        minutes = round(wait_s / 60)
        if minutes <= 1:
            said.append("wait-short")
        elif minutes <= LONGEST_WAIT_MIN:
            said += ["wait", *numerals(minutes, language), "minutes"]
    return said or ["please-wait"]


KEEP = "keep"
"""Said after his place, where he may keep it and be called back."""


def digits(text: str) -> list[str]:
    """One after the other; what is neither a digit nor a plus is passed over."""
    return ["plus" if sign == "+" else f"n-{sign}" for sign in text if sign == "+" or sign in "0123456789"]


def number(said: str) -> list[str]:
    """A telephone number, digit by digit, and what the caller's keys mean."""
    return ["keep-number", *digits(said), "keep-choose"]


class Prompts:
    """Finds prompts' files, once for all calls; `own` is a folder that goes before ours."""

    def __init__(self, own: Path | None = None) -> None:
        self._folders = [own, PROMPTS] if own is not None else [PROMPTS]
        self._files: dict[tuple[str, str], str] = {}
        for folder in reversed(self._folders):
            for path in sorted(folder.glob("*/*.wav")):
                self._files[path.parent.name, path.stem] = str(path)

    def sound(self, name: str) -> tuple[str, ...]:
        """The file of a sound such as `music`, or nothing."""
        return tuple(file for file in [self._files.get((SOUNDS, name))] if file is not None)

    def files(self, names: list[str], language: str) -> tuple[str, ...]:
        """The files of these prompts in the nearest language that has them all; () when none has."""
        for candidate in dict.fromkeys((language, language.split("-")[0], *self._alike(language), FALLBACK)):
            found = [self._files.get((candidate, name)) for name in names]
            if all(found):
                return tuple(file for file in found if file is not None)
        return ()

    def _alike(self, language: str) -> list[str]:
        """`zh-CN` serves somebody who asks for `zh-TW`: better than a foreign language."""
        base = language.split("-")[0]
        return sorted({folder for folder, _ in self._files if folder.split("-")[0] == base})
