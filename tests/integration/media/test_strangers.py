"""Who is let in at a browser's leg, and when it is lost. The browser's end is a bare one, so that it can misbehave."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator

import aioice.ice
import pytest

import webrtc.web_leg
from hub.media import WebOptions
from tests.integration.media.calls import SETTINGS, Listener
from tests.integration.media.peer import Peer
from webrtc.aiortc_hooks import Way
from webrtc.stream import HEADER, nobody
from webrtc.web_leg import WebLeg
from webrtc.web_sdp import read_offer


class Pair:
    """A leg and its browser's end."""

    def __init__(self, way: Way = "fast") -> None:
        self.way = way
        self.peer = Peer(SETTINGS, way=way)
        self.listener = Listener()
        self.leg: WebLeg
        self.answer = ""
        self.heard: list[bytes] = []

    async def signal(self, **offer: str) -> None:
        self.leg, self.answer = await WebLeg.answer(
            "agent", await self.peer.offer(**offer), WebOptions(), SETTINGS, self.listener, way=self.way
        )
        self.leg.incoming.on_audio = lambda payload, timestamp, sequence, marker, now: self.heard.append(payload)

    async def connect(self, **offer: str) -> None:
        await self.signal(**offer)
        assert await self.peer.accept(self.answer)
        await self.listener.is_connected.wait()

    def say(self, sequence: int) -> None:
        self.peer.secure.send_rtp(HEADER.pack(0x80, 0, sequence, 160 * sequence, 7) + bytes([sequence]) * 160)

    async def until_heard(self, count: int) -> None:
        while len(self.heard) < count:
            await asyncio.sleep(0.005)

    @property
    def places(self) -> list[tuple[str, int]]:
        """Where the leg can be reached by IPv4."""
        return [(c.host, c.port) for c in read_offer(self.answer).candidates if ":" not in c.host]

    async def close(self) -> None:
        await self.peer.close()
        await self.leg.close()


