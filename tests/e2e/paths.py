"""The way between a browser's audio and the hub, through a relay that impairs it, falls silent, and moves elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext

from tests.e2e.callers import Callers
from tests.integration.sip.wire import Direction, Wire, bad

# The browser is told of the relay instead of the hub, and the hub of nothing that it could reach without the relay.
DETOUR = """(() => {
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  let native = RTCPeerConnection.prototype;
  while (!Object.hasOwn(native, "localDescription")) native = Object.getPrototypeOf(native);
  const local = Object.getOwnPropertyDescriptor(native, "localDescription");
  window.legs = 0;
  RTCPeerConnection.prototype.setRemoteDescription = async function ({ type, sdp }) {
    window.legs += 1;
    return setRemoteDescription.call(this, { type, sdp: await window.detour(sdp) });
  };
  Object.defineProperty(RTCPeerConnection.prototype, "localDescription", {
    get() {
      const found = local.get.call(this);
      return found && { type: found.type, sdp: found.sdp.replace(/^(a=candidate:(?:\\S+ ){4}\\S+) \\d+/gm, "$1 9") };
    },
  });
})()"""


class Path:
    """Loses a share of what goes through it, by a seeded chance. `callers` lends its loop."""

    def __init__(self, callers: Callers, loss: float, seed: int = 7) -> None:
        self._callers = callers
        self._impaired = bad(seed, loss, double=0.0, delay_s=0.005)
        self._down = False
        self._wires: list[Wire] = []
        self.passed = self.lost = 0

    def lay(self, context: BrowserContext) -> None:
        """All audio of the context's pages takes this path from now on."""
        context.expose_function("detour", self._detour)
        context.add_init_script(DETOUR)

    def _judge(self, data: bytes, direction: Direction) -> list[float]:
        times = [] if self._down else self._impaired(data, direction)
        self.passed += bool(times)
        self.lost += not times
        return times

    def _detour(self, sdp: str) -> str:
        return re.sub(
            r"(a=candidate:(?:\S+ ){4}\S+) (\d+)", lambda found: f"{found[1]} {self._wire(int(found[2]))}", sdp
        )

    def _wire(self, port: int) -> int:
        async def lay() -> Wire:
            _, wire = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Wire(("127.0.0.1", port), self._judge), local_addr=("127.0.0.1", 0)
            )
            return wire

        wire = self._callers.do(lay())
        self._wires.append(wire)
        return wire.port

    def cut(self, on: bool) -> None:
        """Nothing comes through, and later everything again."""
        self._down = on

    def move(self) -> None:
        """The addresses that were used are gone for good; new legs get others."""
        self._callers.do(_on_loop(self._close))

    close = move

    def _close(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires.clear()


async def _on_loop(work: Callable[[], None]) -> None:
    work()
