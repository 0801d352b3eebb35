"""Where the media plane listens and how it is reached from outside."""

from __future__ import annotations

from msgspec import Struct


class IceServer(Struct, frozen=True):
    """`urls` as in RTCIceServer: `stun:host:port`, `turn:host:port?transport=udp|tcp`, `turns:`."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class MediaSettings(Struct, frozen=True):
    """`host`: the address that plain legs and ICE host candidates are bound to, "" for all of the machine.

    `public`: the address written into SDP instead of the local one when the machine stands behind NAT (one to one).
    `ports`: first and last UDP port, both included; plain legs take even ones with the next for RTCP. The workers
    share the range in equal parts. `loopback`: offer 127.0.0.1 as an ICE candidate, for the demo and tests.
    `ice_servers` are those that our own side uses; the browser's are the caller's business.
    """

    host: str = ""
    public: str = ""
    ports: tuple[int, int] = (20_000, 29_999)
    ice_servers: tuple[IceServer, ...] = ()
    loopback: bool = False
    prompt_cache_mb: int = 64
