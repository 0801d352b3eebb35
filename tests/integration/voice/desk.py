"""An agent at his desk (his window's socket and a headset) and a telephone that calls in, as users of a hub."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import httpx

from channels.voice.sip.events import Answered, Confirmed, Ended, Invited, Offered, Rejected
from channels.voice.sip.headers import NameAddr
from channels.voice.sip.wire import Destination
from tests.clients import Client, Gone, Json, SignedIn, visitor
from tests.hub import DemoHub
from tests.integration.media.exchange import describe, media_port
from tests.integration.media.peer import EVENTS as BROWSER_EVENTS
from tests.integration.media.peer import Peer
from tests.integration.media.phone import EVENTS, Phone, open_phone
from tests.integration.sip.line import Line, a_line
from tests.peers import CHECKOUT
from webrtc.settings import MediaSettings

MEDIA = MediaSettings(loopback=True, host="127.0.0.1")
_ids = itertools.count(1)


def client_id() -> str:
    return f"client-id-{next(_ids):06d}"


class House(Protocol):
    """A hub somewhere: the demo, or one in this process."""

    @property
    def url(self) -> str: ...


class Headset(Phone):
    """Microphone and loudspeaker behind a browser's peer connection."""

    def __init__(self, hertz: float) -> None:
        super().__init__(hertz)
        self.peer = Peer(MEDIA)
        self.peer.on_rtp = lambda packet, now: self.datagram_received(_as_telephone(packet), ("", 0))
        self._talking: asyncio.Task[None] | None = None

    def send(self, packet: bytes) -> None:
        self.peer.secure.send_rtp(packet)

    async def offer(self) -> str:
        return await self.peer.offer()

    async def accept(self, answer: str) -> None:
        assert await self.peer.accept(answer)
        self._talking = asyncio.create_task(self.talk())

    async def close(self) -> None:
        """As a page that is closed in order."""
        self.fall_silent()
        await self.peer.close()

    def fall_silent(self) -> None:
        """As a page that is torn down: nothing more is sent, and nobody is told."""
        if self._talking is not None:
            self._talking.cancel()


def _as_telephone(packet: bytes) -> bytes:
    """A browser's number for telephone-event as a telephone's."""
    return (
        packet[:1] + bytes((packet[1] & 0x80 | EVENTS,)) + packet[2:] if packet[1] & 0x7F == BROWSER_EVENTS else packet
    )


