"""An agent's own telephone, and a hub at which it may register: its trunk is elsewhere on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.voice.call_values import Limits
from channels.voice.settings import DialSettings, NumberSettings, TrunkSettings, VoiceSettings
from channels.voice.sip.events import Invited, Registered
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.registration import RegistrationPlan
from channels.voice.sip.settings import Account, PeerOptions
from channels.voice.sip.transport import Listen
from channels.voice.sip.wire import Destination, Transport
from hub.model import Role
from hub.phones import REALM
from tests.clients import Json, SignedIn
from tests.integration.media.exchange import describe
from tests.integration.media.phone import Phone, open_phone
from tests.integration.serving import PASSWORD, Serving, serving
from tests.integration.sip.line import a_line
from tests.integration.voice.desk import Desk, Record, Telephone
from tests.ports import free_port
from webrtc.settings import MediaSettings

Files = tuple[Path, Path] | None
"""A certificate and its key."""
PHONES = "127.0.0.3"
"""Where agents' telephones are; the trunk is at 127.0.0.1."""


@dataclass
class Office:
    """A hub with an agent `ada`, a queue `support`, and a trunk that leads to a telephone of the test."""

    serving: Serving
    port: int
    tls_port: int

    @property
    def url(self) -> str:
        return self.serving.origin

    def record(self) -> Record:
        return Record(self, self.serving.token(self.serving.application.hub.directory.user("us_root")))

    def account(self, user: str = "ada") -> Account:
        """A new password for the user's telephone, by REST."""
        browser = self.serving.sign_in("root")
        answer = browser.request("POST", f"/api/v1/users/us_{user}/phone")
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return Account(made["username"], made["password"], (made["realm"],))

    def talks_on_phone(self, user: str = "ada", line: str = "phone") -> None:
        browser = self.serving.sign_in(user)
        answer = browser.request("PATCH", "/api/v1/me", json={"line": line})
        assert (answer.status_code, answer.json()["line"]) == (200, line), answer.text


