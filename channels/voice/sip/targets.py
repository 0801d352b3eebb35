"""Which server comes next: names to look up, servers that failed, and what takes no TCP (RFC 3263, RFC 3261 18.1.1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from channels.voice.sip.clock import Clock, Timer
from channels.voice.sip.settings import Settings
from channels.voice.sip.wire import Destination

MOST_REMEMBERED = 1_000
UDP_ONLY_S = 600.0  # how long a server that took no TCP is not asked again
REST_S = 30.0  # how long a server that failed is tried after the others
LONGEST_REST_S = 300.0

Located = Callable[[Sequence[Destination]], None]
Address = tuple[str, str, int]


class Targets:
    """`ask` has the shell look a name up."""

    def __init__(self, clock: Clock, settings: Settings, ask: Callable[[Destination], None]) -> None:
        self._clock, self._settings, self._ask = clock, settings, ask
        self._looking: dict[Destination, list[tuple[Timer, Located]]] = {}
        self._resting: OrderedDict[Address, float] = OrderedDict()  # until when
        self._udp_only: OrderedDict[Address, float] = OrderedDict()

    def __len__(self) -> int:
        """How many names are being looked up."""
        return len(self._looking)

    def look_up(self, destination: Destination, then: Located) -> None:
        """`then` gets the addresses behind the name, in order; none when there are none, or nobody says in time."""
        asked = self._looking.setdefault(destination, [])
        timer = self._clock.after(self._settings.timing.give_up, lambda: self._not_located(destination, entry))
        entry = (timer, then)
        asked.append(entry)
        if len(asked) == 1:
            self._ask(destination)

    def located(self, destination: Destination, found: Sequence[Destination]) -> None:
        for timer, then in self._looking.pop(destination, ()):
            self._clock.cancel(timer)
            then(found)

    def _not_located(self, destination: Destination, entry: tuple[Timer, Located]) -> None:
        asked = self._looking[destination]
        asked.remove(entry)
        if not asked:
            del self._looking[destination]
        entry[1](())

    def rest(self, destination: Destination, seconds: float = REST_S) -> None:
        """It failed, or asked to be left alone: others come before it for a while."""
        _remember(self._resting, _address(destination), self._clock.now + min(seconds, LONGEST_REST_S))

    def works(self, destination: Destination) -> None:
        self._resting.pop(_address(destination), None)

    def rested(self, destinations: Sequence[Destination]) -> list[Destination]:
        """In order, but those that rest at the end."""
        now = self._clock.now
        return sorted(destinations, key=lambda one: self._resting.get(_address(one), now) > now)

    def as_stream(self, destination: Destination) -> Destination | None:
        """The same server by TCP, if it may take that and we do; None if there is nothing to change."""
        if destination.transport != "udp" or self._udp_only.get(_address(destination), 0.0) > self._clock.now:
            return None
        version = ":" in destination.host
        locals_ = self._settings.locals
        if not any(local.transport == "tcp" and (":" in local.host) == version for local in locals_):
            return None
        return msgspec.structs.replace(destination, transport="tcp", flow=None)

    def refused_stream(self, destination: Destination) -> None:
        """It takes no TCP."""
        address = _address(msgspec.structs.replace(destination, transport="udp"))
        _remember(self._udp_only, address, self._clock.now + UDP_ONLY_S)


def _address(destination: Destination) -> Address:
    return (destination.transport, destination.host, destination.port)


def _remember(known: OrderedDict[Address, float], address: Address, until: float) -> None:
    known[address] = until
    known.move_to_end(address)
    if len(known) > MOST_REMEMBERED:
        known.popitem(last=False)
