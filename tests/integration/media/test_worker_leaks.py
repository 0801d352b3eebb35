"""A worker in this process, where the tests see what blocks the loop: whatever calls come, nothing of them stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.media import Hear, Play, RecordingOptions, RtpOptions, Silence, WebOptions
from tests.integration.media.exchange import SETTINGS, describe
from tests.integration.media.tones import tone, write_wav
from webrtc import control
from webrtc.control import Ask
from webrtc.worker import Worker

OPTIONS = RtpOptions()


class Face:
    """The hub's end, which keeps what it is sent."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.replies: dict[int, control.Reply] = {}
        self.count = 0

    def send(self, message: Any) -> bool:
        if isinstance(message, control.Reply):
            self.replies[message.id] = message
        return True

    def close(self) -> None:
        return None

    async def ask(self, command: control.Command) -> control.Reply:
        self.count += 1
        number = self.count
        self.worker.ask(Ask(number, command))
        while number not in self.replies:
            await asyncio.sleep(0.001)
        return self.replies.pop(number)


@pytest.fixture
async def face() -> AsyncIterator[Face]:
    worker = Worker(SETTINGS, (32_000, 32_999))
    made = Face(worker)
    running = asyncio.create_task(worker.run(made))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    yield made
    worker.end()
    await running


def left(worker: Worker) -> dict[str, int]:
    names = ("_calls", "_plain", "_listeners", "_locks", "_recordings", "_tasks")
    return {name: len(getattr(worker, name)) for name in names}


async def test_nothing_stays_of_ended_calls(face: Face, tmp_path: Path) -> None:
    music = str(write_wav(tmp_path / "music.wav", tone(1000, 1), 8000))
    for n in range(60):
        call = f"call{n}"
        for leg in ("customer", "agent"):
            reply = await face.ask(control.OpenRtp(call, leg, OPTIONS, describe(4000 + n)))
            assert reply.failure is None
        assert (await face.ask(control.SetSource(call, "customer", Play((music,), n % 2 == 0, "t")))).failure is None
        assert (await face.ask(control.SetSource(call, "agent", Hear(("customer",))))).failure is None
        path = str(tmp_path / f"{n}.wav")
        assert (await face.ask(control.Record(call, RecordingOptions("r", path, "customer", "agent")))).failure is None
        # The third opens a leg anew, and drops one by itself.
        assert (await face.ask(control.OpenRtp(call, "agent", OPTIONS, None))).failure is None
        if n % 3 == 0:
            await face.ask(control.DropLeg(call, "customer"))
        await face.ask(control.DropCall(call))
    while any(left(face.worker).values()):
        await asyncio.sleep(0.01)


async def test_nothing_stays_of_what_was_refused(face: Face) -> None:
    for n in range(100):
        call = f"call{n}"
        for command in (
            control.OpenRtp(call, "customer", OPTIONS, "v=0\r\n"),
            control.OpenRtp(call, "customer", OPTIONS, describe(0)),
            control.OpenRtp(call, "customer", RtpOptions(secure=True), describe(4000)),
            control.OpenWeb(call, "customer", WebOptions(), describe(4000)),
            control.Answered(call, "customer", describe(4000)),
            control.Offered(call, "customer", describe(4000)),
            control.SetSource(call, "customer", Silence()),
            control.SendDigits(call, "customer", "1"),
            control.Record(call, RecordingOptions("r", "/nowhere", "customer", "agent")),
        ):
            assert (await face.ask(command)).failure is not None, command
        for harmless in (
            control.PauseRecording(call, "r", True),
            control.StopRecording(call, "r"),
            control.DropLeg(call, "customer"),
            control.DropCall(call),
        ):
            assert (await face.ask(harmless)).failure is None
    while any(left(face.worker).values()):
        await asyncio.sleep(0.01)


async def test_refused_offer_leaves_the_leg_as_it_was(face: Face) -> None:
    """A new offer, or a new leg in the place of the old one, that cannot be met."""
    await face.ask(control.OpenRtp("c", "customer", OPTIONS, describe(4000)))
    listener = face.worker._listeners["c", "customer"]
    assert (await face.ask(control.Offered("c", "customer", "v=0\r\n"))).failure is not None
    assert (await face.ask(control.OpenRtp("c", "customer", OPTIONS, describe(0)))).failure is not None
    assert not listener.silent and face.worker._calls["c"].parties["customer"].ready
    again = await face.ask(control.Offered("c", "customer", describe(4002)))
    assert again.failure is None and " 2 IN IP4" in again.value
    await face.ask(control.DropCall("c"))
