"""The texts of the pages' shells, by language, and which language a reader gets."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "locales"
FALLBACK = "en"
# Written in their own language, since whoever looks for one can read it.
NAMES = {"en": "English", "zh-CN": "简体中文"}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Words:
    """Every `<area>.<locale>.json` in the folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._texts: dict[str, dict[str, dict[str, str]]] = {}
        for path in sorted(folder.glob("*.json")):
            area, _, locale = path.stem.partition(".")
            texts = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
            # What has forms for numbers is for the pages' scripts.
            plain = {key: text for key, text in texts.items() if isinstance(text, str)}
            self._texts.setdefault(locale, {})[area] = plain
        self.locales = sorted(self._texts, key=lambda locale: (locale != FALLBACK, locale))

    def best(self, *wanted: str | None) -> str:
        """The first language we have of those wanted (`zh` finds `zh-CN`), or English."""
        by_lower = {locale.lower(): locale for locale in self.locales}
        for tag in wanted:
            lower = (tag or "").strip().lower()
            while lower:
                if lower in by_lower:
                    return by_lower[lower]
                near = next((locale for key, locale in by_lower.items() if key.startswith(lower + "-")), None)
                if near is not None:
                    return near
                lower = lower.rpartition("-")[0]
        return FALLBACK

    def text(self, area: str, locale: str) -> Callable[..., str]:
        """`t(key, **values)` of one page: its own words, then English, then the key."""
        return partial(self._say, area, locale)

    def _say(self, area: str, locale: str, key: str, /, **values: object) -> str:
        own, english = self._texts.get(locale, {}), self._texts[FALLBACK]
        text = own.get(area, {}).get(key) or english.get(area, {}).get(key) or key
        return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def direction(locale: str) -> str:
    return "rtl" if locale.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header, the liked ones first."""
    weighed = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighed.append((-float(quality or 1), tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if weight < 0 and tag != "*"]
