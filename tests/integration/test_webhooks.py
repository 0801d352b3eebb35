"""Webhooks: real receivers on this machine, a real store, and the clock by hand where a day has to pass."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from hub import commands as c
from hub.bus import LocalBus
from hub.clock import ManualClock
from hub.contacts import Words
from hub.errors import InvalidInput, NotFound, Refused, Unavailable
from hub.metrics import Metrics
from hub.model import AuthorKind, Channel, Customer
from hub.outbound import check_address_literal, resolve
from hub.ports import Delivery
from hub.service import Hub
from hub.store import SqlStore, open_store
from hub.webhooks import GIVE_UP_MS, READER, Webhooks, pause_ms, signature

SECRET = "s3cret"
DAY_MS = 24 * 3600_000


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass
class Receiver:
    """A small web server. `answer` says what each request gets: a status, or seconds to keep silent (negative)."""

    answer: Callable[[Received], int] = lambda received: 204
    got: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        received = Received(dict(request.headers), await request.body())
        self.got.append(received)
        status = self.answer(received)
        if status < 0:
            await asyncio.sleep(-status)
        response = RedirectResponse("/elsewhere", status) if 300 <= status < 400 else Response(status_code=abs(status))
        await response(scope, receive, send)

    async def wait_for(self, count: int) -> list[Received]:
        async with asyncio.timeout(60):
            while len(self.got) < count:
                await asyncio.sleep(0.02)
        return self.got


@contextlib.asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    listener = socket.create_server(("127.0.0.1", 0))
    receiver.port = listener.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(receiver, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield receiver
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as running:
        yield running


@dataclass
class House:
    hub: Hub
    clock: ManualClock
    webhooks: Webhooks
    store: SqlStore

    async def webhook(self, id: str, url: str, **values: Any) -> None:
        data = {"name": id, "url": url, "types": ["contact.*"], "secret": SECRET, "enabled": True, **values}
        known = await self.store.configs.get("webhook", id)
        version = known.version if known else None
        await self.store.configs.put("webhook", id, data, version=version, actor="x", at=1)
        await self.hub.directory.refresh("webhook", id)

    async def contact(self, name: str) -> str:
        """A new contact: `contact.created`, then `contact.queued`."""
        customer = Customer(f"cu_{name}", name.capitalize(), created_at=1)
        create = c.Create(Channel.CHAT, "shop", customer.id)
        outcome = await self.hub.contacts.create(
            f"ct_{name}", create, [c.Enqueue("q", {})], actor="x", command_id=name, customer=customer
        )
        return outcome.row.contact.id

    async def deliveries(self, webhook: str = "crm") -> list[Delivery]:
        return (await self.store.webhooks.page(webhook, limit=200))[::-1]

    async def until(self, done: Callable[[list[Delivery]], bool], webhook: str = "crm") -> list[Delivery]:
        async with asyncio.timeout(60):
            while not done(found := await self.deliveries(webhook)):
                await asyncio.sleep(0.02)
        return found

    def later(self, ms: int) -> None:
        """Time passes, and the sender looks at the clock."""
        self.clock.advance(ms)
        self.webhooks.wake()


@contextlib.asynccontextmanager
async def opened(folder: Path, *, allow_private: bool = True) -> AsyncIterator[House]:
    store = open_store(f"sqlite:///{folder / 'hub.db'}")
    await store.open()
    clock = ManualClock(1_800_000_000_000)
    hub = Hub(store, LocalBus(), clock, b"secret")
    await hub.start()
    webhooks = Webhooks(hub, Metrics(), allow_private=allow_private)
    await webhooks.start()
    try:
        yield House(hub, clock, webhooks, store)
    finally:
        await webhooks.stop()
        await hub.stop()
        await store.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path) as house:
        yield house


def all_delivered(count: int) -> Callable[[list[Delivery]], bool]:
    return lambda found: len(found) == count and all(d.state == "delivered" for d in found)


async def test_a_receiver_can_check_what_it_gets(house: House, receiver: Receiver) -> None:
    await house.webhook("crm", receiver.url)
    id = await house.contact("ada")
    created, queued = await receiver.wait_for(2)
    assert (created.data["type"], queued.data["type"]) == ("contact.created", "contact.queued")
    assert set(created.data) == {"id", "type", "at", "data"}
    stamp = created.headers["x-contacthub-timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + created.body, sha256).hexdigest()
    assert created.headers["x-contacthub-signature"] == f"sha256={expected}"
    assert created.headers["x-contacthub-delivery"] == created.data["id"]
    assert int(stamp) == house.clock.now() // 1000
    assert created.headers["content-type"] == "application/json"
    contact = created.data["data"]["contact"]
    assert contact["id"] == id and contact["customer"]["name"] == "Ada"
    assert queued.data["data"]["event"]["queue"] == "q"
    found = await house.until(all_delivered(2))
    assert [delivery.status for delivery in found] == [204, 204]


async def test_messages_bring_their_text(house: House, receiver: Receiver) -> None:
    await house.webhook("crm", receiver.url, types=["message.added"])
    id = await house.contact("ada")
    words = Words(AuthorKind.VISITOR, "vi_1", "Ada", "你好，包裹在哪里？")
    await house.hub.contacts.say(id, words, actor="vi_1", command_id="message-1")
    queued, said = [got.data["data"]["message"] for got in await receiver.wait_for(2)]
    assert (queued["code"], said["text"]) == ("queued", "你好，包裹在哪里？")


async def test_only_what_was_asked_for(house: House, receiver: Receiver) -> None:
    await house.webhook("crm", receiver.url, types=["contact.queued"])
    await house.webhook("off", receiver.url, enabled=False)
    await house.contact("ada")
    await house.contact("ben")
    await house.until(all_delivered(2))
    assert {entry.data["type"] for entry in receiver.got} == {"contact.queued"}
    assert await house.deliveries("off") == []


async def test_order_is_kept_per_contact_and_others_go_on(house: House, receiver: Receiver) -> None:
    failing = {"ct_ada"}
    receiver.answer = lambda got: 503 if got.data["data"]["stream"] in failing else 200
    await house.webhook("crm", receiver.url)
    await house.contact("ada")
    await house.contact("ben")
    await house.until(lambda found: sum(d.state == "delivered" for d in found) == 2)
    waiting = [d for d in await house.deliveries() if d.contact == "ct_ada"]
    assert [(d.state, d.attempts) for d in waiting] == [("pending", 1), ("pending", 0)]
    assert waiting[0].status == 503 and waiting[0].next_at and waiting[0].next_at > house.clock.now()
    failing.clear()
    house.later(60_000)
    await house.until(all_delivered(4))
    order = [got.data["type"] for got in receiver.got if got.data["data"]["stream"] == "ct_ada"]
    assert order == ["contact.created", "contact.created", "contact.queued"]
    ids = [got.data["id"] for got in receiver.got if got.data["data"]["stream"] == "ct_ada"]
    assert ids[0] == ids[1], "a retry is known by its id"


async def test_gives_up_after_a_day_and_can_be_sent_again(house: House, receiver: Receiver) -> None:
    receiver.answer = lambda got: 500
    await house.webhook("crm", receiver.url, types=["contact.created"])
    await house.contact("ada")
    started = house.clock.now()
    found = await house.until(lambda found: bool(found) and found[0].attempts == 1)
    attempts = 1
    while found[0].state == "pending":
        assert found[0].next_at is not None
        house.later(found[0].next_at - house.clock.now())
        attempts += 1
        found = await house.until(lambda found, n=attempts: found[0].attempts == n)  # type: ignore[misc]
    assert found[0].state == "failed" and house.clock.now() - started >= GIVE_UP_MS
    assert 24 <= attempts <= 60
    receiver.answer = lambda got: 200
    await house.webhooks.resend(found[0].id, by="us_1")
    await house.until(all_delivered(1))
    with pytest.raises(NotFound):
        await house.webhooks.resend("de_none", by="us_1")
    assert "webhook.resent" in [entry.action for entry in await house.store.configs.audit_log()]


async def test_silence_redirects_and_dead_ends_are_failures(
    house: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.webhooks.TIMEOUT_S", 0.3)
    receiver.answer = lambda got: -2
    await house.webhook("slow", receiver.url, types=["contact.created"])
    async with listening(Receiver(answer=lambda got: 302)) as moved:
        await house.webhook("moved", moved.url, types=["contact.created"])
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        await house.webhook("dead", f"http://127.0.0.1:{port}/", types=["contact.created"])
        await house.webhook("lost", "http://no-such-host.invalid/", types=["contact.created"])
        await house.contact("ada")
        errors = {}
        for id in ("slow", "moved", "dead", "lost"):
            found = await house.until(lambda found: bool(found) and found[0].attempts == 1, id)
            assert found[0].state == "pending"
            errors[id] = found[0].error or ""
        assert len(moved.got) == 1, "a redirect is not followed"
    assert "No answer" in errors["slow"] and "redirect" in errors["moved"]
    assert "Connect" in errors["dead"] and "looked up" in errors["lost"]


async def test_switching_off_fails_what_waits(house: House, receiver: Receiver) -> None:
    receiver.answer = lambda got: 500
    await house.webhook("crm", receiver.url, types=["contact.created"])
    await house.contact("ada")
    await house.until(lambda found: bool(found) and found[0].attempts == 1)
    await house.webhook("crm", receiver.url, types=["contact.created"], enabled=False)
    house.later(DAY_MS)
    found = await house.until(lambda found: found[0].state == "failed")
    assert len(receiver.got) == 1 and "switched off" in (found[0].error or "")


async def test_one_slow_receiver_does_not_hold_up_the_others(house: House, receiver: Receiver) -> None:
    async with listening(Receiver(answer=lambda got: -3)) as slow:
        await house.webhook("slow", slow.url, types=["contact.created"])
        await house.webhook("crm", receiver.url, types=["contact.created"])
        for n in range(20):
            await house.contact(f"c{n}")
        async with asyncio.timeout(2.5):
            await house.until(all_delivered(20))
        assert len(slow.got) <= 4


async def test_nothing_is_lost_or_doubled_when_the_hub_dies(tmp_path: Path, receiver: Receiver) -> None:
    """The reader stops before its cursor was written, and while an attempt is under way."""
    receiver.answer = lambda got: -5
    async with opened(tmp_path) as house:
        await house.webhook("crm", receiver.url, types=["contact.created"])
        await house.contact("ada")
        await receiver.wait_for(1)
        cursor = await house.store.cursor(READER)
        await house.store.set_cursor(READER, max(0, cursor - 3))
    receiver.answer = lambda got: 200
    async with opened(tmp_path) as house:
        await house.contact("ben")
        await house.until(lambda found: len(found) == 2)
        house.later(60_000)  # the claim of the attempt that was cut short is over
        found = await house.until(all_delivered(2))
    assert len({delivery.id for delivery in found}) == 2
    assert [got.data["data"]["stream"] for got in receiver.got].count("ct_ben") == 1


async def test_a_failing_reader_goes_on_at_its_cursor(house: House, receiver: Receiver) -> None:
    await house.webhook("crm", receiver.url, types=["contact.created"])
    enqueue, failures = house.store.webhooks.enqueue, iter([1, 1])

    async def sometimes(deliveries: Any, *, reader: str, cursor: int) -> None:
        if next(failures, 0):
            raise Unavailable("The database is locked.")
        await enqueue(deliveries, reader=reader, cursor=cursor)

    house.store.webhooks.enqueue = sometimes  # type: ignore[method-assign]
    await house.contact("ada")
    await house.contact("ben")
    await house.until(all_delivered(2))
    reader = house.hub.feed.readers[READER]
    assert reader.failures == 2 and "locked" in (reader.last_error or "")


async def test_private_addresses_are_refused_unless_allowed(tmp_path: Path, receiver: Receiver) -> None:
    async with opened(tmp_path, allow_private=False) as house:
        await house.webhook("crm", receiver.url, types=["contact.created"])
        await house.contact("ada")
        found = await house.until(lambda found: bool(found) and found[0].attempts == 1)
    assert "private" in (found[0].error or "") and receiver.got == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "10.1.2.3", "172.16.0.1",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "localhost.",
    ],
)  # fmt: skip
async def test_inner_addresses_however_written(host: str) -> None:
    with pytest.raises(Refused) as refused:
        await resolve(f"http://{host}/", allow_private=False)
    assert refused.value.code == "webhook.address"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://[::1]/", "http://localhost:8000/x", "https://db.internal/"]
)
def test_addresses_that_say_so_themselves_are_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_address_literal(url, allow_private=False)
    check_address_literal(url, allow_private=True)


async def test_what_is_connected_to_is_what_was_checked() -> None:
    target = await resolve("https://1.1.1.1:8443/a/b?c=d", allow_private=False)
    assert (target.url, target.host, target.header) == ("https://1.1.1.1:8443/a/b?c=d", "1.1.1.1", "1.1.1.1:8443")
    target = await resolve("http://localhost/hook", allow_private=True)
    assert target.url in ("http://127.0.0.1:80/hook", "http://[::1]:80/hook") and target.host == "localhost"
    for url in ("ftp://example.org/", "http:///x"):
        with pytest.raises(Refused):
            await resolve(url, allow_private=True)


def test_pauses_grow_and_are_spread() -> None:
    for attempts in range(1, 40):
        longest = min(3600_000, 5000 * 2 ** (attempts - 1))
        pauses = {pause_ms(attempts) for _ in range(20)}
        assert all(longest * 0.5 <= pause <= longest * 1.5 for pause in pauses) and len(pauses) > 1


def test_signature_is_of_time_and_body() -> None:
    assert signature("k", "1", "{}") != signature("k", "2", "{}") != signature("k", "1", "{ }")
