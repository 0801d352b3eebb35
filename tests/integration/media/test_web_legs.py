"""Browsers' legs in the media engine, with bare ends instead of browsers: what goes wrong, and many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from hub.errors import InvalidInput, Unavailable
from hub.media import Connected, Hear, Lost, Silent, WebOptions
from tests.integration.media.exchange import SETTINGS, Exchange, open_exchange
from tests.integration.media.peer import Peer
from webrtc.settings import MediaSettings
from webrtc.stream import HEADER

BROWSERS = MediaSettings(host="127.0.0.1", ports=(0, 0))


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


async def connect(exchange: Exchange, call: str, leg: str, peer: Peer, options: WebOptions | None = None) -> None:
    answer = await exchange.engine.web_leg(call, leg, options or WebOptions(), await peer.offer())
    assert await peer.accept(answer)


async def test_an_offer_that_cannot_be_met_is_refused_and_the_call_goes_on(exchange: Exchange) -> None:
    customer, agent = Peer(BROWSERS), Peer(BROWSERS)
    await connect(exchange, "call", "customer", customer)
    offer = await agent.offer()
    for wrong, words in (
        ("v=1", "v=0"),
        (offer.replace("a=rtcp-mux", "a=x"), "rtcp-mux"),
        (offer.replace("sha-256", "md5"), "fingerprint"),
    ):
        with pytest.raises(InvalidInput, match=words):
            await exchange.engine.web_leg("call", "agent", WebOptions(), wrong)
    with pytest.raises(InvalidInput, match="G722"):
        await exchange.engine.web_leg("call", "agent", WebOptions(codecs=("G722",)), offer)
    assert set(await exchange.engine.stats("call")) == {"customer"}
    assert await agent.accept(await exchange.engine.web_leg("call", "agent", WebOptions(), offer))
    assert set(await exchange.engine.stats("call")) == {"customer", "agent"}
    await customer.close()
    await agent.close()


async def test_when_all_ports_are_taken_the_next_is_told_so() -> None:
    settings = msgspec.structs.replace(SETTINGS, ports=(32_000, 32_003))
    async with open_exchange(settings=settings) as exchange:
        peers = [Peer(BROWSERS) for _ in range(6)]
        for n, peer in enumerate(peers[:4]):
            await connect(exchange, f"{n}", "agent", peer)
        with pytest.raises(Unavailable, match="no free port"):
            await connect(exchange, "4", "agent", peers[4])
        await exchange.engine.drop_call("0")
        await exchange.engine.web_leg("4", "agent", WebOptions(), await peers[5].offer())
        for peer in peers:
            await peer.close()


async def test_silence_and_loss_are_told(exchange: Exchange) -> None:
    peer = Peer(BROWSERS)
    await connect(exchange, "call", "agent", peer, WebOptions(quiet_ms=1000))
    assert await exchange.until_told(Connected) == Connected("call", "agent")
    silent = await exchange.until_told(Silent)
    assert silent.leg == "agent" and silent.ms >= 1000
    await peer.close()
    lost = await exchange.until_told(Lost)
    assert (lost.leg, "browser" in lost.reason) == ("agent", True)
    # What its line did stays known until the call is over.
    figures = await exchange.engine.stats("call")
    assert figures.keys() == {"agent"} and figures["agent"].packets_out > 0
    await exchange.engine.drop_call("call")
    assert await exchange.engine.stats("call") == {}


async def test_many_calls_at_once_are_not_mixed_up(exchange: Exchange) -> None:
    """Forty calls of two browsers; each hears what its own other side says and nothing else."""
    heard: dict[tuple[int, str], set[bytes]] = {}
    peers: dict[tuple[int, str], Peer] = {}

    async def begin(call: int) -> None:
        for leg in ("customer", "agent"):
            peer = peers[call, leg] = Peer(BROWSERS)
            found = heard[call, leg] = set()
            peer.on_rtp = lambda packet, now, found=found: found.add(packet[12:15])  # type: ignore[misc]
            await connect(exchange, f"{call}", leg, peer)
        await exchange.engine.hear(f"{call}", "customer", Hear(("agent",)))
        await exchange.engine.hear(f"{call}", "agent", Hear(("customer",)))

    await asyncio.gather(*map(begin, range(40)))
    said = {key: bytes([key[0], key[1] == "agent", 77]) for key in peers}
    for n in range(1, 20):
        for key, peer in peers.items():
            peer.secure.send_rtp(HEADER.pack(0x80, 0, n, n * 160, 7) + said[key] + bytes(157))
        await asyncio.sleep(0.02)
    silence = {b"\xff\xff\xff", b"\x7f\x7f\x7f"}
    other = {"customer": "agent", "agent": "customer"}
    while any(found <= silence for found in heard.values()):
        await asyncio.sleep(0.02)
    for (call, leg), found in heard.items():
        assert found - silence == {said[call, other[leg]]}
    await asyncio.gather(*(peer.close() for peer in peers.values()))
