"""What callbacks are told: how they are tried, which numbers, how many."""

from __future__ import annotations

from msgspec import Struct

from hub.callbacks.model import Policy
from hub.model import Millis

DAY_MS = 24 * 3_600_000


class Caps(Struct, frozen=True):
    """How many callbacks are taken in 24 hours: of a number, from an address, on a site, in all."""

    number: int = 3
    address: int = 10
    site: int = 1_000
    total: int = 5_000


class Limits(Struct, frozen=True):
    """What 24 hours may bring before everything stops: talk, `cost` in thousandths of the currency, and `lines` at
    once."""

    talk_ms: Millis = 6_000 * 60_000
    cost: int = 500_000
    lines: int = 100


class CallbackSettings(Struct, frozen=True):
    """`countries` (ISO) are those whose numbers are called; national numbers are read as `region`'s. A minute of talk
    costs `price` thousandths of the currency. Slots are `slot_ms` long, take `capacity` and can be chosen `horizon_ms`
    ahead. `only_by_trunk`: none is taken while no trunk is set up that calls out. `in_line`: callers who wait may keep
    their place and be called back. `announce`: who answers hears why he is called, and may refuse further calls.
    `machine`: what is done when a machine answers, "connect", "hang_up" or "message". Who chose a time is
    reminded `remind_ms` before it, 0 for never. A page is rung for `page_ms`. `sms`: who is told by text message,
    "off", "no_email" or "always"."""

    policy: Policy = Policy()
    countries: tuple[str, ...] = ()
    region: str | None = None
    slot_ms: Millis = 30 * 60_000
    capacity: int = 4
    horizon_ms: Millis = 30 * DAY_MS
    caps: Caps = Caps()
    limits: Limits = Limits()
    price: int = 50
    only_by_trunk: bool = False
    in_line: bool = True
    announce: bool = False
    machine: str = "connect"
    remind_ms: Millis = 60 * 60_000
    page_ms: Millis = 30_000
    sms: str = "off"


def cost_of(talk_ms: Millis, price: int) -> int:
    """What a talk cost: each begun minute counts whole."""
    return -(-talk_ms // 60_000) * price
