"""What the user agent is told once, and what it is told about one peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from channels.voice.sip.transaction import Timing
from channels.voice.sip.wire import Transport


class Account(Struct, frozen=True):
    """Credentials of ours. A challenge for a realm that is not among `realms` is not answered: whoever else asks could
    try them out on the real one. Without any realm, the first that this account's peer asks for is kept to."""

    username: str
    password: str
    realms: tuple[str, ...] = ()


class Local(Struct, frozen=True):
    """An address of ours as peers reach it; it stands in Via and Contact."""

    transport: Transport
    host: str
    port: int


class PeerOptions(Struct, frozen=True):
    """How calls with one peer (a trunk, the desk phones) are made and taken. Times are seconds.

    `reliable`: provisional answers (RFC 3262) "no", "supported", or "required". `session_s`: session timer (RFC 4028),
    0 for none; `refresher` is who should refresh, None leaves it to the peer. `ring_s`: a call that nobody answers ends
    after it. `silence_s`: with further destinations to try, how long one may say nothing at all. `follow`: send inside
    a call to where the peer's messages come from (NAT) instead of its Contact. `refer` and `replaces`: the peer may
    ask to transfer or replace calls. `contact_user` is the user of our Contact. `redirect` says of a URI whether a 3xx
    may send our call there; None follows none.
    """

    account: Account | None = None
    reliable: Literal["no", "supported", "required"] = "supported"
    session_s: int = 1800
    refresher: Literal["local", "remote"] | None = None
    ring_s: float = 180.0
    silence_s: float = 4.0
    follow: bool = False
    refer: bool = False
    replaces: bool = False
    contact_user: str = "hub"
    redirect: Callable[[str], bool] | None = None


class RegistrarSettings(Struct, frozen=True):
    """Desk phones that register with us. Times are seconds."""

    realm: str = "contacthub"
    min_expires: int = 60
    max_expires: int = 3600
    expires: int = 300
    contacts_a_user: int = 8
    contacts: int = 5_000


class Settings(Struct, frozen=True):
    """`locals` in order of preference; the first that fits a destination's transport and IP version is used. Beyond
    `calls` calls, or `transactions` requests in hand, callers get 503. `offer_s`: how long we may think about an offer
    inside a call."""

    locals: tuple[Local, ...]
    name: str = "Contact-Hub"
    timing: Timing = Timing()
    calls: int = 1_000
    transactions: int = 10_000
    forks: int = 16
    min_se: int = 90
    offer_s: float = 10.0
    inbound: PeerOptions = PeerOptions()
    registrar: RegistrarSettings = RegistrarSettings()
