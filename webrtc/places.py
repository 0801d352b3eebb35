"""Addresses: which of ours to name to a peer, and the numeric one of his."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

from hub.errors import InvalidInput
from webrtc.sdp import address_family
from webrtc.settings import MediaSettings


async def numeric(host: str) -> str:
    """The address of a host that a description names; InvalidInput if it has none."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(3):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, TimeoutError) as error:
        raise InvalidInput("sdp.c", f"the host {host} was not found") from error
    return str(found[0][4][0])


def local_address(peer: str) -> str:
    """The address of this machine from which packets to the peer leave; nothing is sent to find out."""
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)  # it asks nobody
        try:
            probe.connect((peer, 9))
        except OSError as error:
            raise InvalidInput("sdp.c", f"no way leads to {peer}") from error
        return str(probe.getsockname()[0])


def own_places(settings: MediaSettings, peer: str) -> tuple[str, str]:
    """Where to bind for that peer, and the address to name to him: the public one if he is in the public network."""
    public, host = settings.public, settings.host
    same = address_family(peer)
    wildcard = "::" if same == "IP6" else "0.0.0.0"  # noqa: S104 - a peer may reach us at any address
    bind = host if host and address_family(host) == same else wildcard
    if public and address_family(public) == same and ip_address(peer).is_global:
        return bind, public
    return bind, bind if bind != wildcard else local_address(peer)
