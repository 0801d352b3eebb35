"""What every kind of row that administrators edit is made of."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from hub.errors import InvalidInput

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
ShortText = Annotated[str, Meta(max_length=500)]
LongText = Annotated[str, Meta(max_length=8000)]
Level = Annotated[int, Meta(ge=1, le=5)]
Texts = dict[Annotated[str, Meta(max_length=35)], ShortText]
Skills = dict[Id, Level]


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all kinds."""

    name: Name

    def check(self) -> None:
        """What the types cannot say. Raises InvalidInput."""


def invalid(error: msgspec.ValidationError) -> InvalidInput:
    """msgspec's sentence `Expected ... - at `$.a[0].b`` as our error with a path."""
    sentence, _, where = str(error).partition(" - at `")
    # A wrong key is said to be "at `key` in `$.week`".
    path = where.removeprefix("key` in `").removeprefix("$").rstrip("`").lstrip(".")
    return InvalidInput(path, sentence[:1].lower() + sentence[1:])


class RecordingPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which calls of a queue are recorded; of `percentage` so many in a hundred. `on_demand`: when the agent asks.

    `announce`: callers are told first. After `keep_days` the file is deleted, and what is known about it stays.
    """

    mode: Literal["never", "always", "on_demand", "percentage"] = "never"
    percent: Annotated[int, Meta(ge=0, le=100)] = 100
    announce: bool = True
    keep_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
