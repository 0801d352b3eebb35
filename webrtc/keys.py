"""Sends keys to a party, one after the other, as telephone-event packets or, where he takes none, as tones."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from hub.errors import InvalidInput
from webrtc import dtmf, speech
from webrtc.stream import Outgoing

MOST = 64


class KeySender:
    """While keys are sent the stream is paused for whatever else the party hears."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._keys: deque[str] = deque()
        self._task: asyncio.Task[None] | None = None

    def send(self, keys: str) -> None:
        """Returns at once; InvalidInput for what is no key, or when far too many wait already."""
        keys = keys.upper()
        if any(key not in dtmf.KEYS for key in keys):
            raise InvalidInput("digits", "expected 0-9, *, #, A-D")
        if len(self._keys) + len(keys) > MOST:
            raise InvalidInput("digits", f"no more than {MOST} can wait to be sent")
        self._keys.extend(keys)
        if self._task is None and self._keys:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            due = time.monotonic()
            while self._keys:
                due = await self._send(self._keys.popleft(), due)
        finally:
            self._task = None
            self._outgoing.paused = False
            self._outgoing.switch()

    async def _send(self, key: str, due: float) -> float:
        outgoing = self._outgoing
        beat = outgoing.codec.ptime_ms / 1000
        outgoing.paused = True
        if outgoing.events is not None:
            for n, packet in enumerate(dtmf.event_packets(key, outgoing.codec)):
                outgoing.event(packet, time.monotonic(), first=n == 0)
                due = await until(due + beat)
        else:
            outgoing.switch()
            for packet in speech.packets(dtmf.tone(key) + bytes(16 * dtmf.PAUSE_MS), outgoing.codec):
                outgoing.say(packet, time.monotonic())
                due = await until(due + beat)
            return due
        outgoing.paused = False
        outgoing.switch()
        return await until(due + dtmf.PAUSE_MS / 1000)

    def stop(self) -> None:
        self._keys.clear()
        if self._task is not None:
            self._task.cancel()


async def until(due: float) -> float:
    """Sleeps until then; from now on if that is long past."""
    now = time.monotonic()
    if due > now:
        await asyncio.sleep(due - now)
    return max(due, now - 0.1)
