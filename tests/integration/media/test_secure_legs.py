"""Plain legs with keys from their descriptions (SDES-SRTP): audio both ways, and nothing let in that does not fit."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pylibsrtp import Error, Policy, Session

from hub.errors import InvalidInput
from hub.media import RtpOptions
from tests.integration.media.exchange import Exchange, media_port, open_exchange
from tests.integration.media.phone import Phone, open_phone

SECURE = RtpOptions(secure=True)
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
}


class Sealing(asyncio.DatagramTransport):
    """The phone's transport, behind which its packets are encrypted."""

    def __init__(self, plain: asyncio.DatagramTransport, send: Callable[[bytes, tuple[str, int]], None]) -> None:
        super().__init__()
        self._plain = plain
        self._send = send

    def sendto(self, data: Any, addr: Any = None) -> None:
        self._send(data, addr)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._plain.get_extra_info(name, default)


class SecurePhone(Phone):
    """`spoiled`: it sends with a key that it has told nobody."""

    def __init__(self, hertz: float, suite: str) -> None:
        super().__init__(hertz)
        self.suite = suite
        self.profile, length = SUITES[suite]
        self.key = os.urandom(length)
        self.refused = 0
        self.spoiled = False
        self._in: Session | None = None
        self._out = self._session(self.key, Policy.SSRC_ANY_OUTBOUND)
        self._foreign = self._session(os.urandom(length), Policy.SSRC_ANY_OUTBOUND)

    def _session(self, key: bytes, kind: int) -> Session:
        return Session(Policy(key=key, ssrc_type=kind, srtp_profile=self.profile))

    def offer(self) -> str:
        key = base64.b64encode(self.key).decode()
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/SAVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
            f"a=crypto:1 {self.suite} inline:{key}\r\n"
        )

    def answered(self, answer: str) -> None:
        self.target = ("127.0.0.1", media_port(answer))
        tag, suite, inline = answer.split("a=crypto:")[1].split()[:3]
        assert (tag, suite) == ("1", self.suite)
        self._in = self._session(base64.b64decode(inline.removeprefix("inline:")), Policy.SSRC_ANY_INBOUND)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        assert self._in is not None
        try:
            super().datagram_received(self._in.unprotect(data), source)
        except Error:
            self.refused += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        plain = self._transport
        assert plain is not None

        def sendto(packet: bytes, target: tuple[str, int]) -> None:
            plain.sendto((self._foreign if self.spoiled else self._out).protect(packet), target)

        self._transport = Sealing(plain, sendto)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    async with open_exchange() as made:
        yield made


@asynccontextmanager
async def secure_call(exchange: Exchange, suite: str) -> AsyncIterator[tuple[SecurePhone, Phone]]:
    loop = asyncio.get_running_loop()
    async with open_phone(700) as agent:
        transport, customer = await loop.create_datagram_endpoint(
            lambda: SecurePhone(440, suite), local_addr=("127.0.0.1", 0)
        )
        await exchange.join("c", "agent", agent)
        customer.answered(await exchange.engine.rtp_leg("c", "customer", SECURE, customer.offer()))
        await exchange.bridge("c")
        talking = asyncio.create_task(customer.talk())
        yield customer, agent
        talking.cancel()
        await asyncio.wait([talking])
        transport.close()


@pytest.mark.parametrize("suite", list(SUITES))
async def test_both_are_heard(exchange: Exchange, suite: str) -> None:
    async with secure_call(exchange, suite) as (customer, agent):
        await asyncio.gather(customer.until_hears(700), agent.until_hears(440))


async def test_nothing_is_let_in_that_does_not_fit(exchange: Exchange) -> None:
    """Packets in the clear, and with another key, even from the right place; the call is unharmed."""
    async with secure_call(exchange, "AES_CM_128_HMAC_SHA1_80") as (customer, agent), open_phone(1500) as stranger:
        stranger.target = customer.target
        intruding = asyncio.create_task(stranger.talk())
        await agent.until_hears(440)
        assert agent.hears(1500) < 0.01
        customer.spoiled = True
        await asyncio.sleep(0.3)
        before = len(agent.heard)
        await asyncio.sleep(0.5)
        assert len(agent.heard) == before
        customer.spoiled = False
        await agent.until_hears(440)
        assert not stranger.heard
        intruding.cancel()


async def test_plain_offer_is_refused_where_keys_are_wanted(exchange: Exchange) -> None:
    async with open_phone(440) as phone:
        with pytest.raises(InvalidInput, match="SDES"):
            await exchange.join("c", "customer", phone, SECURE)
