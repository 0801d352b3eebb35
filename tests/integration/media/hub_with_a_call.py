"""A hub of one call whose customer hears silence and is recorded, to be killed: `python -m ... PATH PORT`.

Prints the worker's process id and the port of the leg.
"""

from __future__ import annotations

import asyncio
import sys

from hub.media import RecordingOptions, RtpOptions
from tests.integration.media.exchange import SETTINGS, describe, media_port
from webrtc.engine import EmbeddedMedia


async def main(path: str, port: int) -> None:
    engine = EmbeddedMedia(SETTINGS, 1)
    await engine.start()
    answer = await engine.rtp_leg("c", "customer", RtpOptions(), describe(port))
    await engine.record("c", RecordingOptions("r", path, "customer", "agent"))
    print("ready", engine.places[0].pid, media_port(answer), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
