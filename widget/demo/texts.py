"""The two languages of the shop: templates and catalogue are written in English, texts/zh.json puts it into Chinese."""

import json
from functools import cache
from pathlib import Path
from typing import Final, Protocol

_FOLDER: Final = Path(__file__).parent / "texts"

LANGUAGES: Final = ("en", "zh")
HTML_LANG: Final = {"en": "en", "zh": "zh-CN"}


class Translate(Protocol):
    """Puts an English text into the page's language and fills its `{placeholders}`."""

    def __call__(self, text: str, /, **values: object) -> str: ...


@cache
def _chinese() -> dict[str, str]:
    texts: dict[str, str] = json.loads((_FOLDER / "zh.json").read_text(encoding="utf-8"))
    return texts


@cache
def script_texts() -> dict[str, str]:
    """What the shop's scripts say, by name, in English."""
    texts: dict[str, str] = json.loads((_FOLDER / "scripts.json").read_text(encoding="utf-8"))
    return texts


def translator(language: str) -> Translate:
    """The translation into one of LANGUAGES; KeyError for a text that has none, so that a gap shows in the tests."""

    def translate(text: str, /, **values: object) -> str:
        words = text if language == "en" else _chinese()[text]
        return words.format(**values) if values else words

    return translate


def money(cents: int) -> str:
    """An amount in euros as the shop writes it, with a space that does not break."""
    return f"€\u00a0{cents // 100:,}.{cents % 100:02}"
