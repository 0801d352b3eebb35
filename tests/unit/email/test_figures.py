"""The channel's figures, with a store and without one that answers."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from channels.email.figures import Figures, measure
from hub import commands as c
from hub.bus import open_bus
from hub.clock import SystemClock
from hub.contacts import Words
from hub.mails import MailAddress, MailHealth, MailState, StoredMail
from hub.metrics import Metrics
from hub.model import AuthorKind, Channel, Customer, MessageKind
from hub.service import Hub
from hub.store import open_store


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    store = open_store(f"sqlite:///{tmp_path}/hub.db")
    await store.open()
    bus = open_bus("", "test")
    await bus.start()
    hub = Hub(store, bus, SystemClock(), b"a secret of the tests' own, 32 b")
    await store.configs.put("queue", "support", {"name": "Support"}, version=None, actor="system", at=1)
    await hub.start()
    yield hub
    await hub.stop()
    await bus.close()
    await store.close()


async def write(hub: Hub, *mails: StoredMail) -> None:
    for mail in mails:
        words = Words(
            AuthorKind.SYSTEM, None, "", "Hello.", kind=MessageKind.MAIL, id=mail.message, data={"mail": mail.id},
            mails=(mail,),
        )  # fmt: skip
        create = c.Create(Channel.EMAIL, "", "cu_1", None, "Hello", "en")
        customer = None if await hub.contacts.customers(["cu_1"]) else Customer("cu_1", "Eva", "eva@berg.example")
        await hub.contacts.create(mail.contact, create, [words], actor="system", command_id=mail.id, customer=customer)


def mail(n: int, state: MailState, at: int, send_at: int, next_at: int | None) -> StoredMail:
    return StoredMail(
        f"ma_{n}", f"ct_{n}", f"ms_{n}", "out", "support", state, at, MailAddress("support@hub.test"),
        to=(MailAddress("eva@berg.example"),), send_at=send_at, next_at=next_at,
    )  # fmt: skip


async def test_what_stands_is_asked_for_at_each_look(hub: Hub) -> None:
    metrics, now = Metrics(), hub.clock.now()
    measure(hub, metrics)
    told = (await metrics.text()).decode()
    assert 'contacthub_mail_outbox{state="queued"} 0.0' in told
    assert "contacthub_mail_outbox_oldest_seconds 0.0" in told
    tomorrow = now + 86_400_000
    await write(
        hub,
        mail(1, MailState.QUEUED, now - 900_000, tomorrow, tomorrow),
        mail(2, MailState.QUEUED, now - 500_000, now - 400_000, now + 60_000),
        mail(3, MailState.SENDING, now - 1000, now - 1000, now + 60_000),
        mail(4, MailState.SENT, now - 9_000_000, now - 9_000_000, None),
    )
    hub.mail_health = lambda: [
        MailHealth("support", "Support", "trouble", "No.", "auth"),
        MailHealth("sales", "Sales", "backlog", backlog_total=100, backlog_taken=40),
    ]
    told = (await metrics.text()).decode()
    assert 'contacthub_mail_outbox{state="queued"} 2.0' in told
    assert 'contacthub_mail_outbox{state="sending"} 1.0' in told
    oldest = float(told.partition("\ncontacthub_mail_outbox_oldest_seconds ")[2].partition("\n")[0])
    assert 400 <= oldest < 500
    assert 'contacthub_mailbox_state{code="auth",mailbox="support",state="trouble"} 1.0' in told
    assert 'contacthub_mailbox_backlog{mailbox="sales"} 60.0' in told


async def test_a_store_that_does_not_answer_leaves_out_what_it_knows(hub: Hub, tmp_path: Path) -> None:
    metrics = Metrics()
    figures = measure(hub, metrics)
    figures.received.labels("support", "created").inc()

    def break_it() -> None:
        with contextlib.closing(sqlite3.connect(tmp_path / "hub.db")) as database:
            database.execute("ALTER TABLE mails RENAME TO gone")

    await asyncio.to_thread(break_it)
    told = (await metrics.text()).decode()
    assert 'contacthub_mail_received_total{mailbox="support",outcome="created"} 1.0' in told
    assert "contacthub_mail_outbox{" not in told


def test_two_in_one_process_count_apart() -> None:
    one, other = Figures(CollectorRegistry()), Figures(CollectorRegistry())
    one.tries.labels("support", "taken").inc()
    assert next(iter(other.tries.collect())).samples == []
