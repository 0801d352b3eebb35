"""What every kind of row that administrators edit is made of."""

from __future__ import annotations

from typing import Annotated

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
