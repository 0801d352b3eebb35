"""The widget's languages: one JSON file each in widget/locales; a file that is put there is offered after a restart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

LOCALES: Final = Path(__file__).parent / "locales"
FALLBACK: Final = "en"
Strings = dict[str, Any]


class Words:
    """Every language by its tag. A sentence that a language lacks is said in English."""

    def __init__(self, folder: Path = LOCALES) -> None:
        """Reads all files of the folder. Raises OSError and ValueError."""
        files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
        english = files[FALLBACK]
        self.languages: dict[str, Strings] = {tag: {**english, **strings} for tag, strings in files.items()}

    def offered(self, locales: Iterable[str]) -> list[str]:
        """Those of a site's locales that we can speak, in the site's order; English when there is none."""
        return [tag for tag in dict.fromkeys(locales) if tag in self.languages] or [FALLBACK]

    def choose(self, wanted: str, site_locale: str, locales: Iterable[str]) -> str:
        """The offered language nearest to `wanted`: the same tag, or the same language, or the site's own."""
        offered = self.offered(locales)
        for near in (str.lower, _base):
            for tag in offered:
                if near(tag) == near(wanted):
                    return tag
        return site_locale if site_locale in offered else offered[0]

    def name(self, tag: str) -> str:
        """The language's name in itself."""
        return str(self.languages[tag]["_"]["name"])


def _base(tag: str) -> str:
    return tag.lower().replace("_", "-").split("-")[0]


def pick(texts: Mapping[str, str] | str | None, locale: str, site_locale: str) -> str:
    """A site's own text in the language that fits best, "" when it has none."""
    if texts is None or isinstance(texts, str):
        return texts or ""
    for tag in (locale, _base(locale), site_locale, FALLBACK):
        if texts.get(tag):
            return texts[tag]
    return next(iter(texts.values()), "")
