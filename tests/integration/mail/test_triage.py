"""Triage from end to end: rules place what comes, are tried on what came, and how they did is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.email.acknowledge import Acknowledger
from channels.email.classifier import Classifier
from channels.email.dry_run import DryRuns
from channels.email.triage import Sorter
from hub import commands as c
from hub import events as e
from hub.config_email import Email
from hub.config_rows import MailRule, read
from hub.model import Phase, Role, User
from hub.sorting import DryRun
from mail.worker import ParserPool
from tests.integration.mail.receiving import SECRET, Post, post


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Post]:
    async with post(tmp_path) as found:
        found.receiver.triage = Sorter(found.hub.directory)
        await found.mailbox("support", language="en")
        yield found


async def put(hub: Post, kind: str, id: str, **row: Any) -> None:
    configs = hub.hub.store.configs
    known = await configs.get(kind, id)
    data = {"name": id, **row}
    await configs.put(kind, id, data, version=known.version if known else None, actor="system", at=1)
    await hub.hub.directory.refresh(kind, id)


def about(value: str, fact: str = "subject", op: str = "contains") -> list[dict[str, str]]:
    return [{"fact": fact, "op": op, "value": value}]


async def events(hub: Post, contact: str) -> list[e.AnyEvent]:
    return [recorded.event for recorded in await hub.hub.store.log.stream(contact)]


async def test_rules_place_a_new_mail_and_leave_a_reply_where_it_is(hub: Post) -> None:
    await put(hub, "skill", "german")
    await put(
        hub, "mail_rule", "money", when=about(r"rechnung|invoice \d+", op="regex"), queue="sales",
        skills={"german": 2, "gone": 5}, priority=7, tags=["money"], language="de-AT", owner="us_ada",
    )  # fmt: skip
    await hub.hub.store.accounts.put_user(User("us_ada", "ada", "Ada", Role.AGENT), version=None, actor="system", at=1)
    await hub.hub.directory.refresh("user", "us_ada")
    await put(hub, "mail_rule", "urgent", when=about("1", "header.X-Priority", "is"), priority=20, order=200)
    await put(hub, "mail_rule", "lost", when=about("support+lost@hub.test", "to", "is"), queue="nowhere", tags=["lost"])
    first = await hub.deliver(hub.letter("Bitte prüfen.", Subject="Rechnung falsch", X_Priority="1"))
    contact = await hub.contact(first.contact)
    assert (contact.queue, contact.priority, contact.tags, contact.language) == ("sales", 27, ("money",), "de-AT")
    assert (contact.requirements, contact.preferred) == ({"german": 2}, "us_ada")
    assert contact.rules == ("mail:money", "mail:urgent")
    assert contact.placed == "sales"
    # A rule to a queue that is gone does what else it says.
    other = await hub.contact((await hub.deliver(hub.letter(), to=("support+lost@hub.test",))).contact)
    assert (other.queue, other.tags, other.rules) == ("support", ("lost",), ("mail:lost",))
    # What continues a contact is not sorted anew.
    sent = await hub.answered(other.id)
    reply = hub.letter("invoice 12", Subject="invoice 12", In_Reply_To=f"<{sent.message_id}>")
    again = await hub.deliver(reply, to=(sent.reply_to[0].address,))
    assert again.contact == other.id
    assert (await hub.contact(other.id)).queue == "support"


async def tried(hub: Post, *rules: MailRule, limit: int = 10, mailbox: str | None = None) -> DryRun:
    pool = ParserPool(1)
    await pool.start()
    try:
        runs = DryRuns(hub.hub, hub.files, pool)
        return await runs.run({f"r{n}": rule for n, rule in enumerate(rules)}, mailbox, None, None, limit)
    finally:
        await pool.stop()


async def test_rules_are_tried_on_past_mails_and_change_nothing(hub: Post) -> None:
    one = await hub.deliver(hub.letter(Subject="Invoice 1", X_Origin="Shop"))
    two = await hub.deliver(hub.letter("The invoice, please.", Subject="Other", From="Bo <bo@lake.example>"))
    before = [await hub.contact(each.contact) for each in (one, two)]
    by_subject = read(MailRule, {"name": "s", "when": about("invoice"), "queue": "sales", "tags": ["a"]})
    by_header = read(MailRule, {"name": "h", "when": about("shop", "header.X-Origin", "is"), "priority": 3})
    found = await tried(hub, by_subject, by_header)
    assert found.whole
    assert [(each.contact, each.would_queue, each.would.rules) for each in found.mails] == [
        (two.contact, "support", ()),
        (one.contact, "sales", ("r0", "r1")),
    ]
    assert (found.mails[1].placed, found.mails[1].queue, found.mails[1].would.priority) == ("support", "support", 3)
    assert [each.contact for each in (await tried(hub, by_subject, limit=1)).mails] == [two.contact]
    assert (await tried(hub, by_subject, mailbox="sales")).mails == []
    assert [await hub.contact(each.contact) for each in (one, two)] == before


async def test_mails_that_were_acknowledged_are_tried_and_learned_from_like_others(hub: Post) -> None:
    """The acknowledgement is none of the mails that began a contact, although it is of the same moment."""
    await hub.mailbox("support", language="en", acknowledge=True, outbound={"kind": "demo"})
    hub.receiver.answer = Acknowledger(hub.hub, SECRET)
    contacts = set()
    for number in range(8):
        sender = f"Eva <eva{number}@berg.example>"
        contact = (await hub.deliver(hub.letter(Subject=f"Invoice {number}", From=sender))).contact
        assert [each.direction for each in await hub.mails(contact)] == ["in", "out"]
        await hub.served(contact)
        await hub.answered(contact)
        contacts.add(contact)
    found = await tried(hub, read(MailRule, {"name": "s", "when": about("invoice"), "queue": "sales"}))
    assert {each.contact for each in found.mails if each.would.queue == "sales"} == contacts
    samples = await Classifier(hub.hub, Email())._samples()
    assert sorted(sample.text.splitlines()[0] for sample in samples) == [f"Invoice {number}" for number in range(8)]


async def test_what_is_not_answered_in_time_is_escalated(hub: Post) -> None:
    await hub.hub.leadership.start()
    await put(hub, "queue", "support", answer={"first": 60, "next": 30, "raise_by": 10})
    contact = (await hub.deliver(hub.letter())).contact
    row = await hub.hub.contacts.get(contact)
    due = (await hub.hub.views.for_agent(row))["due"]
    since = row.contact.waiting_since
    assert since is not None
    assert due == {
        "answer": "first", "since": since, "warn_at": since + 45 * 60_000, "at": since + 60 * 60_000, "stage": None,
    }  # fmt: skip

    async def told(stage: str) -> None:
        while True:
            state = await hub.contact(contact)
            if state.escalation is not None and (state.escalation.since, state.escalation.stage) == (since, stage):
                return
            await asyncio.sleep(0.01)

    hub.clock.ahead += 46 * 60_000
    hub.hub.answers.look()
    await told("soon")
    assert (await hub.contact(contact)).priority == 10
    hub.clock.ahead += 15 * 60_000
    hub.hub.answers.look()
    await told("late")
    state = await hub.contact(contact)
    assert (state.phase, state.priority, state.queued_at) == (Phase.QUEUED, 20, row.contact.queued_at)
    said = [event for event in await events(hub, contact) if isinstance(event, e.ContactEscalated)]
    assert [(event.stage, event.answer, event.priority) for event in said] == [
        ("soon", "first", 10),
        ("late", "first", 20),
    ]
    lines = [message.code for message in await hub.hub.store.contacts.messages(contact) if message.internal]
    assert lines[-2:] == ["escalated_soon", "escalated_late"]
    # An answer ends it; what the customer writes then is due by itself.
    await hub.served(contact)
    sent = await hub.answered(contact)
    assert (await hub.hub.views.for_agent(await hub.hub.contacts.get(contact)))["due"] is None
    await hub.deliver(hub.letter("And now?"), to=(sent.reply_to[0].address,))
    since = (await hub.contact(contact)).waiting_since
    hub.clock.ahead += 40 * 60_000
    hub.hub.answers.look()
    await told("late")
    state = await hub.contact(contact)
    assert (state.phase, state.priority, state.late, state.first_late) == (Phase.ACTIVE, 30, 2, True)


async def test_an_offer_is_not_disturbed_and_what_follows_it_is_escalated(hub: Post) -> None:
    await hub.hub.leadership.start()
    await put(hub, "queue", "support", answer={"first": 1})
    contact = (await hub.deliver(hub.letter())).contact
    state = await hub.contact(contact)
    now = hub.clock.now()
    await hub.hub.contacts.do(contact, c.MakeOffer("us_1", 1, now + 3_600_000, 1), actor="dispatcher")
    hub.clock.ahead += 90_000
    hub.hub.answers.look()
    await hub.hub.contacts.do(contact, c.Decline("us_1", 1, 1000), actor="us_1")
    while (state := await hub.contact(contact)).escalation is None:
        await asyncio.sleep(0.01)
    kinds = [type(event) for event in await events(hub, contact)]
    assert kinds.index(e.ContactEscalated) > kinds.index(e.OfferDeclined)
    assert (state.phase, state.escalation.stage) == (Phase.QUEUED, "late")
