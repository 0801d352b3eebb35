"""What a check finds: a line of `contacthub check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from hub.config_rows import Trunk
from hub.config_voice import Voice


class Finding(Struct, frozen=True):
    """One line. What is only `advice` does not fail the check."""

    name: str
    ok: bool
    text: str
    advice: bool = False


TrunkCheck = Callable[[Voice, Mapping[str, Trunk]], list[Finding]]
"""Looks at hub.toml's trunks and at the rows, by id."""