class Page:
    """A socket with everything it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.client: Client
        self._news = asyncio.Event()

    def take(self, name: str, data: Any) -> None:
        self.told.append((name, data))
        self._news.set()

    async def until(self, name: str, fits: Callable[[Json], bool] = lambda data: True) -> Json:
        """The first such push that has not been asked for yet."""
        seen = 0
        while True:
            for at in range(seen, len(self.told)):
                found, data = self.told[at]
                if found == name and fits(data):
                    self.told = self.told[at + 1 :]
                    return dict(data)
            seen = len(self.told)
            self._news.clear()
            await self._news.wait()

    async def ask(self, event: str, data: Json) -> Json:
        answer = await self.client.call(event, data)
        assert answer["ok"], answer
        return answer


class Desk(Page):
    """An agent with one window."""

    def __init__(self, hub: House, signed_in: SignedIn, window: str) -> None:
        super().__init__()
        self.client = signed_in.client(hub.url, window, self.take)

    async def take_call(self, headset: Headset) -> Json:
        """Waits for a call, accepts it and talks; the contact."""
        offer = await self.until("offer", lambda data: data["contact"]["channel"] == "voice")
        await self.accept(offer)
        contact: Json = offer["contact"]
        await self.join(contact["id"], headset)
        await self.until("phone", lambda data: data["state"] == "active")
        return contact

    async def accept(self, offer: Json) -> None:
        answer = {"contact": offer["contact"]["id"], "fence": offer["fence"], "client_id": client_id()}
        await self.ask("offer:accept", answer)

    async def join(self, contact: str, headset: Headset) -> None:
        answer = await self.ask("phone_join", {"contact": contact, "offer": await headset.offer()})
        await headset.accept(answer["answer"])

    async def finish(self, contact: str) -> None:
        """Ends the wrap-up, when the call is over."""
        await self.until(
            "sync", lambda data: data["contact"]["id"] == contact and data["contact"]["phase"] == "wrapping"
        )
        await self.ask("wrapup:finish", {"contact": contact, "client_id": client_id(), "outcome": "solved", "note": ""})


@asynccontextmanager
async def a_desk(hub: House, username: str = "agent1", window: str = "window-1") -> AsyncIterator[Desk]:
    """Signed in and available."""
    signed_in = await asyncio.to_thread(SignedIn, hub.url, username)
    desk = Desk(hub, signed_in, window)
    await desk.client.open()
    await desk.ask("presence:set", {"state": "available"})
    try:
        yield desk
    finally:
        with contextlib.suppress(Gone):
            await desk.client.call("presence:set", {"state": "offline"})
        await desk.client.close()


@asynccontextmanager
async def a_headset(hertz: float) -> AsyncIterator[Headset]:
    headset = Headset(hertz)
    try:
        yield headset
    finally:
        await headset.close()


class Telephone:
    """A telephone with its own signalling; `phone` is its microphone and loudspeaker."""

    def __init__(self, line: Line, phone: Phone) -> None:
        self.line = line
        self.phone = phone
        self.call = ""
        self._talking: asyncio.Task[None] | None = None
        line.on_event = self._heard

    def _heard(self, event: Any) -> None:
        if isinstance(event, Offered):
            self.line.agent.accept_offer(event.call, describe(self.phone.port), self.line.now)
            self.line.transport.flush()

    def dial(self, port: int, user: str = "support", caller: str = "+493012345") -> None:
        self.call = self.line.agent.invite(
            NameAddr("", f"sip:{user}@127.0.0.1:{port}"),
            NameAddr("", f"sip:{caller}@127.0.0.1"),
            describe(self.phone.port),
            [Destination("udp", "127.0.0.1", port)],
            self.line.now,
        )
        self.line.transport.flush()

    async def answered(self) -> None:
        answer = await self.line.until(Answered)
        assert answer.sdp is not None
        self.begin_to_talk(answer.sdp)

    async def gets_through(self, port: int) -> bool:
        """Whether a new call is answered."""
        self.line.events.clear()
        self.dial(port)
        while not any(isinstance(event, Answered | Rejected) for event in self.line.events):
            await asyncio.sleep(0.02)
        if self.line.of(Rejected):
            return False
        await self.answered()
        return True

    def begin_to_talk(self, sdp: str) -> None:
        self.phone.target = ("127.0.0.1", media_port(sdp))
        self._talking = asyncio.create_task(self.phone.talk())

    async def speak_early(self) -> None:
        """Can be heard by a call that comes in, without answering it."""
        invited = await self.line.until(Invited)
        assert invited.sdp is not None
        self.line.agent.ring(invited.call, self.line.now, describe(self.phone.port))
        self.line.transport.flush()
        self.begin_to_talk(invited.sdp)

    async def pick_up(self) -> Invited:
        """Answers a call that comes in."""
        invited = await self.line.until(Invited)
        self.call = invited.call
        assert invited.sdp is not None
        self.line.agent.ring(self.call, self.line.now)
        self.line.agent.answer(self.call, describe(self.phone.port), self.line.now)
        self.line.transport.flush()
        await self.line.until(Confirmed)
        self.begin_to_talk(invited.sdp)
        return invited

    async def refuse(self, status: int) -> None:
        """Refuses a call that comes in."""
        invited = await self.line.until(Invited)
        self.line.agent.reject(invited.call, status, self.line.now)
        self.line.transport.flush()

    def hang_up(self) -> None:
        self.line.hang_up(self.call)

    async def ended(self) -> Ended:
        return await self.line.until(Ended)

    async def rejected(self) -> Rejected:
        return await self.line.until(Rejected)

    def hush(self) -> None:
        if self._talking is not None:
            self._talking.cancel()


@asynccontextmanager
async def a_telephone(hertz: float) -> AsyncIterator[Telephone]:
    async with a_line(("udp",)) as line, open_phone(hertz) as phone:
        telephone = Telephone(line, phone)
        try:
            yield telephone
        finally:
            telephone.hush()


@asynccontextmanager
async def a_page(hub: House, token: str | None = None) -> AsyncIterator[Page]:
    """A visitor's panel."""
    page = Page()
    page.client = visitor(hub.url, token, page.take)
    await page.client.open()
    try:
        yield page
    finally:
        await page.client.close()


class Record:
    """What the hub remembers, by its REST interface."""

    def __init__(self, hub: House, token: str) -> None:
        self._url = hub.url
        self.headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self._url, headers=self.headers, trust_env=False) as http:
            answer = await http.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, method: str, path: str, row: Json) -> None:
        """A row of the configuration, as `get` gave it or a new one."""
        body = {name: value for name, value in row.items() if name != "updated_at"}
        async with httpx.AsyncClient(base_url=self._url, headers=self.headers, trust_env=False) as http:
            answer = await http.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text

    async def sound(self, recording: str) -> bytes:
        """A recording's file."""
        async with httpx.AsyncClient(base_url=self._url, headers=self.headers, trust_env=False) as http:
            answer = await http.get(f"/api/v1/recordings/{recording}/audio")
        assert answer.status_code == 200, answer.text
        return answer.content

    async def contact(self, id: str) -> Json:
        found: Json = await self.get(f"contacts/{id}")
        return found

    async def newest(self) -> Json:
        found: Json = (await self.get("contacts?limit=1"))["items"][0]
        return found

    async def events(self, id: str) -> list[Json]:
        """The events of a contact, in order."""
        found: list[Json] = (await self.get(f"contacts/{id}/events"))["items"]
        return found

    async def until(self, id: str, type: str) -> Json:
        """What the event of this type says, when it is in the log."""
        while True:
            for event in await self.events(id):
                if event["type"] == type:
                    return dict(event["data"])
            await asyncio.sleep(0.05)


def a_record(hub: DemoHub) -> Record:
    """As the administrator sees it."""
    config = str(hub.folder / "demo-data" / "hub.toml")
    command = [sys.executable, "-m", "server", "--config", config, "user", "token", "admin"]
    token = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()
    return Record(hub, token)
