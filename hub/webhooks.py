"""Webhooks: a reader of the log writes deliveries beside its cursor, a sender brings them out, in order per contact."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import random
import ssl
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

import httpx
import msgspec
import structlog
from msgspec.structs import replace

from hub import config_rows as rows
from hub.errors import NotFound, Refused
from hub.events import (
    CallbackMessage,
    CallbackMoved,
    ConfigChanged,
    CustomerChanged,
    MessageAdded,
    Recorded,
    to_dict,
    type_of,
)
from hub.metrics import Metrics
from hub.model import AuditEntry, Millis
from hub.outbound import resolve
from hub.ports import Delivery
from hub.service import Hub
from hub.views import customer_json

log = structlog.get_logger(__name__)

READER = "webhooks"
GIVE_UP_MS = 24 * 3600_000
FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 3600_000
TIMEOUT_S = 10.0
# An attempt that a crash cut short is made again after this time.
CLAIM_MS = 30_000
AT_ONCE = 16
AT_ONCE_PER_WEBHOOK = 4
# How often the cursor is written when there was nothing to deliver.
CURSOR_EVERY_MS = 5_000
LOOK_EVERY_S = 5.0


def signature(secret: str, timestamp: str, body: str) -> str:
    """The value of X-ContactHub-Signature."""
    mac = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), sha256)
    return f"sha256={mac.hexdigest()}"


def pause_ms(attempts: int) -> Millis:
    """How long to wait after so many attempts that failed: doubling, at most an hour, spread by half."""
    pause = min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** min(attempts - 1, 20))
    return int(pause * (0.5 + random.random()))


def wants(webhook: rows.Webhook, type: str) -> bool:
    return webhook.enabled and any(fnmatchcase(type, pattern) for pattern in webhook.types)


def contact_of(recorded: Recorded) -> str | None:
    """The contact that an event is about: in order with its others; a callback's are its contact's."""
    if recorded.stream.startswith("ct_"):
        return recorded.stream
    event = recorded.event
    return (event.contact or None) if isinstance(event, CallbackMoved | CallbackMessage) else None


class Webhooks:
    """`failures` and `last_error` are of the sender itself, not of the receivers it meets."""

    def __init__(self, hub: Hub, metrics: Metrics, *, allow_private: bool = False) -> None:
        self._hub, self._metrics, self.allow_private = hub, metrics, allow_private
        self._wake = asyncio.Event()
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        hub.leadership.on_change(lambda leads: self._wake.set())
        self._opening = asyncio.Lock()
        self._cursor_written: Millis = 0
        self.failures = 0
        self.last_error: str | None = None

    async def start(self) -> None:
        """After the hub has started: the reader goes on at its cursor, the sender with what is due."""
        feed = self._hub.feed
        feed.add(READER, self.read, await self._hub.store.cursor(READER), behind=feed.readers["state"])
        self._task = asyncio.create_task(self._run(), name="webhooks.sender")

    async def stop(self) -> None:
        """Attempts that are under way are cut short; they are made again at the next start."""
        tasks = [*([self._task] if self._task else []), *self._sending.values()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._client is not None:
            await self._client.aclose()

    def wake(self) -> None:
        """Looks at once at what is due."""
        self._wake.set()

    # --- from the log to deliveries -------------------------------------------------------------------------------

    async def read(self, batch: Sequence[Recorded]) -> None:
        """The log reader: one delivery for each event and each webhook that wants it, and the cursor behind them."""
        webhooks = self._hub.directory.webhooks()
        now = self._hub.clock.now()
        found: list[Delivery] = []
        for recorded in batch:
            wanted = [id for id, webhook in webhooks.items() if wants(webhook, type_of(recorded.event))]
            if wanted:
                data = await self._data(recorded)
                found += [self._delivery(id, recorded, data, now) for id in wanted]
        if found or now - self._cursor_written >= CURSOR_EVERY_MS:
            # A cursor that lags does no harm: ids of deliveries follow from the event, so none is made twice.
            await self._hub.store.webhooks.enqueue(found, reader=READER, cursor=batch[-1].seq)
            self._cursor_written = now
        if found:
            self._wake.set()

    def _delivery(self, webhook: str, recorded: Recorded, data: dict[str, Any], now: Millis) -> Delivery:
        id = "de_" + sha256(f"{webhook} {recorded.seq} {recorded.at}".encode()).hexdigest()[:26]
        body = {"id": id, "type": type_of(recorded.event), "at": recorded.at, "data": data}
        return Delivery(
            id,
            webhook,
            recorded.seq,
            contact_of(recorded),
            type_of(recorded.event),
            msgspec.json.encode(body).decode(),
            now,
            next_at=now,
        )

    async def _data(self, recorded: Recorded) -> dict[str, Any]:
        """The event, and the thing it is about as it is now."""
        event = recorded.event
        fields = to_dict(event)
        del fields["type"]
        data: dict[str, Any] = {
            "seq": recorded.seq,
            "stream": recorded.stream,
            "version": recorded.version,
            "actor": recorded.actor,
            "event": fields,
        }
        match event:
            case CustomerChanged():
                customer = (await self._hub.contacts.customers([recorded.stream])).get(recorded.stream)
                data["customer"] = customer_json(customer) if customer else None
            case ConfigChanged():
                pass
            case _ if recorded.stream.startswith("ct_"):
                row = (await self._hub.contacts.many([recorded.stream])).get(recorded.stream)
                data["contact"] = await self._hub.views.for_agent(row) if row else None
                if isinstance(event, MessageAdded):
                    message = await self._hub.contacts.message(event.message)
                    data["message"] = self._hub.views.message(message, for_visitor=False) if message else None
        return data

    # --- from deliveries to receivers -----------------------------------------------------------------------------

    async def resend(self, id: str, *, by: str) -> Delivery:
        """Puts a delivery in line again, whatever became of it; the receiver knows it by its id."""
        delivery = await self._hub.store.webhooks.get(id)
        if delivery is None:
            raise NotFound("delivery", id)
        if id in self._sending:
            return delivery
        now = self._hub.clock.now()
        delivery = replace(delivery, state="pending", attempts=0, next_at=now, error=None, delivered_at=None)
        await self._hub.store.webhooks.update(delivery)
        entry = AuditEntry(0, now, by, "webhook.resent", "webhook", delivery.webhook, None, {"delivery": id})
        await self._hub.store.configs.audit(entry)
        self._wake.set()
        return delivery

    async def _run(self) -> None:
        pause = 0.5
        while True:
            try:
                await self._send_due()
                await self._sleep()
                pause = 0.5
            except Exception as error:
                self.failures += 1
                self.last_error = f"{type(error).__name__}: {error}"
                log.exception("webhooks.sender_failed")
                await asyncio.sleep(pause * (0.5 + random.random()))
                pause = min(pause * 2, 30.0)

    async def _sleep(self) -> None:
        due = await self._hub.store.webhooks.next_due()
        wait = LOOK_EVERY_S
        if due is not None:
            # What is due and was not taken waits for a free place, whose end wakes us.
            left = (due - self._hub.clock.now()) / 1000
            wait = min(LOOK_EVERY_S, left if left > 0 else 1.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._wake.wait()
        self._wake.clear()

    async def _send_due(self) -> None:
        if not self._hub.leadership.leads:
            return
        now = self._hub.clock.now()
        for delivery in await self._hub.store.webhooks.due(now, limit=500):
            if len(self._sending) >= AT_ONCE:
                return
            if delivery.id in self._sending or self._busy[delivery.webhook] >= AT_ONCE_PER_WEBHOOK:
                continue
            claimed = replace(delivery, next_at=now + CLAIM_MS)
            await self._hub.store.webhooks.update(claimed)
            self._busy[delivery.webhook] += 1
            task = asyncio.create_task(self._attempt(claimed), name=f"webhook.{delivery.id}")
            self._sending[delivery.id] = task
            task.add_done_callback(lambda _, ended=claimed: self._ended(ended))  # type: ignore[misc]

    def _ended(self, delivery: Delivery) -> None:
        self._sending.pop(delivery.id, None)
        self._busy[delivery.webhook] -= 1
        if self._busy[delivery.webhook] <= 0:
            del self._busy[delivery.webhook]
        self._wake.set()

    async def _attempt(self, delivery: Delivery) -> None:
        webhook = self._hub.directory.webhooks().get(delivery.webhook)
        if webhook is None or not webhook.enabled:
            done = replace(delivery, state="failed", next_at=None, error="The webhook was switched off.")
        else:
            status, error = await self._post(webhook, delivery)
            done = self._after(delivery, status, error)
        self._metrics.webhooks.labels("retry" if done.state == "pending" else done.state).inc()
        try:
            await self._hub.store.webhooks.update(done)
        except Exception as problem:
            # The claim runs out and the attempt is made again: twice is what receivers must stand anyway.
            self.failures += 1
            self.last_error = f"{type(problem).__name__}: {problem}"
            log.exception("webhooks.update_failed", delivery=delivery.id)

    def _after(self, delivery: Delivery, status: int | None, error: str | None) -> Delivery:
        now = self._hub.clock.now()
        attempts = delivery.attempts + 1
        if error is None:
            return replace(
                delivery,
                state="delivered",
                attempts=attempts,
                status=status,
                error=None,
                next_at=None,
                delivered_at=now,
            )
        late = now - delivery.created_at >= GIVE_UP_MS
        return replace(
            delivery,
            state="failed" if late else "pending",
            attempts=attempts,
            status=status,
            error=error,
            next_at=None if late else now + pause_ms(attempts),
        )

    async def _client_for_all(self) -> httpx.AsyncClient:
        """Made for the first attempt: reading the machine's certificates takes a while."""
        async with self._opening:
            if self._client is None:
                # No connection is kept: one that was checked for one host must not serve another one at the same
                # address.
                self._client = httpx.AsyncClient(
                    verify=await asyncio.to_thread(ssl.create_default_context),
                    timeout=TIMEOUT_S,
                    trust_env=False,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0),
                    headers={"User-Agent": "ContactHub-Webhook/1"},
                )
        return self._client

    async def _post(self, webhook: rows.Webhook, delivery: Delivery) -> tuple[int | None, str | None]:
        """The receiver's status, and what went wrong (None: it took it)."""
        client = await self._client_for_all()
        timestamp = str(self._hub.clock.now() // 1000)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                target = await resolve(webhook.url, allow_private=self.allow_private)
                async with client.stream(
                    "POST",
                    target.url,
                    content=delivery.body.encode(),
                    headers={
                        "Host": target.header,
                        "Content-Type": "application/json",
                        "X-ContactHub-Signature": signature(webhook.secret, timestamp, delivery.body),
                        "X-ContactHub-Timestamp": timestamp,
                        "X-ContactHub-Delivery": delivery.id,
                    },
                    extensions={"sni_hostname": target.host},
                ) as response:
                    status = response.status_code
        except Refused as error:
            return None, error.message
        except TimeoutError:
            return None, f"No answer within {TIMEOUT_S:.0f} s."
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return None, f"{type(error).__name__}: {error}"[:300]
        if 200 <= status < 300:
            return status, None
        if 300 <= status < 400:
            return status, f"Answered {status}; redirects are not followed."
        return status, f"Answered {status}."
