"""Where messages come from and go to, as the user agent and its transport tell each other."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

from msgspec import Struct

Transport = Literal["udp", "tcp", "tls"]


class Source(Struct, frozen=True):
    """Who sent a message: the address as seen on the wire, and what its sender may do.

    `flow` names the connection (or, for UDP, our socket) that it came by; an answer goes back by it. `trusted`: what
    it asserts about identities (RFC 3325) is believed. `authenticate`: its requests need the digest credentials of a
    user of the registrar (desk phones); a trunk is known by its address instead. `peer`: the trunk that it belongs to.
    """

    transport: Transport
    host: str
    port: int
    flow: str | None = None
    trusted: bool = False
    authenticate: bool = False
    peer: str = ""


class Destination(Struct, frozen=True):
    """Where a message goes.

    `flow`, while it lives, is used; else a connection to host and port is made. `host` may be a name that has to be
    looked up (a trunk's, or one of a Contact or a Route); `port` 0 then means that the name's SRV records decide, and
    `either` that its NAPTR records choose between UDP and TCP.

    `peer` is the trunk whose rules for TLS hold, and `name` the domain that led to this address: the server's
    certificate has to be for it (RFC 5922).
    """

    transport: Transport
    host: str
    port: int
    flow: str | None = None
    peer: str = ""
    name: str = ""
    either: bool = False


class Send(Struct, frozen=True):
    """Bytes of one whole message for the transport."""

    destination: Destination
    data: bytes


class LookUp(Struct, frozen=True):
    """The transport is asked for the addresses behind a name (RFC 3263); it answers by `UserAgent.located`."""

    destination: Destination


def is_reliable(transport: Transport) -> bool:
    return transport != "udp"


def back_to(source: Source) -> Destination:
    """The way back to where a message came from."""
    return Destination(source.transport, source.host, source.port, source.flow, source.peer)


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