@contextmanager
def open_office(folder: Path, trunk_port: int, tls: Files = None, **settings: Any) -> Iterator[Office]:
    port, tls_port = free_port(), free_port()
    listen = [Listen("udp", "127.0.0.1", port), Listen("tcp", "127.0.0.1", port)]
    if tls is not None:
        listen.append(Listen("tls", "127.0.0.1", tls_port))
    told: dict[str, Any] = {
        "phones": ("127.0.0.0/8",),
        "trunks": (
            TrunkSettings("line", networks=("127.0.0.1",), host="127.0.0.1", port=trunk_port, caller_id="+4930900"),
        ),
        "limits": Limits(ring_ms=3_000, connect_ms=6_000),
        "tls_certificate": str(tls[0]) if tls is not None else "",
        "tls_key": str(tls[1]) if tls is not None else "",
    } | settings
    voice = VoiceSettings(
        enabled=True,
        listen=tuple(listen),
        numbers=(NumberSettings("*", "support", "shop"),),
        dial=DialSettings(("DE",)),
        media=MediaSettings(host="127.0.0.1", loopback=True, ports=(34_000, 35_999)),
        **told,
    )
    always = {"hours": "00:00-24:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    with serving(folder, voice, callbacks=always) as hub:
        hub.put("skill", "support", name="Support")
        hub.put("queue", "support", name="Support", recording={"mode": "always"}, retry_s=1, preview_s=0)
        hub.put("site", "shop", name="Shop")
        hub.put("outcome", "solved", name="Solved")
        for name in ("ada", "bob"):
            hub.user(name, Role.AGENT)
        hub.user("root", Role.ADMINISTRATOR)
        yield Office(hub, port, tls_port)


@asynccontextmanager
async def an_office(folder: Path, trunk_port: int, tls: Files = None, **settings: Any) -> AsyncIterator[Office]:
    with ExitStack() as stack:
        office = open_office(folder, trunk_port, tls, **settings)
        yield await asyncio.to_thread(lambda: stack.enter_context(office))
        await asyncio.to_thread(stack.close)


class OwnPhone(Telephone):
    """A desk phone: it registers, rings, and is answered by hand."""

    account: Account
    hub: Destination

    async def register(self, office: Office, account: Account, transport: Transport = "udp") -> None:
        self.sign_on(office, account, transport)
        await self.line.until(Registered)

    def sign_on(self, office: Office, account: Account, transport: Transport = "udp") -> None:
        self.account, self.hub = account, Destination(transport, "127.0.0.1", office.port)
        address = f"sip:{account.username}@{REALM}"
        plan = RegistrationPlan(address, f"sip:{REALM}", (self.hub,), account, account.username)
        self.line.agent.register("line", plan, self.line.now)
        self.line.transport.flush()

    def unregister(self) -> None:
        self.line.agent.unregister("line", self.line.now)
        self.line.transport.flush()

    async def rings(self, count: int = 1) -> Invited:
        """The offer, while it rings."""
        invited = await self.line.until(Invited, count)
        self.call = invited.call
        self.line.agent.ring(self.call, self.line.now)
        self.line.transport.flush()
        return invited

    def answer(self, invited: Invited) -> None:
        assert invited.sdp is not None
        self.line.agent.answer(invited.call, describe(self.phone.port), self.line.now)
        self.line.transport.flush()
        self.begin_to_talk(invited.sdp)

    def decline(self, status: int = 603) -> None:
        self.line.agent.reject(self.call, status, self.line.now)
        self.line.transport.flush()

    def hold(self, on: bool) -> None:
        direction = "sendonly" if on else "sendrecv"
        self.line.agent.reinvite(self.call, describe(self.phone.port, direction=direction), self.line.now)
        self.line.transport.flush()

    def dial_out(self, number: str) -> None:
        self.call = self.line.agent.invite(
            NameAddr("", f"sip:{number}@{REALM}"),
            NameAddr("", f"sip:{self.account.username}@{REALM}"),
            describe(self.phone.port),
            [self.hub],
            self.line.now,
            options=PeerOptions(account=self.account, follow=True),
        )
        self.line.transport.flush()


@asynccontextmanager
async def an_own_phone(hertz: float, transport: Transport = "udp") -> AsyncIterator[OwnPhone]:
    async with a_line((transport,), host=PHONES) as line, open_phone(hertz) as phone:
        own = OwnPhone(line, phone)
        try:
            yield own
        finally:
            own.hush()


class Watcher(Desk):
    """An agent's window whose pushes may be asked for in any order."""

    def __init__(self, hub: Office, signed_in: SignedIn, window: str) -> None:
        self.history: list[tuple[str, Json]] = []
        super().__init__(hub, signed_in, window)

    def take(self, name: str, data: Any) -> None:
        self.history.append((name, data))
        super().take(name, data)

    async def rang(self, contact: str, state: str, problem: str = "") -> None:
        """Waits until it was told that the telephone does (or did) so."""
        wanted = {"contact": contact, "state": state, "problem": problem}
        while ("phone_ring", wanted) not in self.history:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def at_desk(office: Office, user: str = "ada") -> AsyncIterator[Watcher]:
    """His window, available."""
    desk = Watcher(office, await asyncio.to_thread(SignedIn, office.url, user, PASSWORD), "window-1")
    await desk.client.open()
    await desk.ask("presence:set", {"state": "available"})
    yield desk
    await desk.client.close()


async def until_not(phone: Phone, hertz: float) -> None:
    """Waits until a second of what it hears holds nothing of the tone."""
    until = len(phone.heard) + 8_000
    while len(phone.heard) < until or phone.hears(hertz) > 0.05:
        await asyncio.sleep(0.02)


async def until_keys(phone: Phone, keys: str) -> None:
    while phone.keys != keys:
        await asyncio.sleep(0.02)
