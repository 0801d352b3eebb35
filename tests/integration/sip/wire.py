"""A wire between two UDP peers that loses, doubles and delays as told, or by a seeded chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Literal

Direction = Literal["there", "back"]
Judge = Callable[[bytes, Direction], list[float]]
"""When (in seconds from now) a datagram is delivered: [] loses it, two times double it."""


class Wire(asyncio.DatagramProtocol):
    """Whoever first sends to `port` is one end, `target` is the other; each sees the other at the wire's address."""

    def __init__(self, target: tuple[str, int], judge: Judge) -> None:
        self.target, self.judge = target, judge
        self.lost = 0
        self._caller: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a DatagramTransport

    @property
    def port(self) -> int:
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr != self.target:
            self._caller = addr
        to, direction = (self.target, "there") if addr != self.target else (self._caller, "back")
        if to is None:
            return
        times = self.judge(data, "there" if direction == "there" else "back")
        self.lost += not times
        for seconds in times:
            asyncio.get_running_loop().call_later(seconds, self._deliver, data, to)

    def close(self) -> None:
        """Nobody is at its address any more."""
        self._transport.close()

    def _deliver(self, data: bytes, to: tuple[str, int]) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(data, to)


@asynccontextmanager
async def a_wire(port: int, judge: Judge) -> AsyncIterator[Wire]:
    """To `port` at 127.0.0.1."""
    transport, wire = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Wire(("127.0.0.1", port), judge), local_addr=("127.0.0.1", 0)
    )
    try:
        yield wire
    finally:
        transport.close()


def bad(seed: int, loss: float, double: float = 0.1, delay_s: float = 0.02) -> Judge:
    """Loses and doubles by chance; what is delayed is overtaken."""
    random = Random(seed)

    def judge(data: bytes, direction: Direction) -> list[float]:
        if random.random() < loss:
            return []
        return [random.random() * delay_s for _ in range(2 if random.random() < double else 1)]

    return judge


def losing(count: int, start: bytes, having: bytes = b"") -> Judge:
    """Loses the first `count` datagrams that begin with `start` and contain `having`; all else passes."""
    left = count

    def judge(data: bytes, direction: Direction) -> list[float]:
        nonlocal left
        if left and data.startswith(start) and having in data:
            left -= 1
            return []
        return [0.0]

    return judge
