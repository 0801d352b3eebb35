"""Addresses that administrators give us to call: none may lead into the hub's own network unless that is allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from msgspec import Struct

from hub.errors import InvalidInput, Refused

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(Struct, frozen=True):
    """Where a URL leads, looked up once: `url` has the address in the host's place, `host` is asked for there."""

    url: str
    host: str
    header: str


def is_public(address: Address) -> bool:
    """Whether the address lies in the open internet, also when it wraps an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_private or address.is_link_local
    )


def check_address_literal(url: str, *, allow_private: bool) -> None:
    """Raises InvalidInput for a URL that says itself that it leads inside. Names are looked up only when it is used."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if allow_private:
        return
    try:
        inside = not is_public(ipaddress.ip_address(host))
    except ValueError:
        inside = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if inside:
        raise InvalidInput("url", "expected an address on the internet, not one of a private network")


async def resolve(url: str, *, allow_private: bool) -> Target:
    """Looks the host up once; what is connected to is what was checked.

    Raises Refused `webhook.address` when the name has no address, or one that is private.
    """
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise Refused("The address is not one of the web.", code="webhook.address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused("The host's name could not be looked up.", code="webhook.address") from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not (allow_private or all(is_public(address) for address in addresses)):
        raise Refused("The host has a private address, which is not allowed.", code="webhook.address")
    pinned = addresses[0]
    literal = f"[{pinned}]" if pinned.version == 6 else str(pinned)
    header = parts.netloc.rpartition("@")[2]
    path = parts.path or "/"
    return Target(f"{parts.scheme}://{literal}:{port}{path}" + (f"?{parts.query}" if parts.query else ""), host, header)
