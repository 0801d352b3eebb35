"""Trunks that we register at: with a password, seen in the health, and calls from their servers are let in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.voice.settings import TrunkSettings, VoiceSettings
from channels.voice.sip.agent import UserAgent
from channels.voice.sip.digest import hash_user
from channels.voice.sip.gate import Gate, Rule
from channels.voice.sip.settings import Account, Local, Settings
from channels.voice.sip.transport import Listen, SipTransport
from channels.voice.sip.wire import Source
from channels.voice.trunks import Trunks, named_address
from tests.integration.sip.line import free_port


@asynccontextmanager
async def provider(port: int) -> AsyncIterator[UserAgent]:
    """A phone network that lets `hub` register with the password `secret`."""
    agent = UserAgent(
        Settings((Local("udp", "127.0.0.1", port),)),
        secrets.token_hex,
        lookup=lambda user: (
            {name: hash_user(name, user, "contacthub", "secret") for name in ("MD5", "SHA-256")}
            if user == "hub"
            else None
        ),
    )
    gate = Gate([Rule("hub", ("127.0.0.1",), authenticate=True)])
    transport = SipTransport(agent, gate, [Listen("udp", "127.0.0.1", port)], lambda event: None)
    await transport.start()
    yield agent
    await transport.stop()


def settings(own: int, port: int, password: str, host: str = "127.0.0.1") -> VoiceSettings:
    account = Account("hub", password)
    trunk = TrunkSettings("line", host="127.0.0.1", port=port, account=account, register=True)
    return VoiceSettings(listen=(Listen("udp", host, own),), trunks=(trunk,))


async def test_a_trunk_is_registered_at_and_left_again() -> None:
    port = free_port()
    async with provider(port) as there:
        own = free_port()
        trunks = Trunks(settings(own, port, "secret"))
        await trunks.start()
        health = trunks.health["line"]
        while not (health.registered and health.reachable):
            await asyncio.sleep(0.02)
        (phone,) = there.phones("hub")
        assert f":{own}" in phone.uri
        source = Source("udp", "127.0.0.1", port)
        while trunks.trunk_of(source) is None:
            await asyncio.sleep(0.02)
        trunks.configure(VoiceSettings(listen=trunks.settings.listen))
        while there.phones("hub"):
            await asyncio.sleep(0.02)
        assert trunks.trunk_of(source) is None
        await trunks.stop()


async def test_who_listens_at_all_addresses_names_one_of_them() -> None:
    port = free_port()
    async with provider(port) as there:
        trunks = Trunks(settings(free_port(), port, "secret", host="0.0.0.0"))
        await trunks.start()
        while not trunks.health["line"].registered:
            await asyncio.sleep(0.02)
        (phone,) = there.phones("hub")
        assert "@0.0.0.0" not in phone.uri
        await trunks.stop()


@pytest.mark.parametrize(
    ("listening", "public", "named"),
    [
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "203.0.113.5", "203.0.113.5"),
        ("0.0.0.0", "203.0.113.5", "203.0.113.5"),
        ("fd00::5", "203.0.113.5", "fd00::5"),
    ],
)
def test_what_peers_are_told_is_our_address(listening: str, public: str, named: str) -> None:
    assert named_address(listening, public) == named


async def test_a_wrong_password_is_seen() -> None:
    port = free_port()
    async with provider(port):
        own = free_port()
        trunks = Trunks(settings(own, port, "wrong"))
        await trunks.start()
        while trunks.health["line"].registered is None:
            await asyncio.sleep(0.02)
        assert trunks.health["line"].registered is False
        assert trunks.health["line"].problem.startswith(("401", "403"))
        await trunks.stop()


async def test_who_is_not_there_is_seen() -> None:
    trunks = Trunks(settings(free_port(), free_port(), "secret"))
    await trunks.start()
    while trunks.health["line"].reachable is None:
        await asyncio.sleep(0.02)
    assert trunks.health["line"].reachable is False
    await trunks.stop()
