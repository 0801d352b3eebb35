"""Where messages come from and go to, as the user agent and its transport tell each other."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Transport = Literal["udp", "tcp", "tls"]


class Source(Struct, frozen=True):
    """Who sent a message: the address as seen on the wire, and what its sender may do.

    `flow` names the connection (or, for UDP, our socket) that it came by; an answer goes back by it. `trusted`: what
    it asserts about identities (RFC 3325) is believed. `authenticate`: its requests need the digest credentials of a
    user of the registrar (desk phones); a trunk is known by its address instead.
    """

    transport: Transport
    host: str
    port: int
    flow: str | None = None
    trusted: bool = False
    authenticate: bool = False


class Destination(Struct, frozen=True):
    """Where a message goes.

    `flow`, while it lives, is used; else a connection to host and port is made. `host` may be a name that the transport
    has to look up (a Contact or a Route can name one); `port` 0 then means that the name's SRV records decide.
    """

    transport: Transport
    host: str
    port: int
    flow: str | None = None


class Send(Struct, frozen=True):
    """Bytes of one whole message for the transport."""

    destination: Destination
    data: bytes


def is_reliable(transport: Transport) -> bool:
    return transport != "udp"


def back_to(source: Source) -> Destination:
    """The way back to where a message came from."""
    return Destination(source.transport, source.host, source.port, source.flow)
