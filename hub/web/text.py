"""What text from outside may hold: no control characters, no lone surrogates, nothing that turns a line around."""

from __future__ import annotations

import unicodedata
from typing import Any

from hub.errors import InvalidInput

# Joiners shape scripts and emoji; the marks and isolates that balance themselves are needed by right-to-left text.
_HARMLESS_FORMATS = frozenset("\u200c\u200d\u200e\u200f\u00ad\u061c\u2060")
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# One line each; everything else may have several.
_LINES = frozenset(
    {
        "id",
        "name",
        "username",
        "subject",
        "url",
        "shortcut",
        "title",
        "email",
        "phone",
        "language",
        "timezone",
        "reason",
    }
)


def check_line(text: str, path: str) -> None:
    """Raises InvalidInput for text that is not one line of visible characters."""
    if not text.isprintable():
        _check(text, path, "")


def check_text(text: str, path: str) -> None:
    """As `check_line`, but line ends and tabs are taken."""
    if not text.isprintable():
        _check(text, path, "\n\r\t")


def check_json(value: Any, path: str = "", key: str = "") -> None:
    """Every text in decoded JSON, the names of objects' members among them. Raises InvalidInput with the path."""
    match value:
        case str():
            (check_line if key in _LINES else check_text)(value, path)
        case list():
            for i, item in enumerate(value):
                check_json(item, f"{path}[{i}]", key)
        case dict():
            for name, item in value.items():
                check_line(name, path)
                check_json(item, f"{path}.{name}" if path else name, name)


def _check(text: str, path: str, allowed: str) -> None:
    for character in text:
        category = unicodedata.category(character)
        if category in _REFUSED and character not in allowed and character not in _HARMLESS_FORMATS:
            raise InvalidInput(path, f"expected no control characters, got U+{ord(character):04X}")
