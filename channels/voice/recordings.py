"""Where the media plane writes recordings: one file a call, in a folder a day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import structlog

from channels.voice.call_values import AGENT, CUSTOMER
from hub.media import Recorded, RecordingOptions
from hub.model import Contact
from hub.ports import Clock

log = structlog.get_logger(__name__)


class Folder:
    """Implements `calls.Recorder`. `key`: 32 bytes, encrypts at rest."""

    def __init__(self, root: Path, key: bytes | None, clock: Clock) -> None:
        self._root, self._key, self._clock = root, key, clock

    async def begin(self, contact: Contact, recording: str) -> RecordingOptions:
        day = datetime.fromtimestamp(self._clock.now() / 1000, UTC).strftime("%Y-%m-%d")
        folder = self._root / day
        await asyncio.to_thread(folder.mkdir, 0o700, parents=True, exist_ok=True)
        return RecordingOptions(recording, str(folder / f"{recording}.wav"), CUSTOMER, AGENT, self._key)

    async def over(self, contact: str, recorded: Recorded) -> None:
        log.info("recording.complete", call=contact, recording=recorded.recording, ms=recorded.ms)
