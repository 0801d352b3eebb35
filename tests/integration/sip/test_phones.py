"""A desk phone over real sockets: it registers, is called by its connection, calls, and is gone when that closes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.voice.sip.agent import UserAgent
from channels.voice.sip.digest import hash_user
from channels.voice.sip.events import Answered, Ended, Invited, PhoneGone, PhoneRegistered, Registered
from channels.voice.sip.gate import Gate, Rule
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.settings import Account, Local, PeerOptions, RegistrarSettings, Settings
from channels.voice.sip.transport import Listen, SipTransport
from channels.voice.sip.wire import Destination, Transport
from tests.integration.sip.line import QUICK, Line, free_port, sdp

REALM = "hub.test"
PHONES = Rule("phones", ("127.0.0.0/8",), authenticate=True)
HUB = Rule("hub", ("127.0.0.0/8",), trusted=True)


def lookup(user: str) -> dict[str, str] | None:
    return {"SHA-256": hash_user("SHA-256", user, REALM, "secret")} if user == "agent1" else None


@asynccontextmanager
async def a_side(transport: Transport, rule: Rule) -> AsyncIterator[Line]:
    port = free_port()
    settings = Settings((Local(transport, "127.0.0.1", port),), timing=QUICK, registrar=RegistrarSettings(realm=REALM))
    agent = UserAgent(settings, secrets.token_hex, lookup=lookup)
    line = Line(agent, Gate([rule]))
    line.transport = SipTransport(agent, line.gate, [Listen(transport, "127.0.0.1", port)], line.heard)
    line.on_event = line.answering
    await line.transport.start()
    try:
        yield line
    finally:
        await line.transport.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_phone_registers_calls_and_is_called(transport: Transport) -> None:
    async with a_side(transport, PHONES) as hub, a_side(transport, HUB) as phone:
        to_hub = Destination(transport, "127.0.0.1", hub.port(transport))
        account = Account("agent1", "secret", (REALM,))
        plan = RegistrationPlan(f"sip:agent1@{REALM}", f"sip:{REALM}", (to_hub,), account, "agent1")
        phone.agent.register("line", plan, phone.now)
        phone.transport.flush()
        assert (await phone.until(Registered)).seconds == 600
        registered = await hub.until(PhoneRegistered)
        assert registered.user == "agent1"

        (contact,) = hub.agent.phones("agent1")
        call = hub.agent.invite(
            NameAddr("", f"sip:agent1@{REALM}"),
            NameAddr("", f"sip:customer@{REALM}"),
            sdp(),
            [contact.destination],
            hub.now,
            request_uri=contact.uri,
            options=PeerOptions(follow=True),
        )
        hub.transport.flush()
        assert (await hub.until(Answered)).call == call
        assert phone.of(Invited)[0].request_uri == contact.uri
        hub.hang_up(call)
        await phone.until(Ended)

        mine = phone.agent.invite(
            NameAddr("", f"sip:support@{REALM}"),
            NameAddr("", f"sip:agent1@{REALM}"),
            sdp(),
            [to_hub],
            phone.now,
            options=PeerOptions(account=account, follow=True),
        )
        phone.transport.flush()
        assert (await phone.until(Answered)).call == mine
        assert (await hub.until(Invited)).user == "agent1"
        phone.hang_up(mine)
        await hub.until(Ended, 2)
        await hub.until_idle()
        await phone.until_idle()

        await phone.transport.stop()
        if transport == "tcp":
            gone = await hub.until(PhoneGone)
            assert (gone.user, gone.why) == ("agent1", "flow")
            assert hub.agent.phones("agent1") == ()
