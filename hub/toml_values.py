"""A value of a TOML file, found by its path and shown in a message about it."""

from __future__ import annotations

import re
from typing import Any

from msgspec import UNSET


def value_at(data: Any, path: str) -> Any:
    """What stands at `a.b[0].c`; UNSET when nothing does."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            data = data[name] if name else data[int(index)]
        except (KeyError, IndexError, TypeError):
            return UNSET
    return data


def as_written(value: Any) -> str:
    """The value as a message about it shows it."""
    match value:
        case str():
            return f'"{value}"'
        case bool():
            return str(value).lower()
        case dict():
            return "a [section]"
        case list():
            return "a list"
        case _:
            return str(value)
