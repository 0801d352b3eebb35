"""What all events of the log have in common."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True, gc=False, tag_field="type"):
    """Base of all events."""
