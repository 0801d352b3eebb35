"""The demo's data: written once, the same each time, and as if it had really happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.email.triage import Incoming, Sorter
from hub import config_rows, demo
from hub.demo_history import told
from hub.directory import Directory
from hub.model import Contact, Millis
from hub.permissions import Permission, may
from hub.ports import ContactFilter
from hub.store import SqlStore, open_store
from mail.language import language_of
from mail.model import Mail

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/hub.db")
    await opened.open()
    yield opened
    await opened.close()


async def contacts(store: SqlStore) -> list[Contact]:
    return [row.contact for row in await store.contacts.page(ContactFilter(), limit=200)]


async def test_second_start_adds_nothing(store: SqlStore) -> None:
    await demo.seed(store, 8000)
    head = await store.log.head()
    await demo.seed(store, 8000)
    assert await store.log.head() == head


async def test_start_that_was_cut_off_is_made_up_for(store: SqlStore) -> None:
    """Filled again from the beginning, it holds nothing twice."""
    await demo.seed(store, 8000)
    head, before = await store.log.head(), await contacts(store)
    await store.set_cursor("demo", 0)
    await demo.seed(store, 8000)
    assert await store.log.head() == head
    assert await contacts(store) == before


async def test_history_is_whole(store: SqlStore) -> None:
    await demo.seed(store, 8000)
    log = await store.log.read(0, 5000)
    now = log[0].at
    history = [recorded for recorded in log if recorded.stream.startswith("ct_")]
    assert [recorded.at for recorded in history] == sorted(recorded.at for recorded in history)
    assert now - 30 * DAY_MS < history[0].at < now - 29 * DAY_MS
    assert history[-1].at < now

    found = await contacts(store)
    story = await asyncio.to_thread(told)
    assert len(found) == len(story.contacts) >= 40
    assert all(contact.closed_at is not None for contact in found)
    assert {contact.customer for contact in found} == {c.id for c in await store.people.list_customers(limit=200)}
    answered = [contact for contact in found if not contact.abandoned]
    outcomes = {row.id for row in await store.configs.rows("outcome")}
    assert {contact.outcome for contact in answered} <= outcomes
    assert sum(contact.rating is not None for contact in answered) > 20
    users = {user.id: user for user in await store.accounts.users()}
    queues = {row.id: config_rows.read(config_rows.Queue, row.data) for row in await store.configs.rows("queue")}
    for contact in answered:
        assert contact.connected_at is not None
        assert_order(contact, contact.created_at, contact.queued_at, contact.connected_at, contact.ended_at)
        # Nobody handled what he has no skill for.
        agent = users[contact.agent or ""]
        assert may(agent, Permission.CONTACT_HANDLE)
        queue = queues[contact.queue or ""]
        needed = queue.relax[-1].skills if queue.relax else queue.skills
        assert all(agent.skills.get(skill, 0) >= level for skill, level in needed.items()), contact.subject


def assert_order(contact: Contact, *times: Millis | None) -> None:
    assert list(times) == sorted(at or 0 for at in times), contact


async def test_signed_customers_are_found_by_their_identity(store: SqlStore) -> None:
    """Clara signs in to the shop: her earlier conversations are hers."""
    await demo.seed(store, 8000)
    clara = await store.people.by_identity("external:demo", "mk-1042")
    assert clara is not None
    assert clara.verified
    assert clara.name == "Clara Berg"
    assert len(await store.contacts.page(ContactFilter(customer=clara.id))) == 2


async def test_rows_are_right(store: SqlStore) -> None:
    """Nothing that the demo writes would be refused from an administrator."""
    await demo.seed(store, 8000)
    for kind, struct in config_rows.KINDS.items():
        for found in await store.configs.rows(kind):
            config_rows.read(struct, found.data)


async def test_origins_follow_the_port(store: SqlStore) -> None:
    await demo.seed(store, 8000)
    await demo.seed(store, 9000)
    site = await store.configs.get("site", "demo")
    assert site is not None
    assert site.data["allowed_origins"] == [
        f"http://{host}:{port}" for port in (8000, 9000) for host in ("127.0.0.1", "localhost")
    ]


async def test_row_of_an_earlier_edition_is_renewed_unless_somebody_changed_it(store: SqlStore) -> None:
    """Who has a demo already gets the rule by which mails in Chinese come to their agent at once, too."""

    async def rule() -> Any:
        found = await store.configs.get("mail_rule", "chinese")
        assert found is not None
        return found

    await demo.seed(store, 8000)
    now = (await rule()).data
    (before,) = [data for kind, id, data in demo.EARLIER if (kind, id) == ("mail_rule", "chinese")]
    for stood, becomes in ((before, now), (before | {"name": "My own"}, before | {"name": "My own"})):
        version = (await rule()).version
        await store.configs.put("mail_rule", "chinese", stood, version=version, actor="system", at=1)
        await store.set_cursor("demo", 3)
        await demo.seed(store, 8000)
        assert (await rule()).data == becomes


async def test_mail_lands_at_once_with_who_can_read_it(store: SqlStore) -> None:
    """Before any relaxation: whoever has what its queue asks for first, and what triage adds."""
    await demo.seed(store, 8000)
    directory = Directory(store)
    await directory.load()
    for words, mailbox, takes_it in (
        ("我的茶壶漏水了，可以退货吗？请尽快回复，谢谢。", "support", {"agent2"}),
        ("你们的茶杯还有蓝色的吗？我想买六个送给朋友。", "sales", {"agent2"}),
        ("请把上个月的发票寄给我，谢谢。", "billing", {"agent1", "agent3"}),
        ("My teapot leaks. Can I send it back?", "support", {"agent1"}),
    ):
        mail = Mail(text=words, language=await asyncio.to_thread(language_of, words))
        found = await Sorter(directory)(Incoming(mail, mailbox, directory.mailboxes()[mailbox]))
        asked = directory.queue(found.queue).skills | found.skills
        able = {
            user.username
            for user in directory.users().values()
            if may(user, Permission.CONTACT_HANDLE)
            and all(user.skills.get(skill, 0) >= level for skill, level in asked.items())
        }
        assert able == takes_it, words