@pytest.fixture(params=["fast", "tap"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    made = Pair(request.param)
    yield made
    await made.close()


@pytest.mark.parametrize("setup", ["actpass", "active", "passive"])
async def test_both_ways_of_handling_packets_with_either_side_opening(pair: Pair, setup: str) -> None:
    got: list[bytes] = []
    reports: list[bytes] = []
    pair.peer.on_rtp = lambda packet, now: got.append(packet)
    pair.peer.on_rtcp = lambda packet, now: reports.append(packet)
    await pair.signal(setup=setup)
    # What the offer asks for as "passive" is what a browser without a choice would do: it waits.
    assert f"a=setup:{'passive' if setup == 'active' else 'active'}" in pair.answer
    assert await pair.peer.accept(pair.answer)
    await pair.listener.is_connected.wait()
    for n in range(1, 51):
        pair.say(n)
        pair.leg.outgoing.play(bytes([n]) * 160, n * 0.02)
    await pair.until_heard(50)
    assert pair.heard == [bytes([n]) * 160 for n in range(1, 51)]
    while len(got) < 50:
        await asyncio.sleep(0.005)
    assert [packet[12:] for packet in got] == [bytes([n]) * 160 for n in range(1, 51)]
    pair.leg.tick(100.0)
    pair.leg.tick(102.0)
    while not reports:
        await asyncio.sleep(0.005)
    assert reports[0][1] == 200


async def test_what_is_not_protected_or_not_the_partys_is_not_let_in(pair: Pair) -> None:
    await pair.connect()
    pair.say(1)
    await pair.until_heard(1)
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.setblocking(False)
    own = pair.peer.ice._nominated[1]
    plain = HEADER.pack(0x80, 0, 2, 320, 7) + bytes(160)
    junk = [
        plain,
        plain + bytes(10),
        b"\x80\xc8\x00\x06" + bytes(24),
        b"\x80",
        b"\x16\xfe\xfd" + bytes(100),
        b"\x15\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x09\x00\x02\x02\x28",
        b"\x00\x01\x00\x00" + bytes(16),
        bytes(1400),
        b"\xff" * 3000,
    ]
    for data in junk:
        for place in pair.places:
            stranger.sendto(data, place)
        if 127 < data[0] < 192:
            own.protocol.transport.sendto(data, own.remote_addr)
    stranger.close()
    for n in range(3, 20):
        pair.say(n)
    await pair.until_heard(18)
    assert pair.heard[1:] == [bytes([n]) * 160 for n in range(3, 20)]
    assert pair.leg.incoming.packets == 18
    assert pair.leg.foreign > len(junk)
    assert not pair.listener.is_lost.is_set()


async def test_dtls_from_elsewhere_does_not_disturb_the_handshake(pair: Pair) -> None:
    await pair.signal()
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.setblocking(False)

    async def disturb() -> None:
        while True:
            for place in pair.places:
                stranger.sendto(b"\x15\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x02\x28", place)
                stranger.sendto(b"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40" + bytes(64), place)
            await asyncio.sleep(0.001)

    disturbing = asyncio.create_task(disturb())
    assert await pair.peer.accept(pair.answer)
    await pair.listener.is_connected.wait()
    disturbing.cancel()
    await asyncio.wait([disturbing])
    stranger.close()
    pair.say(1)
    await pair.until_heard(1)


async def test_another_certificate_lets_nothing_in(pair: Pair) -> None:
    await pair.signal(fingerprint=":".join(["AB"] * 32))
    await pair.peer.accept(pair.answer)
    await pair.listener.is_lost.wait()
    assert "certificate" in pair.listener.reason
    pair.say(1)
    pair.leg.outgoing.play(bytes(160), 1.0)
    await asyncio.sleep(0.1)
    assert not pair.heard
    assert not pair.listener.is_connected.is_set()


async def test_a_wrong_ice_password_never_connects(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc.web_leg, "SET_UP", 0.5)
    await pair.signal()
    lines = [line if "ice-pwd" not in line else "a=ice-pwd:" + "x" * 22 for line in pair.answer.split("\r\n")]
    accepting = asyncio.create_task(pair.peer.accept("\r\n".join(lines)))
    await pair.listener.is_lost.wait()
    assert "ICE" in pair.listener.reason
    accepting.cancel()
    await asyncio.wait([accepting])


async def test_a_browser_that_is_gone_without_a_word_is_noticed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consent to send expires (RFC 7675), here every 50 ms instead of 5 s."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    await pair.connect()
    # It answers no more requests, though its sockets are still there.
    pair.peer.ice._closing = True
    await pair.listener.is_lost.wait()
    assert "consent" in pair.listener.reason


async def test_closing_tells_the_browser_and_frees_the_ports(pair: Pair) -> None:
    await pair.connect()
    places = pair.places
    await pair.leg.close()
    await pair.peer.ended.wait()
    assert not pair.listener.is_lost.is_set()
    for host, port in places:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind((host, port))
    await pair.leg.close()


@pytest.mark.parametrize("way", ["fast", "tap"])
async def test_a_closed_leg_is_freed_without_a_collection_of_garbage(way: Way) -> None:
    """Its keys and buffers lie outside of what Python counts, so it would hardly ever come to collect them."""
    pair = Pair(way)
    await pair.connect()
    pair.say(1)
    await pair.until_heard(1)
    pair.leg.outgoing.play(bytes(160), 1.0)
    parts = [weakref.ref(part) for part in (pair.leg, pair.leg._ice, pair.leg._secure, pair.leg._secure._rx_srtp)]
    gc.collect()
    gc.disable()
    try:
        await pair.close()
        # As its worker does with every leg that goes.
        pair.leg.incoming.on_audio = nobody
        del pair
        # The tasks that were cancelled have their last turns.
        for _ in range(5):
            await asyncio.sleep(0)
        assert [part() for part in parts] == [None] * 4
    finally:
        gc.enable()
