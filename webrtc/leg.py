"""What a leg is to the rest of the media plane: one party's audio, coming in as packets and going out as one stream.

    transport -> (unprotect) -> leg.incoming.receive(packet, now) -> leg.incoming.on_audio(...) -> graph, recorder, ...
    graph -> leg.outgoing.forward(...) or .play(...) -> leg.outgoing.transmit(packet) -> (protect) -> transport

`rtp_leg.py` and `web_leg.py` are the two kinds. A leg never knows who hears it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hub.media import LegStats
from webrtc.stream import Codec, Incoming, Outgoing


class LegEvents(Protocol):
    """What a leg tells its worker. Each is called on the loop; after `close` none is called."""

    def connected(self) -> None:
        """Media can flow: ICE and DTLS are done, or the first packet was taken. Once."""

    def lost(self, reason: str) -> None:
        """The transport failed or the other side closed it (DTLS close, RTCP BYE). Once; the worker then closes."""


class Leg(Protocol):
    """`codec` is the agreed one; `events` the payload type of telephone-event towards the party, None without."""

    @property
    def id(self) -> str: ...
    @property
    def codec(self) -> Codec: ...
    @property
    def events(self) -> int | None: ...
    @property
    def incoming(self) -> Incoming: ...
    @property
    def outgoing(self) -> Outgoing: ...

    def tick(self, now: float) -> None:
        """Called once a second: the time for RTCP reports."""

    def stats(self, now: float) -> LegStats: ...

    async def close(self) -> None:
        """Ends the transport (with RTCP BYE where it has been connected) and frees its sockets. Harmless twice."""


Clock = Callable[[], float]
"""time.monotonic in the worker; seconds. All `now` in this package are of this one clock."""
