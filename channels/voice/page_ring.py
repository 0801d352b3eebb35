"""How the page of a customer who asked for it is rung before his telephone is called. A part of the call's machine
(`call.py`).

| step    | left when                                                                       |
|---------|---------------------------------------------------------------------------------|
| nowhere | never: only a telephone is called                                               |
| first   | the page is there and rings, or it is not                                       |
| rings   | somebody presses "Answer" in one of its windows, or "Not now"; its time is over  |
| taken   | the audio of that window comes, or does not                                     |
| talks   | never: the customer is on the line there                                        |
| missed  | never: now his telephone is called                                              |
"""

from __future__ import annotations

from enum import StrEnum

from hub.model import Millis


class At(StrEnum):
    NOWHERE = "nowhere"
    FIRST = "first"
    RINGS = "rings"
    TAKEN = "taken"
    TALKS = "talks"
    MISSED = "missed"


PAGE = frozenset({At.FIRST, At.RINGS, At.TAKEN, At.TALKS})
"""The customer's side is his page."""


class PageRing:
    """`phone`: whether there is a telephone to be called when nobody answers at the page. `by` is the window that has
    taken it."""

    def __init__(self, *, wanted: bool = False, phone: bool = True, ring_ms: Millis = 0) -> None:
        self.phone, self.ring_ms = phone, ring_ms
        self.by = ""
        self.at = At.FIRST if wanted else At.NOWHERE

    @property
    def waits(self) -> bool:
        """Whether nobody speaks there yet."""
        return self.at in PAGE and self.at is not At.TALKS

    def rings(self) -> bool:
        """Whether it begins to."""
        if self.at is not At.FIRST:
            return False
        self.at = At.RINGS
        return True

    def take(self, by: str) -> bool:
        """Whether this window is the one that answers now; the first one is."""
        if self.at is not At.RINGS:
            return False
        self.at, self.by = At.TAKEN, by
        return True

    def came(self) -> bool:
        """Its audio is there; whether that was waited for."""
        if self.at is not At.TAKEN:
            return False
        self.at = At.TALKS
        return True

    def missed(self) -> None:
        self.at = At.MISSED
