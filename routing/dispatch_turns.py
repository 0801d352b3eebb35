"""Long work on the loop, in slices: after each of them all others have their turn."""

from __future__ import annotations

import asyncio
from time import monotonic

SLICE_S = 0.005


class Turns:
    """Whoever has much to do asks between any two steps whether its turn is `over`, and then `rests`."""

    def __init__(self) -> None:
        self._until = monotonic() + SLICE_S

    @property
    def over(self) -> bool:
        return monotonic() >= self._until

    async def rest(self) -> None:
        """Returns when everybody else who was ready has had his turn."""
        await asyncio.sleep(0)
        self._until = monotonic() + SLICE_S
