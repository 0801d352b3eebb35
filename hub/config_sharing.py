"""Of a site's configuration what is about pages that customers share: a part of the row `site`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

CARD_VALUES = r"^(name|first_name|last_name|email|phone|external_id|fields\.\S.{0,59})$"


class CardField(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value of the customer card belongs: in fields whose `autocomplete`, name, id or label is one of `match`
    (`*`: anything). `value` is name, first_name, last_name, email, phone, external_id or fields.<its name>."""

    value: Annotated[str, Meta(pattern=CARD_VALUES, max_length=80)]
    match: Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(min_length=1, max_length=20)]


def _usual() -> list[CardField]:
    return [
        CardField("first_name", ["given-name"]),
        CardField("last_name", ["family-name"]),
        CardField("name", ["name"]),
        CardField("email", ["email"]),
        CardField("phone", ["tel"]),
    ]


class Cobrowse(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether customers may show pages to agents; on the `paused` ones (patterns with `*`) nothing is shown.

    `record`: what is shown is recorded where the customer allows that as well, and kept for so many days. `card`: what
    agents may have filled in from the customer card.
    """

    on: bool = True
    record: bool = False
    keep_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    paused: list[Annotated[str, Meta(min_length=1, max_length=300)]] = field(default_factory=list)
    card: Annotated[list[CardField], Meta(max_length=40)] = field(default_factory=_usual)
